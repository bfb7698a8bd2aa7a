"""The networks of wav2vec 2.0 base and of CLAP's audio branch in plain torch, at their true sizes, with random weights.

Time does not depend on the weights, and transformers need not be installed. The layers' sizes are the published ones:
Baevski et al. (2020), base; HTS-AT (Chen et al., 2022) in the size of `laion/larger_clap_music_and_speech`.

Axes: b batch, t frames, c channels, d width.
"""

import torch
from torch import Tensor, nn

WAV2VEC2_RATE, CLAP_RATE = 16_000, 48_000
CLAP_SECONDS = 10
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
_DEPTHS, _HEADS, _WIDTH, _WINDOW = (2, 2, 12, 2), (4, 8, 16, 32), 128, 8


def _layer(width: int, heads: int) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True)


class Wav2Vec2Base(nn.Module):
    """16-kHz samples (b, n) -> (b, t, 768), 50 frames per second: 7 convolutions, 12 layers, 94 million weights."""

    def __init__(self) -> None:
        super().__init__()
        channels = [1, *[512] * len(_KERNELS)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, kernel, stride, bias=False)
            for before, after, kernel, stride in zip(channels, channels[1:], _KERNELS, _STRIDES, strict=False)
        )
        self.first_norm = nn.GroupNorm(512, 512)
        self.project = nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 768))
        self.positions = nn.Conv1d(768, 768, 128, padding=64, groups=16)
        self.norm = nn.LayerNorm(768)
        self.layers = nn.ModuleList(_layer(768, 12) for _ in range(12))

    def forward(self, samples: Tensor) -> Tensor:
        x = samples[:, None]
        for number, convolution in enumerate(self.convolutions):
            x = convolution(x)
            x = nn.functional.gelu(self.first_norm(x) if number == 0 else x)  # (b, 512, t)
        x = self.project(x.transpose(1, 2))  # (b, t, 768)
        moved = nn.functional.gelu(self.positions(x.transpose(1, 2))[..., :-1]).transpose(1, 2)
        x = self.norm(x + moved)
        for layer in self.layers:
            x = layer(x)
        return x


class ClapAudio(nn.Module):
    """A spectrogram image (b, 1, 256, 256) of 10 s -> (b, 1024): a Swin transformer of 4 stages.

    Without the shift of every other layer's windows, which costs next to nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, _WIDTH, 4, 4)
        widths = [_WIDTH * 2**stage for stage in range(len(_DEPTHS))]
        self.stages = nn.ModuleList(
            nn.Sequential(*(_layer(width, heads) for _ in range(depth)))
            for width, heads, depth in zip(widths, _HEADS, _DEPTHS, strict=True)
        )
        self.merges = nn.ModuleList(nn.Linear(4 * width, 2 * width, bias=False) for width in widths[:-1])

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).permute(0, 2, 3, 1)  # (b, 64, 64, d)
        for number, stage in enumerate(self.stages):
            b, side, _, d = x.shape
            parts, w = side // _WINDOW, _WINDOW
            x = x.view(b, parts, w, parts, w, d).transpose(2, 3).reshape(-1, w * w, d)
            x = stage(x)
            x = x.view(b, parts, parts, w, w, d).transpose(2, 3).reshape(b, side, side, d)
            if number < len(self.merges):
                x = x.view(b, side // 2, 2, side // 2, 2, d).transpose(2, 3).reshape(b, side // 2, side // 2, 4 * d)
                x = self.merges[number](x)
        return x.mean((1, 2))


def weights(network: nn.Module) -> int:
    """How many numbers it has learnt."""
    return sum(weight.numel() for weight in network.parameters())


def spectrogram(samples: Tensor) -> Tensor:
    """48-kHz samples (b, 480,000) -> (b, 1, 256, 256), CLAP's 1,024-sample STFT at hop 480, folded into a square."""
    power = torch.stft(samples, 1024, 480, window=torch.hann_window(1024), return_complex=True).abs() ** 2
    mel = torch.log(power[:, ::8, :1024][:, :64] + 1e-6)  # (b, 64, ~1,001); the filters' product is left out
    mel = nn.functional.interpolate(mel, 1024)
    return mel.view(-1, 64, 4, 256).transpose(1, 2).reshape(-1, 1, 256, 256)
