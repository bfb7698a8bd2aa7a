"""Functions for all instruments: time axes, mixing a sound into a track, filters, and periodic tables.

Everything is float64 at 44.1 kHz and single-threaded, so that the bytes are always the same.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from motionbeat.lab.synthetic.plan import SAMPLE_RATE

Sound = NDArray[np.float64]

TABLE = 4096
_SINE = np.sin(2 * np.pi * np.arange(TABLE) / TABLE)


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


def cycle(amplitudes: Sound) -> Sound:
    """One period, TABLE samples, of harmonics 1, 2, ... with these amplitudes and spread phases (a low crest)."""
    turns = np.arange(TABLE)
    period = np.zeros(TABLE)
    for n, amplitude in enumerate(amplitudes, 1):
        if amplitude:
            # Schroeder's phases: with a pulse-like waveform every note would sound like a click.
            period += amplitude * _SINE[(n * turns + round(TABLE * 0.5 * n * n / len(amplitudes))) % TABLE]
    return period


def read(table: Sound, phase: Sound) -> Sound:
    """The table's values at `phase`, in periods."""
    return table[(phase * TABLE).astype(np.int64) & (TABLE - 1)]
