"""How well the rhythm heads agree with what was detected: predicted curves against detected ones on held-out windows.

SRAL claims that each encoder learns the other modality's rhythm: its predictions should agree with the curves detected
in the other. So every head is compared with both modalities: the onset curve predicted from music with the contacts of
the dance, the contact curve predicted from motion with the onsets of the music, and the masses within the bar in the
same way. For reference there are the agreement of the detected curves with each other, and that of one fixed profile of
the bar: every bar has more events on its beats than between them, so a head that has learnt only the meter correlates
with any song. What it has learnt about this song is the difference from other songs.

Axes: n windows, t points in time (sub-beats or beats).
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.training.batches import Batches
from motionbeat.losses.emd import wasserstein_circle
from motionbeat.losses.sral import complete_bars, contact_curve, detected_mass, onset_curve
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import batches_of, encode_windows

_CONSTANT = 1e-6

Array = NDArray[np.floating]


class Rhythm(NamedTuple):
    """Curves of windows, each (n, k, s): strengths and probabilities in 0..1, masses at least 0 and of any sum."""

    onset: Array
    accent: Array
    contact: Array
    energy: Array


def correlation(x: Array, y: Array) -> Array:
    """Pearson correlation of each row of x with the same row of y: (n, t) twice -> (n,), NaN if either is flat."""
    return (_unit_rows(x) * _unit_rows(y)).sum(1)


def correlation_elsewhere(x: Array, y: Array, group: NDArray[np.integer]) -> float:
    """Mean correlation of rows of x with rows of y of other groups: the part common to all. NaN without such pairs.

    x, y: (n, t). group: (n,), such as the song.
    """
    every = _unit_rows(x) @ _unit_rows(y).T  # (n, n)
    return _mean(every[group[:, None] != group])


def correlation_beyond(x: Array, y: Array, group: NDArray[np.generic]) -> Array:
    """Correlation of each window's curves, minus their mean correlation with y of other groups: (n,), NaN if flat.

    x, y: (n, k, s). group: (n,), such as the song.
    """
    every = _unit_rows(_flat(x)) @ _unit_rows(_flat(y)).T  # (n, n)
    elsewhere = np.ma.masked_invalid(np.where(group[:, None] == group, np.nan, every)).mean(1)
    return np.asarray(every.diagonal() - elsewhere.filled(np.nan))


def average_precision(score: Array, event: NDArray[np.bool_]) -> float:
    """scikit-learn's average precision over all entries; chance is the share of events. NaN without events."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(event.ravel(), score.ravel())) if event.any() else float("nan")


def roc_auc(score: Array, event: NDArray[np.bool_]) -> float:
    """scikit-learn's area under the ROC curve over all entries: the probability that an event scores higher than a
    non-event, a tie counting one half. NaN without both."""
    from sklearn.metrics import roc_auc_score

    both = event.any() and not event.all()
    return float(roc_auc_score(event.ravel(), score.ravel())) if both else float("nan")


