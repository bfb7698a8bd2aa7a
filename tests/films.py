"""Videos for tests, of `drawn_dance`, and what is seen and heard in the file."""

from pathlib import Path

import numpy as np
import pytest
from drawn_dance import RATE, drawn

from motionbeat.lab.render.video import render

av = pytest.importorskip("av", reason="PyAV is not installed")
SIZE, FPS = 160, 25
CHOICES = ("picture_fps", "size", "start_s", "seconds", "sheet")


def film(path: Path, **changes) -> int:
    """A small video of `drawn`; what is not a part of a dance is a choice of `render`."""
    choices = {name: changes.pop(name) for name in CHOICES if name in changes}
    return render(path, drawn(**changes), **({"picture_fps": FPS, "size": SIZE} | choices))


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
