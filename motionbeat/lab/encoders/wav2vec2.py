"""wav2vec 2.0 (Baevski et al., NeurIPS 2020), a speech encoder: 16-kHz samples to a hidden state every 20 ms."""

import numpy as np
import torch

from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, join, samples, spans
from motionbeat.lab.encoders.hub import identity, model, pretrained, transformers
from motionbeat.model.device import best_device

VERSION = "wav2vec2 1"
WINDOW_S, OVERLAP_S = 20.0, 2.0
SHORTEST_S = 0.1
_LEAST_VARIANCE = 1e-7


class Wav2Vec2:
    """The last hidden state of Wav2Vec2Model. Clips over 20 s are encoded in windows of 20 s that overlap by 2 s."""

    name = "wav2vec2"

    def __init__(self, source: str, offline: bool = False) -> None:
        library = transformers(self.name)
        extractor = pretrained(self.name, source, offline, library.Wav2Vec2FeatureExtractor.from_pretrained)
        self._model = model(self.name, source, offline, library.Wav2Vec2Model).to(best_device())
        config = self._model.config
        self.rate, self._normalise = extractor.sampling_rate, extractor.do_normalize
        self.stride, self.field = receptive_field(config.conv_kernel, config.conv_stride)
        self.width, self.frame_rate = config.hidden_size, self.rate / self.stride
        settings = [self.rate, self._normalise, WINDOW_S, OVERLAP_S]
        self.identity = identity(VERSION, settings, self._model)

    @torch.no_grad()
    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frames (T, width); the time of frame t is the centre of its receptive field."""
        wave = samples(self.name, audio, sample_rate, self.rate, max(SHORTEST_S, self.field / self.rate))
        if self._normalise:  # over the whole clip, as in the package
            wave = ((wave - wave.mean()) / np.sqrt(wave.var() + _LEAST_VARIANCE)).astype(np.float32)
        parts = []
        for begin, end, first, last in spans(len(wave), round(WINDOW_S * self.rate), round(OVERLAP_S * self.rate)):
            given = torch.from_numpy(wave[None, begin:end]).to(self._model.device)
            states = self._model(given).last_hidden_state[0].cpu().numpy()
            times = (begin + np.arange(len(states)) * self.stride + self.field / 2) / self.rate
            parts.append((states, times, first / self.rate, last / self.rate))
        return join(parts)


def receptive_field(kernels: list[int], strides: list[int]) -> tuple[int, int]:
    """Stride and receptive field, in samples, of a stack of convolutions."""
    stride, field = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        field += (kernel - 1) * stride
        stride *= step
    return stride, field


ENCODERS = {"wav2vec2": EncoderKind(lambda settings: Wav2Vec2(settings.wav2vec2, settings.offline))}
