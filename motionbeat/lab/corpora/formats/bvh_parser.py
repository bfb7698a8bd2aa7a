"""File2Bvh: a strict reader of Biovision Hierarchy files; an error names the line that it cannot parse.

The grammar: Meredith & Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001. No package is
used: of those that are maintained, pybvh refuses joints with position channels, which exports of Mixamo and Blender
have, and bvhio moves joints frame by frame in Python.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_text
from motionbeat.lab.corpora.formats.archives import LARGEST
from motionbeat.lab.corpora.formats.bvh_tree import END_SITE, Bvh, Joint
from motionbeat.lab.corpora.manifest import refuse_longer

_PLAIN = re.compile(r"\d{0,3}\.?\d{0,20}(e[-+]?\d{1,2})?", re.IGNORECASE)
_MOST_JOINTS = 2000
_LONGEST_LINE = 1_000_000
_CHANNEL = re.compile(r"([XYZ])(position|rotation)", re.IGNORECASE)


def read(path: Path) -> Bvh:
    """Read a BVH file: one hierarchy of joints with any order of channels, and its frames.

    Raises `MotionBeatError` naming the file, the line and the fix, for everything that the format does not allow: a
    wrong count of frames or channels, a truncated file, joints with the same name, values that are not finite numbers.
    """
    return _Reader(path).read()


@frozen
class _Open:
    """A joint whose block is not complete yet."""

    name: str
    parent: int
    found: dict[str, tuple] = field(factory=dict)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path, self.line = path, 0
        text = read_text(path, "export it as plain BVH, in UTF-8")
        refuse_longer(path, text.count("\n"))
        self.lines = text.split("\n")
        if max(map(len, self.lines)) > _LONGEST_LINE:
            raise MotionBeatError(f"{path} has a line of more than {_LONGEST_LINE} characters: export it again")
        while self.lines and not self.lines[-1].strip():
            self.lines.pop()

    def wrong(self, what: str) -> MotionBeatError:
        return MotionBeatError(f"{self.path} line {self.line}: {what}")

    def read(self) -> Bvh:
        joints = self._hierarchy()
        frames, frame_time = self._motion_head()
        return Bvh(joints, self._values(joints, frames), frame_time)

    def _pieces(self) -> Iterator[tuple[str, list[str]]]:
        """Each statement of the hierarchy as its first word, in capitals, and the others; a brace is a statement."""
        for number, line in enumerate(self.lines, 1):
            self.line = number
            for piece in re.split(r"([{}])", line):
                words = piece.split()
                if words and words[0].upper() == "MOTION":
                    return
                if words:
                    yield words[0].upper(), words[1:]
        raise self.wrong("the file ends without MOTION: it has no frames, or is truncated; export it again")

    def _hierarchy(self) -> tuple[Joint, ...]:
        joints: list[Joint | None] = []
        blocks: list[tuple[int, _Open]] = []
        waiting: _Open | None = None
        names: set[str] = set()
        pieces = self._pieces()
        for word, rest in pieces:
            if waiting is not None:
                if word != "{":
                    raise self.wrong(f"{word} where the block of {waiting.name} should open with {{")
                joints.append(None)
                if len(joints) > _MOST_JOINTS:
                    raise self.wrong(f"more than {_MOST_JOINTS} joints: is this a motion of one person?")
                blocks.append((len(joints) - 1, waiting))
                waiting = None
            elif word in ("ROOT", "JOINT", "END"):
                waiting = self._opened(word, rest, blocks, joints, names)
            elif word in ("OFFSET", "CHANNELS"):
                if not blocks:
                    raise self.wrong(f"{word} outside any joint")
                block = blocks[-1][1]
                if word in block.found:
                    raise self.wrong(f"{block.name} has a second {word}")
                block.found[word] = self._offset(rest) if word == "OFFSET" else self._channels(rest, block)
            elif word == "}":
                if not blocks:
                    raise self.wrong("a } that closes nothing")
                number, block = blocks.pop()
                joints[number] = self._closed(block)
            elif word != "HIERARCHY" or joints or rest:
                raise self.wrong(f"{word!r} is not a word of a BVH hierarchy: is this a BVH file?")
        if blocks or waiting:
            name = blocks[-1][1].name if blocks else waiting.name if waiting else ""
            raise self.wrong(f"MOTION begins before the block of {name} is closed: a }} is missing")
        if not joints:
            raise self.wrong("MOTION without a hierarchy before it: is this a BVH file?")
        return tuple(joint for joint in joints if joint is not None)

    def _opened(
        self, word: str, rest: list[str], blocks: list[tuple[int, _Open]], joints: list[Joint | None], names: set[str]
    ) -> _Open:
        if word == "ROOT" and joints:
            raise self.wrong("a second ROOT: export one character per file")
        if word != "ROOT" and not blocks:
            raise self.wrong(f"{word} outside the ROOT's block")
        parent = blocks[-1][0] if blocks else -1
        if word == "END":
            return _Open(END_SITE, parent)
        name = " ".join(rest)
        if not name:
            raise self.wrong(f"a {word} without a name")
        if name in names:
            raise self.wrong(f"a second joint {name}: give every joint its own name")
        names.add(name)
        return _Open(name, parent)

    def _closed(self, block: _Open) -> Joint:
        if "OFFSET" not in block.found:
            raise self.wrong(f"{block.name} has no OFFSET")
        if block.name != END_SITE and "CHANNELS" not in block.found:
            raise self.wrong(f"joint {block.name} has no CHANNELS: write CHANNELS 0 if it never moves")
        return Joint(block.name, block.parent, block.found["OFFSET"], block.found.get("CHANNELS", ()))

    def _offset(self, rest: list[str]) -> tuple[float, ...]:
        try:
            numbers = tuple(float(word) for word in rest)
        except ValueError:
            numbers = ()
        if len(numbers) != 3 or not (np.abs(numbers) <= LARGEST).all():
            raise self.wrong(f"OFFSET {' '.join(rest)}; expected three numbers, with decimal points")
        return numbers

    def _channels(self, rest: list[str], block: _Open) -> tuple[tuple[str, str], ...]:
        if block.name == END_SITE:
            raise self.wrong("an End Site with CHANNELS: name it as a JOINT")
        matches = [_CHANNEL.fullmatch(word) for word in rest[1:]]
        channels = tuple((match[1].upper(), match[2].lower()) for match in matches if match)
        if not rest or rest[0] != str(len(channels)) or len(matches) != len(channels):
            raise self.wrong(
                f"CHANNELS {' '.join(rest)}; expected their number, then as many of Xposition ... Zrotation"
            )
        if len(set(channels)) != len(channels):
            raise self.wrong(f"{block.name} lists a channel twice")
        return channels

    def _motion_head(self) -> tuple[int, str]:
        frames = self._labelled("frames", "Frames: and their number")
        if not frames.isdecimal() or len(frames) > 12 or int(frames) < 2:
            raise self.wrong(f"Frames: {frames[:40]}; expected a whole number of at least 2")
        frame_time = self._labelled("frame time", "Frame Time: and seconds")
        try:
            seconds = float(frame_time)
        except ValueError:
            seconds = 0.0
        if not 1e-4 < seconds < 10 or not _PLAIN.fullmatch(frame_time):
            raise self.wrong(f"Frame Time: {frame_time[:40]}; expected seconds above 0, with a decimal point")
        return int(frames), frame_time

    def _labelled(self, label: str, expected: str) -> str:
        text = self._next()
        name, _, value = text.partition(":")
        if " ".join(name.lower().split()) != label:
            raise self.wrong(f"{text[:40]!r}; expected {expected}")
        return value.strip()

    def _next(self) -> str:
        while self.line < len(self.lines):
            self.line += 1
            text = self.lines[self.line - 1].strip()
            if text:
                return text
        raise self.wrong("the file ends before its frames: it is truncated; export it again")

    def _values(self, joints: tuple[Joint, ...], frames: int) -> NDArray[np.float64]:
        count, first = sum(len(joint.channels) for joint in joints), self.line
        refuse_longer(self.path, frames, 2 * max(count, 3 * len(joints)))  # each joint turns others
        rows: list[NDArray[np.float64]] = []
        numbers: list[int] = []
        for number in range(first + 1, len(self.lines) + 1):
            self.line = number
            words = self.lines[number - 1].split()
            if not words:
                continue
            if len(words) != count:
                raise self.wrong(
                    f"frame {len(rows)} has {len(words)} values, the hierarchy {count} channels: the file is truncated "
                    "or its CHANNELS are wrong; export it again"
                )
            try:
                rows.append(np.array([float(word) for word in words]))
            except ValueError:
                word = next(word for word in words if not _number(word))
                raise self.wrong(f"{word!r} is not a number (decimals take a point): export it again") from None
            numbers.append(number)
        if len(rows) != frames:
            raise MotionBeatError(
                f"{self.path}: Frames says {frames}, but {len(rows)} follow: export it again if it is truncated, or "
                "correct the number"
            )
        values = np.array(rows)
        bad = np.argwhere(~(np.abs(values) <= LARGEST))
        if len(bad):
            owner = [joint.name for joint in joints for _ in joint.channels][bad[0, 1]]
            self.line = numbers[bad[0, 0]]
            raise self.wrong(
                f"{owner} has {values[tuple(bad[0])]:g} in frame {bad[0, 0]}, which is not a place or angle: repair "
                "the clip or leave it out"
            )
        return values


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
