"""Harmonic readouts: exactly equivariant to shifts in time, blind to padding."""

import math

import pytest
import torch
from attrs import evolve
from conftest import CONFIG

from motionbeat.model.readout import WindowReadout, bar_harmonics, window_harmonics
from motionbeat.model.rotation import bar_phase

K, D, HIGHEST = 12, 6, 3
METERS = torch.tensor([4, 3, 7])


def harmonics(states: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    mask = torch.ones(positions.shape, dtype=torch.bool) if mask is None else mask
    return torch.complex(*bar_harmonics(states, bar_phase(positions, METERS), METERS, mask, HIGHEST))


@pytest.fixture
def states() -> torch.Tensor:
    return torch.randn(3, K, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def positions() -> torch.Tensor:
    return ((torch.arange(K) + 1) % METERS[:, None]).double()


@pytest.mark.parametrize("delta", [1, 2, -1, 0.5])
def test_shifting_the_content_by_delta_beats_turns_every_harmonic(
    states: torch.Tensor, positions: torch.Tensor, delta: float
) -> None:
    h = torch.arange(HIGHEST + 1).to(torch.complex128)
    turn = torch.exp(-2j * math.pi * h * delta / METERS[:, None])
    moved = harmonics(states, positions + delta)
    torch.testing.assert_close(moved, turn[..., None] * harmonics(states, positions), atol=1e-12, rtol=0)


def test_rolling_whole_bars_of_content_turns_the_harmonics_as_a_shift_does() -> None:
    meters, positions = torch.tensor([4]), (torch.arange(12) % 4).double()[None]
    states, mask = torch.randn(1, 12, D, dtype=torch.float64), torch.ones(1, 12, dtype=torch.bool)
    phase = bar_phase(positions, meters)
    before = torch.complex(*bar_harmonics(states, phase, meters, mask, 2))
    after = torch.complex(*bar_harmonics(states.roll(1, dims=1), phase, meters, mask, 2))
    turn = torch.exp(-2j * math.pi * torch.arange(3).to(torch.complex128) / 4)
    torch.testing.assert_close(after, turn[:, None] * before)


def test_they_are_the_discrete_fourier_transform_of_one_bar() -> None:
    states = torch.randn(1, 7, D, dtype=torch.float64)
    phase = bar_phase(torch.arange(7).double()[None], torch.tensor([7]))
    found = torch.complex(*bar_harmonics(states, phase, torch.tensor([7]), torch.ones(1, 7, dtype=torch.bool), 3))
    torch.testing.assert_close(found, torch.fft.rfft(states, dim=1) / 7)


def test_harmonics_above_half_the_bar_are_zero(states: torch.Tensor, positions: torch.Tensor) -> None:
    found = harmonics(states, positions).abs().sum(-1) > 1e-9
    assert found.tolist() == [[True, True, True, False], [True, True, False, False], [True, True, True, True]]


def test_masked_beats_never_enter(states: torch.Tensor, positions: torch.Tensor) -> None:
    mask = torch.arange(K).expand(3, K) < 9
    padded = torch.where(mask[..., None], states, torch.nan)
    expected = harmonics(states[:, :9], positions[:, :9])
    torch.testing.assert_close(harmonics(padded, positions, mask), expected)


def test_a_window_without_real_beats_reads_as_zero(states: torch.Tensor, positions: torch.Tensor) -> None:
    assert not harmonics(states, positions, torch.zeros(3, K, dtype=torch.bool)).abs().any()


def window_readout(beats: int) -> WindowReadout:
    torch.manual_seed(3)
    return WindowReadout(evolve(CONFIG, width=D, heads=1, window_beats=beats, embedding=2 * beats)).double()


def embedded(readout: WindowReadout, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    shape = states.shape[:2]
    mask = torch.ones(shape, dtype=torch.bool) if mask is None else mask
    return readout(states, torch.zeros(shape, dtype=torch.float64), torch.full(shape[:1], 4), mask)


def test_window_harmonics_are_the_discrete_fourier_transform_of_the_window(states: torch.Tensor) -> None:
    found = torch.complex(*window_harmonics(states, torch.ones(3, K, dtype=torch.bool), K))
    torch.testing.assert_close(found, torch.fft.rfft(states, dim=1))


@pytest.mark.parametrize("delta", [1, 3, -2])
def test_rolling_the_window_turns_its_harmonics(states: torch.Tensor, delta: int) -> None:
    mask = torch.ones(3, K, dtype=torch.bool)
    before = torch.complex(*window_harmonics(states, mask, K))
    after = torch.complex(*window_harmonics(states.roll(delta, dims=1), mask, K))
    turn = torch.exp(-2j * math.pi * torch.arange(K // 2 + 1).to(torch.complex128) * delta / K)
    torch.testing.assert_close(after, turn[:, None] * before)


@pytest.mark.parametrize("beats", [12, 13])
def test_with_equal_gains_the_window_readout_compares_beat_by_beat(beats: int) -> None:
    """Parseval: the cosine of two embeddings is that of the two sequences of codes."""
    readout = window_readout(beats)
    a, b = torch.randn(2, 4, beats, D, dtype=torch.float64)
    codes = [readout.project(x).flatten(1) for x in (a, b)]
    expected = torch.nn.functional.cosine_similarity(*codes)
    found = (embedded(readout, a) * embedded(readout, b)).sum(1)
    torch.testing.assert_close(found, expected)
    assert embedded(readout, a).shape == (4, 2 * beats)


def test_the_window_readout_knows_the_order_of_bars_and_bar_harmonics_do_not() -> None:
    """A A B A and A B A A hold the same bars: only the window's harmonics tell them apart."""
    one, other = torch.randn(2, 1, 4, D, dtype=torch.float64)
    first = torch.cat([one, one, other, one], dim=1)
    second = torch.cat([one, other, one, one], dim=1)
    mask, meters = torch.ones(1, 16, dtype=torch.bool), torch.tensor([4])
    phase = bar_phase((torch.arange(16) % 4).double()[None], meters)
    for a, b in zip(
        bar_harmonics(first, phase, meters, mask, 2), bar_harmonics(second, phase, meters, mask, 2), strict=True
    ):
        torch.testing.assert_close(a, b)
    readout = window_readout(16)
    assert (embedded(readout, first) * embedded(readout, second)).sum() < 0.999


def test_masked_beats_never_enter_the_window_readout(states: torch.Tensor) -> None:
    readout, mask = window_readout(K), torch.arange(K).expand(3, K) < 9
    padded = torch.where(mask[..., None], states, torch.nan)
    torch.testing.assert_close(embedded(readout, padded, mask), embedded(readout, states[:, :9]))
