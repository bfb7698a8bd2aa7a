"""The synthetic corpus beside real dances and real songs; run by python -m benchmarks.realism."""
