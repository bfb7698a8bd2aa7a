"""When each part plays, and how loud: sections of four bars, with builds, breaks, crashes and risers.

The parts with accents are never silent, and are lowered by at most QUIETEST_DB, so that a dancer can hear them. The
arrangement has its own random stream, independent of genre, rhythm and timbre.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.plan import SUBBEATS, stream, tempo
from motionbeat.lab.synthetic.rhythm import SLOW_BPM, Rhythm

PHRASE_BARS = 4
QUIETEST_DB = -4.0
_OFF = -np.inf
# dB of each instrument: accents (low, back, high), hats, bass, pad, comp, lead.
_INSTRUMENTS = ("accents", "hats", "bass", "pad", "comp", "lead")
_SECTIONS = {
    "intro": (-2.0, -4.0, -3.0, -1.0, _OFF, _OFF),
    "verse": (-1.0, -1.5, -0.5, -1.0, -2.0, _OFF),
    "tune": (-1.0, -1.0, -0.5, -2.0, -1.0, 0.0),
    "chorus": (0.0, 0.0, 0.0, 1.0, 1.0, 1.0),
    "break": (-3.0, -8.0, -4.0, 0.0, _OFF, -1.0),
    "build": (-2.0, -2.0, -2.0, 0.0, 0.0, _OFF),
}
_FORMS = (
    ("intro", "tune", "break", "chorus"),
    ("verse", "chorus", "break", "chorus"),
    ("intro", "build", "chorus", "tune"),
    ("tune", "verse", "build", "chorus"),
    ("verse", "tune", "break", "tune"),
    ("chorus", "verse", "tune", "chorus"),
    ("intro", "verse", "build", "chorus"),
)
# 16ths of a bar on which the second chord instrument plays. In slow songs it plays on the beats, softly in every
# section in which it would rest, and the pitched parts are louder: with drums alone, 16ths at 80 BPM sound like 8ths at
# 160.
_COMPING_SLOW = (0, 4, 8, 12)
_SLOW_LIFT_DB = {"bass": 4.0, "pad": 4.0, "comp": 6.0, "lead": 2.0}
_SLOW_REST_DB = -3.0
_COMPINGS = (
    (0, 8),
    (0, 4, 8, 12),
    (0, 3, 8, 11),
    (0, 8, 11),
    (0, 4, 7, 8, 12),
    (0, 7, 8, 15),
    (0, 6, 8),
    (0, 2, 6, 10, 14),
    (0, 6, 12),
    (0, 3, 6, 10),
    (0, 2, 4, 6, 8, 10, 12, 14),
)


@frozen
class Arrangement:
    """Gains (linear) of each instrument and 16th, and events at 16ths."""

    gain: dict[str, NDArray[np.float64]]  # low, back, high, hats, bass, pad, comp, lead
    crashes: tuple[int, ...]
    risers: tuple[tuple[int, int], ...]  # first 16th, and the 16th at the end
    lift: dict[str, float]  # gain of each pitched part in the mix
    comping: tuple[int, ...]  # 16ths of a bar
    arpeggio: bool  # chord tones one after another on every 16th, beats stressed
    phrasing: tuple[bool, ...]  # bars of each four in which the lead plays


def arrangement(seed: int, song: str, pattern: Rhythm) -> Arrangement:
    """The arrangement of a song, which depends on the rhythm only by length, meter and tempo."""
    rng = stream(seed, "arrangement", song)
    slots = pattern.accents.shape[1]
    bar = pattern.beats_per_bar * SUBBEATS
    form = _FORMS[rng.integers(len(_FORMS))]
    contrast = rng.uniform(0.5, 1.3)
    slow = tempo(song) < SLOW_BPM
    level = {name: np.zeros(slots) for name in _INSTRUMENTS}
    crashes, risers = [], []
    for number, start in enumerate(range(0, slots, PHRASE_BARS * bar)):
        section = form[number % len(form)]
        phrase = slice(start, start + PHRASE_BARS * bar)
        here = np.arange(start, min(slots, phrase.stop))
        swell = np.linspace(-2.5, 1.0, len(here)) if section == "build" else np.zeros(len(here))
        for name, level_db in zip(_INSTRUMENTS, _SECTIONS[section], strict=True):
            level[name][phrase] = contrast * (level_db + swell)
        if slow:
            level["comp"][phrase] = np.maximum(level["comp"][phrase], _SLOW_REST_DB)
        if section == "intro":  # the first bar has only drums and chords
            level["bass"][start : start + bar] -= 6
        rises = rng.random() < (0.8 if section in ("break", "build") else 0.15)
        if rises and phrase.stop < slots:
            risers.append((phrase.stop - bar, phrase.stop))
        if rng.random() < (0.9 if section == "chorus" else 0.6):
            crashes.append(start)
    accents = np.maximum(level.pop("accents"), QUIETEST_DB)
    gain = {name: 10 ** (row / 20) for name, row in level.items()}
    gain |= {part: 10 ** (accents / 20) for part in ("low", "back", "high")}
    rhythm, arpeggio = _COMPINGS[rng.integers(len(_COMPINGS))], bool(rng.random() < 0.3)
    comping = tuple(slot for slot in (_COMPING_SLOW if slow else rhythm) if slot < bar)
    lift = {name: 10 ** (gain_db * slow / 20) for name, gain_db in _SLOW_LIFT_DB.items()}
    phrasing = ((True, True, True, False), (True, False, True, False), (True, True, False, True), (True,) * 4)
    return Arrangement(
        gain,
        tuple(crashes),
        tuple(risers),
        lift,
        comping,
        arpeggio and not slow,
        phrasing[rng.integers(len(phrasing))],
    )
