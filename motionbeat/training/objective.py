"""The total objective of a batch (eq. 6): ECL + alpha * SRAL, and the losses that anchor the heads."""

import torch
from torch import Tensor

from motionbeat.losses.ecl import embodied_contrastive_loss
from motionbeat.losses.sral import (
    DetectedRhythm,
    RhythmLogits,
    contact_guide_loss,
    rhythm_anchor_loss,
    structural_rhythm_alignment_loss,
)
from motionbeat.model.dual_encoder import DualEncoder, EncodedMotion
from motionbeat.params import Loss
from motionbeat.training.batches import Batch

TERMS = ("loss", "ecl", "sral", "sral_beat", "sral_bar", "rhythm", "contact")


def objective(
    model: DualEncoder, batch: Batch, settings: Loss, has_rotations: Tensor | None = None
) -> dict[str, Tensor]:
    """The terms of the loss, each a scalar; `loss` is their weighted sum.

    has_rotations: (n,) bool, which windows are shown with their rotations; a window's negatives
    are shown as the window itself, so that no negative is told apart by it.
    """
    audio = model.audio(batch.mel, *batch.motion[1:])
    motion, tempo, jitter = _encoded(model, batch, has_rotations)
    ecl = embodied_contrastive_loss(
        audio.embedding,
        motion.embedding[: len(batch.mel)],
        tempo_negatives=tempo,
        jitter_negatives=jitter,
        temperature=settings.temperature,
        symmetric=settings.symmetric,
        mask=batch.same if settings.same_song == "mask" else None,
        tempo_mask=batch.tempo_absent if tempo is not None else None,
        jitter_mask=batch.jitter_absent if jitter is not None else None,
        batch_negatives=settings.batch_negatives,
    )
    n = len(batch.mel)
    rhythm_of = (
        RhythmLogits(audio.onset_logits, audio.accent_logits, motion.contact_logits[:n], motion.energy_logits[:n]),
        DetectedRhythm(batch.onset, batch.contact, batch.energy),
        *batch.motion[1:],
    )
    sral = structural_rhythm_alignment_loss(
        *rhythm_of,
        source=settings.source,
        divergence=settings.divergence,
        gamma=settings.gamma,
        band=settings.band,
        circular=settings.circular,
        beat_weight=settings.beat_weight,
        bar_weight=settings.bar_weight,
    )
    rhythm = rhythm_anchor_loss(*rhythm_of)
    contact = contact_guide_loss(motion.contact_guide_logits[:n], batch.contact, batch.motion.mask)
    aligned = settings.ecl_weight * ecl + settings.alpha * sral.total  # eq. 6
    total = aligned + settings.rhythm_weight * rhythm + settings.contact_weight * contact
    values = (total, ecl, sral.total, sral.beat, sral.bar, rhythm, contact)
    return dict(zip(TERMS, values, strict=True))


def _encoded(
    model: DualEncoder, batch: Batch, has_rotations: Tensor | None
) -> tuple[EncodedMotion, Tensor | None, Tensor | None]:
    """All motion windows through the encoder at once: the batch's, then its negatives' (n, p, d) and (n, q, d)."""
    n, p, q = len(batch.mel), batch.tempo_absent.shape[1], batch.jitter_absent.shape[1]
    parts = [batch.motion, batch.tempo, batch.jitter]
    shown = None
    if has_rotations is not None:
        shown = torch.cat([has_rotations, has_rotations.repeat_interleave(p), has_rotations.repeat_interleave(q)])
    features, bar_position, beats_per_bar, mask = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    encoded = model.motion(features, bar_position, beats_per_bar, mask, shown)
    tempo = encoded.embedding[n : n + n * p].unflatten(0, (n, p)) if p else None  # (n, p, d)
    jitter = encoded.embedding[n + n * p :].unflatten(0, (n, q)) if q else None  # (n, q, d)
    return encoded, tempo, jitter
