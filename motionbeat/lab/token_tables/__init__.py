"""Signals and beats to Parquet rows, one a beat; windows of K beats over those rows."""
