"""Clips2Leaks: find the same recording, or the same dance, in two splits, by content and not by name.

Two series of features (T, d) are compared at every shift, over their overlap. One product of spectra, summed over the
features, computes all shifts, so that a pair takes tens of microseconds. A recording is recognised after another
encoding, another loudness and a cut at either end; a dance after mirroring, a cut, a rotation, a translation and
another frame rate. Common phrases in the middle of two longer dances are not found.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.corpora.plausibility import leg_length
from motionbeat.motion.skeleton import INDEX, JOINTS

SOUND_RATE, DANCE_RATE = 20.0, 20.0
"""Features per second: a cut between two of them shifts a dance by up to 25 ms."""
_LEG_M = 0.8
_LEAST_S = 3.0
_MOST_DB = 8.0
_SAME_SOUND = 0.8
"""Correlation of two recordings' features; no two of 346 songs (230 synthetic) are above 0.74."""
_SAME_DANCE_M, _SAME_DANCE = 0.08, 0.35
"""Distance of the limbs' joints, in metres and relative to how far they move; no two of 244 dances are below 0.15 m."""
_SWAPPED = [
    INDEX[{"l": "r", "r": "l"}[name[0]] + name[1:]] if {"l": "r", "r": "l"}.get(name[0], "") + name[1:] in INDEX else n
    for n, name in enumerate(JOINTS)
]
_ENDS = [INDEX[side + name] for side in "lr" for name in ("wrist", "ankle")]

Series = NDArray[np.float32]
Whole = NDArray[np.int64]


@frozen
class Leak:
    """Two names of the same item; shift_s: where the second begins in the first; share: overlap / shorter length."""

    first: str
    second: str
    shift_s: float
    share: float
    mirrored: bool = False


def dance_series(motion: Motion) -> Series:
    """(T, 72) m at `DANCE_RATE`: the joints relative to the root, turned so that the hips are along x, legs 0.8 m."""
    frames = np.arange(0, len(motion.joints) - 1e-9, motion.fps / DANCE_RATE)
    joints = motion.joints[np.minimum(np.round(frames).astype(int), len(motion.joints) - 1)].astype(np.float64)
    joints = (joints - joints[:, :1]) * (_LEG_M / max(leg_length(joints), 1e-9))
    across = joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]
    size = np.maximum(np.hypot(across[:, 0], across[:, 2]), 1e-9)
    cos, sin = across[:, 0] / size, across[:, 2] / size
    x = joints[..., 0] * cos[:, None] + joints[..., 2] * sin[:, None]
    z = -joints[..., 0] * sin[:, None] + joints[..., 2] * cos[:, None]
    return np.stack([x, joints[..., 1], z], axis=-1).reshape(len(joints), -1).astype(np.float32)


def mirrored(series: Series) -> Series:
    """The mirrored dance: left and right joints exchanged, x negated."""
    joints = series.reshape(len(series), -1, 3)[:, _SWAPPED] * np.array([-1, 1, 1], np.float32)
    return joints.reshape(len(series), -1)


def same_dances(dances: Mapping[str, Series], split_of: Mapping[str, str], share: float) -> Iterator[Leak]:
    """Dances of different splits that are the same for at least `share` of the shorter one."""
    ends = {name: _ends(series) for name, series in dances.items()}
    turned = {name: _ends(mirrored(series)) for name, series in dances.items()}
    size = _fft_size(len(series) for series in ends.values())
    spectra = {name: np.fft.rfft(series, size, axis=0).T.copy() for name, series in ends.items()}
    other = {  # the dance itself, and mirrored
        name: np.stack([spectrum.conj(), np.fft.rfft(turned[name], size, axis=0).T.conj()])
        for name, spectrum in spectra.items()
    }
    energy = {name: _running((series.astype(np.float64) ** 2).sum(axis=1)) for name, series in ends.items()}
    spread = {name: float(series.var(axis=0).sum()) for name, series in ends.items()}
    for first, second in _pairs(dances, split_of, DANCE_RATE):
        shifts, overlap, begins = _shifts(len(ends[first]), len(ends[second]), share, DANCE_RATE)
        together = _span(energy[first], begins[0], overlap) + _span(energy[second], begins[1], overlap)
        moved = np.sqrt(min(spread[first], spread[second]))
        limit = min(_SAME_DANCE_M * np.sqrt(len(_ENDS)), _SAME_DANCE * moved)
        products = np.fft.irfft(np.einsum("df,mdf->mf", spectra[first], other[second]), size)[:, shifts]
        distances = np.sqrt(np.maximum(together - 2 * products, 0) / overlap)  # over all joints
        for mirror, distance in enumerate(distances):
            best = int(distance.argmin())
            if distance[best] < limit:
                part = overlap[best] / min(len(ends[first]), len(ends[second]))
                yield Leak(first, second, float(shifts[best]) / DANCE_RATE, float(part), bool(mirror))
                break


