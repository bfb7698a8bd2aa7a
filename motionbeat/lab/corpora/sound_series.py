"""Samples2Series: the loudness of a recording in 16 bands, to compare recordings, and its low onsets."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

ONSET_RATE = 50.0
_WINDOW = 1024
_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 16, 60.0, 8000.0
_LOW_BANDS = 3
FLOOR_DB = -60.0
_SILENT_DB = -40.0
"""If no band is ever above it, the recording is silent: noise in the last bit of 16-bit sound is at -48 dB."""
_AT_ONCE = 2048
_LEAST_RATE = 20_000


def loudness(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    """(T, 16) dB at 50 frames per second, by bands from 60 to 8,000 Hz; 60 dB below the loudest counts as silence."""
    samples = np.asarray(samples, np.float32)
    if sample_rate >= 2 * _LEAST_RATE:  # half of it is enough
        even = len(samples) // 2 * 2
        samples, sample_rate = (samples[:even:2] + samples[1:even:2]) / 2, sample_rate // 2
    hop = sample_rate / ONSET_RATE
    count = max(int(len(samples) / hop), 1)
    window = np.hanning(_WINDOW).astype(np.float32)
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1) * _WINDOW / sample_rate
    starts = np.round(edges).astype(int)
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW))
    power = np.empty((count, _BANDS))
    for begin in range(0, count, _AT_ONCE):
        at = np.round(np.arange(begin, min(begin + _AT_ONCE, count)) * hop).astype(int)
        spectrum = np.abs(rfft(padded[at[:, None] + np.arange(_WINDOW)] * window, axis=1)) ** 2
        running = np.concatenate([np.zeros((len(at), 1)), np.cumsum(spectrum, axis=1)], axis=1)
        power[begin : begin + len(at)] = running[:, starts[1:]] - running[:, starts[:-1]]
    level = 10 * np.log10(np.maximum(power, 1e-12))
    loudest = level.max() if level.max() > _SILENT_DB else np.inf
    return np.maximum(level - loudest, FLOOR_DB).astype(np.float32)


def onsets(level: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T,) rise of the three lowest bands (60 to 150 Hz) from the previous frame: drums, on which feet land."""
    rise = np.maximum(np.diff(level[:, :_LOW_BANDS], axis=0, prepend=level[:1, :_LOW_BANDS]), 0)
    return smooth(np.sqrt(rise.mean(axis=1)), 5)


def smooth(values: NDArray[np.floating], width: int) -> NDArray[np.float32]:
    """(T,) the mean over `width` frames with a Hann window; the ends are extended with constants."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(np.asarray(values, np.float64), width // 2, mode="edge")
    return np.asarray(np.convolve(padded, window / window.sum(), "valid"), np.float32)


def at_rate(level: NDArray[np.floating], rate: float) -> NDArray[np.float32]:
    """The level (T, d) at 50 frames per second, averaged down to `rate`."""
    edges = np.round(np.arange(0, len(level) + 1e-9, ONSET_RATE / rate)).astype(int)
    if len(edges) < 2:
        return np.asarray(level.mean(axis=0, keepdims=True), np.float32)
    running = np.concatenate([np.zeros((1, level.shape[1])), np.cumsum(level, axis=0, dtype=np.float64)])
    return np.asarray(np.diff(running[edges], axis=0) / np.diff(edges)[:, None], np.float32)
