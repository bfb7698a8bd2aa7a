"""Comparison of the synthetic corpus with real dances and real songs; run by python -m benchmarks.realism."""
