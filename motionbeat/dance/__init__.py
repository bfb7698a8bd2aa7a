"""Published measures of a dance: foot contact, energy, style, diversity, and agreement with the beat.

Each is a pure function of arrays, in a module of its own; a module is imported when its function is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motionbeat.dance.alignment import (
        BeatAlignment,
        beat_alignment,
        beat_alignment_against_chance,
        motion_beats,
    )
    from motionbeat.dance.distance import frechet_distance, mean_pairwise_distance
    from motionbeat.dance.foot_contact import physical_foot_contact
    from motionbeat.dance.geometric import geometric_features
    from motionbeat.dance.kinetic import kinetic_features

__all__ = [
    "BeatAlignment",
    "beat_alignment",
    "beat_alignment_against_chance",
    "frechet_distance",
    "geometric_features",
    "kinetic_features",
    "mean_pairwise_distance",
    "motion_beats",
    "physical_foot_contact",
]

_MODULE_OF = {
    "BeatAlignment": "alignment",
    "beat_alignment": "alignment",
    "beat_alignment_against_chance": "alignment",
    "frechet_distance": "distance",
    "geometric_features": "geometric",
    "kinetic_features": "kinetic",
    "mean_pairwise_distance": "distance",
    "motion_beats": "alignment",
    "physical_foot_contact": "foot_contact",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
