"""Tempo-aware negatives: another song at the same tempo, in another bar phase or with other accents.

Source: paper, section 2.1.1 ("similar BPM but differ in bar-phase or accent patterns"). Accents are compared along the
time of the window, as in retrieval, where the competing windows have the same bar phase.
"""

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab import tables
from motionbeat.lab.params import Negatives as Settings
from motionbeat.lab.token_tables.mapped_tables import scratch
from motionbeat.lab.token_tables.token_windows import Tokens, Windows

Floats = NDArray[np.float64]
_FOLDS = (0.5, 1.0, 2.0)
_MOST = 20_000  # windows of one tempo to compare with an anchor
_AT_ONCE = 4096  # windows to gather at a time
_REMEMBERED = 100_000  # music windows with stored negatives, for the next dance to the same music


@frozen(eq=False)
class SongWindows:
    """The distinct music windows of a set of dance windows; one array entry each."""

    song: NDArray[np.object_]
    start: NDArray[np.int64]
    bpm: Floats
    bar_position: NDArray[np.int64]
    beats_per_bar: NDArray[np.int64]
    curve: Floats
    """(w, K * S): the window's onset curve, normalised to mean 0 and length 1; NaN if it is flat."""

    def correlation(self, others: NDArray[np.intp], anchor: int) -> Floats:
        """(o,) Pearson correlation of the onset curves of other windows with that of `anchor`; NaN for a flat curve."""
        # einsum, not BLAS: its sums do not depend on the number of threads
        return np.einsum("if,f->i", self.curve[others], self.curve[anchor])


def song_windows(tokens: Tokens, windows: Windows) -> tuple[SongWindows, NDArray[np.intp]]:
    """The distinct music windows, and for each dance window the index of its music window."""
    _, first, music_of = np.unique(windows.audio_row, return_index=True, return_inverse=True)
    rows = windows.audio_row[first]
    audio = tokens.audio
    bpm = np.empty(len(rows))
    curve = scratch((len(rows), windows.beats * audio["onset"].shape[1]))
    for begin in range(0, len(rows), _AT_ONCE):
        span = rows[begin : begin + _AT_ONCE, None] + np.arange(windows.beats)
        bpm[begin : begin + _AT_ONCE] = 60.0 / audio["duration_s"][span].mean(axis=1)
        curve[begin : begin + _AT_ONCE] = unit_curves(audio["onset"][span].reshape(len(span), -1))
    return (
        SongWindows(
            song=tables.works(windows.song[first]),
            start=windows.start[first].astype(np.int64),
            bpm=bpm,
            bar_position=audio["bar_position"][rows].astype(np.int64),
            beats_per_bar=audio["beats_per_bar"][rows].astype(np.int64),
            curve=curve,
        ),
        music_of,
    )


def unit_curves(curves: NDArray[Any]) -> Floats:
    """(w, t) -> the same with mean 0 and length 1, so that products are Pearson correlations; NaN for flat curves."""
    centred = np.asarray(curves, np.float64) - np.mean(curves, axis=1, keepdims=True, dtype=np.float64)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, norm, out=np.full_like(centred, np.nan), where=norm > 1e-9)


def folded_difference(bpm: Floats, other: Floats) -> Floats:
    """Smallest |bpm - r * other| over r = 1/2, 1, 2: double and half tempo count as the same."""
    return np.min([np.abs(bpm - factor * other) for factor in _FOLDS], axis=0)


