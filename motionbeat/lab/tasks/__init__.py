"""Downstream tasks, one module each: validate first, then pure functions on arrays."""

from motionbeat.retrieval import retrieval_metrics

__all__ = ["retrieval_metrics"]
