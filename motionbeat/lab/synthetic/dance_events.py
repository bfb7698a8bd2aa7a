"""Which of a song's accents a dance marks, when and how strongly: the generator's event model.

Low accents call for steps, back accents for hits of arms and torso, high accents for bounces. Each accent is marked
with probability RELIABILITY at its 16th, or at the 16th that the choreography's habits (`context`) say, LATENESS_S
late, with a strength near the accent's. On each other 16th of a part, a dancer moves spontaneously with probability
SPONTANEOUS.
"""

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.context import answered, habits
from motionbeat.lab.synthetic.plan import SUBBEATS, PlannedClip, stream, tempo
from motionbeat.lab.synthetic.rhythm import Rhythm

EVENTS = ("step", "hit", "bounce")  # one for each part of the rhythm, in the order of rhythm.PARTS
RELIABILITY = 0.8
SPONTANEOUS = 0.03
LATENESS_S, LATENESS_SPREAD_S = 0.020, 0.015
STRENGTH_SPREAD = 0.15


@frozen
class Events:
    """The events of a dance on the grid of 16ths: rows step, hit, bounce."""

    strength: NDArray[np.float64]  # (3, 16ths); 0 where nothing happens
    time_s: NDArray[np.float64]  # (3, 16ths) time, lateness included


def realised(seed: int, clip: PlannedClip, rhythm: Rhythm, context: float = 0.0) -> Events:
    """Draw the events of a clip from its song's accents; context: 0 (each accent is marked at once) to 1."""
    moved = answered(rhythm.accents, habits(seed, clip.choreography_id, context), rhythm.beats_per_bar)
    accents = moved[:, : clip.beats * SUBBEATS]
    times = np.arange(accents.shape[1]) * 60 / tempo(clip.song) / SUBBEATS
    return marked(stream(seed, "events", clip.name), accents, times)


def marked(rng: np.random.Generator, accents: NDArray[np.float64], times: NDArray[np.float64]) -> Events:
    """Draw events from any accents (3, slots), 0 or a strength, that sound at `times` (slots,) or (3, slots) s."""
    happens = rng.random(accents.shape) < np.where(accents > 0, RELIABILITY, SPONTANEOUS)
    followed = accents + rng.normal(0, STRENGTH_SPREAD, accents.shape)
    spontaneous = rng.uniform(0.3, 0.9, accents.shape)
    strength = np.clip(np.where(accents > 0, followed, spontaneous), 0.2, 1.2) * happens
    lateness = np.clip(rng.normal(LATENESS_S, LATENESS_SPREAD_S, accents.shape), -0.02, 0.06)
    return Events(strength, times + lateness)
