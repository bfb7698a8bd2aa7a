"""Soft-DTW against tslearn and finite differences, its divergence, bands and lengths."""

import numpy as np
import pytest
import torch
from tslearn.metrics import SoftDTW, SquaredEuclidean, soft_dtw_alignment

from motionbeat.errors import MotionBeatError
from motionbeat.losses import soft_dtw, soft_dtw_divergence
from motionbeat.losses.soft_dtw import soft_alignment

SHAPES = [(16, 16, 1), (1, 1, 2), (1, 6, 2), (7, 1, 3), (9, 5, 3), (4, 13, 1)]


def series(n: int, m: int, f: int, batch: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, n, f, generator=generator, dtype=torch.float64)
    return x, torch.randn(batch, m, f, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("n", "m", "f"), SHAPES)
@pytest.mark.parametrize("gamma", [0.01, 0.1, 1.0])
def test_value_and_gradient_are_tslearns(n: int, m: int, f: int, gamma: float) -> None:
    x, y = series(n, m, f)
    x.requires_grad_()
    value = soft_dtw(x, y, gamma)
    value.sum().backward()
    for i in range(len(x)):
        own = x[i].detach().numpy()
        distance = SquaredEuclidean(own, y[i].numpy())
        recursion = SoftDTW(distance, gamma=gamma)
        assert value[i].item() == pytest.approx(recursion.compute(), abs=1e-8)
        np.testing.assert_allclose(x.grad[i].numpy(), distance.jacobian_product(recursion.grad()), atol=1e-8)


@pytest.mark.parametrize(("n", "m", "f"), [(5, 5, 2), (1, 4, 1), (4, 1, 1), (3, 6, 1), (6, 4, 1)])
@pytest.mark.parametrize("band", [None, 0, 1])
def test_gradient_is_that_of_finite_differences(n: int, m: int, f: int, band: int | None) -> None:
    x, y = series(n, m, f, batch=1)
    x.requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: soft_dtw(x, y, 0.3, band=band), (x, y))
    assert torch.autograd.gradcheck(lambda x, y: soft_dtw_divergence(x, y, 0.3, band=band), (x, y))


@pytest.mark.parametrize("band", [None, 1])
def test_divergence_is_zero_for_equal_series_and_positive_otherwise(band: int | None) -> None:
    x, y = series(12, 12, 2, batch=20)
    assert torch.equal(soft_dtw_divergence(x, x.clone(), 0.1, band=band), torch.zeros(20, dtype=torch.float64))
    assert (soft_dtw_divergence(x, y, 0.1, band=band) > 1e-3).all()
    assert (soft_dtw_divergence(x, x + 1e-3 * y, 0.1, band=band) >= -1e-12).all()


def test_divergence_has_no_gradient_at_equal_series() -> None:
    x, _ = series(10, 10, 1)
    moved = x.clone().requires_grad_()
    soft_dtw_divergence(moved, x, 0.1).sum().backward()
    assert moved.grad.abs().max() < 1e-9


def test_raw_soft_dtw_rewards_flat_curves_and_the_divergence_does_not() -> None:
    """The figures of the method: constant against constant -2.45 at gamma 0.1 and 16 beats."""
    flat = torch.zeros(1, 16, 1, dtype=torch.float64)
    peaky = (torch.arange(16, dtype=torch.float64) % 4 == 0).double()[None, :, None]
    assert soft_dtw(flat, flat, 0.1).item() == pytest.approx(-2.45, abs=0.005)
    assert soft_dtw(flat, flat, 0.1) < soft_dtw(peaky, peaky, 0.1) < 0
    assert soft_dtw_divergence(flat, peaky, 0.1) > 0


def test_a_band_of_zero_allows_the_diagonal_alone() -> None:
    x, y = series(8, 8, 3)
    torch.testing.assert_close(soft_dtw(x, y, 0.5, band=0), ((x - y) ** 2).sum((1, 2)))


@pytest.mark.parametrize(("n", "m", "band"), [(6, 6, 1), (6, 6, 2), (6, 6, 9), (5, 9, 2)])
def test_a_band_is_tslearns_recursion_over_the_allowed_cells(n: int, m: int, band: int) -> None:
    x, y = series(n, m, 2)
    i, j = np.indices((n, m))
    longest = max(n, m) - 1
    forbidden = np.abs(i / (n - 1) - j / (m - 1)) * longest > band + 1e-12
    for row, value in enumerate(soft_dtw(x, y, 0.2, band=band)):
        cost = ((x[row, :, None] - y[row, None]) ** 2).sum(-1).numpy()
        cost[forbidden] = 1e6
        assert value.item() == pytest.approx(SoftDTW(cost, gamma=0.2).compute(), abs=1e-8)


@pytest.mark.parametrize(("n", "m"), [(3, 16), (16, 3), (2, 16), (1, 16), (5, 12), (7, 8)])
@pytest.mark.parametrize("band", [0, 1])
def test_unequal_lengths_always_leave_a_path_in_the_band(n: int, m: int, band: int) -> None:
    x, y = series(n, m, 1)
    assert torch.isfinite(soft_dtw(x, y, 0.1, band=band)).all()


