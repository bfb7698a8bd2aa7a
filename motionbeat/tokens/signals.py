"""Signals2Tokens: one song or one dance in, one token a beat out. Used by the tokens stage and by `MotionBeat`."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio.mel import FRAME_RATE
from motionbeat.audio.onsets import normalised, onset_strength
from motionbeat.beats.grid import Beats
from motionbeat.motion.contacts import contact_pulses, foot_contacts
from motionbeat.motion.features import kinetic_energy, motion_features
from motionbeat.motion.resample import resample, resample_poses
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.pooling import begins_in, pool_frames, subbeat_edges

Floats = NDArray[np.float32]


def mel_tokens(mel: Floats, beat_times: NDArray[np.float64], layout: Layout) -> Floats:
    """Mean log-mel of each part of each beat: (N, S * bands).

    mel: (T, bands) at 50 frames/s. beat_times: (N + 1,) s, the beats and the end of the last interval.
    """
    pooled = pool_frames(mel, FRAME_RATE, subbeat_edges(beat_times, layout.subbeats))
    return pooled.reshape(len(beat_times) - 1, -1)


def onset_tokens(mel: Floats, beat_times: NDArray[np.float64], layout: Layout) -> Floats:
    """Mean onset strength of each part of each beat, scaled to 0..1 over the song: (N, S). Arguments as `mel_tokens`."""
    flux = pool_frames(onset_strength(mel)[:, None], FRAME_RATE, subbeat_edges(beat_times, layout.subbeats))
    return normalised(flux[:, 0]).reshape(len(beat_times) - 1, -1)


def motion_tokens(
    joints: Floats,
    poses: Floats | None,
    fps: float,
    beat_times: NDArray[np.float64],
    layout: Layout,
) -> dict[str, Floats]:
    """Tokens of a dance: features (N, S * F), contact (N, S), energy (N, S).

    joints: (T, 24, 3) m, y up; poses: (T, 24, 3) axis-angle or none; beat_times: (N + 1,) s from
    the first frame, the last being the end of the last interval. Features hold no rotations when
    poses is none: they end where the rotations would begin.
    """
    rate = layout.motion_fps
    joints = resample(joints, fps, rate)
    poses = None if poses is None else resample_poses(poses, fps, rate)
    features = motion_features(joints, poses, rate, layout.contact_speed, layout.contact_height)
    pulses = contact_pulses(foot_contacts(joints, rate, layout.contact_speed, layout.contact_height))
    edges = subbeat_edges(beat_times, layout.subbeats)
    count = len(beat_times) - 1
    return {
        "features": pool_frames(features, rate, edges).reshape(count, -1),
        "contact": begins_in(pulses, rate, edges).reshape(count, -1),
        "energy": pool_frames(kinetic_energy(joints, rate)[:, None], rate, edges).reshape(count, -1),
    }


def covered(beats: Beats, offset_s: float, duration_s: float, coverage: float) -> NDArray[np.intp]:
    """Indices of the beats of a song whose interval lies in a clip, but for 1 - coverage of it."""
    edges = beats.edges()
    inside = np.minimum(edges[1:], offset_s + duration_s) - np.maximum(edges[:-1], offset_s)
    return np.flatnonzero(inside >= coverage * np.diff(edges))
