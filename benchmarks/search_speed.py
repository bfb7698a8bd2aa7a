"""The time of a query in a large library: python -m benchmarks.search_speed [--windows 1000000]

Random vectors of length 1 that lie in 5,000 clouds, as windows of songs do (vectors without any structure have no
near neighbours to find). Queries are vectors of the library with noise of a third of their length. Recall: part of
the true 10 nearest, by comparison with all, that faiss gives.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.arguments import count
from motionbeat.errors import run
from motionbeat.search.nearest import Nearest

_CLOUDS = 5_000
_QUERIES = 64


def vectors_of(total: int, width: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """(total, width) float32 of length 1 in clouds."""
    centres = generator.normal(size=(_CLOUDS, width)).astype(np.float32)
    vectors = centres[generator.integers(_CLOUDS, size=total)]
    for begin in range(0, total, 100_000):
        part = vectors[begin : begin + 100_000]
        part += generator.normal(size=part.shape).astype(np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def measure(total: int, width: int) -> dict[str, float]:
    """Seconds to build, ms a query and a batch, and recall."""
    generator = np.random.default_rng(0)
    vectors = vectors_of(total, width, generator)
    queries = vectors[generator.choice(total, _QUERIES, replace=False)]
    noise = generator.normal(size=queries.shape).astype(np.float32)
    queries = queries + noise / (3 * np.linalg.norm(noise, axis=1, keepdims=True))
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    begun = time.perf_counter()
    nearest = Nearest.build(vectors.astype(np.float16))
    built = time.perf_counter()
    nearest.search(queries[:1], 10)
    single = []
    for query in queries:
        start = time.perf_counter()
        nearest.search(query[None], 10)
        single.append(time.perf_counter() - start)
    start = time.perf_counter()
    _, rows = nearest.search(queries, 100)
    batch = time.perf_counter() - start
    start = time.perf_counter()
    cosine = queries @ vectors.T
    truth = np.argpartition(-cosine, 10, axis=1)[:, :10]
    exact = time.perf_counter() - start
    recall = np.mean([len(set(a[:10]) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist(), strict=True)])
    return {
        "build_s": built - begun,
        "query_ms": 1000 * float(np.median(single)),
        "query_p95_ms": 1000 * float(np.percentile(single, 95)),
        "batch_of_64_ms": 1000 * batch,
        "all_compared_64_ms": 1000 * exact,
        "recall_at_10": float(recall),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_speed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--windows", type=count, default=1_000_000, help="vectors in the library")
    parser.add_argument("--width", type=count, default=128, help="of a vector")
    chosen = parser.parse_args(arguments)
    for name, value in measure(chosen.windows, chosen.width).items():
        print(f"{name:<20}{value:10.3f}")


if __name__ == "__main__":
    run(main)
