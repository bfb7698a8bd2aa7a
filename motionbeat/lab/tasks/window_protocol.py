"""The protocols WIN and SEQ: their galleries, and every figure of the retrieval table under them.

WIN: the items are windows of K beats. The music window with the song and first beat of a dance window is relevant to
it; each distinct music window is there once, even if it has several dances.
SEQ: the items are whole test sequences, each the normalised mean of its windows (of the dance, and of its music); every
sequence of the same song is relevant. SLICE, the third, is in `slice_protocol`; the rows of all three are in
`retrieval_rows`.

Axes: m motion windows, n music windows, c sequences, d embedding.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.retrieval_rows import (
    ADDITIVE,
    MODEL,
    Pairs,
    Ranked,
    Scoring,
    all_rows,
    by_genre,
    cosine,
    random_embeddings,
    score,
    trivial,
    unit,
    with_posterior,
)
from motionbeat.lab.tasks.score_table import Score


@frozen(eq=False)
class Items:
    """The items to rank: the motion windows, the distinct music windows, and facts about their songs.

    Raises `MotionBeatError` when a music window occurs twice or has no dance, when a motion window's
    music is missing, when a clip has two songs or one window twice, or when a song lacks tempo or genre.
    """

    motion_clip: NDArray[Any] = field(converter=np.asarray)  # (m,)
    motion_song: NDArray[Any] = field(converter=np.asarray)  # (m,)
    motion_start: NDArray[Any] = field(converter=np.asarray)  # (m,) first beat, as its index in the song
    music_song: NDArray[Any] = field(converter=np.asarray)  # (n,)
    music_start: NDArray[Any] = field(converter=np.asarray)  # (n,)
    tempo: Mapping[str, float]  # BPM of each song
    genre: Mapping[str, str]  # of each song
    music_of_motion: NDArray[np.int64] = field(init=False)  # (m,) index of each motion window's music window

    def __attrs_post_init__(self) -> None:
        if not len(self.motion_clip) == len(self.motion_song) == len(self.motion_start) > 0:
            raise MotionBeatError("motion windows: clip, song and start must be of one length, at least 1")
        if len(self.music_song) != len(self.music_start):
            raise MotionBeatError("music windows: song and start must be of one length")
        music = list(zip(self.music_song.tolist(), self.music_start.tolist(), strict=True))
        motion = list(zip(self.motion_song.tolist(), self.motion_start.tolist(), strict=True))
        place = {window: index for index, window in enumerate(music)}
        _none("music window occurs twice", [window for index, window in enumerate(music) if place[window] != index])
        _none("music window has no dance", sorted(place.keys() - set(motion)))
        _none("motion window has no music window", sorted(set(motion) - place.keys()))
        clips = self.motion_clip.tolist()
        _none("clip has this window twice", _repeated(list(zip(clips, self.motion_start.tolist(), strict=True))))
        songs_of_clips = set(zip(clips, self.motion_song.tolist(), strict=True))
        _none("clip has two songs", _repeated([clip for clip, _ in sorted(songs_of_clips)]))
        songs = set(self.music_song.tolist())
        _none("song has no tempo above 0", sorted(song for song in songs if not self.tempo.get(song, 0) > 0))
        _none("song has no genre", sorted(songs - self.genre.keys()))
        object.__setattr__(self, "music_of_motion", np.array([place[window] for window in motion]))

    def sequences(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Song of each sequence (c,), sequences sorted by clip; and the sequence of each motion window (m,)."""
        _, first, sequence_of_window = np.unique(self.motion_clip, return_index=True, return_inverse=True)
        return self.motion_song[first], sequence_of_window


def _none(claim: str, offenders: list[Any]) -> None:
    if offenders:
        raise MotionBeatError(f"retrieval: {claim}: {offenders[0]} ({len(offenders)} such)")


def _repeated(values: list[Any]) -> list[Any]:
    return [value for value, times in Counter(values).items() if times > 1]


def win_pairs(items: Items) -> Pairs:
    """WIN: each motion window and its music window."""
    relevant = items.music_of_motion[:, None] == np.arange(len(items.music_song))
    return Pairs(items.motion_song, items.music_song, relevant)


def seq_pairs(items: Items) -> Pairs:
    """SEQ: sequences by sequences, from `Items.sequences`."""
    song, _ = items.sequences()
    return Pairs(song, song, song[:, None] == song)


