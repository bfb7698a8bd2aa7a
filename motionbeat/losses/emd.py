"""Earth mover's distance between two mass distributions over the bins of one bar (eq. 4), in closed form.

Both functions are the exact 1-Wasserstein distance, where neighbouring bins have distance 1; they are differentiable
almost everywhere.
"""

import torch
from torch import Tensor

from motionbeat.errors import MotionBeatError

_SUM_TOLERANCE = 1e-3


def wasserstein_line(p: Tensor, q: Tensor, *, validate: bool = True) -> Tensor:
    """Distance on the line, from the first bin to the last: sum over bins of |CDF_p - CDF_q| (the paper's EMD).

    p, q: (..., bins), at least 0, each summing to 1. Returns (...), in bins. validate: False skips the check of p and
    q, so that nothing is read back from a GPU.
    """
    return _cdf_difference(p, q, validate).abs().sum(-1)


def wasserstein_circle(p: Tensor, q: Tensor, *, validate: bool = True) -> Tensor:
    """Distance on the circle, where the last bin is next to the first: the same sum after subtracting the median.

    A bar is a circle: its last sixteenth is one step before the next downbeat. (Rabin, Delon &
    Gousseau, 2011.) Arguments and result as for `wasserstein_line`.
    """
    difference = _cdf_difference(p, q, validate)  # (..., bins)
    return (difference - difference.median(-1, keepdim=True).values).abs().sum(-1)


def _cdf_difference(p: Tensor, q: Tensor, validate: bool) -> Tensor:
    if p.ndim == 0 or q.ndim == 0 or p.shape[-1] != q.shape[-1]:
        raise MotionBeatError(
            f"masses have shapes {tuple(p.shape)} and {tuple(q.shape)}; expected equal numbers of bins"
        )
    for name, mass in (("p", p), ("q", q)) if validate else ():
        sums_to_one = ((mass.detach().sum(-1) - 1).abs() <= _SUM_TOLERANCE).all()
        if not bool(sums_to_one & (mass.detach() >= 0).all()):
            raise MotionBeatError(
                f"{name} is not a mass; expected numbers of at least 0 that sum to 1 over the last axis"
            )
    kind = torch.promote_types(torch.promote_types(p.dtype, q.dtype), torch.float32)
    return (p.to(kind) - q.to(kind)).cumsum(-1)  # (..., bins)
