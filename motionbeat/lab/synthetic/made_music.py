"""Rhythm and timbre to sound: drums, bass, chords and a lead, arranged, mixed and mastered at 44.1 kHz.

Timbre (kit, instruments, key, mix, loudness) has a separate random stream: it does not depend on genre or rhythm. The
arrangement depends only on the song's length and meter. Rhythm alone links a song to its dances.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic import drums, harmony, mix, tones
from motionbeat.lab.synthetic.arrangement import Arrangement, arrangement
from motionbeat.lab.synthetic.plan import SAMPLE_RATE, SONG_BEATS, SUBBEATS, stream, tempo
from motionbeat.lab.synthetic.rhythm import PARTS, Rhythm
from motionbeat.lab.synthetic.waves import Sound, mix_in

KITS = drums.KITS
_TOUCH = {"low": 1.5, "back": 1.3, "high": 1.0}  # a stroke's amplitude is this power of the accent
_TAIL_S = 0.3  # ring-out after the last beat, shorter than a beat


@frozen
class Timbre:
    """The sound of a song."""

    kit: int
    harmony: harmony.Harmony
    instruments: dict[str, tones.Instrument]  # bass, pad, comp, lead
    mix: mix.Mix


def timbre(seed: int, song: str) -> Timbre:
    """The timbre of a song: independent of its rhythm, genre and tempo."""
    rng = stream(seed, "timbre", song)
    return Timbre(
        kit=int(rng.integers(KITS)),
        harmony=harmony.harmony(rng),
        instruments={role: tones.instrument(rng, role) for role in tones.ROLES},
        mix=mix.mix(rng),
    )


def render(seed: int, song: str, pattern: Rhythm) -> NDArray[np.float32]:
    """The song's wave, mono, in -1..1: SONG_BEATS beats from t = 0 and a short ring-out."""
    sound = timbre(seed, song)
    plan = arrangement(seed, song, pattern)
    slot_s = 60 / tempo(song) / SUBBEATS
    samples = round((SONG_BEATS * SUBBEATS * slot_s + _TAIL_S) * SAMPLE_RATE)
    kicks_s = np.flatnonzero(pattern.accents[0]).astype(np.float64) * slot_s
    beaten = _drums(seed, song, sound, pattern, plan, slot_s, samples)
    pitched = _pitched(seed, song, sound, pattern, plan, slot_s, samples)
    finished = mix.master(stream(seed, "master", song), sound.mix, beaten, pitched, kicks_s)
    return finished.astype(np.float32)


def _drums(
    seed: int, song: str, sound: Timbre, pattern: Rhythm, plan: Arrangement, slot_s: float, samples: int
) -> dict[str, Sound]:
    kit, rng = drums.kit(seed, sound.kit), stream(seed, "drums", song)
    tracks = {name: np.zeros(samples) for name in (*PARTS, "hats", "crash", "riser")}
    strokes = {part: row ** _TOUCH[part] for part, row in zip(PARTS, pattern.accents, strict=True)}
    strokes["hats"] = pattern.hats
    for name, levels in strokes.items():
        drums.play(rng, tracks[name], kit[name], levels * plan.gain[name], slot_s)
    crashes = np.zeros(len(pattern.hats))
    crashes[list(plan.crashes)] = rng.uniform(0.7, 1, len(plan.crashes))
    drums.play(rng, tracks["crash"], kit["crash"], crashes, slot_s)
    for first, last in plan.risers:
        mix_in(tracks["riser"], drums.riser(rng, (last - first) * slot_s), 1.0, first * slot_s)
    for name, track in tracks.items():
        track *= sound.mix.gain[name]
    return tracks


def _pitched(
    seed: int, song: str, sound: Timbre, pattern: Rhythm, plan: Arrangement, slot_s: float, samples: int
) -> Sound:
    rng = stream(seed, "performance", song)
    parts = {role: harmony.Track(voice, samples) for role, voice in sound.instruments.items()}
    harmony.bass(rng, parts["bass"], sound.harmony, pattern, plan, slot_s)
    harmony.pad(parts["pad"], sound.harmony, pattern, plan, slot_s)
    harmony.comp(rng, parts["comp"], sound.harmony, pattern, plan, slot_s)
    harmony.lead(rng, parts["lead"], sound.harmony, pattern, plan, slot_s)
    level = {role: sound.mix.gain[role] * plan.lift[role] for role in parts}
    return sum((mix.balanced(part.track, level[role]) for role, part in parts.items()), np.zeros(samples))
