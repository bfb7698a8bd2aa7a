"""Corpus2Slices: 5-s slices of a split's dances, one every half second, with the music at their frames.

Whole clips and songs are stored once; a slice is cut when it is needed, so that wide music features fit into memory.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.generator.motion_vector import FPS, FRAMES, encode
from motionbeat.lab.generator.music_condition import Music
from motionbeat.motion.resample import resample, resample_poses
from motionbeat.progress import counted

STRIDE = 15
"""Frames from one slice of a clip to the next: half a second."""
_PART = 256


class Dances(NamedTuple):
    """Clips of a split: names, songs, offsets (s) into the songs, and vectors (T, 151) at 30 frames per second."""

    clip: list[str]
    song: list[str]
    offset_s: list[float]
    vectors: list[NDArray[np.float32]]


def read_dances(corpus: Path, split: str, songs: int = 0) -> Dances:
    """The dances of a split that have joint rotations.

    corpus: the folder that the corpus stage wrote. songs: use only dances to the first `songs` songs by name; 0: all.
    Raises `MotionBeatError` if none has rotations.
    """
    manifest = tables.read(corpus / "manifest.parquet", tables.MANIFEST)
    rows = np.flatnonzero((manifest["split"] == split) & manifest["has_rotations"])
    if not len(rows):
        raise MotionBeatError(
            f"{corpus}: no clip of the {split} split has joint rotations, which the dance generator needs: give a "
            "corpus with poses, or leave the stage dance out"
        )
    if songs:
        first = np.unique(manifest["song"][rows])[:songs]
        rows = rows[np.isin(manifest["song"][rows], first)]
    dances = Dances([], [], [], [])
    for row in counted(rows, len(rows), f"{split} dances"):
        with np.load(corpus / manifest["motion"][row], allow_pickle=False) as motion:
            poses, root = _at_generator_rate(motion["poses"], motion["joints"][:, 0], manifest["fps"][row])
        dances.clip.append(str(manifest["clip"][row]))
        dances.song.append(str(manifest["song"][row]))
        dances.offset_s.append(float(manifest["offset_s"][row]))
        dances.vectors.append(encode(poses, root))
    return dances


def _at_generator_rate(
    poses: NDArray[np.floating], root: NDArray[np.floating], fps: float
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Poses (T, 24, 3) and root (T, 3) at `fps` as (T', ...) at 30 frames per second."""
    every = round(fps / FPS)
    if every >= 1 and fps == every * FPS:  # the same result as interpolation, in a hundredth of the time
        return poses[::every], root[::every]
    return resample_poses(poses, fps, FPS), resample(root, fps, FPS)


class DanceSlices:
    """Slices of dances and of their songs' music, as tensors on a device."""

    def __init__(self, dances: Dances, music: Mapping[str, Music], device: torch.device) -> None:
        """music: of every song, by name. Raises `MotionBeatError` if all dances are shorter than a slice."""
        songs = sorted(set(dances.song))
        first_row = dict(zip(songs, np.cumsum([0, *(len(music[song].times) for song in songs)])[:-1], strict=True))
        starts, clips, rows, weights, begin = [], [], [], [], 0
        for clip, song, offset, vectors in zip(*dances, strict=True):
            row, weight = music[song].rows(offset + np.arange(len(vectors)) / FPS)
            rows.append(row + first_row[song])
            weights.append(weight)
            begins = np.arange(0, len(vectors) - FRAMES + 1, STRIDE)
            starts.append(begin + begins)
            clips += [clip] * len(begins)
            begin += len(vectors)
        self._starts, self._clips = np.concatenate(starts), np.array(clips)
        if not len(self._starts):
            raise MotionBeatError(
                f"all {len(dances.clip)} dances are shorter than a slice of {FRAMES / FPS:g} s: use longer dances"
            )
        self.vectors = torch.as_tensor(np.concatenate(dances.vectors), device=device)  # (N, 151)
        self.music = torch.as_tensor(np.concatenate([music[song].features for song in songs]), device=device)  # (M, c)
        self._row = torch.as_tensor(np.concatenate(rows), device=device)
        self._weight = torch.as_tensor(np.concatenate(weights), device=device)

    def __len__(self) -> int:
        return len(self._starts)

    def gather(self, index: NDArray[np.integer]) -> tuple[Tensor, Tensor]:
        """Slices `index` (b,): vectors (b, 150, 151), not scaled, and music (b, 150, c), not z-scored."""
        frames = torch.as_tensor(self._starts[index], device=self.vectors.device)[:, None] + torch.arange(
            FRAMES, device=self.vectors.device
        )
        row, weight = self._row[frames], self._weight[frames][..., None]
        after = (row + 1).clamp(max=len(self.music) - 1)
        return self.vectors[frames], (1 - weight) * self.music[row] + weight * self.music[after]

    def parts(self) -> Iterator[Tensor]:
        """Yield the vectors (b, 150, 151) of all slices, not scaled, a few at a time."""
        frames = torch.arange(FRAMES, device=self.vectors.device)
        for part in torch.as_tensor(self._starts, device=self.vectors.device).split(_PART):
            yield self.vectors[part[:, None] + frames]

    def clips(self, index: NDArray[np.integer]) -> list[str]:
        """The clips that slices `index` are cut from, each once."""
        return sorted(set(self._clips[index].tolist()))

    def digest(self) -> str:
        """SHA-256 of all that training uses."""
        digest = hashlib.sha256()
        for tensor in (self.vectors, self.music, self._row, self._weight):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        digest.update(self._starts.tobytes())
        return digest.hexdigest()