def mine_tempo_negatives(tokens: Tokens, split: str, beats: int, settings: Settings) -> Iterator[tuple[Any, ...]]:
    """Rows of `tables.TEMPO_NEGATIVES` for every window of a split that has such negatives.

    A pair is valid if the songs differ, the tempi agree within the larger of the two tolerances, and the meters or bar
    phases differ or the onset curves correlate less than `settings.accent_correlation`. The share `settings.same_phase`
    is reserved for windows of the anchor's meter and bar phase, if there are enough. Hardest first: the most similar
    curves, each other song once before any song twice. If there are more than 60,000 candidates, those nearest in tempo
    are compared, which limits time and memory.
    """
    windows = tokens.windows(split, beats)
    if len(windows) == 0 or settings.tempo_per_anchor == 0:
        return
    music, music_of = song_windows(tokens, windows)
    by_music = np.argsort(music_of, kind="stable")
    begins = np.searchsorted(music_of[by_music], np.arange(len(music.song) + 1))
    by_tempo = np.argsort(music.bpm, kind="stable")
    hardest = lru_cache(_REMEMBERED)(lambda anchor: _hardest(music, by_tempo, anchor, settings))
    for window, index in enumerate(music_of.tolist()):
        clip, start = windows.clip[window], int(windows.start[window])
        for rank, (other, difference, reason, correlation) in enumerate(hardest(index)):
            dancers = by_music[begins[other] : begins[other + 1]]
            negative = dancers[zlib.crc32(f"{clip} {start} {rank}".encode()) % len(dancers)]
            yield (
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


def _hardest(
    music: SongWindows, by_tempo: NDArray[np.intp], anchor: int, settings: Settings
) -> list[tuple[int, float, str, float]]:
    """(window, BPM difference, reason, correlation) of the negatives of one music window, hardest first."""
    tolerance = max(settings.tempo_tolerance_bpm, settings.tempo_tolerance * music.bpm[anchor])
    near = _near(music.bpm, by_tempo, music.bpm[anchor], tolerance)
    near = near[music.song[near] != music.song[anchor]]
    difference = folded_difference(music.bpm[anchor], music.bpm[near])
    near, difference = near[difference <= tolerance], difference[difference <= tolerance]
    correlation = music.correlation(near, anchor)
    meter = music.beats_per_bar[near] != music.beats_per_bar[anchor]
    phase = music.bar_position[near] != music.bar_position[anchor]
    elsewhere = meter | phase
    same = ~elsewhere & (correlation < settings.accent_correlation)
    hardness = np.nan_to_num(correlation, nan=-2.0)
    songs = music.song[near]
    parts = [_one_song_after_another(np.flatnonzero(part), songs, hardness) for part in (same, elsewhere)]
    wanted = round(settings.same_phase * settings.tempo_per_anchor)
    room = max(wanted, settings.tempo_per_anchor - len(parts[1]))
    index = np.concatenate([parts[0][:room], parts[1]])[: settings.tempo_per_anchor]
    index = index[np.lexsort((index, -hardness[index]))]
    reasons = np.where(meter, "meter", np.where(phase, "phase", "accent"))
    return [(int(near[i]), float(difference[i]), str(reasons[i]), float(correlation[i])) for i in index]


def _near(bpm: Floats, by_tempo: NDArray[np.intp], anchor: float, tolerance: float) -> NDArray[np.intp]:
    """Windows, in ascending order, with about the tempo of the anchor, its half or its double: the nearest of each."""
    parts = []
    for factor in _FOLDS:
        edges = (anchor - tolerance) / factor * (1 - 1e-9), anchor / factor, (anchor + tolerance) / factor * (1 + 1e-9)
        first, middle, last = np.searchsorted(bpm, edges, sorter=by_tempo)
        parts.append(by_tempo[max(first, middle - _MOST // 2) : min(last, middle + _MOST // 2)])
    return np.unique(np.concatenate(parts))


def _one_song_after_another(index: NDArray[np.intp], songs: NDArray[Any], hardness: Floats) -> NDArray[np.intp]:
    """Hardest first, but each song once before any song twice."""
    index = index[np.lexsort((index, -hardness[index]))]
    turns: dict[str, int] = {}
    turn = np.empty(len(index), int)
    for i, song in enumerate(songs[index]):
        turn[i] = turns[song] = turns.get(song, -1) + 1
    return index[np.argsort(turn, kind="stable")]
