"""Piece2Samples: the sound of instruments that play roles over a rhythm.

The rhythm is that of the synthetic corpus (`rhythm.rhythm`): the same accents that its dances follow.
"""

from itertools import pairwise

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.lab.standins.voices import RATE, Sound, Voice, drums, note
from motionbeat.lab.synthetic.plan import SUBBEATS
from motionbeat.lab.synthetic.rhythm import PARTS, Rhythm, rhythm

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 0, 3, 4), (0, 4, 5, 3), (0, 3, 0, 4))
_LONGEST_S = {"bass": 0.5, "walk": 0.5, "comp": 0.3, "offbeat": 0.2, "strum": 0.6, "arpeggio": 0.5, "riff": 0.35}
_CHORDS = ("pad", "comp", "offbeat", "strum")


def _parts(text: str) -> tuple[tuple[str, str, float], ...]:
    """`electric bass walk 1.2, piano comp 1` as (voice, role, gain) each."""
    words = [part.rsplit(" ", 2) for part in text.split(", ")]
    return tuple((voice, role, float(gain)) for voice, role, gain in words)


@frozen
class BandPart:
    """An instrument and its role.

    role: bass (with the kick), walk (every beat), pad (one chord per bar), comp (chords with the snare), offbeat,
    strum (chords on beats), arpeggio (chord tones on 8ths), riff (fifths on the accents), melody, or drone.
    """

    voice: Voice
    role: str
    gain: float = 1.0


@frozen
class Style:
    """What the clips of a genre or scene have in common."""

    tempo: tuple[float, float]
    template: str  # genre of the synthetic corpus from which its accents come
    parts: tuple[tuple[str, str, float], ...] = field(converter=_parts)  # voice, role, gain
    drums: float = 0.0
    loudness: tuple[float, float] = (-14, -1)  # dB full scale
    swing: float = 0.0
    waltz: float = 0.0  # share of the clips in 3/4
    minor: float = 0.5
    clash: float = 0.0

    def accents(self, rng: np.random.Generator, tempo: float, meter: int = 4) -> Rhythm:
        """A rhythm in this style. The tempo in the style's name only determines the density."""
        nearest = int(np.clip(round((tempo - 80) / 10), 0, 5))
        return rhythm(int(rng.integers(1 << 31)), f"m{self.template}{nearest}", [meter])


