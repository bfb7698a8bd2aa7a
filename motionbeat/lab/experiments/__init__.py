"""Ablations: variants trained over seeds of corpora and trainings, and compared song by song on the test split."""
