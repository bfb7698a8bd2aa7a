"""Instruments as a few numbers, and the synthesis of one note: harmonics under an envelope.

Families overlap on purpose: `varied` draws an instrument near its family's average.
"""

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

RATE = 22_050
"""Sample rate of all synthesised sounds, Hz."""
_MOST_HARMONICS = 28
_HIGHEST_HZ = 9_500.0

Sound = NDArray[np.float64]


@frozen
class Voice:
    """The sound of an instrument."""

    low: int = 48  # lowest and highest MIDI note
    high: int = 72
    slope: float = 9.0  # slope of its harmonics, dB per octave
    even: float = 1.0  # level of the even harmonics
    ratios: tuple[float, ...] = ()  # frequencies of the partials divided by the pitch, if they are not harmonics
    attack_s: float = 0.005
    decay_s: float = 60.0  # to 1/e
    damping: float = 0.0  # how much faster each higher harmonic decays
    vibrato: float = 0.0  # semitones
    breath: float = 0.0  # level of noise
    formants: tuple[tuple[float, float], ...] = ()  # Hz and width in Hz
    drive: float = 0.0  # distortion
    detune: float = 0.0  # cents between two sources


_ORGAN = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
VOICES = {
    "electric bass": Voice(28, 48, slope=11, decay_s=0.9, damping=0.5),
    "synth bass": Voice(28, 52, slope=7, decay_s=3.0, damping=0.2, drive=1.5),
    "trumpet": Voice(55, 79, slope=4, attack_s=0.04, vibrato=0.1),
    "horn": Voice(43, 67, slope=8, attack_s=0.06, vibrato=0.05),
    "flute": Voice(60, 86, slope=17, attack_s=0.06, vibrato=0.2, breath=0.12),
    "guitar": Voice(43, 72, slope=7, decay_s=1.0, damping=0.35),
    "overdriven guitar": Voice(38, 64, slope=5, decay_s=2.5, damping=0.1, drive=6),
    "piano": Voice(36, 84, slope=10, decay_s=1.6, damping=0.25),
    "electric piano": Voice(40, 79, slope=14, decay_s=1.8, damping=0.5, vibrato=0.05),
    "harpsichord": Voice(40, 79, slope=3, decay_s=0.7, damping=0.1),
    "marimba": Voice(45, 84, slope=8, ratios=(1.0, 3.93, 9.2), decay_s=0.25, damping=0.6),
    "vibraphone": Voice(52, 88, slope=9, ratios=(1.0, 2.76, 5.4, 8.9), decay_s=1.4, damping=0.5),
    "organ": Voice(36, 84, slope=3, ratios=_ORGAN, attack_s=0.01),
    "reed organ": Voice(40, 79, slope=5, attack_s=0.05, detune=9),
    "clarinet": Voice(50, 79, slope=7, even=0.12, attack_s=0.04, breath=0.03),
    "oboe": Voice(58, 84, slope=3, attack_s=0.04, vibrato=0.12, formants=((1100, 400), (2700, 600))),
    "violin": Voice(55, 88, slope=5, attack_s=0.08, vibrato=0.25, formants=((500, 200), (2800, 900))),
    "cello": Voice(36, 62, slope=6, attack_s=0.1, vibrato=0.2, formants=((300, 150), (1500, 700))),
    "strings": Voice(43, 79, slope=7, attack_s=0.2, vibrato=0.2, detune=14),
    "synth lead": Voice(48, 84, slope=5, detune=12, drive=1.0),
    "synth pad": Voice(43, 76, slope=9, attack_s=0.3, detune=9),
    "male voice": Voice(43, 62, slope=5, attack_s=0.07, vibrato=0.3, breath=0.04, formants=((600, 130), (1100, 180))),
    "female voice": Voice(
        57, 77, slope=5, attack_s=0.07, vibrato=0.35, breath=0.05, formants=((800, 180), (1500, 250))
    ),
    "choir": Voice(45, 76, slope=6, attack_s=0.2, vibrato=0.2, detune=18, formants=((650, 160), (1250, 250))),
    "sitar": Voice(45, 72, slope=2, decay_s=1.4, damping=0.05, drive=2.5, detune=5),
    "harp": Voice(40, 86, slope=13, decay_s=0.8, damping=0.4),
}

FAMILIES = {
    "bass": ("electric bass", "synth bass"),
    "brass": ("trumpet", "horn"),
    "flute": ("flute",),
    "guitar": ("guitar", "overdriven guitar"),
    "keyboard": ("piano", "electric piano", "harpsichord"),
    "mallet": ("marimba", "vibraphone"),
    "organ": ("organ", "reed organ"),
    "reed": ("clarinet", "oboe"),
    "string": ("violin", "cello", "strings"),
    "synth_lead": ("synth lead",),
    "vocal": ("male voice", "female voice", "choir"),
}
"""The voices of each of NSynth's families of instruments."""


