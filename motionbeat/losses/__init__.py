"""The training objective: ECL (eqs. 1-2), SRAL (eqs. 3-5) and their components.

These names are imported directly, not on demand: a function and its file are both called `soft_dtw`, and
`motionbeat.losses.soft_dtw` must always be the function.
"""

from motionbeat.losses.ecl import embodied_contrastive_loss
from motionbeat.losses.emd import wasserstein_circle, wasserstein_line
from motionbeat.losses.soft_dtw import soft_dtw, soft_dtw_divergence
from motionbeat.losses.sral import (
    DetectedRhythm,
    RhythmLogits,
    StructuralLoss,
    contact_guide_loss,
    rhythm_anchor_loss,
    structural_rhythm_alignment_loss,
)

__all__ = [
    "DetectedRhythm",
    "RhythmLogits",
    "StructuralLoss",
    "contact_guide_loss",
    "embodied_contrastive_loss",
    "rhythm_anchor_loss",
    "soft_dtw",
    "soft_dtw_divergence",
    "structural_rhythm_alignment_loss",
    "wasserstein_circle",
    "wasserstein_line",
]
