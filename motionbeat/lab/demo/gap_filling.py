"""Dance2Dance: a part of a dance is taken out, and a generator dances from one end of the gap to the other."""

from typing import Any

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio.decode import Sound
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.demo.made_dances import LearnedDancer
from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.motion_vector import FPS, FRAMES
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance, hold
from motionbeat.motion.resample import resample, resample_poses

SHORTEST_S, LONGEST_S = 0.5, 20.0
KEPT_S = 0.5
"""Of the dance that must stay before a gap, and after it."""
_HELD = round(1.5 * FPS)  # frames on either side that the generator is held to, at least where there are so many
_FLOOR = [motion_vector.ROOT.start, motion_vector.ROOT.start + 2]  # x and z of the root


@frozen
class Gap:
    """From when to when, s in a song."""

    begin_s: float
    end_s: float

    @classmethod
    def within(cls, begin_s: float, end_s: float, seconds: float) -> "Gap":
        """A gap in a dance to `seconds` of music. Raises `MotionBeatError` where it cannot be filled."""
        if seconds < FRAMES / FPS:
            raise MotionBeatError(f"the song lasts {seconds:.1f} s: gaps are filled in at least {FRAMES / FPS:g} s")
        if not SHORTEST_S <= end_s - begin_s <= LONGEST_S:
            raise MotionBeatError(
                f"the gap goes from {begin_s:g} to {end_s:g} s: give one of {SHORTEST_S:g} to {LONGEST_S:g} s"
            )
        if not KEPT_S <= begin_s <= end_s <= seconds - KEPT_S:
            raise MotionBeatError(
                f"the gap goes from {begin_s:g} to {end_s:g} s: begin at {KEPT_S:g} s or later, and end by "
                f"{seconds - KEPT_S:.1f} s, so that a dance stands before and after it"
            )
        return cls(begin_s, end_s)


def as_played(motion: Motion, row: dict[str, Any], seconds: float) -> NDArray[np.float32]:
    """A dance of the library as the page plays it to a song of `seconds`: vectors (T, 151) at 30 frames a second.

    row: of `ShownLibrary.fitting`. The stretch that fits is repeated, at the tempo of the song. Raises
    `MotionBeatError` for a dance without joint rotations.
    """
    if motion.poses is None:
        raise MotionBeatError("this dance has no joint rotations, which a gap is filled from: take another one")
    rate = FPS / row["speed"]
    poses, root = resample_poses(motion.poses, motion.fps, rate), resample(motion.joints[:, 0], motion.fps, rate)
    begin, end = row["query_s"]
    places = row["fits_s"][0] / row["speed"] + np.mod(np.arange(int(seconds * FPS + 1e-6)) / FPS - begin, end - begin)
    frames = np.round(places * FPS).astype(int).clip(0, len(poses) - 1)
    return motion_vector.encode(poses[frames], root[frames])


def filled(given: NDArray[np.float32], gap: Gap, sound: Sound, dancer: LearnedDancer, seed: int) -> GeneratedDance:
    """A dance whose frames in the gap are made anew; the others are kept.

    given: vectors (T, 151) of a dance to the whole of `sound`. The generator is shown the music of the gap and of some
    seconds on either side, and the dance there.
    """
    first, last, count = round(gap.begin_s * FPS), round(gap.end_s * FPS), len(given)
    margin = max(_HELD, (FRAMES - (last - first) + 1) // 2)
    low = max(0, min(first - margin, count - FRAMES))
    high = min(count, max(last + margin, low + FRAMES))
    part, mask = given[low:high].copy(), np.ones(high - low, bool)
    mask[first - low : last - low] = False
    centre = given[[first - 1, last]][:, _FLOOR].mean(axis=0)  # it knows dances near the origin
    part[:, _FLOOR] -= centre
    made = dancer.part(sound, seed, low / FPS, (high - low) / FPS, hold(part, mask)).vectors
    whole = given.copy()
    whole[first:last] = made[first - low : last - low]
    whole[first:last, _FLOOR] += centre
    return as_dance(torch.as_tensor(whole))
