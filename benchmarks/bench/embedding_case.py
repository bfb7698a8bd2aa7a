"""Embedding a song of three minutes with given beats, compared with the networks of wav2vec 2.0 base and of CLAP."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.bench.peer_networks import CLAP_RATE, CLAP_SECONDS, WAV2VEC2_RATE, ClapAudio, Wav2Vec2Base, spectrogram
from benchmarks.bench.rounds import Row, compare
from benchmarks.bench.tokens_case import SECONDS, song
from motionbeat.inference import MotionBeat

PIECE_S = 10
"""The networks get a part of the song, and their time is multiplied by the number of parts: it grows at least
linearly.
"""


def rows(model: MotionBeat) -> Iterator[Row]:
    """From samples, like the networks, and from a file."""
    samples = 0.1 * np.random.default_rng(0).standard_normal(SECONDS * 22_050).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        path = Path(folder) / "song.ogg"
        beats = song(path)

        def ours() -> None:
            model.embed_audio(samples, 22_050, beats=beats)

        def real_time() -> None:
            model.embed_audio(path, beats=beats)

        first = Wav2Vec2Base().eval()
        speech = torch.from_numpy(samples[: PIECE_S * WAV2VEC2_RATE])[None]
        size, count = f"{SECONDS} s of samples", SECONDS / PIECE_S
        peer = "wav2vec 2.0 base (random weights)"
        yield compare("embedding", size, ours, peer, lambda: first(speech), rounds=2, times=count, at_most=1 / 20)
        clap, sound = ClapAudio().eval(), torch.randn(1, CLAP_RATE * CLAP_SECONDS)
        peer = "CLAP's audio branch (random weights)"
        yield compare("embedding", size, ours, peer, lambda: clap(spectrogram(sound)), rounds=2, times=count)
        note = "ratio: reading and decoding the file"
        yield compare("embedding", f"{SECONDS} s of ogg", real_time, "the same of samples", ours, rounds=3, note=note)

        def grid() -> None:
            model.embed_audio(samples[: 30 * 22_050], 22_050, mode="grid")

        part = "the beats of 180 s"
        yield compare("embedding in mode grid", "30 s of samples", grid, part, ours, rounds=3, note="25 lattices")
