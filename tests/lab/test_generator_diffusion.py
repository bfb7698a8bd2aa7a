"""The diffusion in closed form: the schedule, the noised marginals, and what DDIM does with a perfect predictor."""

import math

import pytest
import torch

from motionbeat.lab.generator.diffusion import ddim, noised, signal_levels

LEVELS = signal_levels(1000)


def generator():
    return torch.Generator().manual_seed(0)


def test_the_schedule_is_the_squared_cosine():
    # the closed form holds wherever no step is clipped, which is all but the last
    at = torch.arange(1, 1001, dtype=torch.float64) / 1000
    wave = torch.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    torch.testing.assert_close(LEVELS[:-1], wave[:-1], atol=1e-12, rtol=1e-9)
    assert 0 < LEVELS[-1] < 1e-8
    assert (LEVELS.diff() < 0).all()


def test_noised_data_of_unit_variance_keep_it_and_correlate_with_the_clean_by_the_root_of_the_level():
    clean, noise = torch.randn(2, 200_000, generator=generator(), dtype=torch.float64)
    x = noised(clean, LEVELS[400], noise)
    assert float(x.var()) == pytest.approx(1, abs=0.01)
    correlation = float(torch.corrcoef(torch.stack([clean, x]))[0, 1])
    assert correlation == pytest.approx(math.sqrt(LEVELS[400]), abs=0.01)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 7, 50])
def test_with_a_perfect_predictor_ddim_returns_the_clean_signal(eta, steps):
    truth = torch.randn(3, 5, generator=generator())
    result = ddim(lambda x, step: truth, torch.randn(3, 5), LEVELS, steps, eta, generator())
    assert torch.equal(result, truth)


def test_without_noise_on_the_way_every_visited_sample_is_the_noised_signal_of_its_level():
    truth, start = torch.randn(2, 4, generator=generator(), dtype=torch.float64)
    seen = []

    def settle(x, step):
        seen.append((step, x))
        return x

    first = noised(truth, LEVELS[-1], start)
    ddim(lambda x, step: truth, first, LEVELS, 10, 0.0, generator(), settle)
    assert [step for step, _ in seen] == [999, 899, 799, 699, 599, 500, 400, 300, 200, 100, -1]
    for step, x in seen[:-1]:
        torch.testing.assert_close(x, noised(truth, LEVELS[step], start), atol=1e-9, rtol=0)


def test_ddim_samples_a_gaussian_whose_best_predictor_is_known():
    """For data N(mean, std^2) the posterior mean of x0 is linear in x_t, and DDIM carries noise to the data."""
    mean, std = 0.7, 0.3
    start = torch.randn(20_000, generator=generator(), dtype=torch.float64)

    def predict(x, step):
        a = LEVELS[step]
        return mean + a.sqrt() * std**2 / (a * std**2 + 1 - a) * (x - a.sqrt() * mean)

    for eta in (0.0, 1.0):
        sample = ddim(predict, start, LEVELS, 200, eta, generator())
        assert float(sample.mean()) == pytest.approx(mean, abs=0.02)
        assert float(sample.std()) == pytest.approx(std, abs=0.02)
