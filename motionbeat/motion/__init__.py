"""Joints2Features: features of a dance's rhythm from its joints, at any frame rate.

Everywhere: joints are (T, 24, 3) metres, y up, in SMPL order; poses are (T, 24, 3) axis-angle radians.
"""
