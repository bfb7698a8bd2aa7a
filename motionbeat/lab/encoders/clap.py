"""CLAP (Wu et al., ICASSP 2023): the audio tower (HTSAT) of a model that matches sound and text."""

import numpy as np
import torch

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, join, samples, spans
from motionbeat.lab.encoders.hub import configuration, identity, model, pretrained, transformers
from motionbeat.model.device import best_device

VERSION = "clap 1"
OVERLAP_S = 2.0
SHORTEST_S = 0.5


class Clap:
    """The last hidden state of ClapAudioModel, averaged over frequency; its mean over a window is the model's
    pooled output, before the projection into the space shared with text.

    Windows have the length of the training (10 s) and overlap by 2 s. A shorter clip is repeated to fill one, as in
    training; frames beyond the clip are left out.
    """

    name = "clap"

    def __init__(self, source: str, offline: bool = False) -> None:
        library = transformers(self.name)
        self._extractor = pretrained(self.name, source, offline, library.ClapFeatureExtractor.from_pretrained)
        self._model = model(self.name, source, offline, library.ClapModel).audio_model.to(best_device())
        config = self._model.config
        self.rate, self._window = self._extractor.sampling_rate, self._extractor.nb_max_samples
        patches = config.spec_size // config.patch_stride[0] >> (len(config.depths) - 1)
        self.steps = patches * (config.spec_size // config.num_mel_bins)
        self.width, self.frame_rate = config.hidden_size, self.steps * self.rate / self._window
        self.identity = identity(VERSION, [configuration(self._extractor), OVERLAP_S], self._model)

    @torch.no_grad()
    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is one of the 32 steps of a window of 10 s: (T, width)."""
        wave = samples(self.name, audio, sample_rate, self.rate, SHORTEST_S)
        step = self._window / self.steps  # in samples
        device, parts = best_device(), []
        for begin, end, first, last in spans(len(wave), self._window, round(OVERLAP_S * self.rate)):
            given = self._extractor(wave[begin:end], sampling_rate=self.rate, return_tensors="pt")
            # A model with fusion would mark a random window as longer than 10 s; here no window is longer.
            output = self._model(
                given["input_features"].to(device),
                is_longer=torch.zeros((1, 1), dtype=torch.bool, device=device),
            ).last_hidden_state[0]  # (width, bands, steps)
            if output.shape[0] != self.width or output.shape[-1] != self.steps:
                raise MotionBeatError(
                    f"encoders.clap gives {tuple(output.shape)}; expected {self.width, 2, self.steps}"
                )
            times = (begin + (np.arange(self.steps) + 0.5) * step) / self.rate
            parts.append((output.mean(1).T.cpu().numpy(), times, first / self.rate, last / self.rate))
        return join(parts)


ENCODERS = {"clap": EncoderKind(lambda settings: Clap(settings.clap, settings.offline))}
