"""Frozen encoders behind one interface, `audio -> frames (T, D), times (T,)`: ours and the paper's baselines.

`motionbeat.lab.encoders.interface` opens them by name. Nothing is imported here, so that importing the package does not
load torch.
"""
