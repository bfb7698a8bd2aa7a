"""The plan of the corpus: songs, tempi, clips and splits, as in AIST++.

Names are those of AIST++: song `mXXn`, clip `gXX_sBM_cAll_dNN_mXXn_chNN` (`sBM` 16 beats, `sFM` 64). Songs beyond
AIST++'s sixty have numbers of two digits or more (`song_plan`), and `mXXn-rN` is another recording of `mXXn`.
Every random stream has a name, so that a song or a clip depends only on the seed and its name, not on other songs or on
their order.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tables import work

GENRES = ("BR", "PO", "LO", "MH", "LH", "HO", "WA", "KR", "JS", "JB")
SONGS = tuple(f"m{genre}{i}" for genre in GENRES for i in range(6))
SONG_BEATS = 64
TEMPI = 6  # of a genre
CLIP_BEATS = {"BM": 16, "FM": 64}
SUBBEATS = 4
FPS = 60
SAMPLE_RATE = 44_100

FIRST_DANCER = {"BR": 4, "PO": 10, "LO": 13, "MH": 22, "LH": 16, "HO": 19, "WA": 25, "KR": 28, "JS": 1, "JB": 7}
"""Choreographies of each genre's three dancers."""
# Val and test songs form pairs of one genre and pairs of one tempo, so that neither the genre nor the tempo
# alone can distinguish them. Two thirds of the others are in the training split.
_SMALL_VAL = ("mBR1", "mMH1", "mBR4", "mMH4", "mJB2", "mWA2", "mJB5", "mWA5")
_SMALL_TEST = ("mLO0", "mKR0", "mLO3", "mKR3", "mPO2", "mLH2", "mPO5", "mLH5")
_OTHERS = [song for song in SONGS if song not in _SMALL_VAL + _SMALL_TEST]
_SMALL_TRAIN = tuple(song for number, song in enumerate(_OTHERS) if number % 3 != 2)
# The ten songs of AIST++'s cross-modal validation and test lists, one per genre.
_FULL_HELD_OUT = ("mLH4", "mKR2", "mBR0", "mLO2", "mJB5", "mWA0", "mJS3", "mMH3", "mHO5", "mPO1")


@frozen
class PlannedClip:
    """One dance: dancer, choreography, song, length and split."""

    song: str
    situation: str  # BM or FM
    dancer: int
    choreography: int
    split: str  # train, val, test, or "" if it is in no list
    broken: bool = False  # capture failed: named in ignore_list.txt

    @property
    def name(self) -> str:
        """The clip's name in AIST++'s form."""
        genre = self.song[1:3]
        return f"g{genre}_s{self.situation}_cAll_d{self.dancer:02d}_{self.song}_ch{self.choreography:02d}"

    @property
    def beats(self) -> int:
        """Its length in beats, from the beginning of the song."""
        return CLIP_BEATS[self.situation]

    @property
    def choreography_id(self) -> str:
        """Genre, dancer and number: the same dance in every clip."""
        return f"g{self.song[1:3]}_d{self.dancer:02d}_ch{self.choreography:02d}"


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random generator that depends only on `seed` and `names`."""
    digest = hashlib.sha256("/".join([str(seed), *names]).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def number(song: str) -> int:
    """The number in a song's name, 0 to 5 in AIST++; larger numbers repeat the same six tempi."""
    return int(work(song)[3:]) % TEMPI


def tempo(song: str) -> float:
    """Beats per minute, from the song's name: 110 + 5 i for genre HO, 80 + 10 i for every other, i its `number`."""
    return 110.0 + 5 * number(song) if song[1:3] == "HO" else 80.0 + 10 * number(song)


def beats_per_bar(song: str, meters: Sequence[int]) -> int:
    """The song's meter: `meters` are distributed so that every genre and every tempo gets each in turn."""
    return meters[(GENRES.index(song[1:3]) + number(song)) % len(meters)]


def clips(size: str) -> list[PlannedClip]:
    """All dances of the corpus, sorted by name. `size` is small or full."""
    if size not in ("small", "full"):
        raise MotionBeatError(f"corpus.size = {size!r}; expected small or full")
    return sorted(_small() if size == "small" else _full(), key=lambda clip: clip.name)


def _small() -> list[PlannedClip]:
    planned = []
    for split, songs in (("train", _SMALL_TRAIN), ("val", _SMALL_VAL), ("test", _SMALL_TEST)):
        for song in songs:
            first = FIRST_DANCER[song[1:3]]
            planned += [PlannedClip(song, "FM", first + d, c, split) for d, c in ((0, 1), (1, 1), (2, 1), (0, 2))]
            if split == "train":
                planned += [PlannedClip(song, "BM", first + d, c, split) for d, c in ((1, 3), (2, 4))]
    return [*planned, PlannedClip("mBR0", "BM", 4, 5, "train", broken=True)]


def _full() -> list[PlannedClip]:
    """The counts of AIST++: 1,200 basic and 208 advanced dances; 980 train, 20 val, 20 test, 388 in no list.

    Choreographies 9 and 10 are danced to every song, and are in no training list: those to the ten
    held-out songs are validation (9) and test (10). Advanced dances are numbered within their genre: as in AIST++,
    nearly all are danced to only one song.
    """
    planned = []
    advanced_of = dict.fromkeys(GENRES, 0)
    trained = [song for song in SONGS if song not in _FULL_HELD_OUT]
    for song in SONGS:
        first, held_out = FIRST_DANCER[song[1:3]], song in _FULL_HELD_OUT
        for number in range(1, 11):
            otherwise = "" if held_out or number > 8 else "train"
            split = {9: "val", 10: "test"}.get(number, "") if held_out else otherwise
            planned += [PlannedClip(song, "BM", first + (number + d) % 3, number, split) for d in range(2)]
        split = "" if held_out else "train"
        for d in range((3 if _FULL_HELD_OUT.index(song) < 8 else 2) if held_out else 4 - (trained.index(song) >= 30)):
            advanced_of[song[1:3]] += 1
            planned.append(PlannedClip(song, "FM", first + d % 3, 10 + advanced_of[song[1:3]], split))
    return [_break(clip) if clip.song == "mBR1" and clip.choreography == 1 else clip for clip in planned]


def _break(clip: PlannedClip) -> PlannedClip:
    return PlannedClip(clip.song, clip.situation, clip.dancer, clip.choreography, clip.split, broken=True)
