"""Any number of songs beyond AIST++'s sixty, each with some dances; the song's number gives the split.

The first N songs of a split do not depend on the number of songs; they are spread over genres and tempi. Choreographies
of one split are danced to many of its songs, and to none of another split's, as in AIST++'s cross-modal lists.
"""

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic.plan import FIRST_DANCER, GENRES, TEMPI, PlannedClip, clips

_DANCERS = 3
_CHOREOGRAPHIES = 20  # numbers in a split for each dancer of a genre
_STRIDE = 7  # difference between the numbers of two dances to one song; it has no common divisor with 20
# The first song's number and the first choreography's. Numbers of songs are multiples of 6, plus the tempo.
_FIRST = {"train": (60, 20), "val": (6000, 40), "test": (9000, 60)}
_MOST = 10_000  # songs of a split: the next split's numbers begin there


@frozen
class Wanted:
    """Numbers of songs and dances; 0 songs in a split: the number of `size`."""

    size: str  # small or full
    songs: int = 0  # training songs
    val_songs: int = 0
    test_songs: int = 0
    clips_per_song: int = 2  # per song counted here
    renderings: int = 1  # recordings of each training song counted here; its dances are distributed over them


def planned(wanted: Wanted) -> list[PlannedClip]:
    """The clips of the corpus, sorted by name.

    Raises `MotionBeatError` for a wrong size, or too many clips or renderings of a song.
    """
    if not 1 <= wanted.clips_per_song <= _CHOREOGRAPHIES:
        raise MotionBeatError(
            f"corpus.clips_per_song = {wanted.clips_per_song}; expected 1 to {_CHOREOGRAPHIES}, one per choreography"
        )
    if not 1 <= wanted.renderings <= wanted.clips_per_song:
        raise MotionBeatError(
            f"corpus.renderings = {wanted.renderings}; expected 1 to corpus.clips_per_song = {wanted.clips_per_song}, "
            "so that each recording has a dance"
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
    """The dances to song number `place` of a split, each with another dancer and choreography than the one before."""
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
