"""Pitched instruments: a few families, drawn for each song, that play notes of given pitch and length."""

from functools import lru_cache

import numpy as np
from attrs import frozen

from motionbeat.lab.synthetic.plan import SAMPLE_RATE
from motionbeat.lab.synthetic.waves import Sound, cycle, places, seconds

_HIGHEST_HZ = 14_000
_HARMONICS = 48
# The harmonics are in three groups that may decay at different rates, as in a struck string.
_GROUPS = ((1, 3), (4, 9), (10, _HARMONICS))
_TABLES, _COURSES, _NOISES = 128, 8, 32  # cached parts of notes: of the current song or voice, not of all songs
_TOGETHER = 0.9  # damping above which all groups share one decay


@frozen
class Instrument:
    """One voice. Its n-th harmonic has amplitude n^-tilt, shaped by the body's resonances."""

    tilt: float
    odd: float  # level of the even harmonics: 1 a saw, 0 a clarinet or a square
    decay_s: float  # of the lowest harmonics; the upper groups' are shorter by `damping` and its square
    damping: float
    attack_s: float
    release_s: float
    detune: float  # cents between two unison voices, 0 for one voice
    vibrato: float  # cents, growing over the first half second
    breath: float  # level of the noise at the beginning of a note (blown, plucked or bowed)
    resonances: tuple[tuple[float, float], ...]  # (Hz, dB) of the body


_DRAWN = ("tilt", "odd", "decay_s", "damping", "attack_s", "release_s", "detune", "vibrato", "breath")
# Lower and upper bounds of the random values, in the order of _DRAWN.
_FAMILIES = {
    "pad": "0.9 1.6, 0.5 1, 6 12, 0.9 1, 0.04 0.12, 0.1 0.25, 8 18, 0 4, 0 0.01",
    "strings": "0.8 1.3, 0.8 1, 8 12, 0.9 1, 0.03 0.08, 0.08 0.2, 6 14, 4 12, 0.01 0.04",
    "organ": "0.6 1.2, 0.2 0.8, 9 12, 1 1, 0.005 0.02, 0.03 0.05, 2 6, 3 8, 0 0.02",
    "keys": "0.9 1.5, 0.5 1, 1.2 2.5, 0.3 0.5, 0.003 0.01, 0.05 0.12, 2 6, 0 0, 0.02 0.08",
    "guitar": "0.7 1.1, 0.7 1, 0.7 1.6, 0.35 0.6, 0.002 0.005, 0.03 0.08, 0 4, 0 4, 0.05 0.15",
    "pluck": "0.6 1.2, 0 1, 0.2 0.5, 0.4 0.7, 0.002 0.005, 0.03 0.1, 0 10, 0 0, 0.02 0.08",
    "reed": "0.5 1.1, 0 0.5, 4 9, 0.7 0.9, 0.015 0.04, 0.03 0.07, 0 3, 6 18, 0.03 0.09",
    "synth": "0.8 1.1, 0.3 1, 2 6, 0.4 0.7, 0.004 0.015, 0.03 0.08, 6 16, 0 10, 0 0.02",
    "fingers": "1.2 1.7, 0.7 1, 0.5 1.2, 0.3 0.5, 0.004 0.01, 0.03 0.06, 0 0, 0 0, 0.03 0.1",
    "sub": "1.8 2.4, 0.5 1, 1 3, 0.5 0.8, 0.005 0.012, 0.03 0.06, 0 0, 0 0, 0 0.02",
    "growl": "0.8 1.2, 0.4 1, 0.5 1.5, 0.25 0.5, 0.003 0.01, 0.03 0.06, 0 8, 0 0, 0 0.03",
}
ROLES = {
    "bass": ("fingers", "sub", "growl"),
    "pad": ("pad", "strings", "organ"),
    "comp": ("keys", "guitar", "pluck", "organ"),
    "lead": ("reed", "synth", "pluck", "guitar", "keys"),
}
"""The families for each of a song's four pitched parts."""


