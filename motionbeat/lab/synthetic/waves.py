"""Functions for all instruments: time axes, mixing a sound into a track, filters, and periodic tables.

Everything is float64 at 44.1 kHz and single-threaded, so that the bytes are always the same.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, sosfilt

from motionbeat.lab.synthetic.plan import SAMPLE_RATE

Sound = NDArray[np.float64]

TABLE = 4096


def seconds(duration_s: float) -> Sound:
    """Times in s of the samples of a sound."""
    return np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE


def mix_in(track: Sound, sound: Sound, level: float, time_s: float) -> None:
    """Add `level` x `sound` to `track` from `time_s` on; samples beyond the track's end are cut."""
    begin = max(0, round(time_s * SAMPLE_RATE))
    part = sound[: max(0, len(track) - begin)]
    track[begin : begin + len(part)] += level * part


def band(sound: Sound, low: float, high: float) -> Sound:
    """Second-order Butterworth band-pass, `low` to `high` Hz."""
    return sosfilt(butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos"), sound)


def high_pass(sound: Sound, cutoff: float) -> Sound:
    """Second-order Butterworth high-pass."""
    return sosfilt(butter(2, cutoff, "highpass", fs=SAMPLE_RATE, output="sos"), sound)


def convolved(sound: Sound, response: Sound) -> Sound:
    """`sound` through a filter, by overlap-add: (n + taps - 1,), as `scipy.signal.oaconvolve`.

    The blocks are smaller than SciPy's, so that a transform of one stays in the processor's cache.
    """
    size = 1 << (5 * len(response)).bit_length()
    step = size - len(response) + 1
    spectrum = rfft(response, size)
    result = np.zeros(-(-len(sound) // step) * step + size)
    for begin in range(0, len(sound), step):
        result[begin : begin + size] += irfft(rfft(sound[begin : begin + step], size) * spectrum, size)
    return result[: len(sound) + len(response) - 1]


def cycle(amplitudes: Sound) -> Sound:
    """One period, TABLE samples, of harmonics 1, 2, ... with these amplitudes and spread phases (a low crest)."""
    n = np.arange(len(amplitudes) + 1)
    # Schroeder's phases: with a pulse-like waveform every note would sound like a click.
    phase = np.round(TABLE * 0.5 * n * n / len(amplitudes)) / TABLE
    return np.fft.irfft(-0.5j * TABLE * np.append(0, amplitudes) * np.exp(2j * np.pi * phase), TABLE)


def places(phase: Sound) -> NDArray[np.int64]:
    """Where the table of a `cycle` has the values at `phase`, in periods."""
    return (phase * TABLE).astype(np.int64) & (TABLE - 1)
