"""Comparison of MotionBeat with other programs: one file per case (`python -m benchmarks.bench`)."""
