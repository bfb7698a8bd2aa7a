"""ECL in float32 beside float64: how far rounding moves its value and its gradient."""

import pytest
import torch

from motionbeat.losses import embodied_contrastive_loss

EPS = torch.finfo(torch.float32).eps


@pytest.mark.parametrize("n", [8, 64, 256])
@pytest.mark.parametrize("symmetric", [False, True])
def test_ecl_in_float32_is_off_by_the_rounding_of_its_logits(n: int, symmetric: bool) -> None:
    """A cosine of d products is off by at most d * eps, a logit by that over tau, and the loss by twice a logit."""
    d, tau = 128, 0.07
    generator = torch.Generator().manual_seed(n)
    audio, motion = torch.randn(2, n, d, generator=generator)
    tempo, jitter = torch.randn(2, n, 2, d, generator=generator)
    found = []
    for kind in (torch.float32, torch.float64):
        inputs = [part.to(kind).requires_grad_() for part in (audio, motion, tempo, jitter)]
        loss = embodied_contrastive_loss(*inputs, temperature=tau, symmetric=symmetric)
        gradients = torch.autograd.grad(loss, inputs)
        found.append((float(loss.detach()), torch.cat([part.flatten() for part in gradients]).double()))
    (value, gradient), (exact, expected) = found
    assert abs(value - exact) <= 2 * d * EPS / tau
    assert float((gradient - expected).norm() / expected.norm()) <= 2 * d * EPS / tau
    assert value != exact
