"""Drum kits: samples of soft and hard strokes, and the playing of a row of accents on them."""

from functools import lru_cache

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.plan import SAMPLE_RATE, stream
from motionbeat.lab.synthetic.waves import Sound, band, high_pass, mix_in, seconds

KITS = 24
_STROKES = 3  # takes of each drum: successive hits have different samples


@frozen
class Drum:
    """Takes of one drum: `body` sounds in proportion to the level, `edge` (click, wires) to its square."""

    body: tuple[Sound, ...]
    edge: tuple[Sound, ...]


@lru_cache(maxsize=KITS)
def kit(seed: int, number: int) -> dict[str, Drum]:
    """The drums of a kit: low, back, high, hats, crash; the hardest stroke of each has peak 1."""
    made = {}
    for name, make in _MAKERS.items():
        count = 1 if name == "crash" else _STROKES
        takes = [make(stream(seed, "kit", str(number), name), take) for take in range(count)]
        peak = max(np.abs(body + edge).max() for body, edge in takes)
        made[name] = Drum(tuple(body / peak for body, _ in takes), tuple(edge / peak for _, edge in takes))
    return made


def play(rng: np.random.Generator, track: Sound, drum: Drum, levels: NDArray[np.float64], slot_s: float) -> None:
    """Add a stroke at every 16th with a level, up to 10 ms off the grid."""
    offsets = np.clip(rng.normal(0, 0.004, len(levels)), -0.01, 0.01)
    takes = rng.integers(len(drum.body), size=len(levels))
    for slot in np.flatnonzero(levels):
        time, take, level = slot * slot_s + offsets[slot], takes[slot], levels[slot]
        mix_in(track, drum.body[take] + level * drum.edge[take], level, time)


def riser(rng: np.random.Generator, duration_s: float) -> Sound:
    """Noise that swells and brightens until it stops on a downbeat; peak about 1."""
    t = seconds(duration_s)
    rise = (t / duration_s) ** 2
    noise = rng.normal(0, 0.3, len(t))
    return rise * ((1 - rise) * band(noise, 400, 2500) + rise * band(noise, 2000, 9000)) * 2


def _noise(take: int, rng: np.random.Generator, t: Sound) -> Sound:
    """White noise; all takes share the parameters drawn before it; the noise differs in each take."""
    return [rng.normal(0, 1, len(t)) for _ in range(take + 1)][-1]


def _kick(rng: np.random.Generator, take: int) -> tuple[Sound, Sound]:
    t = seconds(0.4)
    base, sweep, decay = rng.uniform(46, 64), rng.uniform(60, 220), rng.uniform(0.06, 0.16)
    drop, drive = rng.uniform(0.012, 0.035), rng.uniform(1, 3)
    click, beater = rng.uniform(0.3, 1.0), rng.uniform(1.5, 4)
    frequency = base + sweep * np.exp(-t / drop)
    body = np.tanh(drive * np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE) * np.exp(-t / decay))
    strike = band(_noise(take, rng, t) * np.exp(-t / 0.006), 500, 1000 * beater)
    return body * np.minimum(1, (0.4 - t) / 0.05), click * strike / np.abs(strike).max()


def _snare(rng: np.random.Generator, take: int) -> tuple[Sound, Sound]:
    t = seconds(0.45)
    low, high, decay = rng.uniform(250, 900), rng.uniform(6000, 12000), rng.uniform(0.05, 0.13)
    bursts, gap = rng.integers(1, 4), rng.uniform(0.008, 0.012)  # several bursts: a clap
    pitch, ring = rng.uniform(160, 260), rng.uniform(0.2, 0.9)
    delays = np.arange(bursts) * gap
    envelope = sum(np.where(t >= d, np.exp(-(t - d) / (0.006 if d < delays[-1] else decay)), 0) for d in delays)
    raw = _noise(take, rng, t)
    wires = band(raw, low, high)
    shell = sum(np.sin(2 * np.pi * pitch * p * t) * np.exp(-t * p / 0.07) / p for p in (1.0, 1.59, 2.14))
    body = ring * shell + 0.6 * wires / np.abs(wires).max() * envelope
    crack = band(raw * np.exp(-t / 0.03), 2500, 14000)
    return body, 0.6 * crack / np.abs(crack).max()


def _percussion(rng: np.random.Generator, take: int) -> tuple[Sound, Sound]:
    """The high accents' voice: open hat, block, conga, bell, tambourine, rim or triangle."""
    t = seconds(0.35)
    kind = rng.integers(7)
    pitch, decay = rng.uniform(0.8, 1.25), rng.uniform(0.7, 1.4)
    if kind in (0, 4):  # metal and jingles
        colour = band(_noise(take, rng, t), 4500 * pitch, 15000)
        jingle = 1 if kind == 0 else 0.4 + 0.6 * (np.sin(2 * np.pi * 23 * t) > 0)
        return colour * jingle * np.exp(-t / (0.08 * decay)), 0.3 * colour * np.exp(-t / 0.01)
    partials, base, ring = {
        1: ((1.0, 2.7), 1200, 0.022),
        2: ((1.0, 1.58, 2.24), 330, 0.075),
        3: ((1.0, 1.48, 2.6), 590, 0.075),
        5: ((1.0, 1.83, 3.1), 720, 0.02),
        6: ((1.0, 1.63, 2.41, 3.37), 2600, 0.16),
    }[int(kind)]
    tone = sum(np.sin(2 * np.pi * base * pitch * p * t) / (i + 1) for i, p in enumerate(partials))
    strike = band(_noise(take, rng, t), 1500, 9000) * np.exp(-t / 0.004)
    return tone * np.exp(-t / (ring * decay)), strike


def _hat(rng: np.random.Generator, take: int) -> tuple[Sound, Sound]:
    """The steady pulse: a closed hat, a shaker or a ride."""
    t = seconds(0.3)
    kind = rng.choice(3, p=[0.6, 0.2, 0.2])
    ratios, pitch, shift = rng.uniform(1, 2.5, 6), rng.uniform(2500, 3500), rng.uniform(0.8, 1.25)
    decay = rng.uniform((0.02, 0.03, 0.08)[kind], (0.045, 0.05, 0.14)[kind])
    metal = sum(np.sign(np.sin(2 * np.pi * pitch * ratio * t)) for ratio in ratios)
    mixed = metal * (0.3, 0.0, 0.6)[kind] + _noise(take, rng, t) * 2
    attack = np.minimum(1, t / (0.0005, 0.012, 0.0005)[kind])
    sound = band(mixed, 5500 * shift, 15500) * attack * np.exp(-t / decay)
    return sound, 0.3 * high_pass(sound, 9000)


def _crash(rng: np.random.Generator, take: int) -> tuple[Sound, Sound]:
    t = seconds(2.2)
    ratios, low, decay = rng.uniform(1, 4, 8), rng.uniform(1500, 3000), rng.uniform(0.4, 0.8)
    metal = sum(np.sin(2 * np.pi * 900 * ratio * t + 6 * np.sin(2 * np.pi * 533 * ratio * t)) for ratio in ratios)
    sound = band(metal * 0.4 + _noise(take, rng, t), low, 15000)
    envelope = np.exp(-t / decay) * np.minimum(1, (2.2 - t) / 0.3)
    return sound * envelope, 0.4 * sound * np.exp(-t / 0.05)


_MAKERS = {"low": _kick, "back": _snare, "high": _percussion, "hats": _hat, "crash": _crash}
