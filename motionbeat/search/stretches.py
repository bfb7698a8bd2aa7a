"""Where two pieces agree: the stretches of beats whose windows are nearest, at one offset throughout."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def stretch_means(cosine: Array, length: int) -> Array:
    """Mean of `length` steps down each diagonal: (m, n) -> (m - length + 1, n - length + 1).

    Entry [i, j] compares windows i, i + 1, ... of one piece with j, j + 1, ... of the other: the offset j - i is the
    same all along. Sums of 1, 2, 4, ... steps are put together, so the cost grows with the logarithm of the length.
    """
    rows, columns = cosine.shape[0] - length + 1, cosine.shape[1] - length + 1
    total = np.zeros((rows, columns), np.result_type(cosine, np.float32))
    sums, width, done = cosine, 1, 0
    while done < length:
        if length & width:
            total += sums[done : done + rows, done : done + columns]
            done += width
        if done < length:
            sums = sums[:-width, :-width] + sums[width:, width:]
            width *= 2
    return total / length


def best_stretches(cosine: Array, length: int, count: int) -> list[tuple[int, int, float]]:
    """The best (i, j, mean cosine), best first, `count` at most, that do not overlap in the second piece.

    cosine: (m, n). length: windows of a stretch, cut to the shorter piece.
    """
    length = min(length, *cosine.shape)
    means = stretch_means(cosine, length)
    first, best = means.argmax(axis=0), means.max(axis=0)
    found: list[tuple[int, int, float]] = []
    while len(found) < count and np.isfinite(best).any():
        j = int(best.argmax())
        found.append((int(first[j]), j, float(best[j])))
        best = best.copy()
        best[max(0, j - length + 1) : j + length] = -np.inf
    return found
