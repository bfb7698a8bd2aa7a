"""The total objective of a batch (eq. 6): ECL + alpha * SRAL, and the losses that anchor the heads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from motionbeat.lab.training.batches import Batch, Motion
from motionbeat.lab.training.ranks import Ranks
from motionbeat.losses.ecl import embodied_contrastive_loss
from motionbeat.losses.sral import (
    DetectedRhythm,
    RhythmLogits,
    contact_guide_loss,
    rhythm_anchor_loss,
    structural_rhythm_alignment_loss,
)
from motionbeat.model.device import autocast
from motionbeat.model.dual_encoder import DualEncoder

if TYPE_CHECKING:
    from motionbeat.lab.params import Loss

TERMS = ("loss", "ecl", "sral", "sral_beat", "sral_bar", "rhythm", "contact")


class Encoded(NamedTuple):
    """Encoder outputs of a joint batch of n windows, as input of the loss."""

    audio: Tensor  # (n, e)
    onset_logits: Tensor  # (n, k, s)
    accent_logits: Tensor  # (n, k, s)
    motion: Tensor  # (n, e)
    guide_logits: Tensor  # (n, k)
    contact_logits: Tensor  # (n, k, s)
    energy_logits: Tensor  # (n, k, s)
    tempo: Tensor  # (n, p, e)
    jitter: Tensor  # (n, q, e)


def objective(
    model: DualEncoder,
    batch: Batch,
    settings: "Loss",
    has_rotations: Tensor | None = None,
    ranks: Ranks | None = None,
    precision: str = "float32",
    meters: Sequence[int] | None = None,
) -> dict[str, Tensor]:
    """The terms of the loss, each a scalar; `loss` is their weighted sum.

    has_rotations: (n,) bool, which windows are used with their rotations; a window's negatives are treated like the
    window, so that rotations do not reveal negatives.
    ranks: the processes that share the batch; each encodes its rows, and all compute the joint loss.
    precision: float32 or bf16, of the encoders' matrix products; the losses are in float32 at least.
    meters: `Batches.meters`; with them nothing is read back from the device, and all shapes follow from the batch.
    None: values are checked, and masked values are left out. Results differ by rounding.
    """
    n, ranks = len(batch.mel), ranks or Ranks()
    rows = ranks.rows(n)
    if rows.start == rows.stop:
        rows = slice(0, 1)  # an encoder does not accept an empty batch; `gather` leaves this row out
    with autocast(precision, batch.mel.device):
        parts = _encoded(model, batch, has_rotations, rows, validate=meters is None)
    encoded = Encoded(*(ranks.gather(part if part.dtype == torch.float64 else part.float(), n) for part in parts))
    tempo, jitter = batch.tempo_absent.shape[1], batch.jitter_absent.shape[1]
    ecl = embodied_contrastive_loss(
        encoded.audio,
        encoded.motion,
        tempo_negatives=encoded.tempo if tempo else None,
        jitter_negatives=encoded.jitter if jitter else None,
        temperature=settings.temperature,
        symmetric=settings.symmetric,
        mask=None if settings.same_song == "keep" else batch.same,
        tempo_mask=batch.tempo_absent if tempo else None,
        jitter_mask=batch.jitter_absent if jitter else None,
        batch_negatives=settings.batch_negatives,
        positives=batch.positives if settings.same_song == "positive" else None,
    )
    rhythm_of = (
        RhythmLogits(encoded.onset_logits, encoded.accent_logits, encoded.contact_logits, encoded.energy_logits),
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
        meters=meters,
    )
    rhythm = rhythm_anchor_loss(*rhythm_of, meters=meters)
    guided = encoded.guide_logits, batch.contact, batch.motion.mask
    contact = contact_guide_loss(*guided, fixed_shapes=meters is not None)
    aligned = settings.ecl_weight * ecl + settings.alpha * sral.total  # eq. 6
    total = aligned + settings.rhythm_weight * rhythm + settings.contact_weight * contact
    values = (total, ecl, sral.total, sral.beat, sral.bar, rhythm, contact)
    return dict(zip(TERMS, values, strict=True))


def _encoded(model: DualEncoder, batch: Batch, has_rotations: Tensor | None, rows: slice, *, validate: bool) -> Encoded:
    """Encode the windows `rows` of the batch and their negatives; all motion windows in one call."""
    p, q = batch.tempo_absent.shape[1], batch.jitter_absent.shape[1]
    audio = model.audio(batch.mel[rows], *(tensor[rows] for tensor in batch.motion[1:]), validate=validate)
    n = len(audio.embedding)
    parts = [_part(batch.motion, rows, 1), _part(batch.tempo, rows, p), _part(batch.jitter, rows, q)]
    shown = None
    if has_rotations is not None:
        chosen = has_rotations[rows]
        shown = torch.cat([chosen, chosen.repeat_interleave(p), chosen.repeat_interleave(q)])
    features, bar_position, beats_per_bar, mask = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    motion = model.motion(features, bar_position, beats_per_bar, mask, shown, validate=validate)
    embedding = motion.embedding
    return Encoded(
        audio.embedding,
        audio.onset_logits,
        audio.accent_logits,
        embedding[:n],
        motion.contact_guide_logits[:n],
        motion.contact_logits[:n],
        motion.energy_logits[:n],
        embedding[n : n + n * p].reshape(n, p, embedding.shape[1]),
        embedding[n + n * p :].reshape(n, q, embedding.shape[1]),
    )


def _part(motion: Motion, rows: slice, each: int) -> Motion:
    """From windows with `each` per anchor, those of the anchors `rows`."""
    return Motion(*(tensor[rows.start * each : rows.stop * each] for tensor in motion))
