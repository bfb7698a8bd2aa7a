"""Small songs of accent patterns, a tiny random model, and the entry points as pyproject.toml has them."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import soundfile
import torch
from attrs import evolve
from conftest import LAYOUT

from motionbeat.inference import MotionBeat
from motionbeat.lab import params
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[1]
RATE = 22_050
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]


def tiny_model(folder: Path, seed: int = 0) -> Path:
    """A model with random weights in a folder: 8 beats a window, 8 numbers a vector."""
    torch.manual_seed(seed)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=16, heads=2, embedding=8, layers=1)
    layout = evolve(LAYOUT, motion_width=296, rotation_start=152)
    DualEncoder(ModelConfig.of(settings, layout)).save(folder)
    return folder


def pattern_song(path: Path, pattern: int, bpm: float = 120.0, beats: int = 32, silence_s: float = 0.0) -> Path:
    """Clicks at every beat and louder ones at quarter beats that `pattern`, a seed, chooses for each beat."""
    rng = np.random.default_rng(pattern)
    loud = rng.random((beats, 4)) < 0.4
    wave = 1e-3 * np.random.default_rng(9).normal(size=round((silence_s + beats * 60 / bpm) * RATE))
    for beat, quarter in [(b, q) for b in range(beats) for q in range(4)]:
        strength = 0.8 if loud[beat, quarter] else 0.25 * (quarter == 0)
        begin = round((silence_s + (beat + quarter / 4) * 60 / bpm) * RATE)
        burst = wave[begin : begin + 1200]
        burst += strength * np.exp(-np.arange(len(burst)) / 200) * np.sin(np.arange(len(burst)) * (0.1 + 0.2 * quarter))
    soundfile.write(path, np.clip(wave, -1, 1), RATE)
    return path


def swaying(path: Path, seconds: float = 12.0, fps: float = 30.0) -> Path:
    """A body in SMPL's rest pose whose joints sway twice a second, as .npz."""
    from motionbeat.motion.kinematics import rest_joints

    time = np.arange(round(seconds * fps)) / fps
    joints = np.repeat(rest_joints()[None], len(time), axis=0)
    joints[..., 1] += 1.0 + 0.05 * np.sin(4 * np.pi * time)[:, None]
    joints[:, 20:, 0] += 0.2 * np.sin(2 * np.pi * time)[:, None]
    np.savez(path, joints=joints.astype(np.float32), fps=fps)
    return path


def registered(group: str) -> list[EntryPoint]:
    """What importlib.metadata gives once the package is installed as pyproject.toml says."""
    return [EntryPoint(name, value, group) for name, value in ENTRY_POINTS[group].items()]


def load_tiny(folder: Path, seed: int = 0) -> MotionBeat:
    """The model of `tiny_model`."""
    return MotionBeat(DualEncoder.load(tiny_model(folder, seed)))
