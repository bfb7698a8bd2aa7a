"""Parts of small generators that several tests need: dances, music, slices, settings."""

import attrs
import numpy as np
import torch

from motionbeat.lab.generator.dance_slices import Dances, DanceSlices
from motionbeat.lab.generator.generator_model import DanceGenerator, GeneratorConfig
from motionbeat.lab.generator.motion_vector import encode
from motionbeat.lab.generator.music_condition import Music

CONDITION = 6
SMALL = {
    "width": 16,
    "layers": 1,
    "heads": 2,
    "feedforward": 16,
    "condition_layers": 1,
    "patch": 5,
    "aligned": True,
    "preconditioned": False,  # its statistics take a second
    "steps": 6,
    "batch": 4,
}


def small_settings(params, **changes):
    """The project's settings of the stage dance, at a size that trains in a second."""
    return attrs.evolve(params.dance, **SMALL | {"sampling_steps": 4, "dances_per_song": 1, "bootstrap": 50} | changes)


def swaying(frames, period, seed=0):
    """Vectors (T, 151) of a dancer who sways and lifts the arms, every `period` frames."""
    generator = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(frames) / period)
    poses = 0.3 * generator.normal(size=(24, 3)) * wave[:, None, None] + 0.1 * generator.normal(size=(24, 3))
    root = np.stack([0.1 * wave, 0.9 + 0.02 * wave, 0.05 * wave], axis=1)
    return encode(poses, root)


def sounding(seconds, period_s, seed=0):
    """Music of 50 frames per second that repeats after `period_s`."""
    times = np.arange(int(seconds * 50)) / 50
    phase = 2 * np.pi * times / period_s
    own = np.random.default_rng(seed).normal(size=(CONDITION, 2))
    features = own[:, 0] * np.sin(phase)[:, None] + own[:, 1] * np.cos(phase)[:, None]
    return Music(features.astype(np.float32), times)


def corpus():
    """Three songs with two dances each, some of which begin within the song."""
    periods = {"a": 15, "b": 18, "c": 24}
    dances = Dances([], [], [], [])
    for number, (song, period) in enumerate([*periods.items(), *periods.items()]):
        dances.clip.append(f"{song}{number}")
        dances.song.append(song)
        dances.offset_s.append(0.5 * (number % 2))
        dances.vectors.append(swaying(240, period, number))
    return dances, {song: sounding(10.0, period / 30, period) for song, period in periods.items()}


def small_slices():
    """Slices of that corpus on the CPU."""
    return DanceSlices(*corpus(), torch.device("cpu"))


def small_model(seed=0, **changes):
    """An untrained generator with statistics that are none of its defaults."""
    torch.manual_seed(seed)
    sizes = {name: SMALL[name] for name in ("width", "layers", "heads", "feedforward", "condition_layers", "patch")}
    values = {"encoder": "mel", "encoder_identity": "0", "condition_width": CONDITION, "dropout": 0.1}
    values |= {name: SMALL[name] for name in ("aligned", "preconditioned")}
    model = DanceGenerator(GeneratorConfig(**values | sizes | changes))
    slices = small_slices()
    model.set_statistics(slices.vectors, slices.music, slices.parts())
    torch.nn.init.normal_(model.network.vector_out.weight, std=0.1)  # untrained it would say nothing
    return model.eval()
