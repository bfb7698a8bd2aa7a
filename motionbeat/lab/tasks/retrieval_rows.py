"""The rows of a retrieval table, and the scores of each.

Rows: the model; other encoders through a trained projection head (`motionbeat.lab.tasks.projection`); the ceiling
(likelihood of the dance's true events under the song's true accents, where a corpus has that truth); random
embeddings; and two trivial baselines, tempo alone and genre alone. The model and the ceiling have two rows each, plain
and normalised over the gallery's music (`posterior`), so that equal forms can be compared.
Axes: m motion items, n music items, d embedding, Q queries, r resamplings.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.group_bootstrap import weighted_mean, weighted_median, weights_of
from motionbeat.lab.tasks.score_table import Score, differences, scored
from motionbeat.retrieval import METRICS, chance, log_likelihoods, ranks, recalls

DIRECTIONS = ("music_to_motion", "motion_to_music")
MODEL = "model"
ROWS = (MODEL, "model_normalised", "ceiling", "ceiling_normalised", "random", "tempo_only", "genre_only")
"""The rows of every table; rows of projected encoders follow the model's."""
BY_GENRE = "genre"
"""The task whose rows are genres, with its direction."""
ADDITIVE = "ceiling_additive"
"""The row of the ceiling of sums over 16ths, if a corpus has context; see `synthetic.likelihood`."""
CHANCE = "chance"
"""The row of a random ordering, in closed form."""
NLL = "nll"
_RANDOM_STREAM = 5  # added to the seed of the random embeddings
_DECIMALS = 7  # decimals of a cosine: embeddings are float32, and equal items must tie on every machine

Ranking = tuple[NDArray[np.floating], NDArray[np.bool_], NDArray[Any]]
"""similarity (Q, G), relevant (Q, G) and the song of each query (Q,)."""


@frozen
class Scoring:
    """Settings of the scores: the training loss's temperature, the number of resamplings of the songs, and the seed of
    these and of the random embeddings.
    """

    temperature: float
    bootstrap: int
    seed: int


@frozen(eq=False)
class Ranked:
    """A row's similarity (m, n), and the temperature at which it is a log-probability: that of the training loss for
    cosines, 1 for log-likelihoods, None if it is not one."""

    similarity: NDArray[np.floating]
    temperature: float | None = None


@frozen(eq=False)
class Pairs:
    """Which music items are relevant to which motion items, and the song of each."""

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
    generator = np.random.default_rng(np.random.SeedSequence([seed, _RANDOM_STREAM]))
    return generator.standard_normal(music.shape), generator.standard_normal(motion.shape)


