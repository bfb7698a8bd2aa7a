"""Mel2Onsets: the onset envelope, spectral flux of the log-mel spectrogram at its own 50 frames per second."""

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

DELAY_FRAMES = 1
"""Delay that compensates for early flux.

The 46-ms window contains an onset before its centre reaches it, and the logarithm amplifies small values. Without the
delay, the flux of a click peaks 0 to 0.9 frames before the click, so half of the onsets on a beat would be pooled into
the end of the beat before. With it, the peak is 0.1 to 1.3 frames after the click.
"""
FLUX_REACH = 1 + DELAY_FRAMES
"""Frames of the log-mel before a frame on which its flux depends."""
_PERCENTILE = 95.0
_SPARSEST = 0.1


def band_flux(log_mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Spectral flux of each band: the half-wave rectified first difference in time.

    log_mel: (frames, bands) of `motionbeat.audio.mel.log_mel`. Returns (frames, bands) float32, at least 0;
    frame i is the rise from mel frame i - 2 to i - 1 (see `DELAY_FRAMES`), the first two frames 0.
    """
    mel = np.asarray(log_mel, np.float32)
    if mel.ndim != 2 or not mel.shape[1]:
        raise MotionBeatError(f"band_flux: log_mel of shape {mel.shape}; give (frames, bands)")
    flux = np.zeros_like(mel)
    flux[FLUX_REACH:] = np.maximum(np.diff(mel, axis=0), 0.0)[: max(len(mel) - FLUX_REACH, 0)]
    return flux


def onset_strength(log_mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Onset envelope: `band_flux` averaged over the bands. (frames, bands) -> (frames,) float32, at least 0."""
    return band_flux(log_mel).mean(axis=1)


def normalised(envelope: NDArray[np.floating]) -> NDArray[np.float32]:
    """The envelope divided by its 95th percentile and clipped to 0..1; all 0 if there is no onset.

    The divisor is at least a tenth of the highest peak: if fewer than one frame in 20 has an onset, the percentile
    would be at the level of the noise between onsets. Returns (frames,) float32.
    """
    values = np.asarray(envelope, np.float32)
    if not values.size or values.max() <= 0:
        return np.zeros_like(values)
    scale = max(float(np.percentile(values, _PERCENTILE)), _SPARSEST * float(values.max()))
    return np.clip(values / scale, 0.0, 1.0).astype(np.float32)
