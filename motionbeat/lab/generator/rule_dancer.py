"""Song2Dance by rules: dancers and choreographies of the synthetic corpus, applied to the accents of any music.

Nothing is trained. The accents are computed as in the corpus `choreographed`: peaks of band-wise onset strength at the
sub-beats. So this dancer knows the beats, unlike the trained generators.
"""

import numpy as np
import torch

from motionbeat.audio import decode, mel
from motionbeat.beats import Beats
from motionbeat.lab.generator.motion_vector import FPS, encode
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance
from motionbeat.lab.synthetic import plan
from motionbeat.lab.synthetic.choreographer import solo
from motionbeat.lab.synthetic.choreographer_accents import accents_of

_EVERY = round(plan.FPS / FPS)


def dance_by_rules(audio: decode.Source, sample_rate: int | None, beats: Beats, seed: int = 0) -> GeneratedDance:
    """A dance to a whole recording, at 30 frames per second.

    audio, sample_rate: as `motionbeat.audio.decode.decode` takes them. beats: of this recording, of any meter; they are
    continued to both ends of it. seed: it selects dancer, choreography and accents. The same
    arguments give the same dance. Raises `MotionBeatError` for audio that cannot be used, and for beats after its end.
    """
    samples = decode.signal(audio, sample_rate, mel.SAMPLE_RATE)
    duration_s = len(samples) / mel.SAMPLE_RATE
    grid = beats.extended(duration_s)
    made = solo(seed, grid, accents_of(samples, grid), duration_s)
    frames = slice(0, int(duration_s * FPS + 1e-6) * _EVERY, _EVERY)
    root = made.translation[frames] / np.float32(made.scaling)
    return as_dance(torch.as_tensor(encode(made.poses[frames].reshape(-1, 24, 3), root)))