@frozen
class Piece:
    """The music of a clip."""

    seconds: float
    tempo: float  # beats per minute
    first_beat_s: float  # time of the rhythm's first slot, 0 or before
    rhythm: Rhythm
    parts: tuple[BandPart, ...]
    key: int  # semitones above C
    scale: str
    drums: float = 0.0  # gain
    swing: float = 0.0  # delay of the second 8th of a beat, in 16ths
    density: float = 0.5  # chance that a melody plays on a beat
    brightness: float = 0.0  # see voices.note
    clash: float = 0.0  # level of a note a semitone above each chord
    loudness: float = 0.7  # peak of the wave

    def beats(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Times (N,) s of the beats within the clip, and their positions (N,) in the bar from 1."""
        number = np.arange(self.rhythm.accents.shape[1] // SUBBEATS)
        times = self.first_beat_s + number * 60 / self.tempo
        within = (times >= 0) & (times < self.seconds - 0.02)
        return times[within], (number % self.rhythm.beats_per_bar + 1)[within]


def perform(rng: np.random.Generator, piece: Piece) -> NDArray[np.float32]:
    """The clip's wave (n,), mono, RATE samples per second, in -1..1."""
    lead = round(-piece.first_beat_s * RATE)
    track = np.zeros(lead + round(piece.seconds * RATE))
    progression = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    for part in piece.parts:
        _play(rng, track, piece, part, progression)
    if piece.drums:
        _drum(rng, track, piece)
    noisy = track[lead:] + rng.normal(0, 1e-3, len(track) - lead)
    limited = np.tanh(1.2 * noisy / max(np.percentile(np.abs(noisy), 99.7), 1e-6))
    faded = limited * np.minimum(1, np.arange(len(limited))[::-1] / (0.05 * RATE))
    return (piece.loudness * faded / np.abs(faded).max()).astype(np.float32)


def _time_s(piece: Piece, slot: int) -> float:
    """The time of a slot, counted from the rhythm's first."""
    late = piece.swing if slot % SUBBEATS >= SUBBEATS // 2 else 0.0
    return (slot + late) * 60 / piece.tempo / SUBBEATS


def _add(track: Sound, shot: Sound, level: float, time_s: float) -> None:
    begin = max(0, round(time_s * RATE))
    part = shot[: max(0, len(track) - begin)]
    track[begin : begin + len(part)] += level * part


def _drum(rng: np.random.Generator, track: Sound, piece: Piece) -> None:
    kit = drums(rng)
    rows = dict(zip(PARTS, piece.rhythm.accents, strict=True)) | {"hats": piece.rhythm.hats}
    gains = {"low": 1.0, "back": 0.7, "high": 0.35, "hats": 0.25}
    for name, levels in rows.items():
        for slot in np.flatnonzero(levels):
            late = float(np.clip(rng.normal(0, 0.004), -0.01, 0.01))
            level = piece.drums * gains[name] * 10 ** (rng.uniform(-2, 2) / 20)
            _add(track, kit[name], level * levels[slot], _time_s(piece, int(slot)) + late)


def _play(rng: np.random.Generator, track: Sound, piece: Piece, part: BandPart, progression: tuple[int, ...]) -> None:
    end_s = len(track) / RATE
    bar = piece.rhythm.beats_per_bar * SUBBEATS
    slots = [int(slot) for slot in _slots(rng, piece, part.role) if _time_s(piece, int(slot)) < end_s]
    played: dict[tuple[int, float], Sound] = {}
    degree = int(rng.integers(7))
    for number, (slot, following) in enumerate(pairwise([*slots, slots[-1] + bar] if slots else [])):
        root = progression[slot // bar % len(progression)]
        held = min(_time_s(piece, following) - _time_s(piece, slot), _LONGEST_S.get(part.role, 4.0))
        degree = int(np.clip(degree + rng.integers(-2, 3), -3, 10))
        level = part.gain * 10 ** (rng.uniform(-2, 2) / 20) * (0.22 if part.role in _CHORDS else 0.4)
        for midi in _notes(piece, part, root, degree, number):
            key = (midi, round(held, 2))
            if key not in played:
                played[key] = note(rng, part.voice, midi, held, brightness=piece.brightness)
            _add(track, played[key], level, _time_s(piece, slot))
        if piece.clash and part.role in _CHORDS:
            clashing = _within(part.voice, _midi(piece, root)) + 1
            shot = note(rng, part.voice, clashing, held, brightness=piece.brightness)
            _add(track, shot, level * piece.clash, _time_s(piece, slot))


def _slots(rng: np.random.Generator, piece: Piece, role: str) -> NDArray[np.intp]:
    """The 16ths on which a role plays."""
    low, back, high = piece.rhythm.accents
    slots = np.arange(len(low))
    weights = np.resize([1.0, 0.25, 0.7, 0.25], len(low))
    where = {
        "bass": low > 0,
        "walk": slots % SUBBEATS == 0,
        "comp": back > 0,
        "offbeat": slots % SUBBEATS == SUBBEATS // 2,
        "strum": slots % SUBBEATS == 0,
        "arpeggio": slots % 2 == 0,
        "riff": (low > 0) | (high > 0),
        "melody": rng.random(len(low)) < piece.density * weights,
    }
    return np.flatnonzero(where.get(role, slots % (piece.rhythm.beats_per_bar * SUBBEATS) == 0))


def _notes(piece: Piece, part: BandPart, root: int, degree: int, number: int) -> list[int]:
    """MIDI notes that a role plays over the chord on degree `root`."""
    steps = {
        "bass": [root],
        "walk": [root + (0, 2, 4, 2)[number % 4]],
        "riff": [root, root + 4],
        "drone": [0, 4],
        "arpeggio": [root + (0, 2, 4, 7, 4, 2)[number % 6]],
        "melody": [degree],
    }.get(part.role, [root, root + 2, root + 4])
    return [_within(part.voice, _midi(piece, step)) for step in steps]


def _midi(piece: Piece, step: int) -> int:
    """The note of a step of the scale, step 0 around middle C."""
    return 60 + piece.key + 12 * (step // 7) + _SCALES[piece.scale][step % 7]


def _within(voice: Voice, midi: int) -> int:
    """The note, moved into the voice's range by octaves."""
    while midi > voice.high:
        midi -= 12
    while midi < voice.low:
        midi += 12
    return midi
