"""The two retrieval protocols, WIN and SEQ, and the rows that stand in every retrieval table.

WIN: the items are windows of K beats. A dance window is answered by the music window of the same song
and the same first beat; each distinct music window stands once, however many dances it has.
SEQ: the items are whole test sequences, each the normalised mean of its windows (of the dance, and of
the music under it); relevant is every sequence of the same song.

Rows: the model; the ceiling (likelihood of the dance's true events under the song's true accents, where a
corpus has that truth); random embeddings; and two cheats, knowing the tempo alone and the genre alone. All
go through one ranking code. Axes: m motion windows, n music windows, c sequences, d embedding.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.tasks.retrieval import METRICS, bootstrap_interval, chance, metrics_of_ranks, ranks

DIRECTIONS = ("music_to_motion", "motion_to_music")
ROWS = ("model", "ceiling", "random", "tempo_only", "genre_only")
_DECIMALS = 7  # of a cosine: embeddings are float32, and equal items must tie on every machine

Ranking = tuple[NDArray[np.floating], NDArray[np.bool_], NDArray[Any]]
"""similarity (Q, G), relevant (Q, G) and the song of each query (Q,)."""


@frozen(eq=False)
class Items:
    """What is ranked: the motion windows, the distinct music windows, and facts about their songs.

    Raises `MotionBeatError` when a music window stands twice or has no dance, when a motion window's
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
        _none("music window stands twice", [window for index, window in enumerate(music) if place[window] != index])
        _none("music window is danced to by no clip", sorted(place.keys() - set(motion)))
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


def win(similarity: NDArray[np.floating], items: Items) -> dict[str, Ranking]:
    """Both directions of WIN. similarity: (m, n), motion windows by music windows."""
    relevant = items.music_of_motion[:, None] == np.arange(len(items.music_song))
    return _both_directions(similarity, relevant, items.motion_song, items.music_song)


def seq(similarity: NDArray[np.floating], items: Items) -> dict[str, Ranking]:
    """Both directions of SEQ. similarity: (c, c), motion sequences by music sequences, as `Items.sequences`."""
    song, _ = items.sequences()
    return _both_directions(similarity, song[:, None] == song, song, song)


def _both_directions(
    similarity: NDArray[np.floating], relevant: NDArray[np.bool_], motion_song: NDArray[Any], music_song: NDArray[Any]
) -> dict[str, Ranking]:
    similarity = np.asarray(similarity, np.float64)
    if similarity.shape != relevant.shape:
        raise MotionBeatError(f"retrieval: similarity is {similarity.shape}, expected {relevant.shape} (motion, music)")
    return {
        "music_to_motion": (similarity.T, relevant.T, music_song),
        "motion_to_music": (similarity, relevant, motion_song),
    }


def sequence_embeddings(
    items: Items, music_embedding: NDArray[np.floating], motion_embedding: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normalised mean of the windows of each sequence: music (c, d) and motion (c, d).

    music_embedding: (n, d); motion_embedding: (m, d). A sequence's music is the mean over the music windows under it.
    """
    _, sequence_of_window = items.sequences()
    windows_in = np.bincount(sequence_of_window)[:, None]

    def mean(windows: NDArray[np.floating]) -> NDArray[np.float64]:
        total = np.zeros((len(windows_in), windows.shape[1]))
        np.add.at(total, sequence_of_window, windows)
        return _unit(total / windows_in)

    return mean(_unit(music_embedding)[items.music_of_motion]), mean(_unit(motion_embedding))


def sequence_likelihood(items: Items, likelihood: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-likelihood of each motion sequence under each music sequence: (c, c), from the windows' (m, n).

    The mean over the starts that both sequences have; the smallest value there is, where they share none.
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


def posterior(likelihood: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-likelihoods (motion, music) of a dance given a song, made fair between dances: log p(music | motion).

    The order of the songs for one dance stays. The order of the dances for one song changes: without the
    normalisation a dance of few events, likely under any song, would stand first for every song.
    """
    top = likelihood.max(axis=1, keepdims=True)
    return likelihood - top - np.log(np.exp(likelihood - top).sum(axis=1, keepdims=True))


def tempo_similarity(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """-|log2 of the tempo ratio|, double and half tempo taken as equal: (len(a), len(b)).

    Tempi are rounded to a whole BPM first: the cheat is to know the tempo, not by how little a song's
    tracked tempo misses its neighbour's.
    """
    distance = np.abs(np.log2(np.round(a)[:, None] / np.round(b)))
    return -np.round(np.minimum(distance, np.abs(distance - 1)), _DECIMALS)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    vectors = np.asarray(vectors, np.float64)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norm)) or np.any(norm == 0):
        raise MotionBeatError("retrieval: an embedding is zero or not finite: check the model's weights and its input")
    return vectors / norm