@pytest.mark.parametrize("band", [None, 1])
def test_lengths_equal_the_series_cut_short(band: int | None) -> None:
    x, y = series(9, 9, 2)
    x.requires_grad_()
    rows, columns = torch.tensor([9, 5, 1]), torch.tensor([9, 7, 3])
    for function in (soft_dtw, soft_dtw_divergence):
        value = function(x, y, 0.1, band=band, lengths=(rows, columns))
        (gradient,) = torch.autograd.grad(value.sum(), x)
        for i, (n, m) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
            own = x[i : i + 1, :n].detach().requires_grad_()
            alone = function(own, y[i : i + 1, :m], 0.1, band=band)
            (expected,) = torch.autograd.grad(alone.sum(), own)
            torch.testing.assert_close(value[i], alone[0])
            torch.testing.assert_close(gradient[i, :n], expected[0])
            assert not gradient[i, n:].any()


def test_float32_input_is_computed_in_float64() -> None:
    """The only errors left are those of rounding the input's own numbers and the result."""
    x, y = (part.float() for part in series(128, 128, 1))
    value = soft_dtw(x, y, 0.1)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, soft_dtw(x.double(), y.double(), 0.1).float(), rtol=0, atol=0)


def test_a_second_derivative_is_refused() -> None:
    x, y = series(4, 4, 1)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(soft_dtw(x, y, 0.1).sum(), x, create_graph=True)
    with pytest.raises(MotionBeatError, match="differentiated only once"):
        gradient.sum().backward()


def test_nan_is_not_hidden() -> None:
    x, y = series(4, 4, 1)
    x[1, 2] = torch.nan
    x.requires_grad_()
    value = soft_dtw(x, y, 0.1)
    value.sum().backward()
    assert torch.isnan(value).tolist() == [False, True, False]
    assert torch.isnan(x.grad).any((1, 2)).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("x", "y", "gamma", "band", "message"),
    [
        ((2, 3), (2, 3), 0.1, None, "expected"),
        ((2, 3, 1), (1, 3, 1), 0.1, None, "expected"),
        ((2, 3, 1), (2, 3, 2), 0.1, None, "expected"),
        ((2, 3, 1), (2, 0, 1), 0.1, None, "none of them empty"),
        ((2, 3, 1), (2, 3, 1), 0.0, None, "gamma = 0"),
        ((2, 3, 1), (2, 3, 1), 0.1, -1, "band = -1"),
    ],
)
def test_wrong_input_is_refused(x: tuple, y: tuple, gamma: float, band: int | None, message: str) -> None:
    with pytest.raises(MotionBeatError, match=message):
        soft_dtw_divergence(torch.zeros(x), torch.zeros(y), gamma, band=band)


def test_wrong_lengths_are_refused() -> None:
    x = torch.zeros(2, 3, 1)
    with pytest.raises(MotionBeatError, match="from 1 to 3"):
        soft_dtw(x, x, 0.1, lengths=(torch.tensor([3, 4]), torch.tensor([3, 3])))


@pytest.mark.parametrize("k", [16, 32, 64, 128])
@pytest.mark.parametrize("band", [None, 4])
def test_float32_input_costs_only_the_rounding_of_its_gradient(k: int, band: int | None) -> None:
    """The programme is in float64: value and gradient are float64's own, each rounded once, at every length."""
    x, y = (part.float() for part in series(k, k, 1, batch=4, seed=k))
    wide = x.double().requires_grad_()
    x.requires_grad_()
    for function in (soft_dtw, soft_dtw_divergence):
        value, exact = function(x, y, 0.1, band=band), function(wide, y.double(), 0.1, band=band)
        # three values are rounded before the divergence takes their difference
        bound = 4 * torch.finfo(torch.float32).eps * float(soft_dtw(x, y, 0.1, band=band).detach().abs().max() + k)
        assert float((value.double() - exact).detach().abs().max()) <= bound
        (gradient,) = torch.autograd.grad(value.sum(), x)
        (expected,) = torch.autograd.grad(exact.sum(), wide)
        # the divergence adds two gradients of x with itself and one with y
        largest = float(torch.autograd.grad(soft_dtw(wide, y.double(), 0.1, band=band).sum(), wide)[0].abs().max())
        error = float((gradient.double() - expected).abs().max())
        assert error <= 8 * torch.finfo(torch.float32).eps * max(largest, 1.0)


@pytest.mark.parametrize("function", [soft_dtw, soft_dtw_divergence])
def test_a_second_derivative_by_either_series_is_refused(function) -> None:
    x, y = series(4, 4, 1)
    y.requires_grad_()
    (gradient,) = torch.autograd.grad(function(x, y, 0.1).sum(), y, create_graph=True)
    with pytest.raises(MotionBeatError, match="differentiated only once"):
        gradient.square().sum().backward()


@pytest.mark.parametrize(("n", "m", "gamma"), [(6, 6, 0.1), (5, 9, 1.0), (12, 4, 10.0)])
def test_the_expected_alignment_is_tslearns(n: int, m: int, gamma: float) -> None:
    stream = np.random.default_rng(n)
    x, y = stream.normal(size=(n, 2)), stream.normal(size=(m, 2))
    ours = soft_alignment(torch.as_tensor(x)[None], torch.as_tensor(y)[None], gamma)[0]
    np.testing.assert_allclose(ours, soft_dtw_alignment(x, y, gamma=gamma)[0], atol=1e-8)
    assert ours[0, 0] == pytest.approx(1) and ours[-1, -1] == pytest.approx(1)
