"""The token tables in memory, and windows of K consecutive beats over them.

It needs only Parquet and numpy, so that training depends on no audio or motion code.
"""

from collections.abc import Container
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.token_tables import mapped_tables
from motionbeat.tokens.layout import Layout

Ints = NDArray[np.integer]

_ROUNDING = 1e-3  # of a sub-beat, since thirds may be written with few decimals


@frozen(eq=False)
class Windows:
    """Windows of K beats of a clip; one array entry per window, sorted by clip and start.

    start is the first beat's index in the song; motion_row and audio_row are the rows of the
    token tables where the window begins (its K rows are consecutive).
    """

    clip: NDArray[np.object_]
    song: NDArray[np.object_]
    start: Ints
    motion_row: Ints
    audio_row: Ints
    beats: int

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: Any) -> "Windows":
        """The windows of an index array or mask."""
        return Windows(
            self.clip[index],
            self.song[index],
            self.start[index],
            self.motion_row[index],
            self.audio_row[index],
            self.beats,
        )


@frozen(eq=False)
class Tokens:
    """All tokens of a corpus, one numpy array per column (see `motionbeat.lab.tables`)."""

    audio: dict[str, NDArray[Any]]
    motion: dict[str, NDArray[Any]]
    statistics: dict[str, NDArray[np.float32]]
    """mel_mean, mel_std (bands,), motion_mean, motion_std (F,): of the training split."""
    layout: Layout
    lattices: "Tokens | None" = None
    """The same songs and clips on their lattices, if requested; with the statistics of the beats."""
    sources: dict[str, str] = field(factory=dict)
    """The corpus of each song; empty if there is only one corpus."""

    @classmethod
    def load(cls, folder: Path, lattices: bool = False, lists: Container[str] | None = None) -> "Tokens":
        """Read the tables of the tokens stage in `folder`, with its lattices if requested.

        Lattices are as large as the tokens of the training split. lists: the list columns to read, such as onset; None:
        all. Large ones are mapped (`mapped_tables`).
        """
        rows = tables.read(folder / "statistics.parquet", tables.STATISTICS)
        statistics = {
            f"{kind}_{name}": rows[name][rows["kind"] == kind].astype(np.float32)
            for kind in ("mel", "motion")
            for name in ("mean", "std")
        }
        layout = Layout.read(folder / "layout.json")

        named = [(folder / "audio.parquet", tables.AUDIO_TOKENS), (folder / "motion.parquet", tables.MOTION_TOKENS)]
        if lattices:
            named.append((folder / "lattice_audio.parquet", tables.LATTICE_AUDIO))
            named.append((folder / "lattice_motion.parquet", tables.LATTICE_MOTION))
        audio, motion, *others = mapped_tables.read(named, lists)
        sources = tables.read_sources(folder)
        beside = cls(others[0], others[1], statistics, layout, None, sources) if lattices else None
        return cls(audio, motion, statistics, layout, beside, sources)

    def windows(self, split: str, beats: int, every: Literal["beat", "bar"] = "beat") -> Windows:
        """All windows of `beats` beats in the clips of a split, beginning at every beat or every downbeat.

        With `bar`, a clip without a downbeat before a whole window has its first window, so that no clip is lost. Clips
        shorter than a window have none.
        """
        motion = self.motion
        _, end = self.runs()
        first = np.arange(len(end))
        rows = first[(motion["split"] == split) & (end - first >= beats)]
        if every == "bar":
            downbeat = motion["bar_position"][rows] == 0
            clips = motion["clip"][rows]
            with_downbeat = set(clips[downbeat])
            opens = np.r_[True, clips[1:] != clips[:-1]] if len(rows) else np.zeros(0, bool)
            lost = opens & np.array([clip not in with_downbeat for clip in clips], bool)
            rows = rows[downbeat | lost]
        return Windows(
            clip=motion["clip"][rows],
            song=motion["song"][rows],
            start=motion["beat"][rows],
            motion_row=rows,
            audio_row=self._audio_rows(rows),
            beats=beats,
        )

    def runs(self) -> tuple[Ints, Ints]:
        """First row, and last row + 1, of the run of consecutive beats of one clip that contains each motion row."""
        motion = self.motion
        count = len(motion["beat"])
        same = (motion["clip"][1:] == motion["clip"][:-1]) & (np.diff(motion["beat"]) == 1)
        if "lattice" in motion:
            same &= motion["lattice"][1:] == motion["lattice"][:-1]
        opens = np.flatnonzero(np.append(True, ~same)) if count else np.empty(0, np.int64)
        length = np.diff(np.append(opens, count))
        return np.repeat(opens, length), np.repeat(opens + length, length)

    def _audio_rows(self, motion_rows: Ints) -> Ints:
        """The music row of each motion row."""
        song, lattice = _piece(self.audio)
        opens = np.flatnonzero(np.append(True, (song[1:] != song[:-1]) | (lattice[1:] != lattice[:-1])))
        opens = opens[: len(song)]  # no row, no piece
        first = {(song[row], lattice[row]): row - self.audio["beat"][row] for row in opens}
        rows = np.empty(len(motion_rows), np.int64)
        song, lattice = _piece(self.motion)
        for i, row in enumerate(motion_rows):
            if (piece := (song[row], lattice[row])) not in first:
                raise MotionBeatError(
                    f"motion tokens name song {song[row]}, which has no audio tokens: run `dvc repro tokens`"
                )
            rows[i] = first[piece] + self.motion["beat"][row]
        return rows

    def short_clips(self, beats: int) -> list[str]:
        """Clips without a window of `beats` beats."""
        have = {clip for split in ("train", "val", "test") for clip in self.windows(split, beats).clip}
        return sorted(set(self.motion["clip"]) - have)


def _piece(columns: dict[str, NDArray[Any]]) -> tuple[NDArray[np.object_], Ints]:
    """Song, and number of the lattice (-1 for the beats), of each row."""
    song = columns["song"]
    return song, columns.get("lattice", np.full(len(song), -1))


def in_subbeats(shift: float, subbeats: int) -> int:
    """A shift in beats as a number of sub-beats. Raises `MotionBeatError` unless that is whole and not 0."""
    moved = round(shift * subbeats)
    if not moved or abs(shift * subbeats - moved) > _ROUNDING:
        raise MotionBeatError(
            f"a shift by {shift:g} beats is not a whole number of sub-beats: negatives.jitter_shifts accepts steps of "
            f"1 / tokens.subbeats = {1 / subbeats:g}"
        )
    return moved
