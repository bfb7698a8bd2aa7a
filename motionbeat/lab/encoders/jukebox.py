"""Jukebox (Dhariwal et al. 2020): states of a language model of music, used as in Castellon et al. (ISMIR 2021).

The VQ-VAE encodes the audio as 344.5 tokens per second. The top prior reads the tokens, with artist and genre unknown
and without lyrics; the features are the output of one of its layers.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, digest, join, samples, spans
from motionbeat.lab.encoders.hub import configuration, model, transformers
from motionbeat.lab.params import Encoders
from motionbeat.model.device import best_device

VERSION = "jukebox 1"
POOLED = 8
"""Tokens averaged into one frame: 43 frames per second instead of 345, of 4,800 numbers each."""
OVERLAP = 0.1
"""Part of a window (23.8 s) that it shares with the one before it."""
SHORTEST_S = 0.1
TOTAL_S = 62
"""Song length given to the prior, as in Castellon et al."""


class Jukebox:
    """Mean over 8 tokens of layer `layer` (from 1) of the top prior, in windows as long as the prior's context.

    A shorter clip is padded with silence, which has no effect, since states depend only on the past.
    """

    name = "jukebox"

    def __init__(self, source: str, layer: int, offline: bool = False) -> None:
        library = transformers(self.name)
        if not hasattr(library, "JukeboxModel"):
            raise MotionBeatError(
                f"transformers {library.__version__} no longer has Jukebox: pip install 'transformers>=4.44,<5'"
            )
        whole = model(self.name, source, offline, library.JukeboxModel)
        self._prior, self._vqvae, self.rate = whole.priors[0], whole.vqvae, whole.config.sampling_rate
        stack = self._prior.prior.transformer
        if not 1 <= layer <= len(stack._attn_mods):
            raise MotionBeatError(
                f"encoders.jukebox_layer = {layer}; the top prior of {source} has layers 1 to {len(stack._attn_mods)}"
            )
        stack._attn_mods = stack._attn_mods[:layer]  # the following layers are never used
        for block in stack._attn_mods:
            # as in Jukebox's training; with transformers' default configuration it would see future tokens
            block.attn.mask = True
        self._prior.to(best_device())
        self._vqvae.to(best_device())
        self._token = int(self._prior.raw_to_tokens)  # samples
        self.width, self.frame_rate = self._prior.prior.width, self.rate / (self._token * POOLED)
        kept = {f"vqvae.{name}": tensor for name, tensor in self._vqvae.state_dict().items()}
        kept |= {f"prior.{name}": tensor for name, tensor in self._prior.state_dict().items()}
        self.identity = digest(VERSION, [configuration(whole.config), layer, POOLED, OVERLAP, TOTAL_S], kept)

    @torch.no_grad()
    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        """Frame t is the mean of tokens 8 t to 8 t + 7: (T, width)."""
        wave = samples(self.name, audio, sample_rate, self.rate, SHORTEST_S)
        window, step = int(self._prior.sample_length), self._token * POOLED
        parts = []
        for begin, end, first, last in spans(len(wave), window, round(OVERLAP * window)):
            given = np.zeros(window, np.float32)
            given[: end - begin] = wave[begin:end]
            states = self._states(torch.from_numpy(given).to(self._prior.device))
            states = states[: len(states) // POOLED * POOLED].unflatten(0, (-1, POOLED)).mean(1)
            times = (begin + (np.arange(len(states)) + 0.5) * step) / self.rate
            parts.append((states.cpu().numpy(), times, first / self.rate, last / self.rate))
        return join(parts)

    def _states(self, wave: Tensor) -> Tensor:
        """(n,) samples of one window -> (tokens, width)."""
        codes = min(
            self._vqvae.encode(wave[None, :, None]), key=lambda level: level.shape[1]
        )  # the coarsest level belongs to the top prior
        audio, metadata, lyrics = self._prior.get_cond(None, self._unknown(wave.device))
        states: list[Tensor] = []

        def keep(module: Any, given: Any, output: Tensor) -> None:
            states.append(output[0])

        hook = self._prior.prior.transformer._attn_mods[-1].register_forward_hook(keep)
        try:
            if self._prior.is_encoder_decoder:  # the smaller model reads lyrics and music in one sequence
                tokens, audio = self._prior.prior_preprocess([lyrics, codes], [None, audio])
                self._prior.prior(tokens, audio, metadata)
            else:
                self._prior.prior(codes, audio, metadata, self._prior.get_encoder_states(lyrics))
        finally:
            hook.remove()
        return states[0][-codes.shape[1] :]

    def _unknown(self, device: torch.device) -> Tensor:
        """(1, n) the labels of the prior: length, offset, window, artist 0, a single genre 0, no lyrics."""
        genres = [0] + [-1] * (self._prior.metadata_embedding.max_nb_genres - 1)
        lyrics = [0] * self._prior.nb_relevant_lyric_tokens
        said = [TOTAL_S * self.rate, 0, int(self._prior.sample_length), 0, *genres, *lyrics]
        return torch.tensor([said], dtype=torch.long, device=device)


def _open(settings: Encoders) -> Jukebox:
    return Jukebox(settings.jukebox, settings.jukebox_layer, settings.offline)


ENCODERS = {"jukebox": EncoderKind(_open, alone=True)}
