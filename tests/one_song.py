"""A song, a dance to it, and an untrained model of their tokens."""

from pathlib import Path

import numpy as np
import torch
from attrs import evolve

from motionbeat.beats import Beats
from motionbeat.inference import MotionBeat
from motionbeat.lab import params
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[1]
RATE = 44_100
K, SECONDS, OFFSET, FPS = 8, 12.0, 2.5, 50.0
TIMES = np.cumsum([0.2, *0.5 + 0.02 * np.sin(np.arange(22))])  # (23,) s, not quite regular
BEATS = Beats(TIMES, np.arange(23) % 4 + 1, 4)


def music(seconds: float) -> np.ndarray:
    """Noise bursts at beats of changing strength."""
    rng = np.random.default_rng(3)
    wave = 0.01 * rng.normal(size=round(seconds * RATE))
    for time, strength in zip(TIMES, 0.2 + 0.5 * rng.random(len(TIMES)), strict=True):
        begin = round(time * RATE)
        burst = wave[begin : begin + 4000]
        burst += strength * np.exp(-np.arange(len(burst)) / 800) * rng.uniform(-1, 1, len(burst))
    return np.clip(wave, -1, 1).astype(np.float32)


def dance() -> Motion:
    """A body that sways at slowly changing speed: 7 s from 2.5 s into the music."""
    rng = np.random.default_rng(5)
    time = np.arange(round(7.0 * FPS))[:, None, None] / FPS
    joints = rng.normal(size=(24, 3)) + 0.2 * np.sin(6.0 * time + 6 * rng.random((24, 3)))
    poses = 0.5 * np.sin(5.0 * time + 6 * rng.random((24, 3)))
    return Motion(joints.astype(np.float32), poses.astype(np.float32), FPS)


def encoder(tokens: Tokens, **changes: object) -> MotionBeat:
    torch.manual_seed(0)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=32, heads=4, embedding=16, layers=2)
    model = DualEncoder(evolve(ModelConfig.of(settings, tokens.layout), **changes))
    model.set_statistics(**tokens.statistics)
    return MotionBeat(model)
