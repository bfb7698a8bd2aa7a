"""clips.csv of tests: written line by line, and refused."""

import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import folder

HEADER = "clip,song,motion,audio,split"


def write(root, *lines, newline="\n", encoding="utf-8"):
    (root / "clips.csv").write_bytes((newline.join(lines) + newline).encode(encoding))


def refused(root):
    with pytest.raises(MotionBeatError) as caught:
        folder.read(root)
    return str(caught.value)
