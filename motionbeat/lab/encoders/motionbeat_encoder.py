"""Encoders without a download: the trained model, the untrained model, and their input spectrogram."""

from collections.abc import Callable

import numpy as np
import torch

from motionbeat.audio.mel import FRAME_RATE, SAMPLE_RATE, log_mel
from motionbeat.audio.onsets import band_flux
from motionbeat.errors import MotionBeatError
from motionbeat.inference import MotionBeat
from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, digest, samples
from motionbeat.model.device import best_device
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.song_tokens import LATTICE_PERIOD_S, LATTICE_STEP_S

VERSION = "grid 2"
"""Increase it when the same weights give other features."""
MEL_VERSION = "mel 1"
TIMBRE_VERSION = "timbre 1"
UNTRAINED_SEED = 0


class Grid:
    """A MotionBeat model in grid mode: the encoder's last state every 20 ms, without a beat tracker."""

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


class GridWithTimbre(Grid):
    """The states of grid mode, concatenated with the mean of the model's input over the window.

    The model subtracts that mean from its input (`model.centre`), so that its states represent rhythm and hardly
    timbre. Tagging, genre and instruments need both.
    """

    def __init__(self, name: str, model: DualEncoder) -> None:
        super().__init__(name, model)
        self._bands, self._half_s = model.config.mel_bands, model.config.window_beats * LATTICE_PERIOD_S / 2
        self.identity = digest(TIMBRE_VERSION, self.identity, {})
        self.width += 2 * self._bands

    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t: the state, then the mean log-mel and the mean flux of each band in the window around t * 20 ms.

        (T, width + 2 * bands). A window is K periods of grid mode long, less at both ends of the audio.
        """
        wave = samples(self.name, audio, sample_rate, SAMPLE_RATE, LATTICE_PERIOD_S)
        states = super().frames(wave, SAMPLE_RATE)
        mel = log_mel(wave, SAMPLE_RATE, self._bands)
        sums = np.concatenate([mel, band_flux(mel)], axis=1).cumsum(0, dtype=np.float64)
        sums = np.concatenate([np.zeros((1, sums.shape[1])), sums])
        centre, half = np.round(states.times * FRAME_RATE).astype(int), round(self._half_s * FRAME_RATE)
        first, last = np.clip(centre - half, 0, len(mel)), np.clip(centre + half + 1, 0, len(mel))
        means = (sums[last] - sums[first]) / (last - first)[:, None]
        return Frames(np.concatenate([states.features, means.astype(np.float32)], axis=1), states.times)


def trained(folder: str) -> Grid:
    """The model that the train stage wrote."""
    return Grid("motionbeat", _loaded(folder))


def with_timbre(folder: str) -> GridWithTimbre:
    """The model that the train stage wrote, with the timbre that it removes."""
    return GridWithTimbre("motionbeat_timbre", _loaded(folder))


def untrained(folder: str) -> Grid:
    """A model of the same configuration and feature statistics, with its initial weights."""
    example = _loaded(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        model = DualEncoder(example.config)
    model.set_statistics(example.mel_mean, example.mel_std, example.motion_mean, example.motion_std)
    return Grid("random", model.eval())


def _loaded(folder: str) -> DualEncoder:
    try:
        with torch.random.fork_rng(devices=[]):  # the initial weights are drawn from this seed
            return DualEncoder.load(folder)
    except MotionBeatError as error:
        raise MotionBeatError(f"encoders.motionbeat = {folder}: {error}, or train one with `dvc repro train`") from None


class Mel:
    """The log-mel spectrogram of the model's tokens, with the same number of bands."""

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


OF_THE_MODEL: dict[str, Callable[[str], Grid | Mel]] = {
    "motionbeat": trained,
    "motionbeat_timbre": with_timbre,
    "random": untrained,
    "mel": Mel,
}
"""Functions that open an encoder from the folder of the model."""


def _kind(name: str) -> EncoderKind:
    return EncoderKind(lambda settings: OF_THE_MODEL[name](settings.motionbeat), uses_gpu=name != "mel")


ENCODERS = {name: _kind(name) for name in OF_THE_MODEL}
