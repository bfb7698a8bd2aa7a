"""Structural Rhythm Alignment Loss (eqs. 3-5), and the losses that train each head on curves of its own modality.

Fig. 1 shows rhythm heads for SRAL; if both curves were detected, the loss would be constant. So the curve predicted
from audio is aligned with the curve detected in the motion, and vice versa. Detected curves get no gradient.

Axes: b batch, k beats, s sub-beats, n complete bars of B beats each.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.losses.emd import wasserstein_circle, wasserstein_line
from motionbeat.losses.soft_dtw import soft_dtw, soft_dtw_divergence

_ON_THE_BEAT = 1e-3
"""Beats; a bar consists of positions this close to integers. Beats between the beats of a bar belong to no bar.
Windows on lattices have bars too: positions are counted from the lattice's first interval, and four intervals are a
bar, though it does not begin at a downbeat.
"""


class RhythmLogits(NamedTuple):
    """Outputs of the rhythm heads, each (b, k, s)."""

    onset: Tensor  # audio
    accent: Tensor  # audio
    contact: Tensor  # motion
    energy: Tensor  # motion


class DetectedRhythm(NamedTuple):
    """Curves detected in audio and motion, each (b, k, s)."""

    onset: Tensor  # onset strength in 0..1; divided by the sum of the bar it is the accent mass
    contact: Tensor  # 1 where a foot contact begins
    energy: Tensor  # kinetic energy, at least 0


class StructuralLoss(NamedTuple):
    total: Tensor  # eq. 5
    beat: Tensor  # eq. 3, before its weight
    bar: Tensor  # eq. 4, before its weight


def structural_rhythm_alignment_loss(
    predicted: RhythmLogits,
    detected: DetectedRhythm,
    bar_position: Tensor,
    beats_per_bar: Tensor,
    mask: Tensor | None = None,
    *,
    beat_weight: float = 0.9,
    bar_weight: float = 0.2,
    source: str = "predicted",
    divergence: bool = True,
    gamma: float = 0.1,
    band: int = 1,
    circular: bool = True,
    meters: Sequence[int] | None = None,
) -> StructuralLoss:
    """beat_weight * L_beat + bar_weight * L_bar (eq. 5), scalars.

    bar_position (b, k) from 0 at the downbeat, beats_per_bar (b,), mask (b, k) True = real beat,
    None = all.
    Beat level (eq. 3): one value per beat: for onsets the mean over the sub-beats, for contacts the probability that
    any begins, 1 - prod_s (1 - p_s), both for sigmoids and for detected values. The loss compares the predicted onset
    curve with the detected contacts, and the predicted contact curve with the detected onsets; it is the mean of both,
    averaged over sequences with a real beat. With `divergence` it is the Soft-DTW divergence divided by the sequence's
    number of beats; without, raw Soft-DTW as printed, not divided. `band` is in beats, negative for none.
    Bar level (eq. 4): earth mover's distance, in bins, over the B * S bins of each complete bar, on the circle or
    (`circular` False) on the line. It compares the predicted accent mass (softmax over the bar) with the detected
    energy mass, and the predicted energy mass with the detected accent mass; it is the mean of both over all complete
    bars of the batch. source `detected` aligns the detected curves with each other: a constant without gradient. The
    loss of a batch without complete bars, or without real beats, is 0.
    meters: all numbers of beats per bar that may occur. With meters, values are not checked and nothing is read back
    from a GPU: masked values are computed with weight 0, so that all shapes are fixed and the step can be captured as a
    CUDA graph. None: masked values are left out, which is less work on a CPU.
    """
    detected, mask = _checked(predicted, detected, bar_position, beats_per_bar, mask, meters is None)
    onset, contact, energy = detected
    detected_onset, detected_contact = onset_curve(onset), contact_curve(contact)  # (b, k)
    as_mass: Callable[[Tensor], Tensor]
    if source == "detected":
        source_onset, source_contact, source_accent, source_energy = detected_onset, detected_contact, onset, energy
        as_mass = detected_mass
    elif source == "predicted":
        source_onset = onset_curve(_at_least_float32(predicted.onset).sigmoid())  # (b, k)
        source_contact = contact_curve(_at_least_float32(predicted.contact).sigmoid())  # (b, k)
        source_accent = _at_least_float32(predicted.accent)  # (b, k, s)
        source_energy = _at_least_float32(predicted.energy)  # (b, k, s)
        as_mass = _softmax
    else:
        raise MotionBeatError(f"source = {source!r}; expected predicted or detected")

    beat = _curve_loss(
        torch.cat([source_onset, source_contact]),  # both directions in one call
        torch.cat([detected_contact, detected_onset]),
        torch.cat([mask, mask]),
        divergence,
        gamma,
        band if band >= 0 else None,
        meters is not None,
    )
    distance = partial(wasserstein_circle if circular else wasserstein_line, validate=meters is None)

    def distances(accent: Tensor, motion: Tensor, strength: Tensor, moved: Tensor) -> Tensor:
        of_accent = distance(as_mass(accent), detected_mass(moved))
        return (of_accent + distance(as_mass(motion), detected_mass(strength))) / 2

    curves = source_accent, source_energy, onset, energy
    bar = _mean_over_bars(distances, curves, bar_position, beats_per_bar, mask, meters)
    return StructuralLoss(beat_weight * beat + bar_weight * bar, beat, bar)


def rhythm_anchor_loss(
    predicted: RhythmLogits,
    detected: DetectedRhythm,
    bar_position: Tensor,
    beats_per_bar: Tensor,
    mask: Tensor | None = None,
    *,
    meters: Sequence[int] | None = None,
) -> Tensor:
    """Distance of each head from the detected curve of its own modality. Scalar, not weighted.

    The sum of the binary cross-entropies of onsets and of contacts (per sub-beat, mean over real
    beats) and of the cross-entropies of accent and of energy mass (over the B * S bins, mean over complete bars; 0
    without complete bars). Arguments as for `structural_rhythm_alignment_loss`.
    """
    detected, mask = _checked(predicted, detected, bar_position, beats_per_bar, mask, meters is None)
    fixed = meters is not None
    curves = _bce(predicted.onset, detected.onset, mask, fixed) + _bce(predicted.contact, detected.contact, mask, fixed)

    def entropies(accent: Tensor, motion: Tensor, strength: Tensor, moved: Tensor) -> Tensor:
        return -(detected_mass(strength) * accent.log_softmax(-1) + detected_mass(moved) * motion.log_softmax(-1)).sum(
            -1
        )

    masses = _at_least_float32(predicted.accent), _at_least_float32(predicted.energy), detected.onset, detected.energy
    return curves + _mean_over_bars(entropies, masses, bar_position, beats_per_bar, mask, meters)


def contact_guide_loss(
    contact_guide_logits: Tensor, contact: Tensor, mask: Tensor | None = None, *, fixed_shapes: bool = False
) -> Tensor:
    """Binary cross-entropy of r_t with "a foot contact begins in beat t", or in each of its sub-beats. Scalar.

    It is not weighted. contact_guide_logits: (b, k, 1) or (b, k, s). contact: (b, k, s), detected, 1 where a contact
    begins. mask: (b, k) True = real beat, None = all; without real beats the loss is 0. fixed_shapes: masked beats get
    weight 0 instead of being left out, as with `meters` in `structural_rhythm_alignment_loss`.
    """
    shape = tuple(contact_guide_logits.shape)
    mask = torch.ones(shape[:2], dtype=torch.bool, device=contact.device) if mask is None else mask
    beats = tuple(contact.shape[:2])
    if contact.ndim != 3 or shape not in ((*beats, 1), tuple(contact.shape)) or tuple(mask.shape) != beats:
        raise MotionBeatError(
            f"logits {shape}, contact {tuple(contact.shape)} and mask {tuple(mask.shape)}; expected "
            "(batch, beats, 1 or sub-beats), (batch, beats, sub-beats) and (batch, beats)"
        )
    begins = _at_least_float32(contact.detach())
    if shape[2] != contact.shape[2]:
        begins = contact_curve(begins)[..., None]  # (b, k, 1)
    return _bce(contact_guide_logits, begins, mask, fixed_shapes)


def complete_bars(
    curves: Sequence[Tensor], bar_position: Tensor, beats_per_bar: Tensor, mask: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """The curves (b, k, s) cut into complete bars: one (n, B * s) for each meter B that has complete bars.

    A bar is B real beats in a row at positions 0, 1, .. B - 1, at any place in the window. Sequences of meter 1 have no
    bars: they are lattices, and their intervals are not beats.
    """
    for beats in beats_per_bar.unique().tolist():
        if beats == 1 or beats > mask.shape[1]:
            continue
        of_meter = beats_per_bar == beats
        whole = _is_bar(beats, bar_position[of_meter], mask[of_meter])  # (b', k - B + 1)
        if bool(whole.any()):
            # unfold puts the beats of the bar last: (b', k - B + 1, s, B)
            yield tuple(curve[of_meter].unfold(1, beats, 1)[whole].transpose(1, 2).flatten(1) for curve in curves)


def _is_bar(beats: int, bar_position: Tensor, mask: Tensor) -> Tensor:
    """(b, k - B + 1) True where B real beats begin that are at positions 0, 1, .. B - 1."""
    steps = torch.arange(beats, device=mask.device)
    on_the_beat = (bar_position.unfold(1, beats, 1) - steps).abs() <= _ON_THE_BEAT  # (b, k - B + 1, B)
    return (on_the_beat & mask.unfold(1, beats, 1)).all(-1)


def _mean_over_bars(
    measure: Callable[..., Tensor],
    curves: Sequence[Tensor],
    bar_position: Tensor,
    beats_per_bar: Tensor,
    mask: Tensor,
    meters: Sequence[int] | None,
) -> Tensor:
    """Mean of `measure`, curves (n, B * s) -> (n,), over the complete bars of all meters; 0 without complete bars."""
    if meters is None:
        # (n,) for each meter
        found = [measure(*bars) for bars in complete_bars(curves, bar_position, beats_per_bar, mask)]
        return torch.cat(found).mean() if found else curves[0].new_zeros(())
    total, count = curves[0].new_zeros(()), curves[0].new_zeros(())
    for beats in meters:
        if beats == 1 or beats > mask.shape[1]:
            continue
        whole = _is_bar(beats, bar_position, mask) & (beats_per_bar == beats)[:, None]  # (b, k - B + 1)
        stretches = (curve.unfold(1, beats, 1).transpose(2, 3).flatten(2) for curve in curves)  # (b, k - B + 1, B * s)
        total = total + (measure(*stretches) * whole).sum()
        count = count + whole.sum()
    return total / count.clamp(min=1)


def detected_mass(strength: Tensor) -> Tensor:
    """Non-negative strengths (..., bins) divided by their sum; uniform if all are zero."""
    total = strength.sum(-1, keepdim=True)
    silent = total <= torch.finfo(strength.dtype).tiny
    uniform = torch.full_like(strength, 1 / strength.shape[-1])
    return torch.where(silent, uniform, strength / total.masked_fill(silent, 1))


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def onset_curve(strength: Tensor) -> Tensor:
    """(b, k, s) -> (b, k): mean onset strength of a beat."""
    return strength.mean(-1)


def contact_curve(probability: Tensor) -> Tensor:
    """(b, k, s) -> (b, k): probability that a contact begins in any sub-beat."""
    return 1 - (1 - probability).prod(-1)


def _curve_loss(
    x: Tensor, y: Tensor, mask: Tensor, divergence: bool, gamma: float, band: int | None, fixed_shapes: bool
) -> Tensor:
    """Soft-DTW of curves (b, k) over their real beats, as a scalar: the mean over sequences with real beats."""
    beats = mask.sum(1)
    some = beats > 0
    first = (~mask).to(torch.uint8).argsort(dim=1, stable=True)  # real beats to the front
    if fixed_shapes:
        lengths = beats.clamp(min=1)
    else:
        if not bool(some.any()):
            return x.new_zeros(())
        x, y, first, lengths = x[some], y[some], first[some], beats[some]
    x, y = x.gather(1, first)[..., None], y.gather(1, first)[..., None]  # (b, k, 1)
    run = soft_dtw_divergence if divergence else soft_dtw
    values = run(x, y, gamma, band=band, lengths=(lengths, lengths), validate=not fixed_shapes)  # (b,)
    values = values / lengths if divergence else values
    return (values * some).sum() / some.sum().clamp(min=1) if fixed_shapes else values.mean()


def _bce(logits: Tensor, target: Tensor, mask: Tensor, fixed_shapes: bool) -> Tensor:
    """Mean binary cross-entropy of (b, k, s) over real beats; 0 without real beats."""
    logits = _at_least_float32(logits)
    if fixed_shapes:
        each = functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
        return each.masked_fill(~mask[..., None], 0).sum() / (mask.sum() * logits.shape[2]).clamp(min=1)
    logits, target = logits[mask], target[mask]
    total = functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="sum")
    return total / max(logits.numel(), 1)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _checked(
    predicted: RhythmLogits,
    detected: DetectedRhythm,
    bar_position: Tensor,
    beats_per_bar: Tensor,
    mask: Tensor | None,
    values: bool,
) -> tuple[DetectedRhythm, Tensor]:
    """Check shapes and, if `values`, ranges; return the detected curves (no gradient, 0 where masked) and the mask."""
    shape = tuple(detected.onset.shape)
    if len(shape) != 3:
        raise MotionBeatError(f"detected onset has shape {shape}; expected (batch, beats, sub-beats)")
    if mask is None:
        mask = torch.ones(shape[:2], dtype=torch.bool, device=detected.onset.device)
    expected: dict[str, tuple[Tensor, tuple[int, ...]]] = {
        **{f"predicted {name}": (logits, shape) for name, logits in predicted._asdict().items()},
        **{f"detected {name}": (curve, shape) for name, curve in detected._asdict().items()},
        **{"bar_position": (bar_position, shape[:2]), "mask": (mask, shape[:2])},
        "beats_per_bar": (beats_per_bar, shape[:1]),
    }
    for name, (tensor, wanted) in expected.items():
        if tuple(tensor.shape) != wanted:
            raise MotionBeatError(f"{name} has shape {tuple(tensor.shape)}; expected {wanted}")
    if mask.dtype != torch.bool:
        raise MotionBeatError(f"mask is {mask.dtype}; expected bool, True at real beats")
    clean = DetectedRhythm(*(_at_least_float32(curve.detach()).masked_fill(~mask[..., None], 0) for curve in detected))
    ranges = ("onset", 1.0), ("contact", 1.0), ("energy", torch.finfo(clean.energy.dtype).max)
    for name, highest in ranges if values else ():
        curve = getattr(clean, name)
        if not bool(((curve >= 0) & (curve <= highest)).all()):
            raise MotionBeatError(
                f"detected {name} has values outside 0..{highest:g}: run `dvc repro tokens` to make it again"
            )
    return clean, mask
