"""Tempo-aware negatives: another song at the same tempo, in another bar phase or with other accents.

Source: paper, section 2.1.1 ("similar BPM but differ in bar-phase or accent patterns"). Accents are compared on the
time line of the window, as retrieval compares windows: the rivals there are windows of the same bar phase.
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
_COLUMNS = tables.TEMPO_NEGATIVES.names


@frozen(eq=False)
class SongWindows:
    """The distinct music windows under a set of dance windows; one array entry each."""

    song: NDArray[np.object_]
    start: NDArray[np.int64]
    bpm: Floats
    bar_position: NDArray[np.int64]
    beats_per_bar: NDArray[np.int64]
    curve: Floats
    """(w, K * S): the window's onset curve of mean 0 and length 1; NaN where it is flat."""

    def correlation(self, anchor: int) -> Floats:
        """(w,) Pearson correlation of every window's onset curve with that of `anchor`; NaN for a flat one."""
        # einsum, not BLAS: its sums do not depend on the number of threads
        return np.einsum("if,f->i", self.curve, self.curve[anchor])


def song_windows(tokens: Tokens, windows: Windows) -> tuple[SongWindows, NDArray[np.intp]]:
    """The distinct music windows, and for each dance window the index of its music window."""
    _, first, music_of = np.unique(windows.audio_row, return_index=True, return_inverse=True)
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
            curve=unit_curves(audio["onset"][span].reshape(len(span), -1)),
        ),
        music_of,
    )


def unit_curves(curves: NDArray[Any]) -> Floats:
    """(w, t) -> the same with mean 0 and length 1, so that products are Pearson correlations; NaN where flat."""
    centred = np.asarray(curves, np.float64) - np.mean(curves, axis=1, keepdims=True, dtype=np.float64)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, norm, out=np.full_like(centred, np.nan), where=norm > 1e-9)


def folded_difference(bpm: Floats, other: Floats) -> Floats:
    """Smallest |bpm - r * other| over r = 1/2, 1, 2: double and half tempo count as the same."""
    return np.min([np.abs(bpm - factor * other) for factor in (0.5, 1.0, 2.0)], axis=0)


def mine_tempo_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> dict[str, list[Any]]:
    """Columns of `tables.TEMPO_NEGATIVES` for every window of a split that has such negatives.

    A pair is admitted when the songs differ, the tempi agree within the larger of the two
    tolerances, and the meters or the bar phases differ or the onset curves correlate less
    than `settings.accent_correlation`. The share `settings.same_phase` is kept for windows of the
    anchor's meter and bar phase, where there are as many. Hardest first: the most alike
    curves, each other song once before any song twice.
    """
    windows = tokens.windows(split, beats)
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    if len(windows) == 0 or settings.tempo_per_anchor == 0:
        return columns
    music, music_of = song_windows(tokens, windows)
    dancers: dict[int, list[int]] = {}
    for window, index in enumerate(music_of):
        dancers.setdefault(int(index), []).append(window)
    chosen = [_hardest(music, i, settings) for i in range(len(music.song))]
    for window, index in enumerate(music_of):
        clip, start = windows.clip[window], int(windows.start[window])
        for rank, (other, difference, reason, correlation) in enumerate(chosen[index]):
            candidates = dancers[other]
            negative = candidates[zlib.crc32(f"{clip} {start} {rank}".encode()) % len(candidates)]
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
                None if np.isnan(correlation) else correlation,
            )
            for name, value in zip(_COLUMNS, values, strict=True):
                columns[name].append(value)
    return columns


def _hardest(music: SongWindows, anchor: int, settings: Settings) -> list[tuple[int, float, str, float]]:
    """(window, BPM difference, reason, correlation) of the negatives of one music window, hardest first."""
    difference = folded_difference(music.bpm[anchor], music.bpm)
    tolerance = max(settings.tempo_tolerance_bpm, settings.tempo_tolerance * music.bpm[anchor])
    correlation = music.correlation(anchor)
    meter = music.beats_per_bar != music.beats_per_bar[anchor]
    phase = music.bar_position != music.bar_position[anchor]
    elsewhere = meter | phase
    rivals = (music.song != music.song[anchor]) & (difference <= tolerance)
    same = rivals & ~elsewhere & (correlation < settings.accent_correlation)
    hardness = np.nan_to_num(correlation, nan=-2.0)
    parts = [_one_song_after_another(np.flatnonzero(part), music, hardness) for part in (same, rivals & elsewhere)]
    wanted = round(settings.same_phase * settings.tempo_per_anchor)
    room = max(wanted, settings.tempo_per_anchor - len(parts[1]))
    index = np.concatenate([parts[0][:room], parts[1]])[: settings.tempo_per_anchor]
    index = index[np.lexsort((index, -hardness[index]))]
    reasons = np.where(meter, "meter", np.where(phase, "phase", "accent"))
    return [(int(i), float(difference[i]), str(reasons[i]), float(correlation[i])) for i in index]


def _one_song_after_another(index: NDArray[np.intp], music: SongWindows, hardness: Floats) -> NDArray[np.intp]:
    """Hardest first, but each song once before any song twice."""
    index = index[np.lexsort((index, -hardness[index]))]
    turns: dict[str, int] = {}
    turn = np.empty(len(index), int)
    for i, song in enumerate(music.song[index]):
        turn[i] = turns[song] = turns.get(song, -1) + 1
    return index[np.argsort(turn, kind="stable")]
