"""Both earth mover's distances against POT and closed cases."""

import numpy as np
import ot
import pytest
import torch

from motionbeat.errors import MotionBeatError
from motionbeat.losses import wasserstein_circle, wasserstein_line


def masses(bins: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p, q = generator.dirichlet(np.full(bins, 0.3), size=2)
    return p, q


@pytest.mark.parametrize("bins", [1, 2, 3, 12, 16])
def test_line_is_pots_one_dimensional_distance(bins: int) -> None:
    at = np.arange(bins, dtype=float)
    for seed in range(8):
        p, q = masses(bins, seed)
        value = wasserstein_line(torch.tensor(p), torch.tensor(q)).item()
        assert value == pytest.approx(float(ot.wasserstein_1d(at, at, p, q, p=1)), abs=1e-9)
        cost = np.abs(at[:, None] - at)
        assert value == pytest.approx(ot.emd2(p, q, cost), abs=1e-9)


@pytest.mark.parametrize("bins", [1, 2, 3, 12, 15, 16])
def test_circle_is_pots_circular_distance(bins: int) -> None:
    at = np.arange(bins)
    apart = np.abs(at[:, None] - at)
    for seed in range(8):
        p, q = masses(bins, seed)
        value = wasserstein_circle(torch.tensor(p), torch.tensor(q)).item()
        assert value == pytest.approx(ot.emd2(p, q, np.minimum(apart, bins - apart).astype(float)), abs=1e-9)
        # POT measures on a circle of length 1, this project in bins.
        on_unit_circle = ot.wasserstein_circle(at / bins, at / bins, p, q, p=1)
        assert value == pytest.approx(float(np.squeeze(on_unit_circle)) * bins, abs=1e-6)


def test_the_last_bin_is_beside_the_first_on_the_circle_only() -> None:
    first, last = torch.eye(16)[0], torch.eye(16)[15]
    assert wasserstein_line(first, last) == 15
    assert wasserstein_circle(first, last) == 1


def test_turning_both_masses_changes_nothing_on_the_circle() -> None:
    p, q = (torch.tensor(mass) for mass in masses(16, 3))
    turned = wasserstein_circle(p.roll(5), q.roll(5))
    torch.testing.assert_close(turned, wasserstein_circle(p, q))


def test_batches_are_measured_one_by_one() -> None:
    p, q = torch.rand(2, 4, 5, 12, dtype=torch.float64).softmax(-1)
    for function in (wasserstein_line, wasserstein_circle):
        value = function(p, q)
        assert value.shape == (4, 5)
        torch.testing.assert_close(value[2, 3], function(p[2, 3], q[2, 3]))


@pytest.mark.parametrize("bins", [6, 9])
@pytest.mark.parametrize("function", [wasserstein_line, wasserstein_circle])
def test_gradient_is_that_of_finite_differences(function, bins: int) -> None:
    logits, other = torch.randn(2, 1, bins, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(x.softmax(-1), other.softmax(-1)), (logits,))


@pytest.mark.parametrize("function", [wasserstein_line, wasserstein_circle])
def test_what_is_no_mass_is_refused(function) -> None:
    good = torch.full((4,), 0.25)
    for bad in (good * 2, torch.tensor([1.5, -0.5, 0, 0]), torch.full((4,), torch.nan)):
        with pytest.raises(MotionBeatError, match="not a mass"):
            function(good, bad)
    with pytest.raises(MotionBeatError, match="numbers of bins"):
        function(good, torch.full((5,), 0.2))


@pytest.mark.parametrize("bins", [12, 16, 28])
@pytest.mark.parametrize("function", [wasserstein_line, wasserstein_circle])
def test_float32_is_off_by_the_rounding_of_its_sums(function, bins: int) -> None:
    """Each of the bins' cumulated sums is off by at most bins * eps, and as many of them are added up."""
    p, q = torch.randn(2, 500, bins, generator=torch.Generator().manual_seed(bins)).mul(3).softmax(-1)
    exact = function(p.double(), q.double())
    assert float((function(p, q).double() - exact).abs().max()) <= bins**2 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("function", [wasserstein_line, wasserstein_circle])
def test_each_bar_of_a_batch_has_the_gradient_it_has_alone(function) -> None:
    logits, other = torch.randn(2, 6, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    logits.requires_grad_()
    (whole,) = torch.autograd.grad(function(logits.softmax(-1), other.softmax(-1)).sum(), logits)
    for i in range(len(logits)):
        own = logits[i].detach().requires_grad_()
        (alone,) = torch.autograd.grad(function(own.softmax(-1), other[i].softmax(-1)), own)
        torch.testing.assert_close(whole[i], alone)


def test_the_circle_is_never_further_than_the_line() -> None:
    p, q = torch.randn(2, 200, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).mul(4).softmax(-1)
    assert bool((wasserstein_circle(p, q) <= wasserstein_line(p, q) + 1e-12).all())
