"""Cross-modal retrieval: the rank of the right item when a gallery is sorted by its similarity to a query.

A query may have several relevant items (one song has many dances); the best ranked one counts. If items are tied,
recall at k is the expectation over all orders of the tied items, so an encoder that maps everything to one point has
the recall of chance. For the median and the mean rank, tied items share their average rank. `chance` has each figure
for a random order of the same gallery, in closed form. Axes: Q queries, G items of the gallery.
"""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

CUTOFFS = {"r1": 1, "r5": 5, "r10": 10}
METRICS = (*CUTOFFS, "medr", "meanr")
_HALF = 0.5
_SLACK = 1e-9

Floats = NDArray[np.floating]


def validate(similarity: Floats, relevant: NDArray[np.bool_]) -> None:
    """Refuse input that has no ranks: shapes that are not both (Q, G), NaN, a query without a relevant item."""
    if similarity.ndim != 2 or similarity.shape != relevant.shape or not similarity.size:
        raise MotionBeatError(
            f"similarity {similarity.shape} and relevant {relevant.shape}: "
            "expected (queries, gallery) for both, not empty"
        )
    if similarity.dtype.kind not in "fiub":
        raise MotionBeatError(f"similarity is {similarity.dtype}: expected real numbers")
    _validate_relevant(relevant)
    if np.isnan(similarity).any():
        query, item = np.argwhere(np.isnan(similarity))[0].tolist()
        raise MotionBeatError(
            f"similarity of query {query} and item {item} is NaN: check the embeddings for NaN or zeros"
        )


def _validate_relevant(relevant: NDArray[np.bool_]) -> None:
    if relevant.dtype != np.bool_ or relevant.ndim != 2 or not relevant.size:
        raise MotionBeatError(
            f"relevant is {relevant.dtype} of shape {relevant.shape}: expected bool (queries, gallery), not empty, "
            "True where an item is relevant to the query"
        )
    without = np.flatnonzero(~relevant.any(axis=1))
    if len(without):
        raise MotionBeatError(
            f"query {without[0]} has no relevant item in the gallery ({len(without)} such queries): "
            "leave it out of the queries or put its item into the gallery"
        )


