"""Peers and MotionBeat side by side: one file a case (`python -m benchmarks.bench`)."""
