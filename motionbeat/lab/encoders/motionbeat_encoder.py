"""Encoders that need no download: the trained model, the same one untrained, and the spectrogram they take."""

import numpy as np
import torch

from motionbeat.audio.mel import FRAME_RATE, SAMPLE_RATE, log_mel
from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat
from motionbeat.lab.encoders.frame_encoder import Audio, Frames, digest, samples
from motionbeat.model.device import best_device
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.song_tokens import LATTICE_PERIOD_S, LATTICE_STEP_S

VERSION = "grid 2"
"""Raised whenever the features of the same weights change."""
MEL_VERSION = "mel 1"
UNTRAINED_SEED = 0


class Grid:
    """A MotionBeat model in grid mode: the encoder's last state at each 20 ms, no beat tracker anywhere."""

    frame_rate = 1 / LATTICE_STEP_S

    def __init__(self, name: str, model: DualEncoder) -> None:
        self.name = name
        self.width = model.config.width
        self.identity = digest(VERSION, model.config.to_dict(), model.state_dict())
        self._model = MotionBeat(model.to(best_device()))

    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is the state of the token centred on t * 20 ms: (T, width)."""
        wave = samples(self.name, audio, sample_rate, SAMPLE_RATE, LATTICE_PERIOD_S)
        states, _ = self._model.grid_states(wave, SAMPLE_RATE)
        return Frames(states, LATTICE_STEP_S * np.arange(len(states), dtype=np.float64))


def trained(folder: str) -> Grid:
    """The model that the train stage wrote."""
    return Grid("motionbeat", _loaded(folder))


def untrained(folder: str) -> Grid:
    """A model of the same configuration and feature statistics with weights as they were before training."""
    example = _loaded(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        model = DualEncoder(example.config)
    model.set_statistics(example.mel_mean, example.mel_std, example.motion_mean, example.motion_std)
    return Grid("random", model.eval())


def _loaded(folder: str) -> DualEncoder:
    try:
        with torch.random.fork_rng(devices=[]):  # a model draws its weights before it loads them
            return DualEncoder.load(folder)
    except MotionBeatError as error:
        raise MotionBeatError(f"encoders.motionbeat = {folder}: {error}, or train one with `dvc repro train`") from None


class Mel:
    """The log-mel spectrogram that the model's tokens are pooled from, with as many bands."""

    name = "mel"
    frame_rate = FRAME_RATE

    def __init__(self, folder: str) -> None:
        self.width = _loaded(folder).config.mel_bands
        self.identity = digest(MEL_VERSION, self.width, {})

    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is centred on t * 20 ms: (T, bands)."""
        wave = samples(self.name, audio, sample_rate, SAMPLE_RATE, LATTICE_PERIOD_S)
        mel = log_mel(wave, SAMPLE_RATE, self.width)
        times = np.arange(len(mel)) / FRAME_RATE
        inside = times < len(wave) / SAMPLE_RATE
        return Frames(mel[inside], times[inside])
