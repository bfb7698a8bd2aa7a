"""The linear part of the denoiser against SciPy's cosines and what is left of dances by the best linear estimate."""

import numpy as np
import pytest
import scipy.fft
import torch
from generator_parts import small_slices

from motionbeat.lab.generator.diffusion import noised
from motionbeat.lab.generator.motion_vector import FRAMES, WIDTH
from motionbeat.lab.generator.spectrum import Spectrum

LEVELS = (0.02, 0.5, 0.98)
CONSTANT = 40


@pytest.fixture(scope="module")
def slices():
    found = torch.cat(list(small_slices().parts()))
    scaled = (found - found.mean(dim=(0, 1))) / 0.2
    scaled[..., CONSTANT] = 0.0
    return scaled


@pytest.fixture(scope="module")
def spectrum(slices):
    made = Spectrum()
    made.fit(slices.split(10))
    return made


def level(value):
    return torch.full((1, 1, 1), value)


def test_time_is_told_in_scipy_s_cosines(spectrum, slices):
    ours = (spectrum.waves @ slices[0]).numpy()
    np.testing.assert_allclose(ours, scipy.fft.dct(slices[0].numpy(), axis=0, norm="ortho"), atol=1e-4)


def test_the_components_are_an_orthonormal_basis(spectrum):
    torch.testing.assert_close(spectrum.components.T @ spectrum.components, torch.eye(WIDTH), atol=1e-5, rtol=0)


def test_variances_are_those_of_the_slices_and_parts_do_not_matter(spectrum, slices):
    torch.testing.assert_close(spectrum.power.sum(), slices.square().sum(dim=(1, 2)).mean(), rtol=1e-4, atol=0)
    whole = Spectrum()
    whole.fit([slices])
    torch.testing.assert_close(whole.power, spectrum.power, atol=1e-4, rtol=1e-4)


def test_the_estimate_is_the_noised_slice_without_noise_and_the_mean_without_signal(spectrum, slices):
    torch.testing.assert_close(spectrum.estimate(slices, level(1 - 1e-7))[0], slices, atol=0.02, rtol=0)
    assert float(spectrum.estimate(torch.randn(slices.shape), level(1e-9))[0].abs().max()) < 0.01


@pytest.mark.parametrize("value", LEVELS)
def test_no_other_gain_of_a_wave_estimates_better(spectrum, slices, value):
    """Scaled up or down as a whole or in its low waves, the estimate errs more."""
    generator = torch.Generator().manual_seed(0)
    clean = slices.repeat(4, 1, 1)
    x = noised(clean, level(value), torch.randn(clean.shape, generator=generator))
    best = spectrum.estimate(x, level(value))[0]
    error = (best - clean).square().mean()
    low = spectrum.waves[:8].T @ (spectrum.waves[:8] @ best)
    for other in (0.9 * best, 1.1 * best, best + 0.1 * low, best - 0.1 * low):
        assert (other - clean).square().mean() > error


def test_without_noise_the_white_has_waves_of_one_size_and_in_noise_the_weak_ones_fade(spectrum, slices):
    clear = (spectrum.waves @ spectrum.estimate(slices, level(1 - 1e-6))[1] @ spectrum.components).square().mean(dim=0)
    strong = spectrum.power > 1e-3 * spectrum.power.max()
    torch.testing.assert_close(clear[strong], torch.ones(int(strong.sum())), atol=0.02, rtol=0)
    x = noised(slices, level(0.5), torch.randn(slices.shape, generator=torch.Generator().manual_seed(0)))
    seen = (spectrum.waves @ spectrum.estimate(x, level(0.5))[1] @ spectrum.components).square().mean(dim=0)
    assert float(seen[spectrum.power < 1e-3].mean()) < 0.01 < 0.5 < float(seen[spectrum.power > 10].mean())


@pytest.mark.parametrize("value", LEVELS)
def test_shaped_white_is_as_large_as_the_error_of_the_estimate_in_each_component(spectrum, slices, value):
    generator = torch.Generator().manual_seed(0)
    clean = slices.repeat(30, 1, 1)  # else the few slow waves, which weigh most, are drawn too seldom
    x = noised(clean, level(value), torch.randn(clean.shape, generator=generator))
    errors = spectrum.estimate(x, level(value))[0] - clean
    made = spectrum.shaped(torch.randn(clean.shape, generator=generator), level(value))
    left, shaped = ((values @ spectrum.components).square().mean(dim=(0, 1)) for values in (errors, made))
    varies = left > 1e-3 * left.max()
    torch.testing.assert_close(shaped[varies], left[varies], rtol=0.15, atol=0)
    left = errors.square().mean(dim=(0, 1))
    assert float(left.sum() / clean.square().mean(dim=(0, 1)).sum()) == pytest.approx(
        float(spectrum.unknown(level(value))), rel=0.1
    )


def test_a_channel_that_never_varies_stays(spectrum):
    x = torch.randn(5, FRAMES, WIDTH)
    for made in (*spectrum.estimate(x, level(0.5)), spectrum.shaped(x, level(0.5))):
        assert float(made[..., CONSTANT].abs().max()) < 1e-3 < 0.1 < float(made.abs().max())
