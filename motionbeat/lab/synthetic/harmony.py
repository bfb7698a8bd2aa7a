"""Chords in a key, and the pitched parts over them: bass, pad, comping or arpeggio, and a lead line."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import frozen

from motionbeat.lab.synthetic.arrangement import PHRASE_BARS, Arrangement
from motionbeat.lab.synthetic.plan import SUBBEATS
from motionbeat.lab.synthetic.rhythm import Rhythm
from motionbeat.lab.synthetic.tones import Instrument, note
from motionbeat.lab.synthetic.waves import Sound, mix_in

_PROGRESSIONS = (
    (0, 5, 3, 4),
    (0, 3, 4, 3),
    (0, 4, 3, 4),
    (5, 3, 0, 4),
    (0, 4, 5, 3),
    (0, 2, 3, 4),
    (1, 4, 0, 5),
    (0, 6, 5, 4),
    (3, 4, 2, 5),
)
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_DOWNBEAT = 1.7  # how much louder a new chord is played: the harmony marks the bar more than the kick does
_BASS_LOWEST, _PAD_LOWEST, _COMP_LOWEST, _LEAD_LOWEST = 29, 52, 59, 67  # MIDI: F1, E3, B3, G4


@frozen
class Harmony:
    """Key, scale and chord progressions of a song; one chord a bar."""

    key: int  # semitones above A
    scale: str
    progression: tuple[int, ...]  # scale degrees, from 0
    bridge: tuple[int, ...]  # progression of every third phrase
    sevenths: bool

    def degree(self, bar: int) -> int:
        """The scale degree of the bar's chord."""
        phrase, place = divmod(bar, PHRASE_BARS)
        chords = self.bridge if phrase % 4 == 2 else self.progression
        return chords[place % len(chords)]

    def pitch(self, step: int, lowest: int) -> int:
        """The MIDI note of a scale step (octaves dropped), within the octave from `lowest` up."""
        semitone = 57 + self.key + _SCALES[self.scale][step % 7]
        return lowest + (semitone - lowest) % 12

    def chord(self, bar: int, lowest: int) -> tuple[int, ...]:
        """MIDI notes of the bar's chord, inverted into the octave from `lowest` up, so that the voices move little."""
        degree = self.degree(bar)
        steps = (0, 2, 4, 6) if self.sevenths else (0, 2, 4)
        return tuple(sorted(self.pitch(degree + step, lowest) for step in steps))


def harmony(rng: np.random.Generator) -> Harmony:
    """Draw a song's harmony."""
    first, second = rng.choice(len(_PROGRESSIONS), 2, replace=False)
    scale = ("major", "minor")[rng.integers(2)]
    return Harmony(int(rng.integers(12)), scale, _PROGRESSIONS[first], _PROGRESSIONS[second], bool(rng.random() < 0.35))


class Track:
    """A track that one instrument plays; equal notes are synthesised once."""

    def __init__(self, voice: Instrument, samples: int) -> None:
        self.track = np.zeros(samples)
        self._voice = voice
        self._played: dict[tuple[tuple[int, ...], int, int], Sound] = {}

    def play(self, notes: Sequence[int], duration_s: float, level: float, time_s: float, strum_s: float = 0.0) -> None:
        """Add notes, `strum_s` after one another, at `time_s`."""
        if not level:
            return
        key = (tuple(notes), round(duration_s * 1000), round(strum_s * 1000))
        if key not in self._played:
            sounds = [note(self._voice, midi, key[1] / 1000) for midi in notes]
            chord = np.zeros(len(sounds[0]))
            for number, sound in enumerate(sounds):
                mix_in(chord, sound, 1 / np.sqrt(len(notes)), number * key[2] / 1000)
            self._played[key] = chord
        mix_in(self.track, self._played[key], level, time_s)


