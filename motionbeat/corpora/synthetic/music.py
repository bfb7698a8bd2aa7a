"""Rhythm and timbre to sound: drums, bass, chords and a plucked lead, synthesised at 44.1 kHz.

Timbre (kit, waveforms, key, mix, loudness) has a random stream of its own: it knows neither genre nor rhythm.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from motionbeat.corpora.synthetic.plan import SAMPLE_RATE, SONG_BEATS, SUBBEATS, stream, tempo
from motionbeat.corpora.synthetic.rhythm import Rhythm

KITS = 12
_TAIL_S = 0.3  # ring-out after the last beat, shorter than a beat
_PROGRESSIONS = ((0, 5, 3, 4), (0, 3, 4, 3), (0, 0, 3, 4), (5, 3, 0, 4), (0, 4, 5, 3), (0, 2, 3, 0))
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

Sound = NDArray[np.float64]


@frozen
class Timbre:
    """What a song sounds like, whatever it plays."""

    kit: int
    key: int  # semitones above A
    scale: str
    progression: tuple[int, ...]
    mix: dict[str, float]  # gain of each instrument
    brightness: float  # how slowly the harmonics of bass, pad and lead fall
    loudness: float  # peak of the wave file


def timbre(seed: int, song: str) -> Timbre:
    """The timbre of a song: independent of its rhythm, genre and tempo."""
    rng = stream(seed, "timbre", song)
    gain = {"low": 1.0, "back": 0.8, "high": 0.55, "hats": 0.22, "bass": 0.45, "pad": 0.26, "lead": 0.2}
    return Timbre(
        kit=int(rng.integers(KITS)),
        key=int(rng.integers(12)),
        scale=("major", "minor")[rng.integers(2)],
        progression=_PROGRESSIONS[rng.integers(len(_PROGRESSIONS))],
        mix={name: level * 10 ** (rng.uniform(-3, 3) / 20) for name, level in gain.items()},
        brightness=float(rng.uniform(0.8, 1.8)),
        loudness=float(10 ** (rng.uniform(-9, -1) / 20)),
    )


def render(seed: int, song: str, pattern: Rhythm) -> NDArray[np.float32]:
    """The song's wave, mono, in -1..1: SONG_BEATS beats from t = 0 and a short ring-out."""
    sound = timbre(seed, song)
    kit = _kit(seed, sound.kit)
    rng = stream(seed, "performance", song)
    slot_s = 60 / tempo(song) / SUBBEATS
    samples = round((SONG_BEATS * SUBBEATS * slot_s + _TAIL_S) * SAMPLE_RATE)
    tracks = {name: np.zeros(samples) for name in sound.mix}
    for name, row in zip(("low", "back", "high"), pattern.accents, strict=True):
        _play(rng, tracks[name], kit[name], row**1.5, slot_s)
    _play(rng, tracks["hats"], kit["hats"], pattern.hats, slot_s)
    _play_bass(rng, tracks["bass"], sound, pattern, slot_s)
    _play_chords(tracks["pad"], sound, pattern, slot_s)
    _play_lead(rng, tracks["lead"], sound, pattern, slot_s)
    dry = sum(sound.mix[name] * track for name, track in tracks.items())
    wet = dry + 0.25 * oaconvolve(dry - sound.mix["low"] * tracks["low"], kit["room"])[:samples]
    fade = np.minimum(1, np.arange(samples)[::-1] / (0.2 * SAMPLE_RATE))
    limited = np.tanh(1.1 * wet / np.percentile(np.abs(wet), 99.8)) * fade
    return (sound.loudness * limited / np.abs(limited).max()).astype(np.float32)


def _play(rng: np.random.Generator, track: Sound, shot: Sound, levels: NDArray[np.float64], slot_s: float) -> None:
    """Add a one-shot at every slot with a level, up to 10 ms off the grid."""
    offsets = np.clip(rng.normal(0, 0.004, len(levels)), -0.01, 0.01)
    for slot in np.flatnonzero(levels):
        _add(track, shot, levels[slot], slot * slot_s + offsets[slot])


def _add(track: Sound, shot: Sound, level: float, time_s: float) -> None:
    begin = max(0, round(time_s * SAMPLE_RATE))
    part = shot[: max(0, len(track) - begin)]
    track[begin : begin + len(part)] += level * part


def _seconds(duration_s: float) -> Sound:
    return np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE


def _kit(seed: int, number: int) -> dict[str, Sound]:
    """One-shots of a drum kit, each of peak 1, and the room that it stands in."""
    rng = stream(seed, "kit", str(number))
    kit = {"low": _kick(rng), "back": _snare(rng), "high": _percussion(rng), "hats": _hat(rng)}
    kit = {name: shot / np.abs(shot).max() for name, shot in kit.items()}
    t = _seconds(rng.uniform(0.25, 0.7))
    room = rng.normal(0, 1, len(t)) * np.exp(-7 * t / t[-1])
    return kit | {"room": room / np.sqrt(np.sum(room**2))}


def _kick(rng: np.random.Generator) -> Sound:
    t = _seconds(0.45)
    base, sweep, decay = rng.uniform(42, 62), rng.uniform(60, 220), rng.uniform(0.08, 0.2)
    frequency = base + sweep * np.exp(-t / rng.uniform(0.015, 0.04))
    body = np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE) * np.exp(-t / decay)
    click = rng.normal(0, 1, len(t)) * np.exp(-t / 0.003) * rng.uniform(0.1, 0.5)
    return np.tanh(rng.uniform(1, 3) * body) + _band(click, 800, 7000)


