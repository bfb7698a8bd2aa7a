"""Wav2CLIP (Wu et al., ICASSP 2022): a ResNet-18 on spectrograms, trained to match CLIP's embedding of the same video.

The network is implemented here with the names of its published weights, so neither the package nor torchaudio is
needed. Weights are read from safetensors, or from a torch checkpoint with tensors only.
"""

import zipfile
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, digest, samples
from motionbeat.lab.encoders.hub import is_offline
from motionbeat.model.device import best_device

VERSION = "wav2clip 1"
SAMPLE_RATE, WINDOW, HOP = 16_000, 512, 353
FRAME_S, STEP_S = 1.0, 0.1
"""One feature per window of 1 s; a window begins every 0.1 s."""
_FLOOR = 1e-7
_AT_ONCE = 32


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(inner + self.downsample(x))


class ResNet18(nn.Module):
    """(b, 1, bins, frames) -> (b, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_Block(64, 64, 1), _Block(64, 64, 1))
        self.layer2 = nn.Sequential(_Block(64, 128, 2), _Block(128, 128, 1))
        self.layer3 = nn.Sequential(_Block(128, 256, 2), _Block(256, 256, 1))
        self.layer4 = nn.Sequential(_Block(256, 512, 2), _Block(512, 512, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


class Wav2ClipNetwork(nn.Module):
    """`audio_encoder` and `audio_transform`, as the published weights name them; samples in, CLIP's space out."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = ResNet18()
        layers = [nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.0), nn.Linear(512, 512)]
        self.audio_transform = nn.ModuleDict({"sequential": nn.Sequential(*layers)})

    def forward(self, waves: Tensor) -> Tensor:
        """(b, n) samples -> (b, 512); their spectrograms are normalised together, as in training."""
        window = torch.hann_window(WINDOW, device=waves.device)
        power = torch.stft(waves, WINDOW, HOP, window=window, pad_mode="reflect", return_complex=True).abs() ** 2
        image = (power + _FLOOR).log()[:, None]  # (b, 1, 257, frames)
        image = (image - image.mean()) / (image.std() + 1e-9)
        parts = [self.audio_encoder(part) for part in image.split(_AT_ONCE)]
        transform: nn.Module = self.audio_transform["sequential"]
        return transform(torch.cat(parts))


class Wav2Clip:
    """The embedding of each second of a clip, in steps of 0.1 s."""

    name = "wav2clip"
    width, frame_rate = 512, 1 / STEP_S

    def __init__(self, source: str, offline: bool = False) -> None:
        weights = _weights(source, offline)
        network = Wav2ClipNetwork()
        # the checkpoint also has the image encoder and training state
        known = {
            name: value for name, value in weights.items() if name.startswith(("audio_encoder", "audio_transform"))
        }
        try:
            network.load_state_dict(known)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise MotionBeatError(f"encoders.wav2clip = {source} does not have Wav2CLIP's weights: {reason}") from None
        self._network = network.eval().to(best_device())
        self.identity = digest(VERSION, [FRAME_S, STEP_S], network.state_dict())

    @torch.no_grad()
    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is the second that begins at t * 0.1 s; its time is the middle of that second: (T, 512)."""
        wave = samples(self.name, audio, sample_rate, SAMPLE_RATE, FRAME_S)
        seconds = np.lib.stride_tricks.sliding_window_view(wave, round(FRAME_S * SAMPLE_RATE))
        seconds = seconds[:: round(STEP_S * SAMPLE_RATE)]  # (T, 16,000)
        features = self._network(torch.from_numpy(seconds.copy()).to(best_device()))
        times = STEP_S * np.arange(len(seconds), dtype=np.float64) + FRAME_S / 2
        return Frames(features.cpu().numpy(), times)


def _weights(source: str, offline: bool) -> dict[str, Tensor]:
    if source.startswith("https://"):
        path = Path(torch.hub.get_dir()) / "checkpoints" / source.rsplit("/", 1)[1]
        if not path.is_file():
            if is_offline(offline):
                raise MotionBeatError(f"{path} is missing and nothing is downloaded (offline): put {source} there")
            _download(source, path)
    else:
        path = Path(source)
    if not path.is_file():
        raise MotionBeatError(f"encoders.wav2clip = {source}: there is no such file; give Wav2CLIP.pt or its address")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:160]
        raise MotionBeatError(f"{path} cannot be read as tensors ({reason}): download it again") from None
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise MotionBeatError(f"{path} has no table of tensors: give Wav2CLIP.pt as it was published")
    return loaded


def _download(source: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(source, str(path), progress=False)
    except OSError as error:
        raise MotionBeatError(
            f"encoders.wav2clip = {source} cannot be downloaded ({error}): give the path of a copy"
        ) from None


ENCODERS = {"wav2clip": EncoderKind(lambda settings: Wav2Clip(settings.wav2clip, settings.offline))}
