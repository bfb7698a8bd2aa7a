"""Videos for tests: a dance whose left arm goes up and down, its clicks, and what is seen and heard in the file."""

from pathlib import Path

import numpy as np
import pytest

from motionbeat.lab.render.video import render
from motionbeat.motion.kinematics import forward_kinematics

av = pytest.importorskip("av", reason="PyAV is not installed")
RATE, SIZE, FPS = 44_100, 160, 25
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


def film(path: Path, joints: np.ndarray | None = None, **changes) -> int:
    joints = dance() if joints is None else joints
    given = {
        "joints": joints,
        "fps": 60.0,
        "audio": clicks(BEATS),
        "sample_rate": RATE,
        "beat_times": BEATS,
        "bar_positions": POSITIONS,
        "contacts": np.zeros((len(joints), 4), bool),
        "picture_fps": FPS,
        "size": SIZE,
    }
    return render(path, **(given | changes))


def seen(path: Path) -> np.ndarray:
    """(T, size, size, 3) pictures of a video, 0-255."""
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]).astype(int)


def heard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a video's sound, and the time of each in s."""
    with av.open(str(path)) as video:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in video.decode(audio=0)]
    times = [begin + np.arange(len(samples)) / RATE for begin, samples in frames]
    return np.concatenate([samples for _, samples in frames]), np.concatenate(times)


def near(pictures: np.ndarray, colour: tuple[int, int, int], within: int = 40) -> np.ndarray:
    """Which pixels have about this colour."""
    return np.abs(pictures - np.array(colour)).max(axis=-1) <= within
