"""Dances as pictures and videos: stick figures over the beats of their music."""
