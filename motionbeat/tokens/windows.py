"""The token tables in memory, and windows of K consecutive beats over them.

Knows Parquet and numpy alone, so that training needs no audio and no motion code.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat import tables
from motionbeat.errors import MotionBeatError
from motionbeat.tokens.layout import Layout

Ints = NDArray[np.integer]


@frozen(eq=False)
class Windows:
    """Windows of K beats of a clip; one array entry a window, sorted by clip and start.

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
    """All tokens of a corpus, one numpy array a column (see `motionbeat.tables`)."""

    audio: dict[str, NDArray[Any]]
    motion: dict[str, NDArray[Any]]
    statistics: dict[str, NDArray[np.float32]]
    """mel_mean, mel_std (bands,), motion_mean, motion_std (F,): of the training split."""
    layout: Layout

    @classmethod
    def load(cls, folder: Path) -> "Tokens":
        """Read what the tokens stage wrote into `folder`."""
        rows = tables.read(folder / "statistics.parquet", tables.STATISTICS)
        statistics = {
            f"{kind}_{name}": rows[name][rows["kind"] == kind].astype(np.float32)
            for kind in ("mel", "motion")
            for name in ("mean", "std")
        }
        return cls(
            audio=tables.read(folder / "audio.parquet", tables.AUDIO_TOKENS),
            motion=tables.read(folder / "motion.parquet", tables.MOTION_TOKENS),
            statistics=statistics,
            layout=Layout.read(folder / "layout.json"),
        )

    def windows(self, split: str, beats: int, every: Literal["beat", "bar"] = "beat") -> Windows:
        """All windows of `beats` beats in the clips of a split, beginning at every beat or every downbeat.

        Only where a clip has no downbeat with a whole window after it does `bar` fall back to the
        clip's first window, so that no clip is lost. Clips shorter than a window have none.
        """
        motion = self.motion
        count = len(motion["beat"])
        first = np.arange(max(count - beats + 1, 0))
        last = first + beats - 1
        whole = (
            (motion["split"][first] == split)
            & (motion["clip"][first] == motion["clip"][last])
            & (motion["beat"][last] - motion["beat"][first] == beats - 1)
        )
        rows = first[whole]
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

    def _audio_rows(self, motion_rows: Ints) -> Ints:
        songs, opens = np.unique(self.audio["song"], return_index=True)
        first = dict(zip(songs, zip(opens, self.audio["beat"][opens], strict=True), strict=True))
        rows = np.empty(len(motion_rows), np.int64)
        for i, row in enumerate(motion_rows):
            song, beat = self.motion["song"][row], self.motion["beat"][row]
            if song not in first:
                raise MotionBeatError(
                    f"motion tokens name song {song}, which has no audio tokens: run `dvc repro tokens`"
                )
            rows[i] = first[song][0] + beat - first[song][1]
        return rows

    def short_clips(self, beats: int) -> list[str]:
        """Clips that hold no window of `beats` beats."""
        have = {clip for split in ("train", "val", "test") for clip in self.windows(split, beats).clip}
        return sorted(set(self.motion["clip"]) - have)
