"""A corpus in one file: noise, and a dancer who waves an arm."""

from functools import partial
from pathlib import Path

import numpy as np

from motionbeat.lab import params
from motionbeat.lab.corpora.manifest import Clip, Corpus, CorpusReader, Motion, Song
from motionbeat.motion.kinematics import forward_kinematics


def dance(seed: int) -> Motion:
    poses = np.zeros((90, 24, 3), np.float32)
    poses[:, 16] = np.cumsum(np.random.default_rng(seed).normal(0, 0.05, (90, 3)), axis=0)
    joints = forward_kinematics(poses, np.tile([0.0, 0.95, 0.0], (90, 1)))
    return Motion(joints.astype(np.float32), poses, 30.0)


def read(settings: params.Corpus, _: params.Beats, __: Path) -> Corpus:
    splits = {"low": "train", "mid": "val", "high": "test"}
    songs = [Song(name, Path(settings.root) / f"{name}.wav", 120.0, 4) for name in splits]
    clips = [Clip(name, name, "waving", splits[name], 0.0, partial(dance, seed)) for seed, name in enumerate(splits)]
    return Corpus(songs, clips)


READER: CorpusReader = read
