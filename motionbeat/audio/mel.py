"""Samples2Mel: the log-mel spectrogram of the music encoder, 50 frames per second."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.audio.growing import Growing
from motionbeat.errors import MotionBeatError

SAMPLE_RATE = 22_050
WINDOW = 1024
HOP = 441
FRAME_RATE = SAMPLE_RATE / HOP
"""50 frames per second: frame i is centred on i * 0.02 s."""
LOWEST_HZ, HIGHEST_HZ = 30.0, 11_000.0
_FRAMES_AT_ONCE = 1_000
_SAMPLES_AT_ONCE = _FRAMES_AT_ONCE * HOP
_MOST_BANDS = 160  # beyond these the lowest bands are narrower than an FFT bin and stay empty


def log_mel(audio: NDArray[np.floating], sample_rate: int = SAMPLE_RATE, bands: int = 128) -> NDArray[np.float32]:
    """Log-mel spectrogram `log(1 + 1000 * mel)` of mono audio.

    audio: (n,) samples in -1..1 at `sample_rate` Hz (resampled to 22,050 Hz where that differs).
    Returns (1 + n // 441, bands) float32, at least 0. Magnitude STFT (Hann window of 1024, hop 441, zeros
    beyond both ends) divided by sqrt(1024), then triangular filters of height 1, equally spaced on
    Slaney's mel scale from 30 to 11,000 Hz: the front end of Beat This! (Foscarin et al., ISMIR 2024).
    """
    samples = np.asarray(audio)
    if samples.ndim != 1 or samples.dtype.kind != "f" or not len(samples):
        raise MotionBeatError(
            f"log_mel: audio of shape {samples.shape} and type {samples.dtype}; "
            "give (n,) float samples, as motionbeat.audio.decode returns them"
        )
    mel = LogMel(bands)
    if sample_rate != SAMPLE_RATE:
        decode.stream(samples, sample_rate, SAMPLE_RATE, mel)
    else:
        mel.add(samples)
    return mel.finished()


def mel_of_song(audio: decode.Source, sample_rate: int | None, bands: int) -> tuple[NDArray[np.float32], float]:
    """`log_mel` of a song, whose samples are never all in memory, and its length in seconds.

    Arguments and errors as for `motionbeat.audio.decode.decode`.
    """
    mel = LogMel(bands)
    decode.stream(audio, sample_rate, SAMPLE_RATE, mel)
    return mel.finished(), mel.count / SAMPLE_RATE


class LogMel:
    """`log_mel` of samples at 22,050 Hz that come in blocks: only 20 s of the samples are held."""

    def __init__(self, bands: int) -> None:
        """bands: of the spectrogram. Raises `MotionBeatError` for fewer than 1 or more than 160."""
        import librosa
        from scipy.sparse import csr_array

        if not 1 <= bands <= _MOST_BANDS:
            raise MotionBeatError(f"log_mel: bands = {bands}; give 1 to {_MOST_BANDS}")
        triangles = librosa.filters.mel(
            sr=SAMPLE_RATE, n_fft=WINDOW, n_mels=bands, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, htk=False, norm=None
        )
        # sparse: sums are taken in order of frequency; with BLAS their order would depend on threads and processor
        self._filters = csr_array(triangles)  # (bands, 513)
        self._frames = Growing(bands)
        self._waiting = [np.zeros(WINDOW // 2, np.float32)]  # samples that later frames need
        self._held = WINDOW // 2
        self.count = 0
        """Samples so far."""

    def expect(self, samples: int) -> None:
        """Make room for the frames of so many more."""
        self._frames.expect((self.count + samples) // HOP + 1 - self._frames.count)

    def add(self, samples: NDArray[np.floating]) -> None:
        """The next samples, (n,)."""
        for begin in range(0, len(samples), _SAMPLES_AT_ONCE):
            block = samples[begin : begin + _SAMPLES_AT_ONCE].astype(np.float32, copy=False)
            self._waiting.append(block)
            self._held += len(block)
            self.count += len(block)
            if self._held >= _SAMPLES_AT_ONCE + WINDOW:
                self._transform(_FRAMES_AT_ONCE)

    def finished(self) -> NDArray[np.float32]:
        """(1 + n // 441, bands) of all n samples."""
        self._waiting.append(np.zeros(WINDOW // 2, np.float32))
        self._held += WINDOW // 2
        while (missing := 1 + self.count // HOP - self._frames.count) > 0:
            self._transform(min(missing, _FRAMES_AT_ONCE))
        return self._frames.finished()

    def _transform(self, frames: int) -> None:
        """The next frames, not all at once, since the spectrum of a long song would fill the memory."""
        import librosa

        held = np.concatenate(self._waiting)
        spectrum = librosa.stft(held[: (frames - 1) * HOP + WINDOW], n_fft=WINDOW, hop_length=HOP, center=False)
        magnitude = np.abs(spectrum)  # (513, frames)
        self._frames.add(np.log1p(1000.0 * ((self._filters @ magnitude).T / np.sqrt(WINDOW))))
        self._waiting = [held[frames * HOP :]]
        self._held = len(self._waiting[0])