def bass(
    rng: np.random.Generator, part: Track, tune: Harmony, pattern: Rhythm, plan: Arrangement, slot_s: float
) -> None:
    """A note with every kick, until the next at most: roots, some fifths and octaves, steps into the next chord."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    length, fifths, octaves = rng.uniform(0.5, 0.98), rng.uniform(0, 0.4), rng.uniform(0, 0.25)
    kicks = np.flatnonzero(pattern.accents[0]).tolist()
    for slot, following in pairwise([*kicks, pattern.accents.shape[1]]):
        bar, place = divmod(slot, bar_slots)
        root = tune.pitch(tune.degree(bar), _BASS_LOWEST)
        other, side = rng.random(), int(rng.choice((-1, 1)))
        midi = root
        if place and following % bar_slots == 0 and tune.degree(bar + 1) != tune.degree(bar) and other < 0.5:
            ahead = tune.pitch(tune.degree(bar + 1), _BASS_LOWEST)
            steps = [tune.pitch(tune.degree(bar + 1) + side, low) for low in range(ahead - 6, ahead + 1, 6)]
            midi = min(steps, key=lambda step: abs(step - ahead))
        elif place and other < fifths:
            midi = tune.pitch(tune.degree(bar) + 4, _BASS_LOWEST)
        elif place and other > 1 - octaves:
            midi = root + 12
        duration = min(following - slot, 2 * SUBBEATS) * slot_s * (0.98 if place == 0 else length)
        level = pattern.accents[0, slot] * plan.gain["bass"][slot] * (1.0 if place == 0 else 0.75)
        part.play([midi], duration, level, slot * slot_s + _human(rng))


def pad(part: Track, tune: Harmony, pattern: Rhythm, plan: Arrangement, slot_s: float) -> None:
    """One sustained chord a bar."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    for slot in range(0, pattern.accents.shape[1], bar_slots):
        chord = tune.chord(slot // bar_slots, _PAD_LOWEST)
        part.play(chord, bar_slots * slot_s, plan.gain["pad"][slot], slot * slot_s)


def comp(
    rng: np.random.Generator, part: Track, tune: Harmony, pattern: Rhythm, plan: Arrangement, slot_s: float
) -> None:
    """Chords in the song's comping rhythm, or as an arpeggio of 16ths that stresses the beats."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    length, strum_s = rng.choice((0.35, 0.6, 0.95)), rng.choice((0.0, 0.008, 0.016))
    order = rng.permutation(8)
    places = range(bar_slots) if plan.arpeggio else plan.comping
    for start in range(0, pattern.accents.shape[1], bar_slots):
        chord = tune.chord(start // bar_slots, _COMP_LOWEST)
        for place, following in pairwise([*places, bar_slots]):
            slot, beat = start + place, place % SUBBEATS == 0
            if slot >= pattern.accents.shape[1]:
                continue
            time_s = slot * slot_s + _human(rng)
            level = plan.gain["comp"][slot] * rng.uniform(0.85, 1.1) * (_DOWNBEAT if place == 0 else 1.0)
            if plan.arpeggio:
                pitch = chord[order[place % 8] % len(chord)] + 12 * int(order[place % 8] // 5)
                part.play([pitch], 1.6 * slot_s, level * (1.0 if beat else 0.45), time_s)
            else:
                duration = min(following - place, 2 * SUBBEATS) * slot_s * length
                part.play(chord, duration, level * (1.0 if beat else 0.7), time_s, strum_s)


def lead(
    rng: np.random.Generator, part: Track, tune: Harmony, pattern: Rhythm, plan: Arrangement, slot_s: float
) -> None:
    """A melody on some of the accents of any part: motives of two bars that are repeated, with rests between them."""
    bar_slots = pattern.beats_per_bar * SUBBEATS
    strength = pattern.accents.max(axis=0)
    contour = np.clip(np.cumsum(rng.integers(-2, 3, 2 * bar_slots)), -4, 7)
    chosen, length = rng.random(2 * bar_slots) < 0.6, rng.uniform(0.6, 0.98)
    motif = np.arange(len(strength)) % (2 * bar_slots)
    sounding = np.array([plan.phrasing[slot // bar_slots % PHRASE_BARS] for slot in range(len(strength))])
    slots = np.flatnonzero((strength > 0) & chosen[motif] & sounding & (plan.gain["lead"] > 0)).tolist()
    for slot, following in pairwise([*slots, len(strength)]):
        bar = slot // bar_slots
        step = int(contour[motif[slot]])
        if slot % SUBBEATS == 0:  # on the beat, a note of the chord
            step = min(
                (tune.degree(bar) + tone for tone in (-7, -5, -3, 0, 2, 4, 7)), key=lambda tone: abs(tone - step)
            )
        midi = tune.pitch(step, _LEAD_LOWEST) + 12 * (step // 7)
        duration = min(following - slot, 6) * slot_s * length
        level = (0.5 + 0.5 * strength[slot]) * plan.gain["lead"][slot]
        part.play([midi], duration, level, slot * slot_s + _human(rng))


def _human(rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(0, 0.004), -0.01, 0.01))
