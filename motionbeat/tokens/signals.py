"""Signals2Tokens: one song or dance to one token per beat. Used by the tokens stage and by `MotionBeat`."""

import math
from typing import Literal, NamedTuple

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio.mel import FRAME_RATE
from motionbeat.audio.onsets import FLUX_REACH, band_flux, normalised, onset_strength
from motionbeat.beats.grid import Beats
from motionbeat.motion.contacts import contact_pulses, foot_contacts
from motionbeat.motion.feature_blocks import FEATURE_BLOCKS
from motionbeat.motion.motion_features import joint_events, kinetic_energy, motion_features
from motionbeat.motion.resample import resample, resample_poses
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.pooling import begins_in, pool_frames, subbeat_edges

Floats = NDArray[np.float32]

EVENT_FPS = 60.0
"""Frames per second of joint events: at 30, a stop shorter than two frames would be smoothed away."""
_ROUNDING_S = 1e-6
_BEFORE_EVENTS = sum(width for name, width in FEATURE_BLOCKS.items() if name not in ("events", "rotations"))


@frozen(eq=False)
class AudioFrames:
    """The frames that are pooled to audio tokens: the log-mel and, if the layout has it, the flux of each band.

    The mean of a log-mel does not distinguish an attack from a sustained sound; the flux does. A slice `frames[a:b]`,
    (b - a, layout.audio_width), is computed on access, since the frames of hours of music would fill the memory.
    """

    mel: Floats
    """(T, bands) at 50 frames/s."""
    layout: Layout
    before: int = 0
    """Frames of silence (zeros) before the song."""
    after: int = 0
    """Frames of silence after it."""

    def __len__(self) -> int:
        return self.before + len(self.mel) + self.after

    def __getitem__(self, part: slice) -> Floats:
        begin, end, _ = part.indices(len(self))
        frames = np.zeros((max(end - begin, 0), self.layout.audio_width), np.float32)
        first, last = (min(max(at - self.before, 0), len(self.mel)) for at in (begin, end))
        place = slice(first + self.before - begin, last + self.before - begin)
        if first < last:
            bands, known = self.mel.shape[1], max(first - FLUX_REACH, 0)
            frames[place, :bands] = self.mel[first:last]
            if self.layout.flux:
                frames[place, bands:] = band_flux(self.mel[known:last])[first - known :]
        return frames


def mel_tokens(mel: Floats, beat_times: NDArray[np.float64], layout: Layout) -> Floats:
    """Mean of `AudioFrames` over each part of each beat: (N, S * layout.audio_width).

    mel: (T, bands) at 50 frames/s. beat_times: (N + 1,) s, the beats and the end of the last interval.
    """
    edges = subbeat_edges(beat_times, layout.subbeats)
    before, after = _beyond(len(mel), FRAME_RATE, edges)
    frames = AudioFrames(mel, layout, before, after)
    return pool_frames(frames, FRAME_RATE, edges + before / FRAME_RATE).reshape(len(beat_times) - 1, -1)


def onset_tokens(mel: Floats, beat_times: NDArray[np.float64], layout: Layout) -> Floats:
    """Mean onset strength of each part of each beat, scaled to 0..1 over the song: (N, S).

    Arguments as for `mel_tokens`.
    """
    edges = subbeat_edges(beat_times, layout.subbeats)
    flux = _pooled(onset_strength(mel)[:, None], FRAME_RATE, edges, "constant")
    return normalised(flux[:, 0]).reshape(len(beat_times) - 1, -1)


class MotionSignals(NamedTuple):
    """Frames of a dance at the layout's rate, computed once for all grids."""

    features: Floats  # (T, F) without the events
    pulses: NDArray[np.bool_]  # (T, 4), True where a foot contact begins
    energy: NDArray[np.floating]  # (T,)
    events: Floats | None  # (T', 72) at `EVENT_FPS`, if the layout has them


def motion_signals(joints: Floats, poses: Floats | None, fps: float, layout: Layout) -> MotionSignals:
    """The frames that `pooled_motion` pools. Arguments as for `motion_tokens`."""
    rate = layout.motion_fps
    events = joint_events(resample(joints, fps, EVENT_FPS), EVENT_FPS) if layout.joint_events else None
    joints = resample(joints, fps, rate)
    poses = None if poses is None else resample_poses(poses, fps, rate)
    return MotionSignals(
        motion_features(joints, poses, rate, layout.contact_speed, layout.contact_height),
        contact_pulses(foot_contacts(joints, rate, layout.contact_speed, layout.contact_height)),
        kinetic_energy(joints, rate),
        events,
    )


def pooled_motion(signals: MotionSignals, beat_times: NDArray[np.float64], layout: Layout) -> dict[str, Floats]:
    """The signals on one grid: features (N, S * F), contact (N, S), energy (N, S). Arguments as for `motion_tokens`."""
    rate = layout.motion_fps
    edges = subbeat_edges(beat_times, layout.subbeats)
    count = len(beat_times) - 1
    features = _pooled(signals.features, rate, edges, "edge")  # (N * S, F)
    if signals.events is not None:  # before the rotations, which come last
        events = _pooled(signals.events, EVENT_FPS, edges, "edge")
        features = np.concatenate([features[:, :_BEFORE_EVENTS], events, features[:, _BEFORE_EVENTS:]], axis=1)
    return {
        "features": features.reshape(count, -1),
        "contact": begins_in(signals.pulses, rate, edges).reshape(count, -1),
        "energy": _pooled(signals.energy[:, None], rate, edges, "edge").reshape(count, -1),
    }


def motion_tokens(
    joints: Floats,
    poses: Floats | None,
    fps: float,
    beat_times: NDArray[np.float64],
    layout: Layout,
) -> dict[str, Floats]:
    """Tokens of a dance: features (N, S * F), contact (N, S), energy (N, S).

    joints: (T, 24, 3) m, y up; poses: (T, 24, 3) axis-angle or none; beat_times: (N + 1,) s from
    the first frame, the last being the end of the last interval. Without poses, features end where the rotations would
    begin.
    """
    return pooled_motion(motion_signals(joints, poses, fps, layout), beat_times, layout)


def covered(beats: Beats, offset_s: float, duration_s: float, coverage: float) -> NDArray[np.intp]:
    """Indices of the beats of a song of whose interval at least the share `coverage` is within a clip."""
    edges = beats.edges()
    inside = np.minimum(edges[1:], offset_s + duration_s) - np.maximum(edges[:-1], offset_s)
    # Rounding must neither drop a beat that ends with the clip nor add one that only touches it.
    return np.flatnonzero((inside >= coverage * np.diff(edges) - _ROUNDING_S) & (inside > _ROUNDING_S))


def _pooled(
    frames: NDArray[np.floating], rate: float, edges: NDArray[np.float64], beyond: Literal["constant", "edge"]
) -> Floats:
    """`pool_frames` for beats that may extend beyond the recording at both ends.

    Beyond it a song is silent (`constant`, zeros) and a dancer keeps the nearest frame (`edge`).
    """
    before, after = _beyond(len(frames), rate, edges)
    padded = np.pad(frames, ((before, after), (0, 0)), mode=beyond)
    return pool_frames(padded, rate, edges + before / rate)


def _beyond(frames: int, rate: float, edges: NDArray[np.float64]) -> tuple[int, int]:
    """Frames that the edges need before and after a recording of `frames` frames."""
    return max(0, math.ceil(-edges[0] * rate)), max(0, math.ceil(edges[-1] * rate) + 1 - frames)