def agreement(
    predicted: Rhythm,
    detected: Rhythm,
    bar_position: Array,
    beats_per_bar: NDArray[np.integer],
    group: NDArray[np.integer],
) -> dict[str, float]:
    """How well predicted curves agree with detected ones; flat keys; undefined ones are left out.

    bar_position (n, k), beats_per_bar (n,), group (n,) the song of each window.
    `_own`: the modality that the head reads, `a_to_b` curve `a` predicted from one modality against `b` detected in
    the other, `detected` both detected. Curves: mean Pearson correlation of the sub-beats of a window, of its beats
    with `_beat` (what SRAL aligns), with windows of other songs with `_elsewhere` (the part due to the meter alone),
    and the difference `_beyond`, this song minus others, which is 0 for a curve that follows only the meter; for
    contacts also average precision `_ap` (chance: `contact_rate`) and `_auc`. Masses: `_emd`, earth mover's distance
    around the bar in bins, mean over complete bars; `uniform_` is that of a uniform mass. `profile_`: the figures of
    `bar_profile`, which uses neither music nor motion.
    """
    for name, curve in {**predicted._asdict(), **{f"detected {k}": v for k, v in detected._asdict().items()}}.items():
        if curve.ndim != 3 or curve.shape != detected.onset.shape:
            raise MotionBeatError(f"{name} has shape {curve.shape}; expected (windows, beats, sub-beats), all equal")
    contact = detected.contact > 0.5
    figures = {"contact_rate": _mean(contact)}
    pairs = {
        "onset_own": (predicted.onset, detected.onset),
        "contact_own": (predicted.contact, detected.contact),
        "onset_to_contact": (predicted.onset, detected.contact),
        "contact_to_onset": (predicted.contact, detected.onset),
        "detected": (detected.onset, detected.contact),
    }
    as_beats = {"onset": onset_curve, "contact": contact_curve}
    for name, (x, y) in pairs.items():
        figures[name] = _mean(correlation(_flat(x), _flat(y)))
        figures[f"{name}_elsewhere"] = correlation_elsewhere(_flat(x), _flat(y), group)
        figures[f"{name}_beyond"] = figures[name] - figures[f"{name}_elsewhere"]
        if name.endswith("_own"):
            continue
        first, second = ("onset", "contact") if name == "detected" else name.split("_to_")
        beats = [as_beats[kind](torch.as_tensor(curve)).numpy() for kind, curve in ((first, x), (second, y))]
        figures[f"{name}_beat"] = _mean(correlation(*beats))
    profile = Rhythm(*(bar_profile(curve, bar_position, beats_per_bar, group) for curve in detected))
    figures["profile_onset"] = _mean(correlation(_flat(profile.onset), _flat(detected.onset)))
    figures["profile_contact"] = _mean(correlation(_flat(profile.contact), _flat(detected.contact)))
    of_contacts = {"contact_own": predicted.contact, "onset_to_contact": predicted.onset, "profile": profile.contact}
    for name, curve in of_contacts.items():
        figures[f"{name}_ap"], figures[f"{name}_auc"] = average_precision(curve, contact), roc_auc(curve, contact)
    figures |= _mass_distances(predicted, detected, profile, bar_position, beats_per_bar)
    return {f"agreement_{name}": value for name, value in figures.items() if np.isfinite(value)}


def bar_profile(
    curve: Array, bar_position: Array, beats_per_bar: NDArray[np.integer], group: NDArray[np.integer]
) -> Array:
    """The curve's mean at each position of the bar over windows of other groups: a prediction without music or motion.

    curve (n, k, s), bar_position (n, k), beats_per_bar (n,), group (n,) from 0. Returns (n, k, s); 0 at positions that
    no other group has.
    """
    places = np.stack([np.repeat(beats_per_bar, curve.shape[1]), bar_position.ravel()], axis=1)
    _, place = np.unique(places, axis=0, return_inverse=True)
    owner = np.repeat(group, curve.shape[1])
    total = np.zeros((int(group.max()) + 1, int(place.max()) + 1, curve.shape[2]))
    count = np.zeros((*total.shape[:2], 1))
    np.add.at(total, (owner, place.ravel()), curve.reshape(-1, curve.shape[2]))
    np.add.at(count, (owner, place.ravel()), 1)
    mean = (total.sum(0) - total) / np.maximum(count.sum(0) - count, 1)
    return np.asarray(mean[owner, place.ravel()].reshape(curve.shape))


class Curves(NamedTuple):
    """Predicted and detected curves of windows, and where their beats are in the bar."""

    predicted: Rhythm
    detected: Rhythm
    bar_position: Array  # (n, k)
    beats_per_bar: NDArray[np.integer]  # (n,)

    def take(self, index: NDArray[np.generic]) -> "Curves":
        """The windows of an index array or mask."""
        predicted, detected = (Rhythm(*(curve[index] for curve in rhythm)) for rhythm in self[:2])
        return Curves(predicted, detected, self.bar_position[index], self.beats_per_bar[index])


