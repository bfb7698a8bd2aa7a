"""Parser of AIST++ names: genre, situation, dancer, song and choreography of a clip; tempo of a song.

Songs of the synthetic corpus may have larger numbers, and a suffix for another recording of a song.
"""

import re

from attrs import frozen

from motionbeat.errors import MotionBeatError

FORM = "gXX_sXX_cAll_dNN_mXXN_chNN"
_CLIP = re.compile(
    r"g(?P<genre>[A-Z]{2})_s(?P<situation>[A-Z]{2})_c(?:All|\d\d)_d(?P<dancer>\d\d)_(?P<song>m[A-Z]{2}(?:\d|\d{2,}(?:-r\d+)?))"
    r"_ch(?P<choreography>\d\d)"
)
_SONG = re.compile(r"m[A-Z]{2}(?:(?P<one>\d)|(?P<more>\d{2,})(?:-r\d+)?)")


@frozen
class ClipName:
    """The parts of a clip's name."""

    genre: str
    situation: str  # BM: 16 beats, basic moves; FM: 64 beats, advanced
    dancer: str
    song: str
    choreography: str

    @property
    def dance(self) -> tuple[str, str, str]:
        """The choreography, independent of dancer and song: genre, situation and choreography number.

        The basic choreographies of a genre are shared by its dancers and songs. Advanced ones are danced once, except 8
        of the 180 in the training list that share a number and a song. Whether these are one dance is unknown; here
        they are, so that clips of different `dance` are certainly different dances.
        """
        return self.genre, self.situation, self.choreography


def parse(name: str) -> ClipName | None:
    """The parts of a clip's name, None if it is not an AIST++ name."""
    match = _CLIP.fullmatch(name)
    return ClipName(**match.groupdict()) if match else None


def is_song(name: str) -> bool:
    """Whether a song has a name as in AIST++ (m, two capitals, a digit) or as in the synthetic corpus (mBR60-r1)."""
    return _SONG.fullmatch(name) is not None


def nominal_bpm(song: str) -> float:
    """The tempo in the name of an AIST++ song: 110 + 5 i BPM for mHOi, 80 + 10 i BPM for every other mXXi.

    A number of two digits or more is taken modulo 6, which gives the same tempi again.
    """
    match = _SONG.fullmatch(song)
    if not match:
        raise MotionBeatError(
            f"song {song!r} does not have a name of AIST++: expected m, two capitals and a digit, as mBR0"
        )
    step = int(match["one"]) if match["one"] else int(match["more"]) % 6
    return 110.0 + 5.0 * step if song[1:3] == "HO" else 80.0 + 10.0 * step