def _cosine(motion: NDArray[np.floating], music: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.round(_unit(motion) @ _unit(music).T, _DECIMALS)


def _rankings(
    items: Items,
    music_embedding: NDArray[np.floating],
    motion_embedding: NDArray[np.floating],
    ceiling: NDArray[np.floating] | None,
    seed: int,
) -> dict[str, dict[str, dict[str, Ranking]]]:
    """{protocol: {row: both directions}}; no ceiling where there is no truth."""
    song, _ = items.sequences()
    generator = np.random.default_rng(np.random.SeedSequence([seed, len(ROWS)]))
    random = (generator.standard_normal(music_embedding.shape), generator.standard_normal(motion_embedding.shape))
    rows: dict[str, dict[str, dict[str, Ranking]]] = {"win": {}, "seq": {}}
    for row, (music, motion) in {"model": (music_embedding, motion_embedding), "random": random}.items():
        music_mean, motion_mean = sequence_embeddings(items, music, motion)
        rows["win"][row] = win(_cosine(motion, music), items)
        rows["seq"][row] = seq(_cosine(motion_mean, music_mean), items)
    if ceiling is not None:
        rows["win"]["ceiling"] = win(posterior(ceiling), items)
        rows["seq"]["ceiling"] = seq(posterior(sequence_likelihood(items, ceiling)), items)
    for protocol, make, motion_song, music_song in (
        ("win", win, items.motion_song, items.music_song),
        ("seq", seq, song, song),
    ):
        tempo, genre = (
            [np.array([fact[name] for name in names.tolist()]) for names in (motion_song, music_song)]
            for fact in (items.tempo, items.genre)
        )
        rows[protocol]["tempo_only"] = make(tempo_similarity(*tempo), items)
        rows[protocol]["genre_only"] = make((genre[0][:, None] == genre[1]).astype(float), items)
    return rows


def evaluate(
    items: Items,
    music_embedding: NDArray[np.floating],
    motion_embedding: NDArray[np.floating],
    ceiling: NDArray[np.floating] | None,
    bootstrap: int,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every figure of the retrieval table: (metrics, intervals), plain numbers ready for JSON.

    music_embedding: (n, d); motion_embedding: (m, d); ceiling: (m, n) finite log-likelihoods of each dance window
    under each music window, or None where a corpus has no truth; bootstrap: resamplings of the songs.

    metrics: {protocol: {direction: {row: {n, r1, r5, r10, medr, meanr}}}}, protocols win and seq, recalls in
    percent, n queries; the ceiling's values are None without truth. intervals: the same nest with the 95 % interval
    [low, high] of each metric, and for each direction also gallery (items), songs and chance (of a random ordering).
    """
    m, n = len(items.motion_clip), len(items.music_song)
    if len(music_embedding) != n or len(motion_embedding) != m:
        raise MotionBeatError(
            f"retrieval: {len(music_embedding)} music and {len(motion_embedding)} motion embeddings "
            f"for {n} music and {m} motion windows"
        )
    if ceiling is not None and (np.shape(ceiling) != (m, n) or not np.all(np.isfinite(ceiling))):
        raise MotionBeatError(
            f"retrieval: the ceiling is {np.shape(ceiling)}, expected finite values of shape {(m, n)}"
        )
    rows = _rankings(items, music_embedding, motion_embedding, ceiling, seed)
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for protocol, by_row in rows.items():
        for direction in DIRECTIONS:
            figures = metrics.setdefault(protocol, {}).setdefault(direction, {})
            bounds = intervals.setdefault(protocol, {}).setdefault(direction, {})
            _, relevant, groups = by_row["model"][direction]
            queries, gallery = relevant.shape
            bounds |= {"gallery": gallery, "songs": len(np.unique(groups)), "chance": chance(relevant)}
            for row in ROWS:
                if row not in by_row:
                    figures[row] = {"n": queries, **dict.fromkeys(METRICS)}
                    bounds[row] = dict.fromkeys(METRICS)
                    continue
                rank = ranks(*by_row[row][direction][:2])
                figures[row] = {"n": queries, **metrics_of_ranks(rank)}
                bounds[row] = bootstrap_interval(rank, groups, bootstrap, seed)
    return metrics, intervals
