"""Frozen encoders behind one interface, `audio -> frames (T, D), times (T,)`: ours and the paper's baselines.

`motionbeat.lab.encoders.interface` opens them by name. Nothing is imported here, so that the package can be named
without loading torch.
"""
