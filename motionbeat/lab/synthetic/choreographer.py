"""Accents2Dances: dances of the synthetic dancers and choreographies to any recording.

The beats are a tracker's or a person's, of any meter and with any changes of tempo; the accents are those of
`choreographer_accents`; the event model of `dance_events` decides which of them a dancer marks, how late and how
strongly. The result depends on a seed and the song's digest only, not on its name or on other songs.
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
"""Number of dancers; they are numbered from 1."""
CHOREOGRAPHIES = 10
"""Number of choreographies per dancer and genre; they are numbered from 1."""
FEWEST_BEATS = 16
"""Shortest clip in beats, unless `clip_beats` is smaller."""
_CLOSEST_S = 0.03  # events of one kind

_TROUPE = 0  # seed of the dancers' styles and choreographies, equal to the default of the corpora

Array = NDArray[np.float64]


@frozen(eq=False)
class DancedClip:
    """A dance to a clip of a song."""

    first_beat: int
    beats: int
    offset_s: float  # of the first beat
    genre: str  # the genre whose vocabulary the choreography uses
    dancer: int
    choreography: str  # the same name means the same moves, in every song
    dance: MadeDance


def pieces(beats: int, clip_beats: int) -> list[tuple[int, int]]:
    """First beat and length of each clip of a song of `beats` beats; clips are adjacent and begin at the first beat.

    A remainder of at least 16 beats (or of `clip_beats`, if that is less) is a clip too; a shorter one is not used.
    """
    fewest = min(FEWEST_BEATS, clip_beats)
    cut = [(first, min(clip_beats, beats - first)) for first in range(0, beats, clip_beats)]
    return [(first, length) for first, length in cut if length >= fewest]


def choreograph(
    seed: int, digest: str, beats: Beats, accents: Accents, clip_beats: int, dancers: int
) -> Iterator[DancedClip]:
    """Make dances to every clip of a song by `dancers` dancers each; every clip has other choreographies.

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
    """Make a dance to a whole recording of `duration_s`: one dancer, one choreography.

    beats: extended to both ends of the recording. The seed determines dancer, choreography and marked accents.
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
    # from the bar before, so that sections of the groove begin at downbeats and no beat has a negative number
    counted = np.arange(len(around)) + beats.beats_per_bar + beats.positions[0] - 2
    in_beats = np.interp(np.arange(round(duration_s * FPS)) / FPS, around, counted)
    return perform(stream(seed, "dance", "solo"), _in_time(drawn), in_beats, mover, moves)


def _in_time(events: Events) -> Events:
    """The events without those that come before the previous event of their kind, or too soon after it."""
    strength = events.strength.copy()
    for kind in range(len(strength)):
        last = -np.inf
        for slot in np.flatnonzero(strength[kind]):
            if events.time_s[kind, slot] < last + _CLOSEST_S:
                strength[kind, slot] = 0.0
            else:
                last = events.time_s[kind, slot]
    return Events(strength, events.time_s)
