"""Accents2Dances: the synthetic corpus's dancers and choreographies, danced to any recording.

The beats are a tracker's or a person's, of any meter and with any changes of tempo; the accents are those of
`choreographer_accents`; which of them a dancer marks, how late and how strongly is the event model of `dance_events`.
The result depends on a seed and the song's digest only, not on its name or on other songs.
"""

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.beats import Beats
from motionbeat.lab.synthetic.choreographer_accents import Accents
from motionbeat.lab.synthetic.choreography import composed
from motionbeat.lab.synthetic.dance_events import Events, marked
from motionbeat.lab.synthetic.made_dance import MadeDance, perform
from motionbeat.lab.synthetic.plan import FPS, GENRES, SUBBEATS, stream
from motionbeat.lab.synthetic.style import style

DANCERS = 30
"""Dancers there are, numbered from 1."""
CHOREOGRAPHIES = 10
"""Choreographies that a dancer has in each genre, numbered from 1."""
FEWEST_BEATS = 16
"""A clip is no shorter, unless clips are to be."""
_CLOSEST_S = 0.03  # events of one kind

_TROUPE = 0  # seed of the dancers' styles and of their choreographies, that of the corpora's defaults

Array = NDArray[np.float64]


@frozen(eq=False)
class DancedClip:
    """A clip of a song, danced."""

    first_beat: int
    beats: int
    offset_s: float  # of the first beat
    genre: str  # whose vocabulary the choreography is drawn from
    dancer: int
    choreography: str  # the same name, the same moves, whatever the song
    dance: MadeDance


def pieces(beats: int, clip_beats: int) -> list[tuple[int, int]]:
    """First beat and length of each clip of a song of so many beats, side by side from the first.

    A rest of at least 16 beats (or of `clip_beats`, if that is less) is a clip too; a shorter one is left over.
    """
    fewest = min(FEWEST_BEATS, clip_beats)
    cut = [(first, min(clip_beats, beats - first)) for first in range(0, beats, clip_beats)]
    return [(first, length) for first, length in cut if length >= fewest]


def choreograph(
    seed: int, digest: str, beats: Beats, accents: Accents, clip_beats: int, dancers: int
) -> Iterator[DancedClip]:
    """Dance every clip of a song, each by `dancers` dancers; every clip has other choreographies.

    digest: of the song's content. Times of a dance count from its clip's first beat.
    """
    edges = beats.edges()
    cast = stream(seed, "cast", digest)
    people = cast.permutation(DANCERS)[:dancers] + 1
    genres = cast.choice(GENRES, dancers)
    for first, length in pieces(len(beats.times), clip_beats):
        for dancer, genre in zip(people.tolist(), genres.tolist(), strict=True):
            name = f"{digest}/{first}/{dancer}"
            number = int(stream(seed, "programme", name).integers(CHOREOGRAPHIES)) + 1
            choreography = f"g{genre}_d{dancer:02d}_ch{number:02d}"
            mover = style(seed, dancer)
            moves = composed(stream(seed, "choreography", choreography), mover, genre)
            slots = slice(first * SUBBEATS, (first + length) * SUBBEATS)
            begin, end = edges[first], edges[first + length]
            drawn = marked(stream(seed, "events", name), accents.strength[:, slots], accents.time_s[:, slots] - begin)
            times = begin + np.arange(round((end - begin) * FPS)) / FPS
            in_beats = np.interp(times, edges, np.arange(len(edges))) - first
            danced = perform(stream(seed, "dance", name), _in_time(drawn), in_beats, mover, moves)
            yield DancedClip(first, length, float(begin), genre, dancer, choreography, danced)


def solo(seed: int, beats: Beats, accents: Accents, duration_s: float) -> MadeDance:
    """Dance a recording of `duration_s` from its first moment to its last: one dancer, one choreography.

    beats: extended to both ends of the recording. The seed draws dancer and choreography, and which accents they mark.
    """
    cast = stream(seed, "solo")
    dancer, genre, number = (
        int(cast.integers(DANCERS)) + 1,
        str(cast.choice(GENRES)),
        int(cast.integers(CHOREOGRAPHIES)),
    )
    mover = style(_TROUPE, dancer)
    moves = composed(stream(_TROUPE, "choreography", f"g{genre}_d{dancer:02d}_ch{number + 1:02d}"), mover, genre)
    drawn = marked(stream(seed, "events", "solo"), accents.strength, accents.time_s)
    edges = beats.edges()
    around = np.concatenate([[2 * edges[0] - edges[1]], edges, [2 * edges[-1] - edges[-2]]])
    # from the bar before on, so that sections of the groove begin at downbeats and no beat has a number below 0
    counted = np.arange(len(around)) + beats.beats_per_bar + beats.positions[0] - 2
    in_beats = np.interp(np.arange(round(duration_s * FPS)) / FPS, around, counted)
    return perform(stream(seed, "dance", "solo"), _in_time(drawn), in_beats, mover, moves)


def _in_time(events: Events) -> Events:
    """The events without those of a kind that happen before the one in front of them, or too soon after it."""
    strength = events.strength.copy()
    for kind in range(len(strength)):
        last = -np.inf
        for slot in np.flatnonzero(strength[kind]):
            if events.time_s[kind, slot] < last + _CLOSEST_S:
                strength[kind, slot] = 0.0
            else:
                last = events.time_s[kind, slot]
    return Events(strength, events.time_s)