def ranks(similarity: Floats, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rank of the best relevant item of each query, from 1.

    similarity: (Q, G), greater is nearer, infinite values allowed. relevant: (Q, G) bool. Returns (Q,):
    rank = 1 + #(non-relevant items above the best relevant one) + #(non-relevant items equal to it) / 2,
    so a constant similarity gives (number of non-relevant items) / 2 + 1.

    >>> ranks(np.array([[0.1, 0.9, 0.5]]), np.array([[False, False, True]]))
    array([2.])
    """
    above, equal, _ = _places(similarity, relevant)
    return 1 + above + equal / 2


def recalls(similarity: Floats, relevant: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Probability that each query has an answer among the first 1, 5 and 10 items: {r1, r5, r10: (Q,)} in 0..1.

    similarity, relevant: as for `ranks`. Items tied with the best relevant one are in random order. If t items are
    tied, r of them relevant, and `above` items rank before them, then none of the r is among the first k with
    probability C(t - m, r) / C(t, r), m = k - above. Without ties the result is 1 for a rank of at most k, and 0
    otherwise.

    >>> recalls(np.zeros((1, 4)), np.array([[True, False, False, False]]))["r1"]
    array([0.25])
    """
    above, equal, answers = _places(similarity, relevant)
    tied = equal + answers
    found = {}
    for name, cutoff in CUTOFFS.items():
        within = np.clip(cutoff - above, 0, tied)  # how many of the tied items are among the first `cutoff`
        missed = np.ones(len(above))
        for place in range(cutoff):
            left = np.maximum(equal - place, 0) / np.maximum(tied - place, 1)
            missed *= np.where(place < within, left, 1.0)
        found[name] = 1 - missed
    return found


def _places(
    similarity: Floats, relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each query: how many non-relevant items are above its best relevant one, and how many
    non-relevant and relevant items are equal to it. (Q,) each."""
    similarity, relevant = np.asarray(similarity), np.asarray(relevant)
    validate(similarity, relevant)
    best = np.where(relevant, similarity, -np.inf).max(axis=1, keepdims=True)
    equal = similarity == best
    above = np.count_nonzero(~relevant & (similarity > best), axis=1)
    return above, np.count_nonzero(~relevant & equal, axis=1), np.count_nonzero(relevant & equal, axis=1)


def log_likelihoods(similarity: Floats, relevant: NDArray[np.bool_], temperature: float) -> NDArray[np.float64]:
    """Log-probability (Q,) in nats that an item drawn from softmax(similarity / temperature) answers the query.

    similarity, relevant: as for `ranks`; temperature: above 0; that of training, or 1 if similarities are
    log-likelihoods. With one relevant item the result is its log-softmax; the probabilities of several are summed.
    """
    from scipy.special import logsumexp

    similarity, relevant = np.asarray(similarity, np.float64), np.asarray(relevant)
    validate(similarity, relevant)
    if not 0 < temperature < np.inf:
        raise MotionBeatError(f"temperature = {temperature}: expected a number above 0")
    logits = similarity / temperature
    if not np.isfinite(best := logits.max(axis=1)).all():
        query = int(np.flatnonzero(~np.isfinite(best))[0])
        raise MotionBeatError(f"the greatest similarity of query {query} is {best[query]}: it has no log-likelihood")
    answers = np.where(relevant, logits, -np.inf)
    return np.asarray(logsumexp(answers, axis=1) - logsumexp(logits, axis=1))


def retrieval_metrics(
    similarity: Floats, relevant: NDArray[np.bool_], *, temperature: float | None = None
) -> dict[str, float]:
    """Recall at 1, 5 and 10 in percent, median and mean rank: r1, r5, r10, medr, meanr; with a temperature also nll.

    similarity: (Q, G), greater is nearer. relevant: (Q, G) bool. nll: mean over the queries of the gallery's negative
    log-likelihood in nats (`log_likelihoods`). Raises `MotionBeatError` on NaN and on a query without a relevant item.
    """
    rank = ranks(similarity, relevant)
    found = {name: 100 * float(np.mean(each)) for name, each in recalls(similarity, relevant).items()}
    found |= {"medr": float(np.median(rank)), "meanr": float(np.mean(rank))}
    if temperature is not None:
        found["nll"] = -float(np.mean(log_likelihoods(similarity, relevant, temperature)))
    return found


def chance(relevant: NDArray[np.bool_]) -> dict[str, float]:
    """The figures of a random order of the gallery: expected r1, r5, r10 (percent) and meanr, medr, and nll.

    relevant: (Q, G) bool. With k relevant items among G, the first of them comes after place j with the hypergeometric
    probability C(G-j, k) / C(G, k), so its mean place is (G+1) / (k+1). `medr` is the median of that distribution over
    all queries (the midpoint where it has two). `nll` is the value for equal probabilities, the mean of log(G / k).
    """
    relevant = np.asarray(relevant)
    _validate_relevant(relevant)
    gallery = relevant.shape[1]
    counts, queries = np.unique(np.count_nonzero(relevant, axis=1), return_counts=True)
    share = queries / queries.sum()
    place = np.arange(gallery)
    behind = np.cumprod(np.maximum(gallery - counts[:, None] - place, 0) / (gallery - place), axis=1)
    within = 1 - share @ behind  # (G,): probability of rank <= place + 1
    recall = {name: 100 * float(within[min(cutoff, gallery) - 1]) for name, cutoff in CUTOFFS.items()}
    lower = int(np.argmax(within >= _HALF - _SLACK)) + 1
    upper = int(np.argmax(within > _HALF + _SLACK)) + 1
    mean = float(share @ ((gallery + 1) / (counts + 1)))
    return {**recall, "medr": (lower + upper) / 2, "meanr": mean, "nll": float(share @ np.log(gallery / counts))}
