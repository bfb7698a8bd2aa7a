"""Tempo-aware negatives: another song at the same tempo, in another bar phase or with other accents.

Source: paper, section 2.1.1 ("similar BPM but differ in bar-phase or accent patterns").
"""

import zlib
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab import tables
from motionbeat.lab.params import Negatives as Settings
from motionbeat.lab.token_tables.token_windows import Tokens, Windows

Floats = NDArray[np.float64]


@frozen(eq=False)
class SongWindows:
    """The distinct music windows under a set of dance windows; one array entry each."""

    song: NDArray[np.object_]
    start: NDArray[np.int64]
    bpm: Floats
    bar_position: NDArray[np.int64]
    beats_per_bar: NDArray[np.int64]
    accents: list[Floats]
    """Accent profile of each: (B * S,) onset strength over the bar, averaged over the window's bars."""


def song_windows(tokens: Tokens, windows: Windows) -> tuple[SongWindows, NDArray[np.intp]]:
    """The distinct music windows, and for each dance window the index of its own."""
    _, first, own = np.unique(windows.audio_row, return_index=True, return_inverse=True)
    rows = windows.audio_row[first]
    audio = tokens.audio
    span = rows[:, None] + np.arange(windows.beats)
    return (
        SongWindows(
            song=tables.works(windows.song[first]),
            start=windows.start[first].astype(np.int64),
            bpm=60.0 / audio["duration_s"][span].mean(axis=1),
            bar_position=audio["bar_position"][rows].astype(np.int64),
            beats_per_bar=audio["beats_per_bar"][rows].astype(np.int64),
            accents=[
                accent_profile(audio["onset"][row], audio["bar_position"][row], int(audio["beats_per_bar"][row[0]]))
                for row in span
            ],
        ),
        own,
    )


def accent_profile(onset: NDArray[Any], bar_position: NDArray[Any], beats_per_bar: int) -> Floats:
    """Onset strength over the bins of the bar, averaged over the bars of a window.

    onset: (K, S). bar_position: (K,) from 0. Returns (B * S,); bins that the window never reaches are 0.
    """
    total = np.zeros((beats_per_bar, onset.shape[1]))
    np.add.at(total, bar_position, onset)
    times = np.bincount(bar_position, minlength=beats_per_bar)
    return (total / np.maximum(times, 1)[:, None]).ravel()


def folded_difference(bpm: Floats, other: Floats) -> Floats:
    """Smallest |bpm - r * other| over r = 1/2, 1, 2: double and half tempo count as the same."""
    return np.min([np.abs(bpm - factor * other) for factor in (0.5, 1.0, 2.0)], axis=0)


def correlations(accents: list[Floats], beats_per_bar: NDArray[np.int64]) -> Floats:
    """(W, W) Pearson correlation of accent profiles; NaN between meters and for flat profiles."""
    result = np.full((len(accents), len(accents)), np.nan)
    for meter in np.unique(beats_per_bar):
        own = np.flatnonzero(beats_per_bar == meter)
        profiles = np.array([accents[i] for i in own])
        profiles = profiles - profiles.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(profiles, axis=1, keepdims=True)
        unit = np.divide(profiles, norm, out=np.full_like(profiles, np.nan), where=norm > 1e-9)
        # einsum, not BLAS: its sums do not depend on the number of threads
        result[np.ix_(own, own)] = np.einsum("if,jf->ij", unit, unit)
    return result


def mine_tempo_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> dict[str, list[Any]]:
    """Columns of `tables.TEMPO_NEGATIVES` for every window of a split that has such negatives.

    A pair is admitted when the songs differ, the tempi agree within the larger of the two
    tolerances, and the meters or the bar phases differ or the accent profiles correlate less
    than `settings.accent_correlation`. Hardest first: the most alike accents, each other song
    once before any song twice.
    """
    windows = tokens.windows(split, beats)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    if len(windows) == 0 or settings.tempo_per_anchor == 0:
        return columns
    music, own = song_windows(tokens, windows)
    accents = correlations(music.accents, music.beats_per_bar)
    dancers: dict[int, list[int]] = {}
    for window, index in enumerate(own):
        dancers.setdefault(int(index), []).append(window)
    chosen = [_hardest(music, accents, i, settings) for i in range(len(music.song))]
    for window, index in enumerate(own):
        clip, start = windows.clip[window], int(windows.start[window])
        for rank, (other, difference, reason) in enumerate(chosen[index]):
            candidates = dancers[other]
            negative = candidates[zlib.crc32(f"{clip} {start} {rank}".encode()) % len(candidates)]
            correlation = accents[index, other]
            values = (
                split,
                clip,
                start,
                windows.clip[negative],
                int(windows.start[negative]),
                rank,
                float(music.bpm[index]),
                float(music.bpm[other]),
                difference,
                int(music.bar_position[index]),
                int(music.bar_position[other]),
                reason,
                None if np.isnan(correlation) else float(correlation),
            )
            for name, value in zip(_COLUMNS, values, strict=True):
                columns[name].append(value)
    return columns


_COLUMNS = tables.TEMPO_NEGATIVES.names


def _hardest(music: SongWindows, accents: Floats, anchor: int, settings: Settings) -> list[tuple[int, float, str]]:
    """(window, BPM difference, reason) of the negatives of one music window, hardest first."""
    difference = folded_difference(music.bpm[anchor], music.bpm)
    tolerance = max(settings.tempo_tolerance_bpm, settings.tempo_tolerance * music.bpm[anchor])
    correlation = accents[anchor]
    meter = music.beats_per_bar != music.beats_per_bar[anchor]
    phase = music.bar_position != music.bar_position[anchor]
    accent = correlation < settings.accent_correlation
    admitted = (music.song != music.song[anchor]) & (difference <= tolerance) & (meter | phase | accent)
    index = np.flatnonzero(admitted)
    # Another meter has no correlation: it is the easiest, and comes last.
    hardness = np.nan_to_num(correlation[index], nan=-2.0)
    index = index[np.lexsort((index, difference[index], -hardness))]
    seen: dict[str, int] = {}
    turn = np.empty(len(index), int)
    for i, song in enumerate(music.song[index]):
        turn[i] = seen[song] = seen.get(song, -1) + 1
    index = index[np.argsort(turn, kind="stable")][: settings.tempo_per_anchor]
    reasons = np.where(meter, "meter", np.where(phase, "phase", "accent"))
    return [(int(i), float(difference[i]), str(reasons[i])) for i in index]
