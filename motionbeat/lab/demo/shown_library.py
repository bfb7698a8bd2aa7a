"""A search index as the page shows it: rows of matches, songs to play and dances to draw."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio.song_files import SONG_SUFFIXES
from motionbeat.errors import MotionBeatError
from motionbeat.index import Index
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.render.drawn_clip import CONTACT_HEIGHT, CONTACT_SPEED, DrawnDance
from motionbeat.lab.render.playable import playable
from motionbeat.motion.contacts import foot_contacts
from motionbeat.search.matches import Kind, Match
from motionbeat.search.piece_files import DANCES, read_dance
from motionbeat.search.rhythm_windows import Windows

ROWS = 6
EXAMPLES = 4
LONGEST_DANCE_S = 180.0


class ShownLibrary:
    """Pieces go by their number in the index; files outside of it cannot be named."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._numbers = {(piece.folder, piece.name): number for number, piece in enumerate(index.pieces)}
        self.dance = lru_cache(maxsize=32)(self._dance)

    def examples(self) -> list[dict[str, Any]]:
        """Some songs to begin with, spread over the list, whose files are at hand."""
        songs = [n for n, piece in enumerate(self.index.pieces) if piece.kind == "song" and piece.path.is_file()]
        picked = [songs[i * len(songs) // EXAMPLES] for i in range(EXAMPLES)] if len(songs) > EXAMPLES else songs
        return [{"piece": number, "title": self.index.pieces[number].path.stem} for number in picked]

    def fitting(self, grids: Sequence[Windows], kind: Kind, leave_out: str | None = None) -> list[dict[str, Any]]:
        """The best pieces of a kind for a query, best first.

        Those whose tempo is within 8 % of the query's (or its double or half) come first; where they are few, others
        follow, with `near` False. grids: as `motionbeat.search.rhythm_windows.folded` orders them.
        """
        near = self.index.match(grids, kind, count=ROWS, places=1, leave_out=leave_out)
        rows = [self._row(match, True) for match in near]
        if len(rows) < ROWS:
            taken = {row["piece"] for row in rows}
            others = self.index.match(grids, kind, count=2 * ROWS, tempo="any", places=1, leave_out=leave_out)
            rows += [row for match in others if (row := self._row(match, False))["piece"] not in taken]
        return rows[:ROWS]

    def song_file(self, number: int) -> Path:
        """The file of a song. Raises `MotionBeatError` where there is none."""
        return self._path(number, "song")

    def motion(self, number: int) -> Motion:
        """A dance. Raises `MotionBeatError` where there is none, and for a file that cannot be read."""
        return read_dance(self._path(number, "dance"))

    def _dance(self, number: int) -> dict[str, Any]:
        motion = self.motion(number)
        return drawn(motion.joints[: round(LONGEST_DANCE_S * motion.fps)], motion.fps)

    def _path(self, number: int, kind: Kind) -> Path:
        if not 0 <= number < len(self.index.pieces) or self.index.pieces[number].kind != kind:
            raise MotionBeatError(f"the library has no {kind} {number}")
        piece = self.index.pieces[number]
        if piece.path.suffix.lower() not in (SONG_SUFFIXES if kind == "song" else DANCES):
            raise MotionBeatError(
                f"{piece.name} is in the library, but no {kind} has this ending: index the folder again"
            )
        if not piece.path.is_file():
            raise MotionBeatError(f"{piece.name} is in the library, but its file is gone: index the folder again")
        return piece.path

    def _row(self, match: Match, near: bool) -> dict[str, Any]:
        place, piece = match.places[0], match.piece
        return {
            "piece": self._numbers[piece.folder, piece.name],
            "title": piece.path.stem,
            "bpm": round(piece.bpm, 1),
            "score": round(match.score, 3),
            "near": near,
            "there": piece.path.is_file(),
            "query_s": [round(place.query_begin_s, 3), round(place.query_end_s, 3)],
            "fits_s": [round(place.begin_s, 3), round(place.end_s, 3)],
            "speed": round(place.speed, 4),
        }


def drawn(joints: NDArray[np.float32], fps: float) -> dict[str, Any]:
    """A dance (T, 24, 3) m, y up, for the player; beats are drawn by the page."""
    nothing = np.empty(0, np.float32)
    contacts = foot_contacts(joints, fps, CONTACT_SPEED, CONTACT_HEIGHT)
    beats = nothing.astype(np.float64), nothing.astype(np.int64)
    return playable(DrawnDance("", "", joints, fps, nothing, 1, *beats, contacts, (beats[0], nothing)))
