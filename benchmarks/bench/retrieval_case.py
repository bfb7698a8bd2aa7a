"""The nearest windows in a library of 10^4 to 10^6, compared with faiss's exact search."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.bench.rounds import LeftOut, Row, compare
from benchmarks.search_speed import vectors_of
from motionbeat.search.nearest import EXACT_LIMIT, Nearest

SIZES, WIDTH, QUERIES, BEST = (10_000, 100_000, 1_000_000), 128, 16, 10


def rows() -> Iterator[Row | LeftOut]:
    """16 queries at once, like the windows of a song: products in NumPy up to `EXACT_LIMIT`, the inverted file
    above.
    """
    try:
        import faiss
    except ModuleNotFoundError:
        yield LeftOut("retrieval", "faiss is not installed: pip install 'motionbeat[search]'")
        return
    for total in SIZES:
        generator = np.random.default_rng(0)
        vectors = vectors_of(total, WIDTH, generator)
        queries = vectors[generator.choice(total, QUERIES, replace=False)]
        exact = faiss.IndexFlatIP(WIDTH)
        exact.add(vectors)
        size, peer = f"{QUERIES} queries of {total:,}", "faiss.IndexFlatIP"

        theirs = partial(exact.search, queries, BEST)
        if total <= EXACT_LIMIT:
            yield compare("retrieval", size, partial(_all_compared, queries, vectors), peer, theirs, note="exact")
            continue
        nearest = Nearest.build(vectors.astype(np.float16))
        _, found = nearest.search(queries, BEST)
        _, truth = exact.search(queries, BEST)
        recall = np.mean([len(set(a) & set(b)) / BEST for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
        note = f"recall at {BEST}: {recall:.3f}"
        yield compare("retrieval", size, partial(nearest.search, queries, BEST), peer, theirs, rounds=3, note=note)


def _all_compared(queries: np.ndarray, vectors: np.ndarray) -> None:
    np.argpartition(-(queries @ vectors.T), BEST, axis=1)