def rhythm_agreement(model: DualEncoder, batches: Batches, index: NDArray[np.integer]) -> dict[str, float]:
    """`agreement` of a model's heads with what was detected in the windows `index` of a split."""
    _, song = np.unique(batches.windows.song[index], return_inverse=True)
    return agreement(*rhythm_curves(model, batches, index), song)


def rhythm_curves(model: DualEncoder, batches: Batches, index: NDArray[np.integer]) -> Curves:
    """The curves that a model's heads predict for the windows `index` of a split, and the detected ones."""
    parts = []
    for part in batches_of(len(index)):
        batch = batches.gather(index[part], 0, 0)
        audio = encode_windows(model, "audio", batch.mel, *batch.motion[1:])
        motion = encode_windows(model, "motion", *batch.motion)
        # exp of the logits is the softmax of a bar up to its sum; in float64 it does not overflow
        curves = (
            *(audio.onset_logits.double().sigmoid(), audio.accent_logits.double().exp()),
            *(motion.contact_logits.double().sigmoid(), motion.energy_logits.double().exp()),
            *(batch.onset.double(), batch.onset.double(), batch.contact.double(), batch.energy.double()),
        )
        parts.append((*curves, batch.motion.bar_position, batch.motion.beats_per_bar))
    joined = [torch.cat(tensors).cpu().numpy() for tensors in zip(*parts, strict=True)]
    return Curves(Rhythm(*joined[:4]), Rhythm(*joined[4:8]), joined[8], joined[9])


def _mass_distances(
    predicted: Rhythm, detected: Rhythm, profile: Rhythm, bar_position: Array, beats_per_bar: NDArray[np.integer]
) -> dict[str, float]:
    position = torch.as_tensor(bar_position)
    every = (*(predicted.accent, predicted.energy), *(detected.accent, detected.energy))
    curves = [torch.as_tensor(c) for c in (*every, profile.accent, profile.energy)]  # 6 of (n, k, s)
    distances: dict[str, list[float]] = {}
    for bars in complete_bars(
        curves, position, torch.as_tensor(beats_per_bar), torch.ones_like(position, dtype=torch.bool)
    ):
        accent, energy, onset_mass, energy_mass, usual_accent, usual_energy = map(
            detected_mass, bars
        )  # 6 of (bars, B * s)
        uniform = torch.full_like(onset_mass, 1 / onset_mass.shape[1])
        for name, p, q in (
            ("accent_own_emd", accent, onset_mass),
            ("energy_own_emd", energy, energy_mass),
            ("accent_to_energy_emd", accent, energy_mass),
            ("energy_to_accent_emd", energy, onset_mass),
            ("detected_emd", onset_mass, energy_mass),
            ("uniform_to_energy_emd", uniform, energy_mass),
            ("uniform_to_accent_emd", uniform, onset_mass),
            ("profile_energy_emd", usual_energy, energy_mass),
            ("profile_accent_emd", usual_accent, onset_mass),
        ):
            distances.setdefault(name, []).extend(wasserstein_circle(p, q).tolist())
    return {name: _mean(np.array(values)) for name, values in distances.items()}


def _unit_rows(x: Array) -> Array:
    """(n, t) -> rows of mean 0 and length 1, NaN if a row is flat."""
    centred = x - x.mean(1, keepdims=True)
    length = np.sqrt((centred**2).sum(1, keepdims=True))
    flat = length <= _CONSTANT * np.sqrt(x.shape[1])
    return np.where(flat, np.nan, centred / np.where(flat, 1, length))


def _flat(curve: Array) -> Array:
    return curve.reshape(len(curve), -1)


def _mean(values: NDArray[np.generic]) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")
