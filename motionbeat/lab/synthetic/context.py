"""Responses of a dancer to an accent other than marking it at once: the context that `corpus.context` adds.

A choreography has habits. For each part of the rhythm it marks an accent some 16ths later (0 to 4), and it may ignore
the accents at some places: on the beats, between them, or in one half of the bar. In half-time passages, two bars of
each phrase of four, it dances the first bar at half speed over both and ignores the second.

The computation goes the other way: each 16th of a dance has at most one 16th of the music whose accent is marked there,
its *source*. It depends on the position in the bar, the phrase and the choreography, but not on the music.
"""

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.plan import SUBBEATS, stream

PHRASE_BARS = 4
PASSAGE_BARS = 2
NOTHING, BEFORE = -1, -2
"""Source values of a 16th that marks no accent, and of one that marks an accent before the first known 16th."""

ANSWERS = (0, 1, 2, 3, 4)  # 16ths later
PLACES = ("all", "on", "off", "opening", "closing")  # of the accents that are marked
_LATER, _CHOOSY, _HALVED = 0.7, 0.6, 0.6  # probabilities at full context: a later response, only some places, half time


@frozen
class PartHabit:
    """The response of a choreography to one part of the rhythm."""

    answer: int = 0  # of ANSWERS
    place: str = "all"  # of PLACES


@frozen
class Habits:
    """The responses of a choreography to accents; without context all are neutral."""

    parts: tuple[PartHabit, ...]  # one for each of rhythm.PARTS
    passage: int | None = None  # bar of each phrase, 0 or 2, in which a half-time passage begins; None: no passage


def habits(seed: int, choreography: str, context: float) -> Habits:
    """The habits of a choreography, by its id. More context adds habits and changes none.

    context: 0 (all neutral) to 1; the probability of each habit is proportional to it.
    """
    rng = stream(seed, "context", choreography)
    chances = rng.random((3, 2))
    answers, places = rng.integers(1, len(ANSWERS), 3), rng.integers(1, len(PLACES), 3)
    halved, second = rng.random(), rng.integers(2)
    parts = (
        PartHabit(
            ANSWERS[answers[part]] if chances[part, 0] < _LATER * context else 0,
            PLACES[places[part]] if chances[part, 1] < _CHOOSY * context else "all",
        )
        for part in range(3)
    )
    return Habits(tuple(parts), PASSAGE_BARS * int(second) if halved < _HALVED * context else None)


def part_habits(context: float) -> Iterator[tuple[float, PartHabit]]:
    """All habits that a part can have, with their probabilities."""
    for answer in ANSWERS:
        later = _LATER * context / (len(ANSWERS) - 1) if answer else 1 - _LATER * context
        for place in PLACES:
            chance = later * (1 - _CHOOSY * context if place == "all" else _CHOOSY * context / (len(PLACES) - 1))
            if chance > 0:
                yield chance, PartHabit(answer, place)


def passages(context: float) -> Iterator[tuple[float, int | None]]:
    """Bars in which half-time passages can begin, relative to any bar, with their probabilities, if the phrase is
    unknown.
    """
    chance = _HALVED * context
    yield 1 - chance, None
    if chance > 0:
        yield from ((chance / PHRASE_BARS, bar) for bar in range(PHRASE_BARS))


def sources(habit: PartHabit, passage: int | None, bar: int, first: int, count: int) -> NDArray[np.int64]:
    """The source of each 16th of a part of a dance: (count,) indices from the part's first 16th, NOTHING or BEFORE.

    bar: 16ths per bar. first: begin of the part, in 16ths from a downbeat; `passage` counts bars from that downbeat.
    """
    slot = first + np.arange(count)
    source = slot - habit.answer
    on = source % SUBBEATS == 0
    opening = source % bar < bar // 2
    marked = {"all": on | ~on, "on": on, "off": ~on, "opening": opening, "closing": ~opening}[habit.place]
    source_of = source - first
    source_of = np.where(source_of < 0, BEFORE, source_of)
    source_of = np.where(marked, source_of, NOTHING)
    if passage is not None:
        since = (slot - passage * bar) % (PHRASE_BARS * bar)
        halved = slot - since // 2 - first
        halved = np.where(halved < 0, BEFORE, halved)
        halved = np.where(since % 2 == 0, halved, NOTHING)
        source_of = np.where(since < PASSAGE_BARS * bar, halved, source_of)
    return source_of


def answered(accents: NDArray[np.float64], chosen: Habits, beats_per_bar: int) -> NDArray[np.float64]:
    """The accents (3, 16ths) of a song from its beginning, each moved to the 16th at which it is danced."""
    rows = []
    for row, habit in zip(accents, chosen.parts, strict=True):
        source = sources(habit, chosen.passage, beats_per_bar * SUBBEATS, 0, len(row))
        rows.append(np.where(source >= 0, row[source], 0.0))
    return np.stack(rows)