def instrument(rng: np.random.Generator, role: str) -> Instrument:
    """Draw the instrument of a part."""
    family = ROLES[role][rng.integers(len(ROLES[role]))]
    ranges = [[float(end) for end in ends.split()] for ends in _FAMILIES[family].split(",")]
    drawn = {name: float(rng.uniform(low, high)) for name, (low, high) in zip(_DRAWN, ranges, strict=True)}
    low, high = (90, 700) if role == "bass" else (350, 4500)
    places = np.exp(rng.uniform(np.log(low), np.log(high), 3))
    gains = rng.uniform(2, 9, 3)
    resonances = tuple((float(place), float(gain)) for place, gain in zip(places, gains, strict=True))
    return Instrument(**drawn, resonances=resonances)


def note(voice: Instrument, midi: int, duration_s: float) -> Sound:
    """A note, about 1 in RMS at its loudest, its release after `duration_s`."""
    samples = round((duration_s + voice.release_s) * SAMPLE_RATE)
    whole_s = -(-samples // SAMPLE_RATE)
    t, bend, blown, decays = (each[..., :samples] for each in _courses(voice, whole_s))
    pitch = 440 * 2 ** ((midi - 69) / 12)
    phase = pitch * t
    if voice.vibrato:
        phase += pitch * bend * np.sin(2 * np.pi * 5.3 * t) * (np.log(2) / 1200 / (2 * np.pi * 5.3))
    spread = 2 ** (voice.detune / 2400)
    voices = [phase * spread, phase / spread + 0.37] if voice.detune else [phase]
    read = [places(each) for each in voices]
    sound = blown * _noise(midi, whole_s)[:samples]
    for table, decay in zip(_tables(voice, midi), decays, strict=True):
        if table is not None:
            wave = sum(table[at] for at in read)
            wave *= decay
            sound += wave
    beginning, end = round(voice.attack_s * SAMPLE_RATE) + 1, round(voice.release_s * SAMPLE_RATE) + 1
    sound[:beginning] *= np.minimum(1, t[:beginning] / voice.attack_s)
    sound[-end:] *= np.clip((t[-1] - t[-end:]) / voice.release_s, 0, 1)
    return sound


@lru_cache(maxsize=_COURSES)
def _courses(voice: Instrument, whole_s: int) -> tuple[Sound, Sound, Sound, Sound]:
    """What notes of one voice share over their time: t in s, vibrato in cents, level of the noise, groups' decays."""
    t = seconds(whole_s)
    decay_s = voice.decay_s * voice.damping ** np.arange(len(_groups(voice)))
    bend = voice.vibrato * np.clip(t - 0.15, 0, 0.35) / 0.35
    return t, bend, voice.breath * (0.15 + np.exp(-t / 0.03)), np.exp(-t / decay_s[:, None])


@lru_cache(maxsize=_NOISES)
def _noise(midi: int, whole_s: int) -> Sound:
    return np.random.Generator(np.random.PCG64(midi)).normal(0, 1, whole_s * SAMPLE_RATE)


@lru_cache(maxsize=_TABLES)
def _tables(voice: Instrument, midi: int) -> tuple[Sound | None, ...]:
    pitch = 440 * 2 ** ((midi - 69) / 12)
    n = np.arange(1, _HARMONICS + 1)
    amplitude = n**-voice.tilt * np.where(n % 2 == 0, voice.odd, 1.0) * (n * pitch < min(_HIGHEST_HZ, SAMPLE_RATE / 2))
    for place, gain_db in voice.resonances:
        amplitude *= 10 ** (gain_db / 20 * np.exp(-0.5 * (np.log2(n * pitch / place) / 0.35) ** 2))
    amplitude /= np.sqrt(np.sum(amplitude**2) / 2 * (2 if voice.detune else 1))
    tables: list[Sound | None] = []
    for first, last in _groups(voice):
        part = np.where((n >= first) & (n <= last), amplitude, 0)
        tables.append(cycle(part) if part.any() else None)
    return tuple(tables)


def _groups(voice: Instrument) -> tuple[tuple[int, int], ...]:
    return _GROUPS if voice.damping < _TOGETHER else ((1, _HARMONICS),)
