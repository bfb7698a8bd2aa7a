"""Joints2Features: what a dance's joints say about rhythm, at any frame rate.

Everywhere: joints are (T, 24, 3) metres, y up, in SMPL order; poses are (T, 24, 3) axis-angle radians.
"""