def _ends(series: Series) -> Series:
    """(T, 12): the ends of the limbs, which distinguish dances."""
    return series.reshape(len(series), -1, 3)[:, _ENDS].reshape(len(series), -1)


def same_songs(songs: Mapping[str, Series], split_of: Mapping[str, str], share: float) -> Iterator[Leak]:
    """Recordings of different splits that are the same for at least `share` of the shorter one."""
    flat = {name: _deviations(series) for name, series in songs.items()}
    size = _fft_size(len(series) for series in flat.values())
    spectra = {name: np.fft.rfft(series, size, axis=0) for name, series in flat.items()}
    other = {name: spectrum.conj() for name, spectrum in spectra.items()}
    energy = {name: _running((series**2).sum(axis=1)) for name, series in flat.items()}
    for first, second in _pairs(flat, split_of, SOUND_RATE):
        shifts, overlap, begins = _shifts(len(flat[first]), len(flat[second]), share, SOUND_RATE)
        product = np.fft.irfft(np.einsum("fd,fd->f", spectra[first], other[second]), size)[shifts]
        sizes = _span(energy[first], begins[0], overlap) * _span(energy[second], begins[1], overlap)
        correlation = product / np.sqrt(np.maximum(sizes, 1e-12))
        best = int(correlation.argmax())
        if correlation[best] > _SAME_SOUND:
            part = overlap[best] / min(len(flat[first]), len(flat[second]))
            yield Leak(first, second, float(shifts[best]) / SOUND_RATE, float(part))


def _deviations(series: Series) -> NDArray[np.float64]:
    """Difference from the mean over a second around each frame, which removes loudness and equalisation.

    It is limited to 8 dB, so that a pause or an added silence does not outweigh the music, and smoothed, so that a
    recording cut between two frames stays similar.
    """
    values = series.astype(np.float64)
    width = int(SOUND_RATE) | 1
    padded = np.pad(values, ((width // 2, width // 2), (0, 0)), mode="edge")
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(padded, axis=0)])
    limited = np.clip(values - (sums[width:] - sums[:-width]) / width, -_MOST_DB, _MOST_DB)
    padded = np.pad(limited, ((1, 1), (0, 0)), mode="edge")
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4)


def _pairs(names: Mapping[str, Any], split_of: Mapping[str, str], rate: float) -> Iterator[tuple[str, str]]:
    for first, second in combinations(sorted(names), 2):
        long_enough = min(len(names[first]), len(names[second])) >= _LEAST_S * rate
        if split_of[first] != split_of[second] and long_enough:
            yield first, second


@lru_cache(maxsize=1024)
def _shifts(first: int, second: int, share: float, rate: float) -> tuple[Whole, Whole, tuple[Whole, Whole]]:
    """The shifts with enough overlap, its length, and where it begins in each of the two."""
    least = max(int(_LEAST_S * rate), int(np.ceil(share * min(first, second))))
    shifts = np.arange(-(second - least), first - least + 1)
    begin_first, begin_second = np.maximum(shifts, 0), np.maximum(-shifts, 0)
    overlap = np.minimum(first - begin_first, second - begin_second)
    return shifts, overlap, (begin_first, begin_second)


def _fft_size(lengths: Iterable[int]) -> int:
    return 1 << int(2 * max([*lengths, 1])).bit_length()


def _running(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(values)])


def _span(running: NDArray[np.float64], begin: Whole, length: Whole) -> NDArray[np.float64]:
    return np.asarray(running[begin + length] - running[begin])
