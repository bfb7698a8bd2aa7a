"""The shift curve: how well a model distinguishes a dance in time with its music from the same dance shifted.

A dance that is shifted relative to its music by half a beat, a beat, a bar or more should fit less well, unless the
music is the same there. For negatives by reordering in time see "Chronologically Accurate Retrieval" (Fujiwara et al.,
ECCV 2024, arXiv 2407.15408).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.negatives.tempo_negatives import unit_curves
from motionbeat.lab.tasks.group_bootstrap import weighted_mean, weights_of
from motionbeat.lab.tasks.score_table import Score, scored
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.token_tables.token_windows import Tokens, Windows, in_subbeats
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import encode_windows

Floats = NDArray[np.float32]
TASK = "shift"
SHIFTS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""Beats, in both directions."""
SAME_MUSIC = 0.95
"""Onset curves with at least this correlation count as the same music."""


class ShiftedPairs(NamedTuple):
    """Windows and their dances shifted by one shift; only those whose clip has the beats there."""

    won: NDArray[np.float64]  # (n,) 1 where the dance in place is nearer than the shifted one, 1/2 for a tie
    differs: NDArray[np.bool_]  # (n,) whether the music there is different
    song: NDArray[np.object_]  # (n,)


def compare(model: DualEncoder, tokens: Tokens, windows: Windows, shifts: Sequence[float]) -> list[ShiftedPairs]:
    """For each shift, each window's dance against itself, moved by so many beats either way within its clip."""
    spans = Spans.of(windows)
    audio = embed_music(model, tokens, spans)[0]
    near = (audio * embed_motion(model, tokens, spans)).sum(1)
    return [_moved(model, tokens, windows, in_subbeats(shift, tokens.layout.subbeats), audio, near) for shift in shifts]


def _moved(
    model: DualEncoder, tokens: Tokens, windows: Windows, shift: int, audio: Floats, near: Floats
) -> ShiftedPairs:
    """shift: sub-beats. audio: (n, e). near: (n,) cosines of the dances in place."""
    size, subbeats = windows.beats, tokens.layout.subbeats
    first, end = tokens.runs()
    pieces = tokens.motion["features"].reshape(len(tokens.motion["features"]) * subbeats, -1)
    onset = tokens.audio["onset"].ravel()
    parts = []
    for moved in (shift, -shift):
        begin = windows.motion_row * subbeats + moved
        inside = (first[windows.motion_row] * subbeats <= begin) & (
            begin + size * subbeats <= end[windows.motion_row] * subbeats
        )
        index = np.flatnonzero(inside)
        if not len(index):
            continue
        rows = begin[index, None] + np.arange(size * subbeats)  # (m, k * s)
        features = pieces[rows].reshape(len(index), size, -1)
        bars = Spans.of(windows.take(index)).bars(tokens)
        far = encode_windows(model, "motion", features, *bars).embedding.cpu().numpy()
        margin = near[index] - (audio[index] * far).sum(1)
        here = windows.audio_row[index, None] * subbeats + np.arange(size * subbeats)
        curves = unit_curves(onset[here]), unit_curves(onset[here + moved])
        alike = np.einsum("it,it->i", *curves)
        won = np.where(np.abs(margin) < 1e-6, 0.5, margin > 0)
        parts.append(ShiftedPairs(won.astype(float), ~(alike >= SAME_MUSIC), windows.song[index]))
    if not parts:
        return ShiftedPairs(np.empty(0), np.empty(0, bool), np.empty(0, object))
    return ShiftedPairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def shift_curve(model: DualEncoder, tokens: Tokens, windows: Windows, resamplings: int, seed: int) -> list[Score]:
    """One row per shift: accuracy over all windows, and over those whose music differs there, with intervals by song.

    Shifts that are too long for all clips, or not a whole number of sub-beats, are left out.
    """
    scores: list[Score] = []
    shifts = [shift for shift in SHIFTS if not shift * tokens.layout.subbeats % 1]
    for shift, compared in zip(shifts, compare(model, tokens, windows, shifts), strict=True):
        for metric, chosen in (("accuracy", slice(None)), ("accuracy_where_music_differs", compared.differs)):
            won, song = compared.won[chosen], compared.song[chosen]
            if len(won):
                resampled = weighted_mean(won, weights_of(song, resamplings, seed))
                scores += scored(TASK, f"{shift:g} beats", {metric: resampled}, len(won))
    return scores
