"""Vectors2Neighbours: exact search in NumPy for small libraries, faiss for large ones.

faiss-cpu rather than hnswlib: MIT licence, a release every few weeks, one abi3 wheel for Python 3.10 and later;
hnswlib's last release, 0.8.0 of 2023, has no wheels and needs a C++ compiler. The structure is an inverted file of
float16 vectors: it is built in seconds where a graph of a million nodes takes minutes, and rows can be left out of a
query (a tempo range) at no cost.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

Array = NDArray[np.floating]

EXACT_LIMIT = 100_000
"""Up to this number of windows, all are compared (14 hours of music at 120 BPM, one window per beat)."""
_CELLS_PROBED = 32
_TRAINED_ON = 40  # vectors per cell; faiss requires 39


class Nearest:
    """The nearest of many vectors of length 1, by an inverted file. Raises `MotionBeatError` without faiss."""

    def __init__(self, structure: Any) -> None:
        self._faiss, self._structure = _faiss(), structure

    @classmethod
    def build(cls, vectors: Array) -> "Nearest":
        """vectors: (N, d), any float type. The same vectors give the same structure."""
        faiss = _faiss()
        count, width = vectors.shape
        cells = max(1, int(4 * math.sqrt(count)))
        structure = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(width), width, cells, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        structure.cp.niter, structure.cp.min_points_per_centroid = 8, 1
        chosen = np.random.default_rng(0).permutation(count)[: cells * _TRAINED_ON]
        structure.train(np.ascontiguousarray(vectors[np.sort(chosen)], np.float32))
        for begin in range(0, count, EXACT_LIMIT):
            structure.add(np.ascontiguousarray(vectors[begin : begin + EXACT_LIMIT], np.float32))
        return cls(structure)

    @classmethod
    def unpack(cls, packed: NDArray[np.uint8]) -> "Nearest":
        """The structure that `pack` wrote."""
        try:
            return cls(_faiss().deserialize_index(packed))
        except RuntimeError as error:
            raise MotionBeatError(f"the search structure is damaged ({error}): index the folder again") from None

    def pack(self) -> NDArray[np.uint8]:
        """The structure as bytes."""
        return np.asarray(self._faiss.serialize_index(self._structure))

    def __len__(self) -> int:
        return int(self._structure.ntotal)

    def search(
        self, queries: Array, count: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Cosines and rows (m, count) of the nearest to each query, best first; row -1 where there are fewer.

        queries: (m, d) of length 1. allowed: (N,) rows that may be given, or all.
        """
        more = {}
        if allowed is not None:
            more["sel"] = self._faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        parameters = self._faiss.SearchParametersIVF(nprobe=_CELLS_PROBED, **more)
        return tuple(self._structure.search(np.ascontiguousarray(queries, np.float32), count, params=parameters))


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise MotionBeatError(
            f"a library of more than {EXACT_LIMIT:,} windows is searched by faiss, which is not installed: "
            "pip install 'motionbeat[search]'"
        ) from None
    return faiss