def sequence_embeddings(
    items: Items, music_embedding: NDArray[np.floating], motion_embedding: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normalised mean of the windows of each sequence: music (c, d) and motion (c, d).

    music_embedding: (n, d); motion_embedding: (m, d). A sequence's music is the mean over its music windows.
    """
    _, sequence_of_window = items.sequences()
    windows_in = np.bincount(sequence_of_window)[:, None]

    def mean(windows: NDArray[np.floating]) -> NDArray[np.float64]:
        total = np.zeros((len(windows_in), windows.shape[1]))
        np.add.at(total, sequence_of_window, windows)
        return unit(total / windows_in)

    return mean(unit(music_embedding)[items.music_of_motion]), mean(unit(motion_embedding))


def sequence_likelihood(items: Items, likelihood: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-likelihood of each motion sequence under each music sequence: (c, c), from the windows' (m, n).

    The mean over the starts that both sequences have; the smallest value of all if they share none.
    """
    song, sequence_of_window = items.sequences()
    starts, start_of_window = np.unique(items.motion_start, return_inverse=True)
    music_at = np.full((len(song), len(starts)), -1)  # (c, starts): the music window of a sequence at a start
    music_at[sequence_of_window, start_of_window] = items.music_of_motion
    under = music_at[:, start_of_window].T  # (m, c)
    shared = under >= 0
    values = np.where(shared, np.take_along_axis(likelihood, np.maximum(under, 0), axis=1), 0)
    total, count = np.zeros((2, len(song), len(song)))
    np.add.at(total, sequence_of_window, values)
    np.add.at(count, sequence_of_window, shared)
    return np.where(count > 0, total / np.maximum(count, 1), likelihood.min())


def evaluate(
    items: Items,
    music_embedding: NDArray[np.floating],
    motion_embedding: NDArray[np.floating],
    ceiling: NDArray[np.floating] | None,
    options: Scoring,
    projected: Mapping[str, NDArray[np.floating]] | None = None,
    additive: NDArray[np.floating] | None = None,
) -> tuple[list[Score], dict[str, Any]]:
    """Every figure of WIN and SEQ, as from `score`, and {protocol: sizes of its galleries}.

    music_embedding: (n, d); motion_embedding: (m, d); ceiling: (m, n) finite log-likelihoods of each dance window under
    each music window, or None if a corpus has no truth. projected: {row: (n, d)}, further encoders' music
    embeddings, matched with the same motion embeddings. additive: the additive ceiling (m, n), if given, has rows in
    WIN.
    """
    m, n = len(items.motion_clip), len(items.music_song)
    music = {MODEL: music_embedding, **(projected or {})}
    for row, embedding in music.items():
        if len(embedding) != n or len(motion_embedding) != m:
            raise MotionBeatError(
                f"retrieval, {row}: {len(embedding)} music and {len(motion_embedding)} motion embeddings "
                f"for {n} music and {m} motion windows"
            )
    if ceiling is not None and (np.shape(ceiling) != (m, n) or not np.all(np.isfinite(ceiling))):
        raise MotionBeatError(
            f"retrieval: the ceiling is {np.shape(ceiling)}, expected finite values of shape {(m, n)}"
        )
    embedded = {row: (embedding, motion_embedding) for row, embedding in music.items()}
    embedded["random"] = random_embeddings(music_embedding, motion_embedding, options.seed)
    cosines: dict[str, dict[str, NDArray[np.floating]]] = {"win": {}, "seq": {}}
    for row, (of_music, of_motion) in embedded.items():
        mean_of_music, mean_of_motion = sequence_embeddings(items, of_music, of_motion)
        cosines["win"][row] = cosine(of_motion, of_music)
        cosines["seq"][row] = cosine(mean_of_motion, mean_of_music)
    ceilings = {"win": ceiling, "seq": None if ceiling is None else sequence_likelihood(items, ceiling)}
    scores: list[Score] = []
    sizes: dict[str, Any] = {}
    for protocol, pairs in (("win", win_pairs(items)), ("seq", seq_pairs(items))):
        known = trivial(pairs, items.tempo, items.genre)
        rows = all_rows(cosines[protocol], ceilings[protocol], known, options.temperature)
        if protocol == "win" and additive is not None:
            rows |= with_posterior(ADDITIVE, Ranked(additive, 1.0))
        figures, sizes[protocol] = score(protocol, pairs, rows, options)
        scores += figures
    return scores + by_genre(win_pairs(items), cosines["win"][MODEL], items.genre, options), sizes
