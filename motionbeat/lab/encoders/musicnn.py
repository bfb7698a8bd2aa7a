"""musicnn (Pons & Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019).

A tagger with musically motivated filter shapes: wide over the mel bands for timbre, long over time for rhythm.
The PyPI package `musicnn` (ISC licence) ships its weights as TensorFlow checkpoints. Neither TensorFlow nor the
package's code is needed or imported: the weights are read as data, and the network is implemented here in torch.

Axes: b batch, t frames, m mel bands, c channels.
"""

import ast
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Floats, Frames, digest, samples
from motionbeat.lab.encoders.tf_checkpoint import read_checkpoint

VERSION = "musicnn 1"
SAMPLE_RATE, WINDOW, HOP, BANDS = 16_000, 512, 256, 96
PATCH = 187
"""Frames of the 3 s that the tagger was trained on."""
SHORTEST_S = 0.5
_TIMBRE, _TEMPO, _MID = (38, 67), (128, 64, 32), 64
_EPSILON = 1e-3  # of TensorFlow's batch normalisation
_CONTEXT = 80  # frames to each side that a feature depends on: 64 of the longest filter, 3 of each mid-end layer
_CHUNK = 1024
_SHA256 = {
    "MSD_musicnn": "ffb40cd66093fac1af5e4bae851c19c767a962aa577d0aa1fa12b426f15215ad",
    "MTT_musicnn": "5a310d763b7d8bafda59f31636c3f1b87b5c62d134d7e6ff9b880e4c25515ab4",
}
"""SHA-256 of the checkpoints (index, then data) in musicnn 0.1.0, the package's only version."""


