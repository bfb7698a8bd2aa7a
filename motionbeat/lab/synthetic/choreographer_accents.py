"""Samples2Accents: accents of a recording for a dancer: a low, a back and a high part on the grid of 16ths.

An accent is a peak of the spectral flux of a part's bands that is strong relative to its neighbourhood. It is assigned
to the nearest sub-beat; its time is that of the onset. The parts are those of `motionbeat.lab.synthetic.rhythm`.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, percentile_filter

from motionbeat.audio import mel, onsets
from motionbeat.beats import Beats
from motionbeat.lab.synthetic.plan import SUBBEATS

BANDS_HZ = ((30.0, 150.0), (2000.0, 6000.0), (6000.0, 11_000.0))
"""Bands of the low part (kick, bass), the back part (snare, claps, plucked strings) and the high part (cymbals,
percussion).
Correlation of these strengths with the true accents of the made songs: 0.78, 0.52 and 0.32."""
MOST_A_BEAT = (1.0, 0.8, 1.1)
"""Limit of accents per beat in each part: about as many as in a synthetic song."""
WEAKEST = 0.35  # of the strong onsets around
_LAG_S = 1.0 / mel.FRAME_RATE  # delay of the flux's peak after the onset, see motionbeat.audio.onsets.DELAY_FRAMES
_AROUND_S = 12.0  # neighbourhood for the strength of an onset
_STRONG = 98.0  # percentile of the flux there
_QUIETEST = 0.25  # share of the whole song's value: noise in a quiet passage is not an accent
_PULSE_BINS = 12
_PULSE_WINDOW = 16  # beats

Array = NDArray[np.float64]


@frozen(eq=False)
class Accents:
    """Accents on the grid of 16ths of a song's beats, from the first beat to the end of the last."""

    strength: Array  # (3, slots) 0 or 0.4..1
    time_s: Array  # (3, slots) of the onset where there is an accent, of the grid elsewhere
    pulse: float  # how steady the pulse is, see `pulse_clarity`


def accents_of(samples: NDArray[np.floating], beats: Beats) -> Accents:
    """The accents of mono samples (n,) in -1..1 at 22,050 Hz, whose beats are known."""
    import librosa

    spectrum = mel.log_mel(samples)
    centres = librosa.mel_frequencies(spectrum.shape[1] + 2, fmin=mel.LOWEST_HZ, fmax=mel.HIGHEST_HZ)[1:-1]
    edges = beats.edges()
    grid = np.interp(np.arange(len(beats.times) * SUBBEATS) / SUBBEATS, np.arange(len(edges)), edges)
    strength, time_s = np.zeros((3, len(grid))), np.tile(grid, (3, 1))
    for part, (low, high) in enumerate(BANDS_HZ):
        flux = onsets.onset_strength(spectrum[:, (centres >= low) & (centres < high)])
        _place(*_peaks(flux), grid, edges[-1], strength[part], time_s[part])
    bars = np.repeat(np.cumsum(beats.positions == 1), SUBBEATS)
    for part, most in enumerate(MOST_A_BEAT):
        # A dancer can make steps to low accents that are an 8th apart.
        _thin(strength[part], bars, most, apart=2 if part == 0 else 1)
    return Accents(strength, time_s, pulse_clarity(onsets.onset_strength(spectrum), beats))


def pulse_clarity(flux: NDArray[np.floating], beats: Beats) -> float:
    """Similarity of the onsets of a beat to those 1 beat, 2 beats and a bar later: correlation, -1..1.

    flux: (frames,) at 50 per second. It is compared in windows of 16 beats, in twelfths of a beat; the result is the
    best of the three lags, as median over the windows. A tracker finds beats in any audio; in speech and noise they do
    not repeat.
    """
    edges = beats.edges()
    bins = np.interp(np.arange(len(beats.times) * _PULSE_BINS + 1) / _PULSE_BINS, np.arange(len(edges)), edges)
    total = np.concatenate([[0.0], np.cumsum(flux, dtype=np.float64)])
    at = np.interp(bins * mel.FRAME_RATE, np.arange(len(total)), total)
    envelope = np.diff(at) / np.diff(bins)
    size = _PULSE_WINDOW * _PULSE_BINS
    pulses = []
    for begin in range(0, max(len(envelope) - size, 0) + 1, size // 2):
        part = envelope[begin : begin + size]
        lags = {1, 2, beats.beats_per_bar}
        pulses.append(max((_correlation(part, lag * _PULSE_BINS) for lag in lags), default=0.0))
    return float(np.median(pulses))


def _correlation(values: Array, lag: int) -> float:
    one, other = values[:-lag], values[lag:]
    if len(one) < 2 or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _peaks(flux: NDArray[np.float32]) -> tuple[Array, Array]:
    """Times in s and strengths in 0..1 of the peaks of a flux that are strong relative to their neighbourhood."""
    around = round(_AROUND_S * mel.FRAME_RATE)
    strong = percentile_filter(flux, _STRONG, around, mode="reflect")
    reference = np.maximum(strong, _QUIETEST * np.percentile(flux, _STRONG))
    peak = (flux == maximum_filter1d(flux, 5)) & (flux > 0) & (flux >= WEAKEST * reference)
    peak[[0, -1]] = False
    frames = np.flatnonzero(peak)
    before, here, after = (flux[frames + step].astype(np.float64) for step in (-1, 0, 1))
    curve = before - 2 * here + after
    shift = np.divide(0.5 * (before - after), curve, out=np.zeros_like(curve), where=curve < 0)  # of a parabola's top
    return np.maximum((frames + shift) / mel.FRAME_RATE - _LAG_S, 0.0), np.minimum(here / reference[frames], 1.0)


def _place(times: Array, strengths: Array, grid: Array, end: float, strength: Array, time_s: Array) -> None:
    """Write peaks to their nearest sub-beats, in place; of several, the strongest counts."""
    half = 0.5 * (grid[1] - grid[0])
    within = (times >= grid[0] - half) & (times < end - half)
    borders = 0.5 * (grid[1:] + grid[:-1])
    for time, value in zip(times[within], strengths[within], strict=True):
        slot = int(np.searchsorted(borders, time, side="right"))
        if value > strength[slot]:
            strength[slot], time_s[slot] = value, max(time, 0.0)
    weak = strength > 0
    strength[weak] = 0.4 + 0.6 * (strength[weak] - WEAKEST) / (1 - WEAKEST)


def _thin(strength: Array, bars: NDArray[np.integer], most: float, apart: int) -> None:
    """Keep the strongest accents of each bar, `apart` slots from each other at least, in place."""
    for bar in np.unique(bars):
        slots = np.flatnonzero(bars == bar)
        room = max(1, round(most * len(slots) / SUBBEATS))
        kept: list[int] = []
        for slot in slots[np.argsort(-strength[slots], kind="stable")]:
            if len(kept) < room and strength[slot] > 0 and all(abs(slot - other) >= apart for other in kept):
                kept.append(int(slot))
        strength[np.setdiff1d(slots, kept)] = 0.0
