"""An encoder in one file: the loudness of each 20 ms."""

import numpy as np

from motionbeat.lab.encoders.frame_encoder import Audio, EncoderKind, Frames, samples


class Loudness:
    name, width, frame_rate, identity = "loudness", 1, 50.0, "loudness 1"

    def frames(self, audio: Audio, sample_rate: int | None = None) -> Frames:
        wave = samples(self.name, audio, sample_rate, 16_000, 0.1)
        pieces = wave[: len(wave) // 320 * 320].reshape(-1, 320)
        return Frames(pieces.std(axis=1, keepdims=True), np.arange(len(pieces)) / self.frame_rate)


ENCODERS = {"loudness": EncoderKind(lambda settings: Loudness(), uses_gpu=False)}
