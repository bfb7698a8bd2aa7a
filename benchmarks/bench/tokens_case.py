"""From a file to tokens, compared with the minimum: decoding, and one short-time Fourier transform."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.bench.rounds import Row, compare
from motionbeat.audio.decode import load
from motionbeat.audio.mel import HOP, SAMPLE_RATE, WINDOW, log_mel
from motionbeat.beats import Beats
from motionbeat.inference import MotionBeat
from motionbeat.tokens.song_tokens import song_tokens

SECONDS, RATE = 180, 44_100


def song(path: Path) -> Beats:
    """Write noise of changing loudness as ogg; its beats are two per second."""
    import soundfile

    generator = np.random.default_rng(0)
    loudness = 0.05 + 0.1 * np.abs(np.sin(np.arange(RATE) * (2 * np.pi / RATE)))
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(SECONDS):  # libsndfile's ogg encoder crashes on a long block
            file.write((loudness * generator.standard_normal(RATE)).astype(np.float32))
    times = np.arange(0.25, SECONDS - 0.5, 0.5)
    return Beats(times, np.arange(len(times)) % 4 + 1, 4)


def rows(model: MotionBeat) -> Iterator[Row]:
    """A song of three minutes, beats given."""
    import librosa

    with tempfile.TemporaryDirectory() as folder:
        for kind, target in (("wav", None), ("ogg", 1.5)):
            path = Path(folder) / f"song.{kind}"
            beats = song(path)

            def least(path: Path = path) -> None:
                samples = load(path, SAMPLE_RATE)
                np.abs(librosa.stft(samples, n_fft=WINDOW, hop_length=HOP))

            def tokens(path: Path = path, beats: Beats = beats) -> None:
                song_tokens(path, None, "beats", beats, None, model.layout)

            size, beside = f"{SECONDS} s of {kind}", "decoding and one STFT (librosa)"
            yield compare("tokens of a file", size, tokens, beside, least, rounds=3, at_most=target)
        samples = load(path, SAMPLE_RATE)

        def librosas() -> None:
            librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP, power=1.0)

        size = f"{SECONDS} s of samples"
        yield compare("log-mel", size, lambda: log_mel(samples), "librosa's melspectrogram", librosas, rounds=3)
