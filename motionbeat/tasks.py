"""The old import path of `motionbeat.retrieval.retrieval_metrics`, kept for one release."""

import warnings

from motionbeat.retrieval import retrieval_metrics

__all__ = ["retrieval_metrics"]

warnings.warn("motionbeat.tasks is now motionbeat.retrieval: import it from there", DeprecationWarning, stacklevel=2)
