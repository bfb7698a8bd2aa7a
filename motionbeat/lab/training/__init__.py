"""Batches, the training loop and validation: Parquet in, a model out."""