def _snare(rng: np.random.Generator) -> Sound:
    t = _seconds(0.4)
    noise = _band(rng.normal(0, 1, len(t)), rng.uniform(300, 1500), rng.uniform(6000, 12000))
    bursts = rng.integers(1, 4)  # more than one: a clap
    delays = np.arange(bursts) * rng.uniform(0.008, 0.012)
    decay = rng.uniform(0.05, 0.12)
    envelope = sum(np.where(t >= d, np.exp(-(t - d) / (0.006 if d < delays[-1] else decay)), 0) for d in delays)
    tone = np.sin(2 * np.pi * rng.uniform(160, 240) * t) * np.exp(-t / 0.06) * rng.uniform(0, 0.8)
    return noise / np.abs(noise).max() * envelope + tone


def _percussion(rng: np.random.Generator) -> Sound:
    """The high accents' voice: an open hat, a block, a conga or a bell."""
    t = _seconds(0.3)
    kind = rng.integers(4)
    if kind == 0:
        return _band(rng.normal(0, 1, len(t)), 5000, 15000) * np.exp(-t / rng.uniform(0.06, 0.12))
    if kind == 1:
        return np.sin(2 * np.pi * rng.uniform(900, 1800) * t) * np.exp(-t / rng.uniform(0.015, 0.03))
    pitch = rng.uniform(250, 450) if kind == 2 else rng.uniform(500, 700)
    partials = (1.0, 1.58, 2.24) if kind == 2 else (1.0, 1.48, 2.6)
    tone = sum(np.sin(2 * np.pi * pitch * p * t) / (i + 1) for i, p in enumerate(partials))
    strike = _band(rng.normal(0, 1, len(t)), 1500, 9000) * np.exp(-t / 0.004)
    return tone * np.exp(-t / rng.uniform(0.05, 0.1)) + 2 * strike


def _hat(rng: np.random.Generator) -> Sound:
    t = _seconds(0.12)
    ratios = rng.uniform(1, 2.5, 6)
    metal = sum(np.sign(np.sin(2 * np.pi * 3000 * ratio * t)) for ratio in ratios)
    mixed = metal * rng.uniform(0, 0.5) + rng.normal(0, 2, len(t))
    return _band(mixed, 7000, 16000) * np.exp(-t / rng.uniform(0.015, 0.035))


def _band(signal: Sound, low: float, high: float) -> Sound:
    return sosfilt(butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos"), signal)


def _note(midi: float, duration_s: float, brightness: float, decay_s: float, attack_s: float) -> Sound:
    """A harmonic tone; its harmonics fall as n^(-2.2 / brightness) and the upper ones die away first."""
    t = _seconds(duration_s)
    pitch = 440 * 2 ** ((midi - 69) / 12)
    turning = np.exp((2j * np.pi * pitch - 0.3 / decay_s) * t) * np.exp(1j)
    # Horner's rule: the n-th harmonic is the n-th power of the first.
    wave = np.zeros(len(t), complex)
    for n in range(min(14, int(9000 / pitch)), 0, -1):
        wave = (wave + n ** (-2.2 / brightness)) * turning
    wave = wave.imag * np.exp(-t / decay_s)
    release = np.minimum(1, (duration_s - t) / 0.02)
    return wave * np.minimum(1, t / attack_s) * release / 2


def _chord(sound: Timbre, bar: int) -> list[int]:
    """MIDI notes of the bar's triad around A3."""
    scale = _SCALES[sound.scale]
    degree = sound.progression[bar % len(sound.progression)]
    steps = [degree, degree + 2, degree + 4]
    return [57 + (sound.key + 12 * (s // 7) + scale[s % 7] + 5) % 12 - 5 for s in steps]


def _play_bass(rng: np.random.Generator, track: Sound, sound: Timbre, pattern: Rhythm, slot_s: float) -> None:
    """The bass plays the chord's root with the kick, until the next kick at most."""
    low = np.flatnonzero(pattern.accents[0])
    played: dict[tuple[int, int], Sound] = {}
    for slot, following in pairwise([*low, pattern.accents.shape[1]]):
        slots = int(min(following - slot, 0.6 // slot_s))
        midi = (
            _chord(sound, int(slot) // (pattern.beats_per_bar * SUBBEATS))[0] - 24 + (12 if rng.random() < 0.15 else 0)
        )
        if (midi, slots) not in played:
            played[midi, slots] = _note(midi, slots * slot_s, sound.brightness, 0.5, 0.006)
        _add(track, played[midi, slots], pattern.accents[0, slot], slot * slot_s)


def _play_chords(track: Sound, sound: Timbre, pattern: Rhythm, slot_s: float) -> None:
    """One sustained chord a bar."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    bars = -(-pattern.accents.shape[1] // bar_slots)
    voiced: dict[tuple[int, ...], Sound] = {}
    for bar in range(bars):
        notes = tuple(_chord(sound, bar))
        if notes not in voiced:
            voiced[notes] = _sum([_note(n, bar_slots * slot_s, 0.7 * sound.brightness, 2.5, 0.01) for n in notes])
        _add(track, voiced[notes], 1.0, bar * bar_slots * slot_s)


def _play_lead(rng: np.random.Generator, track: Sound, sound: Timbre, pattern: Rhythm, slot_s: float) -> None:
    """A plucked line of chord tones on some of the accents of any part."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    strength = pattern.accents.max(axis=0)
    plucked: dict[int, Sound] = {}
    for slot in np.flatnonzero((strength > 0) & (rng.random(len(strength)) < 0.4)):
        midi = int(rng.choice(_chord(sound, int(slot) // bar_slots))) + 12
        if midi not in plucked:
            plucked[midi] = _note(midi, 0.5, sound.brightness, 0.15, 0.003)
        _add(track, plucked[midi], strength[slot], slot * slot_s)


def _sum(sounds: Sequence[Sound]) -> Sound:
    return np.sum(sounds, axis=0)
