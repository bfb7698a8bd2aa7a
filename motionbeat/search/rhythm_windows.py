"""Song2Windows, Dance2Windows: a vector for the K beats from each beat on, with the times that they stand for.

Axes: n windows, k beats of a window, d embedding.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve, frozen
from numpy.typing import ArrayLike, NDArray

from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat
from motionbeat.model.model_folder import refuse_not_finite
from motionbeat.tokens.signals import mel_tokens, motion_tokens

Floats = NDArray[np.float32]
_AT_ONCE = 128


@frozen(eq=False)
class Windows:
    """The windows of one song or dance, one from each beat that has K beats from it on (one in all if none has)."""

    vectors: NDArray[np.floating]
    """(n, d) of length 1: the dot product of two is their cosine."""
    times: NDArray[np.float64]
    """(n, 2) s: begin and end of each window."""
    bpm: float
    beats_per_bar: int
    speed: float = 1.0
    """Beats of this grid to one beat of the piece's own grid: 1, 2 or 1/2 (see `folded`)."""

    def since(self, start_s: float) -> "Windows":
        """Those that begin at `start_s` or later. Raises `MotionBeatError` where there are none."""
        kept = self.times[:, 0] >= start_s
        if not kept.any():
            raise MotionBeatError(
                f"the query is to start at {start_s:g} s, but its last window begins at {self.times[-1, 0]:.1f} s: "
                "give an earlier start"
            )
        return evolve(self, vectors=self.vectors[kept], times=self.times[kept])


def folded(beats: Beats) -> list[tuple[float, Beats]]:
    """Grids that a tracker could also find: (1, the grid itself), (2, double tempo), (1/2, half tempo, from either
    beat).

    Bars keep their number of beats. Half tempo is left out where fewer than 4 beats would remain.
    """
    times, positions, meter = beats.times, beats.positions - 1, beats.beats_per_bar
    twice = np.empty(2 * len(times) - 1)
    twice[::2], twice[1::2] = times, (times[:-1] + times[1:]) / 2
    place = np.empty(len(twice), int)
    place[::2], place[1::2] = 2 * positions, 2 * positions[:-1] + 1
    grids = [(1.0, beats), (2.0, Beats(twice, place % meter + 1, meter))]
    downbeat = int(np.argmax(positions == 0))
    for first in (0, 1):
        kept = np.arange((downbeat + first) % 2, len(times), 2)
        if len(kept) >= 4:
            count = (kept - downbeat - first) // 2
            grids.append((0.5, Beats(times[kept], count % meter + 1, meter)))
    return grids


def music_windows(
    model: MotionBeat, audio: str | Path | ArrayLike, sample_rate: int | None, grids: Sequence[tuple[float, Beats]]
) -> list[Windows]:
    """The windows of a song on each of some beat grids.

    audio: a file, or an array with its sample_rate in Hz. grids: (speed, beats) as `folded` gives them.
    Raises `MotionBeatError` for audio that cannot be used.
    """
    from motionbeat.audio.mel import mel_of_song

    mel, _ = mel_of_song(audio, sample_rate, model.layout.mel_bands)

    def encode(tokens: Any, positions: Any, meter: Any, mask: Any) -> Any:
        return model.model.audio(tokens, positions, meter, mask).embedding

    windows = []
    for speed, beats in grids:
        tokens = mel_tokens(mel, beats.edges(), model.layout)
        windows.append(_windows(model, tokens, beats.edges(), beats, speed, encode))
    return windows


def motion_windows(model: MotionBeat, joints: Floats, fps: float, beats: Beats, poses: Floats | None = None) -> Windows:
    """The windows of a dance.

    joints: (T, 24, 3) m, y up. poses: (T, 24, 3) axis-angle, or none. beats: of its music, in seconds from the first
    frame; those after the last frame are left out. Raises `MotionBeatError` where fewer than 2 beats are left.
    """
    if joints.ndim != 3 or joints.shape[1:] != (24, 3) or len(joints) < 2 or not np.isfinite(joints).all():
        raise MotionBeatError(f"joints of shape {joints.shape}: give finite (frames, 24, 3), m, y up, 2 frames or more")
    if not 0 < fps < np.inf:
        raise MotionBeatError(f"fps = {fps!r}: give the frame rate of the dance in frames per second, such as 60")
    layout, seconds = model.layout, len(joints) / fps
    inside = beats.times <= seconds + 1 / fps
    if inside.sum() < 2:
        raise MotionBeatError(
            f"the dance lasts {seconds:.2f} s and has {int(inside.sum())} beat(s): give the beats of its music, in "
            "seconds from its first frame"
        )
    times, positions = beats.times[inside], beats.positions[inside]
    features = motion_tokens(joints, poses, fps, times, layout)["features"]
    features = features.reshape(len(times) - 1, layout.subbeats, -1)
    width = min(features.shape[2], layout.motion_width)  # the rotations come last, here or in the model
    tokens = np.zeros((len(features), layout.subbeats, layout.motion_width), np.float32)
    tokens[..., :width] = features[..., :width]

    def encode(values: Any, position: Any, meter: Any, mask: Any) -> Any:
        rotations = torch.full((len(values),), poses is not None)
        return model.model.motion(values, position, meter, mask, rotations).embedding

    danced = Beats(times[:-1], positions[:-1], beats.beats_per_bar) if len(times) > 2 else beats
    return _windows(model, tokens.reshape(len(tokens), -1), times, danced, 1.0, encode)


@torch.no_grad()
def _windows(
    model: MotionBeat,
    tokens: Floats,
    edges: NDArray[np.float64],
    beats: Beats,
    speed: float,
    encode: Callable[[Any, Any, Any, Any], Any],
) -> Windows:
    """tokens: (beats, D). edges: (beats + 1,) s. Where there are fewer than K beats the one window is masked."""
    count, size = len(tokens), model.layout.window_beats
    starts = np.arange(max(count - size, 0) + 1)
    rows = starts[:, None] + np.arange(size)  # (n, k)
    mask, rows = rows < count, np.minimum(rows, count - 1)
    positions = beats.positions[:count] - 1
    parts = []
    for begin in range(0, len(starts), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        vectors = encode(
            torch.as_tensor(tokens[rows[part]]),
            torch.as_tensor(positions[rows[part]], dtype=torch.float32),
            torch.full((len(rows[part]),), beats.beats_per_bar),
            torch.as_tensor(mask[part]),
        )
        parts.append(vectors.cpu().numpy().astype(np.float32))
    times = np.stack([edges[starts], edges[np.minimum(starts + size, count)]], axis=1)
    found = np.concatenate(parts)
    refuse_not_finite(found)
    return Windows(found, times, beats.bpm, beats.beats_per_bar, speed)
