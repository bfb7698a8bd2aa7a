"""The rows of a retrieval table: who ranks a gallery, and the one ranking code that all of them go through.

Rows: the model; other encoders through a trained projection head (`motionbeat.lab.tasks.projection`); the ceiling
(likelihood of the dance's true events under the song's true accents, where a corpus has that truth); random
embeddings; and two cheats, knowing the tempo alone and the genre alone.
Axes: m motion items, n music items, d embedding.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.retrieval import METRICS, bootstrap_interval, chance, metrics_of_ranks, ranks

DIRECTIONS = ("music_to_motion", "motion_to_music")
ROWS = ("model", "ceiling", "random", "tempo_only", "genre_only")
"""The rows that every table has; those of projected encoders come between the model and the ceiling."""
_DECIMALS = 7  # of a cosine: embeddings are float32, and equal items must tie on every machine

Ranking = tuple[NDArray[np.floating], NDArray[np.bool_], NDArray[Any]]
"""similarity (Q, G), relevant (Q, G) and the song of each query (Q,)."""


@frozen(eq=False)
class Pairs:
    """Which music items answer which motion items, and the song of each."""

    motion_song: NDArray[Any] = field(converter=np.asarray)  # (m,)
    music_song: NDArray[Any] = field(converter=np.asarray)  # (n,)
    relevant: NDArray[np.bool_] = field(converter=np.asarray)  # (m, n)

    def both_directions(self, similarity: NDArray[np.floating]) -> dict[str, Ranking]:
        """{direction: ranking} of a similarity (m, n), motion items by music items."""
        similarity = np.asarray(similarity, np.float64)
        if similarity.shape != self.relevant.shape:
            raise MotionBeatError(
                f"retrieval: similarity is {similarity.shape}, expected {self.relevant.shape} (motion, music)"
            )
        return {
            "music_to_motion": (similarity.T, self.relevant.T, self.music_song),
            "motion_to_music": (similarity, self.relevant, self.motion_song),
        }


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows scaled to length 1; a row of zeros or with NaN is refused."""
    vectors = np.asarray(vectors, np.float64)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norm)) or np.any(norm == 0):
        raise MotionBeatError("retrieval: an embedding is zero or not finite: check the model's weights and its input")
    return vectors / norm


def cosine(motion: NDArray[np.floating], music: NDArray[np.floating]) -> NDArray[np.float64]:
    """(m, d) and (n, d) -> (m, n), rounded so that equal items tie on every machine."""
    return np.round(unit(motion) @ unit(music).T, _DECIMALS)


def random_embeddings(
    music: NDArray[np.floating], motion: NDArray[np.floating], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normal noise of the shapes of music (n, d) and motion (m, d)."""
    generator = np.random.default_rng(np.random.SeedSequence([seed, len(ROWS)]))
    return generator.standard_normal(music.shape), generator.standard_normal(motion.shape)


def posterior(likelihood: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-likelihoods (motion, music) of a dance given a song, made fair between dances: log p(music | motion).

    The order of the songs for one dance stays. The order of the dances for one song changes: without the
    normalisation a dance of few events, likely under any song, would stand first for every song. Minus
    infinity stands for impossible; each dance must be possible under some song.
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


def cheats(pairs: Pairs, tempo: Mapping[str, float], genre: Mapping[str, str]) -> dict[str, NDArray[np.float64]]:
    """Similarity (m, n) by tempo (BPM of each song) alone and by genre alone."""
    bpm, kind = (
        [np.array([fact[song] for song in songs.tolist()]) for songs in (pairs.motion_song, pairs.music_song)]
        for fact in (tempo, genre)
    )
    return {
        "tempo_only": tempo_similarity(*bpm),
        "genre_only": (kind[0][:, None] == kind[1]).astype(float),
    }


def score(
    pairs: Pairs, similarity: Mapping[str, NDArray[np.floating] | None], bootstrap: int, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of each row in both directions: (metrics, intervals), plain numbers ready for JSON.

    similarity: (m, n) of each row, None where it cannot be had. bootstrap: resamplings of the songs.
    metrics: {direction: {row: {n, r1, r5, r10, medr, meanr}}}, recalls in percent, n queries; None without
    similarity. intervals: the same nest with the 95 % interval [low, high] of each metric, and for each direction
    also gallery (items), songs and chance (of a random ordering).
    """
    metrics: dict[str, Any] = {}
    intervals: dict[str, Any] = {}
    for direction in DIRECTIONS:
        _, relevant, groups = pairs.both_directions(np.zeros(pairs.relevant.shape))[direction]
        queries, gallery = relevant.shape
        figures: dict[str, Any] = {}
        bounds: dict[str, Any] = {
            "gallery": gallery,
            "songs": len(np.unique(groups)),
            "chance": chance(relevant),
        }
        for row, values in similarity.items():
            if values is None:
                figures[row] = {"n": queries, **dict.fromkeys(METRICS)}
                bounds[row] = dict.fromkeys(METRICS)
                continue
            rank = ranks(*pairs.both_directions(values)[direction][:2])
            figures[row] = {"n": queries, **metrics_of_ranks(rank)}
            bounds[row] = bootstrap_interval(rank, groups, bootstrap, seed)
        metrics[direction], intervals[direction] = figures, bounds
    return metrics, intervals
