"""The protocol SLICE: slices of a few seconds from every test sequence, as EDGE cuts them (5 s, every 0.5 s).

A slice has the whole beats inside it; their number depends on the tempo, so slices are padded and masked. Slices of one
dance with the same beats (a beat may be longer than the stride) are one item, and so is the music of slices of several
dances: each distinct music slice is in the gallery once. A music slice is relevant to a dance slice of the same song if
both have the same beats or begin within a quarter of a beat of each other. Axes: m motion slices, n music slices, d
embedding.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.retrieval_rows import (
    MODEL,
    Pairs,
    Scoring,
    all_rows,
    cosine,
    random_embeddings,
    score,
    trivial,
)
from motionbeat.lab.tasks.score_table import Score
from motionbeat.lab.tasks.window_embeddings import Spans
from motionbeat.lab.token_tables.token_windows import Tokens

NEAR_BEATS = 0.25
_ROUNDING_S = 1e-3  # beat times of a tracker and a clip's seconds are rounded; a millisecond never decides


@frozen(eq=False)
class Slices:
    """Slices of a split, one array entry each, sorted by clip and time."""

    clip: NDArray[Any]
    song: NDArray[Any]
    start_s: NDArray[np.float64]
    """Begin of the slice in the song's audio; for slices with the same beats, the first one."""
    beat: NDArray[np.integer]
    """The first whole beat inside, as its index in the song."""
    spans: Spans

    def __len__(self) -> int:
        return len(self.clip)

    def take(self, index: Any) -> "Slices":
        """The slices of an index array or mask."""
        return Slices(self.clip[index], self.song[index], self.start_s[index], self.beat[index], self.spans.take(index))

    def music(self) -> tuple["Slices", NDArray[np.int64]]:
        """The distinct music slices, each the earliest of its kind, and each slice's index among them."""
        key = list(zip(self.song.tolist(), self.beat.tolist(), self.spans.beats.tolist(), strict=True))
        kinds = {kind: place for place, kind in enumerate(sorted(set(key)))}
        music_of = np.array([kinds[kind] for kind in key])
        order = np.lexsort((self.start_s, music_of))
        _, first = np.unique(music_of[order], return_index=True)
        return self.take(order[first]), music_of


def cut(
    tokens: Tokens, split: str, clips: Mapping[str, tuple[float, float]], slice_s: float, stride_s: float
) -> Slices:
    """The slices of `slice_s` seconds, every `stride_s` seconds, that are inside a clip and have a whole beat.

    clips: (offset_s in the song, duration_s) of each clip of the split. Raises `MotionBeatError` when no clip is
    long enough.
    """
    beats = tokens.windows(split, 1)
    begin_s = tokens.audio["time_s"][beats.audio_row]
    end_s = begin_s + tokens.audio["duration_s"][beats.audio_row]
    rows: list[tuple[str, float, int, int]] = []
    for clip in np.unique(beats.clip):
        beats_of_clip = np.flatnonzero(beats.clip == clip)
        offset_s, duration_s = clips[clip]
        count = int((duration_s - slice_s + _ROUNDING_S) // stride_s) + 1
        for start_s in offset_s + np.arange(max(count, 0)) * stride_s:
            after, before = (
                begin_s[beats_of_clip] >= start_s - _ROUNDING_S,
                end_s[beats_of_clip] <= start_s + slice_s + _ROUNDING_S,
            )
            inside = beats_of_clip[after & before]
            if len(inside) and (not rows or (clip, inside[0], len(inside)) != (rows[-1][0], *rows[-1][2:])):
                rows.append((clip, start_s, inside[0], len(inside)))
    if not rows:
        raise MotionBeatError(
            f"no clip of the {split} split has a whole beat in {slice_s:g} s: lower retrieve.slice_s in params.yaml"
        )
    clip_of, start, first, inside = (np.array(column) for column in zip(*rows, strict=True))
    spans = Spans(beats.motion_row[first], beats.audio_row[first], inside)
    return Slices(clip_of.astype(object), beats.song[first], start, beats.start[first], spans)


def slice_pairs(motion: Slices, music: Slices, music_of: NDArray[np.int64], tempo: Mapping[str, float]) -> Pairs:
    """Which music slices are relevant to which dance slices.

    music_of: (m,) index of the music of each dance slice. tempo: BPM of each song.
    """
    near_s = NEAR_BEATS * 60 / np.array([tempo[song] for song in motion.song.tolist()])
    apart_s = np.abs(motion.start_s[:, None] - music.start_s)
    near = (motion.song[:, None] == music.song) & (apart_s <= near_s[:, None] + _ROUNDING_S)
    return Pairs(motion.song, music.song, near | (music_of[:, None] == np.arange(len(music))))


def slice_ceiling(
    motion: Slices, music: Slices, likelihood: Callable[[Slices, Slices, int], NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Log-likelihood (m, n) of each dance slice under each music slice, minus infinity if their numbers of beats
    differ.

    likelihood(motion, music, beats) returns (m', n') for slices that all have `beats` beats. A dance slice
    and its music have the same number of beats.
    """
    values = np.full((len(motion), len(music)), -np.inf)
    for beats in np.unique(motion.spans.beats):
        rows, columns = np.flatnonzero(motion.spans.beats == beats), np.flatnonzero(music.spans.beats == beats)
        values[np.ix_(rows, columns)] = likelihood(motion.take(rows), music.take(columns), int(beats))
    return values


def evaluate_slices(
    pairs: Pairs,
    tempo: Mapping[str, float],
    genre: Mapping[str, str],
    music: Mapping[str, NDArray[np.floating]],
    motion: NDArray[np.floating],
    ceiling: NDArray[np.floating] | None,
    options: Scoring,
) -> tuple[list[Score], dict[str, Any]]:
    """Every figure of SLICE and the sizes of its galleries, as from `retrieval_rows.score`.

    music: {row: (n, d)}, the model's and further encoders'; motion: (m, d); ceiling: (m, n) log-likelihoods or None.
    """
    cosines = {row: cosine(motion, embedding) for row, embedding in music.items()}
    of_music, of_motion = random_embeddings(music[MODEL], motion, options.seed)
    cosines["random"] = cosine(of_motion, of_music)
    rows = all_rows(cosines, ceiling, trivial(pairs, tempo, genre), options.temperature)
    return score("slice", pairs, rows, options)
