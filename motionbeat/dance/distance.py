"""Distances between sets of dances in a feature space: diversity (Dist) and likeness to real dances (FID).

Dist_k and Dist_g (kinetic and geometric features), FID_k and FID_g of Li et al., "AI Choreographer", ICCV 2021.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from motionbeat.errors import MotionBeatError

_STD_FLOOR = 1e-10
_SINGULAR_EPS = 1e-5


def mean_pairwise_distance(features: ArrayLike, reference: ArrayLike) -> float:
    """Diversity: the mean Euclidean distance over unordered pairs of `features` after z-scoring by `reference`.

    features: (n, F) of the dances to measure, n at least 2. reference: (m, F) of real dances; their mean and standard
    deviation (+ 1e-10) normalise both. Identical dances score 0, noise scores higher than real dances: the best value
    is that of the reference itself. Raises `MotionBeatError` for other shapes, NaN, too few rows, and a feature that
    never varies in the reference but does in `features`.
    """
    scored, _ = _normalised("mean_pairwise_distance", features, reference)
    return float(pdist(scored).mean())


def frechet_distance(features: ArrayLike, reference: ArrayLike) -> float:
    """Frechet distance of the Gaussians of both sets, after z-scoring both by `reference`; 0 for the same set.

    features: (n, F), reference: (m, F), at least 2 rows each.
    |mean difference|^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)), real part; if a covariance is singular, 1e-5 is added to the
    diagonals in the square root. If there are not more samples than features, the covariances are singular and the
    value means little: a `UserWarning` says so. Errors as for `mean_pairwise_distance`.
    """
    from scipy.linalg import eigvals

    scored, real = _normalised("frechet_distance", features, reference)
    width = scored.shape[1]
    if min(len(scored), len(real)) <= width:
        warnings.warn(
            f"frechet_distance: {len(scored)} and {len(real)} samples of {width} features; the value means little "
            "unless there are more samples than features",
            stacklevel=2,
        )
    first, second = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (scored, real))
    rooted = [first, second]
    if min(np.linalg.matrix_rank(first), np.linalg.matrix_rank(second)) < width:
        rooted = [covariance + _SINGULAR_EPS * np.eye(width) for covariance in rooted]
    # the trace of a matrix's square root is the sum of the square roots of its eigenvalues
    root_trace = np.sqrt(eigvals(rooted[0] @ rooted[1]).astype(complex)).real.sum()
    apart = scored.mean(axis=0) - real.mean(axis=0)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * root_trace)


def _normalised(
    measure: str, features: ArrayLike, reference: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check both sets and z-score them by the reference."""
    scored, real = _checked(measure, "features", features), _checked(measure, "reference", reference)
    if scored.shape[1] != real.shape[1]:
        raise MotionBeatError(
            f"{measure}: {scored.shape[1]} features, but {real.shape[1]} in the reference; give the same ones"
        )
    mean, std = real.mean(axis=0), real.std(axis=0)
    flat = std <= _STD_FLOOR * (1 + np.abs(mean))
    odd = np.flatnonzero(flat & ~np.isclose(scored, mean, rtol=1e-9, atol=1e-9).all(axis=0))
    if odd.size:
        raise MotionBeatError(
            f"{measure}: feature {odd[0]} never varies in the reference but differs in the features, "
            "so it cannot be z-scored; give a larger reference, or leave that feature out of both"
        )
    std[flat] = np.inf  # their differences from the mean are rounding
    return (scored - mean) / (std + _STD_FLOOR), (real - mean) / (std + _STD_FLOOR)


def _checked(measure: str, name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise MotionBeatError(f"{measure}: {name} of type {array.dtype}; give real numbers")
    array = array.astype(np.float64)
    if array.ndim != 2 or not array.shape[1]:
        raise MotionBeatError(f"{measure}: {name} of shape {array.shape}; give (dances, features)")
    if len(array) < 2:
        raise MotionBeatError(f"{measure}: {len(array)} rows of {name}; give at least 2 dances")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise MotionBeatError(f"{measure}: {name} contain NaN or infinity in row {row}; leave that dance out")
    return array
