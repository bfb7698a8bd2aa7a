"""MotionBeat: music representations learned from dance.

>>> import motionbeat
>>> model = motionbeat.load()  # the model that comes with the package; load("models/motionbeat") for another
>>> model.embed_audio("song.wav").clip  # (d,)

Nothing heavy is imported until it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motionbeat.index import Index
    from motionbeat.inference import Embedding, MotionBeat, load

__version__ = "0.2.0"
__all__ = ["Embedding", "Index", "MotionBeat", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name in ("Embedding", "MotionBeat", "load"):
        # Imported by name, so that a stage which imports a light module of the package does not depend on inference.
        from importlib import import_module

        return getattr(import_module("motionbeat.inference"), name)
    if name == "Index":
        from importlib import import_module

        return import_module("motionbeat.index").Index
    raise AttributeError(f"module 'motionbeat' has no attribute {name!r}")
