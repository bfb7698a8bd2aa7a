"""Any number of songs beyond AIST++'s sixty, each with some dances; the song's number gives the split.

The first N songs of a split are the same whatever N is, spread over genres and tempi. Choreographies of one split are
danced to many of its songs, and to none of another split's, as in AIST++'s cross-modal lists.
"""

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic.plan import FIRST_DANCER, GENRES, TEMPI, PlannedClip, clips

_DANCERS = 3
_CHOREOGRAPHIES = 20  # numbers, for each of a genre's dancers, in a split
_STRIDE = 7  # between the numbers of two dances to one song; shares no divisor with the 20
# The first song's number and the first choreography's. Numbers of songs are multiples of 6: the tempo is the rest.
_FIRST = {"train": (60, 20), "val": (6000, 40), "test": (9000, 60)}
_MOST = 10_000  # songs of a split: the next split's numbers begin there


@frozen
class Wanted:
    """How many songs and dances; 0 songs of a split: those that `size` has."""

    size: str  # small or full
    songs: int = 0  # training songs
    val_songs: int = 0
    test_songs: int = 0
    clips_per_song: int = 2  # of the songs that are counted here
    renderings: int = 1  # recordings of each training song that is counted here; its dances are dealt out to them


def planned(wanted: Wanted) -> list[PlannedClip]:
    """The clips of the corpus, sorted by name.

    Raises `MotionBeatError` for a wrong size, more clips or renderings of a song than there can be.
    """
    if not 1 <= wanted.clips_per_song <= _CHOREOGRAPHIES:
        raise MotionBeatError(
            f"corpus.clips_per_song = {wanted.clips_per_song}; expected 1 to {_CHOREOGRAPHIES}, one a choreography"
        )
    if not 1 <= wanted.renderings <= wanted.clips_per_song:
        raise MotionBeatError(
            f"corpus.renderings = {wanted.renderings}; expected 1 to corpus.clips_per_song = {wanted.clips_per_song}, "
            "so that each recording is danced to"
        )
    counts = {"train": wanted.songs, "val": wanted.val_songs, "test": wanted.test_songs}
    if max(counts.values()) > _MOST:
        raise MotionBeatError(f"corpus: {max(counts.values())} songs in a split; expected at most {_MOST}")
    kept = {split for split, count in counts.items() if not count} | ({""} if not wanted.songs else set())
    chosen = [clip for clip in clips(wanted.size) if clip.split in kept]
    for split, count in counts.items():
        recordings = wanted.renderings if split == "train" else 1
        for place in range(count):
            chosen += _dances(place, split, wanted.clips_per_song, recordings)
    return sorted(chosen, key=lambda clip: clip.name)


def _dances(place: int, split: str, count: int, recordings: int) -> list[PlannedClip]:
    """The dances to song number `place` of a split, each by another dancer than the last, in another choreography."""
    first_song, first_choreography = _FIRST[split]
    turn, genre = divmod(place, len(GENRES))
    rounds = turn // TEMPI
    song = f"m{GENRES[genre]}{first_song + rounds * TEMPI + (turn + genre) % TEMPI}"
    dances = []
    for dance in range(count):
        dancer = FIRST_DANCER[GENRES[genre]] + (turn + dance) % _DANCERS
        choreography = first_choreography + (turn + _STRIDE * dance) % _CHOREOGRAPHIES
        recording = dance % recordings
        dances.append(PlannedClip(f"{song}-r{recording}" if recording else song, "FM", dancer, choreography, split))
    return dances
