"""Batches, the training loop and validation: from Parquet to a model."""
