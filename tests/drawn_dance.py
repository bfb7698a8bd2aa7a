"""A dance for tests of what is drawn: the left arm goes up and down, with clicks on uneven beats."""

import numpy as np

from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.motion.kinematics import forward_kinematics

RATE = 44_100
BEATS, POSITIONS = np.array([0.213, 0.707, 1.231, 1.745]), np.array([0, 1, 2, 0])


def dance(seconds: float = 2.0, fps: float = 60.0) -> np.ndarray:
    """(T, 24, 3) m: the left arm goes up and down once a second, all else stands still, facing +z."""
    frames = round(seconds * fps)
    poses = np.zeros((frames, 24, 3))
    poses[:, 16, 2] = -0.2 - np.cos(2 * np.pi * np.arange(frames) / fps)
    poses[:, 17, 2] = 1.2
    return forward_kinematics(poses, np.tile([0.0, 0.95, 0.0], (frames, 1)))


def clicks(times: np.ndarray, seconds: float = 2.0) -> np.ndarray:
    """Bursts of 5 ms at `times`, otherwise silence."""
    audio = np.zeros(round(seconds * RATE), np.float32)
    for time in times:
        audio[round(time * RATE) :][:220] = 0.8 * np.sin(0.3 * np.arange(220))[: len(audio[round(time * RATE) :])]
    return audio


def drawn(joints: np.ndarray | None = None, fps: float = 60.0, **changes) -> DrawnDance:
    """A dance with its music and beats, as the renderers take it."""
    joints = dance() if joints is None else joints
    given = {
        "title": "",
        "caption": "",
        "audio": clicks(BEATS),
        "sample_rate": RATE,
        "beat_times": BEATS,
        "bar_positions": POSITIONS,
        "contacts": np.zeros((len(joints), 4), bool),
        "onsets": (np.empty(0), np.empty(0, np.float32)),
    }
    return DrawnDance(joints=joints, fps=fps, **(given | changes))
