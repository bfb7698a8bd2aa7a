"""Cross-modal retrieval: how high a query's own item stands when a gallery is sorted by similarity.

A query may have several relevant items (one song has many dances); the best placed one counts. Items
that are no answer but just as similar share the average rank with it, so that an encoder that maps
everything to one point scores as chance and not as perfect. From the ranks follow recall at k (percent
of queries with rank <= k), the median and the mean rank.

Queries of one song resemble each other, so intervals come from resampling songs, never queries. Beside
every figure stands what a random ordering of the same gallery gives, in closed form.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

CUTOFFS = {"r1": 1, "r5": 5, "r10": 10}
METRICS = (*CUTOFFS, "medr", "meanr")
_HALF = 0.5
_SLACK = 1e-9


def validate(similarity: NDArray[np.floating], relevant: NDArray[np.bool_]) -> None:
    """Refuse what has no ranks: other shapes than (Q, G) twice, NaN, a query without a relevant item."""
    if similarity.ndim != 2 or similarity.shape != relevant.shape or not similarity.size:
        raise MotionBeatError(
            f"similarity {similarity.shape} and relevant {relevant.shape}: "
            "expected (queries, gallery) for both, not empty"
        )
    if relevant.dtype != np.bool_:
        raise MotionBeatError(f"relevant is {relevant.dtype}: expected bool, True where an item answers the query")
    _validate_relevant(relevant)
    if np.isnan(similarity).any():
        query, item = np.argwhere(np.isnan(similarity))[0].tolist()
        raise MotionBeatError(
            f"similarity of query {query} and item {item} is NaN: check the embeddings for NaN or zeros"
        )


def _validate_relevant(relevant: NDArray[np.bool_]) -> None:
    without = np.flatnonzero(~relevant.any(axis=1))
    if len(without):
        raise MotionBeatError(
            f"query {without[0]} has no relevant item in the gallery ({len(without)} such queries): "
            "leave it out of the queries or put its item into the gallery"
        )


def ranks(similarity: NDArray[np.floating], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rank of the best relevant item of each query, from 1.

    similarity: (Q, G), greater is nearer, infinite values allowed. relevant: (Q, G) bool. Returns (Q,):
    rank = 1 + #(non-relevant items above the best relevant one) + #(non-relevant items equal to it) / 2,
    so a constant similarity gives (number of non-relevant items) / 2 + 1.

    >>> ranks(np.array([[0.1, 0.9, 0.5]]), np.array([[False, False, True]]))
    array([2.])
    """
    similarity, relevant = np.asarray(similarity), np.asarray(relevant)
    validate(similarity, relevant)
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True)
    above = np.count_nonzero(~relevant & (similarity > best), axis=1)
    equal = np.count_nonzero(~relevant & (similarity == best), axis=1)
    return 1 + above + equal / 2


def retrieval_metrics(similarity: NDArray[np.floating], relevant: NDArray[np.bool_]) -> dict[str, float]:
    """Recall at 1, 5 and 10 in percent, median and mean rank: r1, r5, r10, medr, meanr.

    similarity: (Q, G), greater is nearer. relevant: (Q, G) bool. Raises `MotionBeatError` on NaN and on a
    query without a relevant item.
    """
    return metrics_of_ranks(ranks(similarity, relevant))


def metrics_of_ranks(rank: NDArray[np.floating]) -> dict[str, float]:
    """The five metrics of (Q,) ranks."""
    recalls = {name: 100 * float(np.mean(rank <= cutoff)) for name, cutoff in CUTOFFS.items()}
    return {**recalls, "medr": float(np.median(rank)), "meanr": float(np.mean(rank))}


def bootstrap_interval(
    rank: NDArray[np.floating], groups: NDArray[Any], resamplings: int, seed: int
) -> dict[str, list[float]]:
    """95 % percentile interval [low, high] of each metric, drawing whole groups with replacement.

    rank: (Q,). groups: (Q,), the song of each query: as many songs as there are, are drawn in each
    resampling, and all queries of a song come along. The same seed and groups draw the same songs, so
    that the intervals of two encoders are paired.
    """
    rank = np.asarray(rank, float)
    if rank.ndim != 1 or rank.shape != np.shape(groups) or not len(rank):
        raise MotionBeatError(f"ranks {rank.shape} and groups {np.shape(groups)}: expected one group a rank, not empty")
    songs, song_of_query = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    times_drawn = generator.multinomial(len(songs), np.full(len(songs), 1 / len(songs)), size=resamplings)
    order = np.argsort(rank, kind="stable")
    rank, song_of_query = rank[order], song_of_query[order]
    weights = times_drawn[:, song_of_query]  # (R, Q)
    total = weights.sum(axis=1)
    drawn = {name: 100 * weights @ (rank <= cutoff) / total for name, cutoff in CUTOFFS.items()}
    drawn["medr"] = _weighted_median(rank, weights, total)
    drawn["meanr"] = weights @ rank / total
    return {name: [float(bound) for bound in np.percentile(drawn[name], [2.5, 97.5])] for name in METRICS}


def _weighted_median(
    rank: NDArray[np.floating], weights: NDArray[np.int64], total: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Median of each row of `weights` copies of the sorted `rank`: (R,)."""
    seen = np.cumsum(weights, axis=1)
    lower = np.argmax(seen > ((total - 1) // 2)[:, None], axis=1)
    upper = np.argmax(seen > (total // 2)[:, None], axis=1)
    return (rank[lower] + rank[upper]) / 2


def chance(relevant: NDArray[np.bool_]) -> dict[str, float]:
    """What a random ordering of the gallery gives: expected r1, r5, r10 (percent) and meanr, and medr.

    relevant: (Q, G) bool. With k relevant items among G the first of them stands behind place j with the
    hypergeometric probability C(G-j, k) / C(G, k), so its mean place is (G+1) / (k+1). `medr` is the median of
    that distribution over all queries (the midpoint where it has two).
    """
    relevant = np.asarray(relevant, bool)
    _validate_relevant(relevant)
    gallery = relevant.shape[1]
    counts, queries = np.unique(np.count_nonzero(relevant, axis=1), return_counts=True)
    share = queries / queries.sum()
    place = np.arange(gallery)
    behind = np.cumprod(np.maximum(gallery - counts[:, None] - place, 0) / (gallery - place), axis=1)
    within = 1 - share @ behind  # (G,): probability of rank <= place + 1
    recalls = {name: 100 * float(within[min(cutoff, gallery) - 1]) for name, cutoff in CUTOFFS.items()}
    lower = int(np.argmax(within >= _HALF - _SLACK)) + 1
    upper = int(np.argmax(within > _HALF + _SLACK)) + 1
    mean = float(share @ ((gallery + 1) / (counts + 1)))
    return {**recalls, "medr": (lower + upper) / 2, "meanr": mean}