class Network(nn.Module):
    """Front end, mid-end and back end, with the weights of a checkpoint. Takes log-mel (b, t, m)."""

    def __init__(self, variables: dict[str, Any]) -> None:
        super().__init__()
        for name, value in variables.items():
            self.register_buffer(name.replace("/", "__"), torch.from_numpy(np.array(value, np.float32)))

    def features(self, mel: Tensor) -> Tensor:
        """(b, t, 753): 408 timbral and 153 temporal channels, then the three mid-end layers of 64."""
        x = self._normalise(mel[:, None], 0)  # (b, 1, t, m)
        timbre = [self._maps(functional.pad(x, (0, 0, 3, 3)), index) for index in range(len(_TIMBRE))]
        # "same" padding of an even filter: TensorFlow adds the extra zero at the end
        pads = [(0, 0, (long - 1) // 2, long // 2) for long in _TEMPO]
        tempo = [self._maps(functional.pad(x, pad), index) for index, pad in enumerate(pads, len(_TIMBRE))]
        front = torch.cat(timbre + tempo, dim=1)  # (b, 561, t)
        first = self._mix(front, 5)  # (b, 64, t)
        second = self._mix(first, 6) + first
        third = self._mix(second, 7) + second
        return torch.cat([front, first, second, third], dim=1).transpose(1, 2)  # (b, t, 753)

    def tags(self, features: Tensor) -> Tensor:
        """(b, t, 753) -> (b, 50) probabilities of the tags over these frames."""
        pooled = torch.stack([features.amax(1), features.mean(1)], dim=2).flatten(
            1
        )  # (b, 2 * 753), max and mean in turn
        x = self._normalise(pooled, 9)
        x = self._normalise(functional.relu(x @ self._get("dense/kernel") + self._get("dense/bias")), 10)
        return (x @ self._get("dense_1/kernel") + self._get("dense_1/bias")).sigmoid()

    def _get(self, name: str) -> Tensor:
        return self.get_buffer(name.replace("/", "__"))

    def _normalise(self, x: Tensor, index: int) -> Tensor:
        name = _numbered("batch_normalization", index)
        mean, variance, scale, shift = (self._get(f"{name}/{part}") for part in _NORM_PARTS)
        return functional.batch_norm(x, mean, variance, scale, shift, eps=_EPSILON)

    def _convolve(self, x: Tensor, index: int) -> Tensor:
        name = _numbered("conv2d", index)
        kernel = self._get(f"{name}/kernel").permute(3, 2, 0, 1)  # (height, width, in, out) -> (out, in, height, width)
        return functional.relu(functional.conv2d(x, kernel, self._get(f"{name}/bias")))

    def _maps(self, x: Tensor, index: int) -> Tensor:
        """The output of a front-end filter, maximum over the bands: (b, c, t)."""
        return self._normalise(self._convolve(x, index), index + 1).amax(3)

    def _mix(self, x: Tensor, index: int) -> Tensor:
        """A mid-end layer over 7 frames of all channels: (b, c, t) -> (b, 64, t)."""
        padded = functional.pad(x.transpose(1, 2)[:, None], (0, 0, 3, 3))  # (b, 1, t + 6, c)
        return self._normalise(self._convolve(padded, index), index + 1)[..., 0]


class MusiCNN:
    """The tagger's features every 16 ms: the input of its back end, front end and mid-end concatenated.

    Their mean over time is the package's `mean_pool`. The network is fully convolutional up to this layer, so a song is
    encoded as a whole, not in windows of 3 s. All is float32: the package rounds the spectrogram to float16, which
    overflows for loud music.
    """

    name = "musicnn"
    width = 2 * 204 + 3 * 51 + 3 * _MID
    frame_rate = SAMPLE_RATE / HOP

    def __init__(self, model: str) -> None:
        prefix, self.labels = _installed(model)
        variables = read_checkpoint(prefix, _SHA256[model])
        self.network = Network({name: variables[name] for name in _names()}).eval()
        self.identity = digest(VERSION, model, self.network.state_dict())

    @torch.no_grad()
    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is centred on t * 16 ms: (T, 753)."""
        wave = samples(self.name, audio, sample_rate, SAMPLE_RATE, SHORTEST_S)
        mel = torch.from_numpy(log_mel(wave))
        parts = []
        for begin in range(0, len(mel), _CHUNK):
            first, end = max(begin - _CONTEXT, 0), min(begin + _CHUNK, len(mel))
            encoded = self.network.features(mel[None, first : end + _CONTEXT])[0]
            parts.append(encoded[begin - first : end - first].numpy())
        features = np.concatenate(parts)
        times = np.arange(len(features)) * HOP / SAMPLE_RATE
        inside = times < len(wave) / SAMPLE_RATE
        return Frames(features[inside], times[inside])

    @torch.no_grad()
    def tags(self, audio: Audio, sample_rate: int | None = None) -> dict[str, float]:
        """Mean probability of each tag over adjacent windows of 3 s, as in the tagger of the package."""
        mel = log_mel(samples(self.name, audio, sample_rate, SAMPLE_RATE, 3.0))
        count = len(mel) // PATCH
        patches = torch.from_numpy(mel[: count * PATCH].reshape(count, PATCH, BANDS))
        mean = torch.stack([self.network.tags(self.network.features(patch[None]))[0] for patch in patches]).mean(0)
        return dict(zip(self.labels, mean.tolist(), strict=True))


def log_mel(wave: Floats) -> Floats:
    """`log10(1 + 10,000 * mel power)`: (n,) samples at 16 kHz -> (1 + n // 256, 96), Slaney's mel scale to 8 kHz."""
    import librosa

    power = np.abs(librosa.stft(wave, n_fft=WINDOW, hop_length=HOP, pad_mode="reflect")) ** 2
    filters = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=BANDS)
    return np.log10(10_000.0 * (filters @ power).T + 1.0).astype(np.float32)


def _installed(model: str) -> tuple[str, list[str]]:
    """Prefix of a checkpoint's files (its folder) and its tags; the package is not imported."""
    try:
        package = metadata.distribution("musicnn")
    except metadata.PackageNotFoundError:
        raise MotionBeatError(
            "the package musicnn is not installed: pip install --no-deps musicnn "
            "(without --no-deps pip installs TensorFlow, which is not needed)"
        ) from None
    folder = Path(str(package.locate_file("musicnn")))
    if model not in _SHA256:
        raise MotionBeatError(f"{model} is unknown: encoders.musicnn accepts MSD_musicnn or MTT_musicnn")
    wanted = model.split("_")[0] + "_LABELS"
    try:
        source = (folder / "configuration.py").read_text(encoding="utf-8")
    except OSError:
        raise MotionBeatError(f"{folder} has no configuration.py: pip install --no-deps musicnn") from None
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == [wanted]:
            return f"{folder / model}/", ast.literal_eval(statement.value)
    raise MotionBeatError(f"{folder / 'configuration.py'} has no {wanted}: pip install --no-deps musicnn")


_NORM_PARTS = ("moving_mean", "moving_variance", "gamma", "beta")


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}_{index}"


def _names() -> list[str]:
    """Every variable of the network, as TensorFlow numbers layers: in the order they are made."""
    convolutions = len(_TIMBRE) + len(_TEMPO) + 3
    names = [_numbered("conv2d", index) for index in range(convolutions)] + ["dense", "dense_1"]
    norms = [_numbered("batch_normalization", index) for index in range(convolutions + 3)]
    weights = [f"{name}/{part}" for name in names for part in ("kernel", "bias")]
    return weights + [f"{name}/{part}" for name in norms for part in _NORM_PARTS]


ENCODERS = {"musicnn": EncoderKind(lambda settings: MusiCNN(settings.musicnn), uses_gpu=False)}
