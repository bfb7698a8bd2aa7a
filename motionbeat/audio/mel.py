"""Samples2Mel: the log-mel spectrogram of the music encoder, 50 frames per second."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

SAMPLE_RATE = 22_050
WINDOW = 1024
HOP = 441
FRAME_RATE = SAMPLE_RATE / HOP
"""50 frames per second: frame i is centred on i * 0.02 s."""
LOWEST_HZ, HIGHEST_HZ = 30.0, 11_000.0
_FRAMES_AT_ONCE = 15_000
_MOST_BANDS = 160  # beyond these the lowest bands are narrower than an FFT bin and stay empty


def log_mel(audio: NDArray[np.floating], sample_rate: int = SAMPLE_RATE, bands: int = 128) -> NDArray[np.float32]:
    """Log-mel spectrogram `log(1 + 1000 * mel)` of mono audio.

    audio: (n,) samples in -1..1 at `sample_rate` Hz (resampled to 22,050 Hz where that differs).
    Returns (1 + n // 441, bands) float32, at least 0. Magnitude STFT (Hann window of 1024, hop 441, zeros
    beyond both ends) divided by sqrt(1024), then triangular filters of height 1, equally spaced on
    Slaney's mel scale from 30 to 11,000 Hz: the front end of Beat This! (Foscarin et al., ISMIR 2024).
    """
    import librosa
    from scipy.sparse import csr_array

    samples = np.asarray(audio)
    if samples.ndim != 1 or samples.dtype.kind != "f" or not len(samples):
        raise MotionBeatError(
            f"log_mel: audio of shape {samples.shape} and type {samples.dtype}; "
            "give (n,) float samples, as motionbeat.audio.decode returns them"
        )
    if not 1 <= bands <= _MOST_BANDS:
        raise MotionBeatError(f"log_mel: bands = {bands}; give 1 to {_MOST_BANDS}")
    if sample_rate != SAMPLE_RATE:
        from motionbeat.audio.decode import as_mono

        samples = as_mono(samples, sample_rate, SAMPLE_RATE)
    triangles = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=bands, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, htk=False, norm=None
    )
    # sparse: sums are taken in order of frequency; with BLAS their order would depend on threads and processor
    filters = csr_array(triangles)  # (bands, 513)
    frames = 1 + len(samples) // HOP
    found = np.empty((frames, bands), np.float32)
    samples = samples.astype(np.float32, copy=False)
    # in blocks: the spectrum of a whole long song would fill the memory
    for begin in range(0, frames, _FRAMES_AT_ONCE):
        end = min(begin + _FRAMES_AT_ONCE, frames)
        first, last = begin * HOP - WINDOW // 2, (end - 1) * HOP + WINDOW // 2
        part = np.pad(samples[max(first, 0) : last], (max(-first, 0), max(last - len(samples), 0)))
        magnitude = np.abs(librosa.stft(part, n_fft=WINDOW, hop_length=HOP, center=False))  # (513, end - begin)
        found[begin:end] = np.log1p(1000.0 * ((filters @ magnitude).T / np.sqrt(WINDOW)))
    return found
