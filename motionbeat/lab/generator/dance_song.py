"""Song2Dance: the input of a generator from an audio file: music features, and parts of a dance to keep."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from motionbeat.audio.decode import Sound
from motionbeat.beats import Beats, track
from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.motion_vector import FPS, FRAMES
from motionbeat.lab.generator.music_condition import checked
from motionbeat.lab.generator.sampling import Held, hold
from motionbeat.motion.resample import resample, resample_poses

if TYPE_CHECKING:
    from motionbeat.lab.encoders.frame_encoder import FrozenEncoder

DEFAULT_MODEL = "models/motionbeat"
_SHORTEST_S = FRAMES / FPS
_BLOCK_S = 8.0
"""Length of the encoder's windows in grid mode, which are adjacent and begin at the start of the song."""


@frozen(eq=False)
class Part:
    """The part of a song that is danced to."""

    sound: Sound
    """Of the whole song."""
    start_s: float
    length_s: float

    @classmethod
    def of(cls, sound: Sound, start_s: float = 0.0, seconds: float | None = None) -> "Part":
        """seconds: by default to the song's end. Raises `MotionBeatError` for a part outside the song or under 5 s."""
        whole_s = len(sound.samples) / sound.rate
        left = whole_s - start_s
        length = left if seconds is None else seconds
        if whole_s < _SHORTEST_S:
            raise MotionBeatError(
                f"{sound.name} lasts {whole_s:.2f} s; a dance needs at least {_SHORTEST_S:g} s of music"
            )
        if left <= 0:
            raise MotionBeatError(
                f"{sound.name} lasts {whole_s:.2f} s: a start of {start_s:g} s is after the end of the song; choose "
                f"one of {whole_s - _SHORTEST_S:g} s or earlier"
            )
        if start_s < 0 or not _SHORTEST_S <= length <= left + 1e-6:
            raise MotionBeatError(
                f"{sound.name} lasts {whole_s:.2f} s: a part of {length:g} s starting at {start_s:g} s does not fit; "
                f"choose a start of 0 s or later and at least {_SHORTEST_S:g} s that end within the song"
            )
        return cls(sound, start_s, length)

    def music(self) -> Sound:
        """The part itself."""
        return self._cut(self.start_s, self.start_s + self.length_s)

    def with_context(self) -> tuple[Sound, float]:
        """The part with at least 8 s of music on each side, if the song has it, and the second where it begins.

        It is cut where the encoder's windows begin, so that its frames are equal to those of the whole song.
        """
        begin = max(self.start_s // _BLOCK_S - 1, 0) * _BLOCK_S
        end = (-(-(self.start_s + self.length_s) // _BLOCK_S) + 1) * _BLOCK_S
        return self._cut(begin, end), begin

    def _cut(self, begin_s: float, end_s: float) -> Sound:
        rate = self.sound.rate
        return evolve(self.sound, samples=self.sound.samples[round(begin_s * rate) : round(end_s * rate)])


def listener(name: str, weights: str | None = None) -> "FrozenEncoder":
    """The encoder `name`, with which a generator was trained.

    weights: the folder of the MotionBeat model (motionbeat, random and mel; models/motionbeat without it), or the hub
    id, file or folder of another encoder. By default, and for all other settings, params.yaml of the working folder is
    read. Raises `MotionBeatError` if the encoder cannot be opened.
    """
    from motionbeat.lab.encoders.motionbeat_encoder import OF_THE_MODEL

    if name in OF_THE_MODEL:
        folder = weights or DEFAULT_MODEL
        if not (Path(folder) / "config.json").is_file():
            raise MotionBeatError(
                f"{Path(folder) / 'config.json'} is missing: name the folder of the MotionBeat model that the "
                "generator was trained with with --encoder-model, or train one with `dvc repro train`"
            )
        return OF_THE_MODEL[name](folder)
    from motionbeat.lab import params
    from motionbeat.lab.encoders.interface import open_encoder

    settings = params.load().encoders
    named: dict[str, Any] = {} if weights is None else {name: weights}
    return open_encoder(name, evolve(settings, **named))


def condition(encoder: "FrozenEncoder", part: Part) -> NDArray[np.float32]:
    """The music condition of a part of a song: (T, D) at 30 frames per second.

    The encoder gets the part with its context; as in training, its frames are resampled to the grid of 20 ms in half
    precision. Raises `MotionBeatError` for music that never changes.
    """
    from motionbeat.lab.encoders.feature_cache import FRAME_S, resampled

    sound, begin_s = part.with_context()
    frames = encoder.frames(sound.samples, sound.rate)
    grid = resampled(frames.features, frames.times).astype(np.float16)
    music = checked(sound.name, grid, np.arange(len(grid)) * FRAME_S)
    return music.condition(part.length_s, part.start_s - begin_s)


def beats_of(part: Part, tracker: str) -> Beats:
    """Beats of a part, in seconds from its beginning, tracked in the part with its context.

    Raises `MotionBeatError` if a tracker finds fewer than two.
    """
    sound, begin_s = part.with_context()
    found = track(sound, tracker=tracker)
    times = found.times - (part.start_s - begin_s)
    within = (times >= 0) & (times < part.length_s)
    if within.sum() < 2:
        raise MotionBeatError(
            f"{sound.name}: {tracker} finds {within.sum() or 'no'} beats in the {part.length_s:g} s to dance to; give "
            "another part, or another tracker"
        )
    return evolve(found, times=times[within], positions=found.positions[within])


def known(path: Path) -> NDArray[np.float32]:
    """Vectors (T, 151) of a dance in a file, at 30 frames per second: an .npz with poses, or a pickle of AIST++.

    Raises `MotionBeatError` for a file that cannot be read, or that has no joint rotations, such as a BVH file.
    """
    from motionbeat.lab.corpora.formats import read_motion

    if not path.is_file():
        raise MotionBeatError(f"{path} is missing: give a dance as .npz or .pkl, as this command writes them")
    motion = read_motion(path)
    if motion.poses is None:
        raise MotionBeatError(f"{path} has no joint rotations to hold: give an .npz with poses, or an AIST++ .pkl")
    return motion_vector.encode(
        resample_poses(motion.poses, motion.fps, FPS), resample(motion.joints[:, 0], motion.fps, FPS)
    )


Ends: TypeAlias = "tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]"
"""What a dance begins and ends with: vectors (t, 151) at 30 frames a second."""


def ends_of(before: Path | None, after: Path | None, seconds: float, length_s: float) -> Ends:
    """The last `seconds` of a dance on file, and the first of another, between which `length_s` are danced.

    Raises `MotionBeatError` for dances that are shorter, and where nothing would be left to dance.
    """
    if before is None and after is None:
        return None, None
    count = round(seconds * FPS) if 0 < seconds < length_s else 0
    if count < 1 or count * ((before is not None) + (after is not None)) >= round(length_s * FPS):
        raise MotionBeatError(
            f"{seconds:g} s held leave nothing of {length_s:.2f} s to dance, or are not a frame: give other "
            "seconds to hold, or a longer part of the song"
        )
    ends = [None if path is None else known(path) for path in (before, after)]
    for path, given in zip((before, after), ends, strict=True):
        if given is not None and len(given) < count:
            raise MotionBeatError(f"{path} lasts {len(given) / FPS:.2f} s, less than the {seconds:g} s that are held")
    first, last = ends
    return None if first is None else first[-count:], None if last is None else last[:count]


def held_ends(frames: int, ends: Ends) -> Held | None:
    """What is held of a dance of `frames` frames; None where neither end is given."""
    vectors, mask = np.zeros((frames, motion_vector.WIDTH), np.float32), np.zeros(frames, bool)
    for given, at_end in zip(ends, (False, True), strict=True):
        if given is not None:
            place = slice(frames - len(given), frames) if at_end else slice(len(given))
            vectors[place], mask[place] = given, True
    return hold(vectors, mask) if mask.any() else None