def posterior(likelihood: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-likelihoods (motion, music) of a dance given a song, normalised over the songs: log p(music | motion).

    The order of the songs for one dance does not change. The order of the dances for one song does: without the
    normalisation, a dance with few events, which is likely under any song, would be first for every song. Minus
    infinity means impossible; each dance must be possible under some song.
    """
    top = likelihood.max(axis=1, keepdims=True)
    return likelihood - top - np.log(np.exp(likelihood - top).sum(axis=1, keepdims=True))


def with_posterior(name: str, row: Ranked | None) -> dict[str, Ranked | None]:
    """A row and, as `NAME_normalised`, its posterior over the gallery's music, for which it needs a temperature."""
    if row is None:
        return {name: None, f"{name}_normalised": None}
    assert row.temperature is not None
    return {name: row, f"{name}_normalised": Ranked(posterior(row.similarity / row.temperature), 1.0)}


def all_rows(
    embedded: Mapping[str, NDArray[np.floating]],
    ceiling: NDArray[np.floating] | None,
    known: Mapping[str, NDArray[np.floating]],
    temperature: float,
) -> dict[str, Ranked | None]:
    """The rows of a table in order. embedded: {row: cosines (m, n)}, the model's first; ceiling: log-likelihoods
    (m, n), or None without truth; known: those of `trivial`; temperature: of the training loss."""
    cosines = {row: Ranked(values, temperature) for row, values in embedded.items()}
    rows = with_posterior(MODEL, cosines[MODEL]) | cosines
    rows |= with_posterior("ceiling", None if ceiling is None else Ranked(ceiling, 1.0))
    return rows | {row: Ranked(values) for row, values in known.items()}


def tempo_similarity(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """-|log2 of the tempo ratio|, double and half tempo taken as equal: (len(a), len(b)).

    Tempi are rounded to a whole BPM first: the baseline should know the tempo, but not small differences between the
    tracked tempi of songs.
    """
    distance = np.abs(np.log2(np.round(a)[:, None] / np.round(b)))
    return -np.round(np.minimum(distance, np.abs(distance - 1)), _DECIMALS)


def trivial(pairs: Pairs, tempo: Mapping[str, float], genre: Mapping[str, str]) -> dict[str, NDArray[np.float64]]:
    """Similarity (m, n) by tempo alone (BPM of each song) and by genre alone."""
    bpm, kind = (
        [np.array([fact[song] for song in songs.tolist()]) for songs in (pairs.motion_song, pairs.music_song)]
        for fact in (tempo, genre)
    )
    return {
        "tempo_only": tempo_similarity(*bpm),
        "genre_only": (kind[0][:, None] == kind[1]).astype(float),
    }


def score(
    task: str, pairs: Pairs, rows: Mapping[str, Ranked | None], options: Scoring
) -> tuple[list[Score], dict[str, Any]]:
    """Every figure of both directions with its 95 % interval over resampled songs, and the sizes of the galleries.

    task: the protocol; scores are of TASK.DIRECTION. rows: None if a row cannot be computed. Metrics: r1, r5, r10
    (percent), medr, meanr, and nll (nats) for rows with a temperature, n queries; a row `chance` in closed form; rows
    "model minus OTHER", paired by song. The second value holds {direction: {queries, gallery, songs}}.
    """
    table: list[Score] = []
    sizes: dict[str, Any] = {}
    for direction in DIRECTIONS:
        _, relevant, groups = pairs.both_directions(np.zeros(pairs.relevant.shape))[direction]
        queries, gallery = relevant.shape
        name, weights = f"{task}.{direction}", weights_of(groups, options.bootstrap, options.seed)
        resampled: dict[str, dict[str, NDArray[np.floating]]] = {}
        for row, ranked in rows.items():
            if ranked is None:
                table += [Score(name, row, metric, None, n=queries) for metric in METRICS]
                continue
            similarity, _, _ = pairs.both_directions(ranked.similarity)[direction]
            resampled[row] = _resampled(similarity, relevant, ranked.temperature, weights)
            table += scored(name, row, resampled[row], queries)
        table += [Score(name, CHANCE, metric, value, n=queries) for metric, value in chance(relevant).items()]
        table += differences(name, MODEL, resampled, queries)
        sizes[direction] = {"queries": queries, "gallery": gallery, "songs": len(np.unique(groups))}
    return table, sizes


def by_genre(pairs: Pairs, similarity: NDArray[np.floating], genre: Mapping[str, str], options: Scoring) -> list[Score]:
    """r1 (percent) of the queries of each genre in the whole gallery, both directions, with intervals by song."""
    table: list[Score] = []
    for direction, (similar, relevant, songs) in pairs.both_directions(similarity).items():
        hit, kind = recalls(similar, relevant)["r1"], np.array([genre[song] for song in songs.tolist()])
        for name in np.unique(kind).tolist():
            chosen = kind == name
            weights = weights_of(songs[chosen], options.bootstrap, options.seed)
            resampled = {"r1": 100 * weighted_mean(hit[chosen], weights)}
            table += scored(f"{BY_GENRE}.{direction}", name, resampled, int(chosen.sum()))
    return table


def _resampled(
    similarity: NDArray[np.floating],
    relevant: NDArray[np.bool_],
    temperature: float | None,
    weights: NDArray[np.floating],
) -> dict[str, NDArray[np.floating]]:
    """Each metric under each row of weights (r, Q): {metric: (r,)}."""
    rank = ranks(similarity, relevant)
    figures = {name: 100 * weighted_mean(hit, weights) for name, hit in recalls(similarity, relevant).items()}
    figures |= {"medr": weighted_median(rank, weights), "meanr": weighted_mean(rank, weights)}
    if temperature is not None:
        figures[NLL] = -weighted_mean(log_likelihoods(similarity, relevant, temperature), weights)
    return figures