def varied(rng: np.random.Generator, voice: Voice, spread: float = 1.0) -> Voice:
    """An instrument of the kind of `voice`: its numbers scattered by about 20 to 40 % times `spread`."""

    def about(value: float, deviation: float) -> float:
        return float(value * np.exp(rng.normal(0, deviation * spread)))

    return evolve(
        voice,
        slope=about(voice.slope, 0.2),
        even=min(1.0, about(voice.even, 0.3)),
        attack_s=about(voice.attack_s, 0.4),
        decay_s=about(voice.decay_s, 0.35),
        damping=about(voice.damping, 0.3),
        vibrato=about(voice.vibrato, 0.5),
        breath=about(voice.breath, 0.5),
        formants=tuple((about(hertz, 0.08), about(width, 0.15)) for hertz, width in voice.formants),
        drive=about(voice.drive, 0.3),
        detune=about(voice.detune, 0.4),
    )


def note(
    rng: np.random.Generator, voice: Voice, midi: float, held_s: float, velocity: float = 0.8, brightness: float = 0.0
) -> Sound:
    """One note (n,) of RATE samples per second, peak `velocity`, held for `held_s` and released within 0.15 s.

    velocity: 0..1; harder notes are brighter. brightness: dB per octave by which the slope of the harmonics is reduced.
    """
    t = np.arange(round((held_s + 0.15) * RATE)) / RATE
    pitch = 440 * 2 ** ((midi - 69) / 12)
    phase = _phase(rng, pitch, voice.vibrato, t)
    slope = max(1.0, voice.slope * (1.35 - 0.5 * velocity) - brightness)
    wave = _tone(voice, slope, pitch, phase, t)
    if voice.detune > 0:
        wave = wave + _tone(voice, slope, pitch, phase * 2 ** (voice.detune / 1200) + 1.0, t)
    wave /= np.abs(wave).max()
    if voice.drive > 0:
        wave = np.tanh(voice.drive * wave) / np.tanh(voice.drive)
    if voice.breath > 0:
        band = butter(1, [pitch, min(5 * pitch, 10_000)], "bandpass", fs=RATE, output="sos")
        wave = wave + voice.breath * sosfilt(band, rng.normal(0, 2, len(t)))
    envelope = np.minimum(1, t / voice.attack_s) * np.exp(-t / voice.decay_s)
    envelope *= np.clip((held_s + 0.15 - t) / 0.15, 0, 1) ** 2
    wave *= envelope
    return velocity * wave / max(np.abs(wave).max(), 1e-9)


def _phase(rng: np.random.Generator, pitch: float, vibrato: float, t: Sound) -> Sound:
    if vibrato == 0:
        return 2 * np.pi * pitch * t
    swing = np.minimum(1, t / 0.3) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t)
    return 2 * np.pi * np.cumsum(pitch * 2 ** (vibrato * swing / 12)) / RATE


def _tone(voice: Voice, slope: float, pitch: float, phase: Sound, t: Sound) -> Sound:
    """The sum of the partials, each with another decay."""
    fading = voice.damping / voice.decay_s
    if voice.ratios:
        audible = [ratio for ratio in voice.ratios if ratio * pitch < _HIGHEST_HZ]
        wave = np.zeros(len(t))
        for number, ratio in enumerate(audible):
            level = _level(voice, slope, max(ratio, 1.0), pitch * ratio)
            wave += level * np.sin(ratio * phase) * np.exp(-number * fading * t)
        return wave
    count = max(1, min(_MOST_HARMONICS, int(_HIGHEST_HZ / pitch)))
    # single precision: twice as fast, and its error is far below 16 bits
    turning = np.exp(1j * phase - fading * t).astype(np.complex64)
    # Horner's rule: the n-th harmonic is the n-th power of the first
    sum_so_far = np.zeros(len(t), np.complex64)
    for number in range(count, 0, -1):
        level = _level(voice, slope, number, number * pitch) * (voice.even if number % 2 == 0 else 1.0)
        sum_so_far += np.float32(level)
        sum_so_far *= turning
    return sum_so_far.imag.astype(np.float64)


def _level(voice: Voice, slope: float, number: float, hertz: float) -> float:
    level = number ** (-slope / 6.02)
    if voice.formants:
        level *= 0.08 + sum(np.exp(-(((hertz - middle) / width) ** 2)) for middle, width in voice.formants)
    return float(level)


def drums(rng: np.random.Generator) -> dict[str, Sound]:
    """One-shots of a drum kit, each of peak 1: low (kick), back (snare), high (percussion) and hats."""
    t = np.arange(round(0.35 * RATE)) / RATE
    noise = rng.normal(0, 1, (3, len(t)))
    sweep = rng.uniform(45, 65) + rng.uniform(60, 200) * np.exp(-t / 0.03)
    kick = np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.exp(-t / rng.uniform(0.08, 0.18))
    crack = sosfilt(butter(2, [rng.uniform(400, 1500), 8000], "bandpass", fs=RATE, output="sos"), noise[0])
    snare = crack * np.exp(-t / rng.uniform(0.05, 0.1)) + 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.06)
    conga = np.sin(2 * np.pi * rng.uniform(250, 900) * t) * np.exp(-t / rng.uniform(0.03, 0.08))
    strike = sosfilt(butter(2, 2000, "highpass", fs=RATE, output="sos"), noise[1]) * np.exp(-t / 0.006)
    metal = sosfilt(butter(2, 6500, "highpass", fs=RATE, output="sos"), noise[2])
    hat = metal * np.exp(-t / rng.uniform(0.015, 0.04))
    kit = {"low": kick, "back": snare, "high": conga + 0.3 * strike, "hats": hat}
    return {name: shot / np.abs(shot).max() for name, shot in kit.items()}
