"""Signals and beats to Parquet rows, one per beat; windows of K beats over those rows."""
