"""Samples2Fingerprint: whether two files have the same recording, even with other names, formats and cuts.

A bit for each frame and pair of neighbouring bands: whether their difference in energy rises or falls. Source: Haitsma
& Kalker, "A highly robust audio fingerprinting system", ISMIR 2002. It survives lossy coding, resampling and gain;
but not a change of tempo or pitch.
"""

from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import uniform_filter1d

from motionbeat.audio import decode, mel
from motionbeat.errors import MotionBeatError

SAME = 0.65
"""Two recordings are the same if at least this share of the bits agrees at the best place (the paper: 0.65). Measured
in benchmarks of real songs: cut, re-coded at half the rate and made quieter 0.86 to 0.90, other music at most 0.56."""
_BANDS = 33
_EXCERPT, _BLOCK = 400, 1024  # frames: 8 s, 20 s
_SMOOTHED_S, _STEP_S = 0.36, 0.10
_FLAT = 1e-3  # a difference this small carries no information: silence, a held tone

Array = NDArray[np.float32]


@frozen(eq=False)
class Fingerprint:
    """Spectra over time of the signs -1, 0, 1, of adjacent excerpts and of longer, overlapping blocks."""

    frames: int  # 50 per second
    excerpts: NDArray[np.complex64]  # (excerpts, frequencies, bands)
    told: NDArray[np.int64]  # (excerpts,) signs that are not 0
    blocks: NDArray[np.complex64]  # (blocks, frequencies, bands)


def fingerprint(samples: NDArray[np.floating]) -> Fingerprint:
    """The fingerprint of mono samples (n,) in -1..1 at 22,050 Hz; at least 0.5 s of them."""
    spectrum = uniform_filter1d(mel.log_mel(samples, bands=_BANDS + 1), round(_SMOOTHED_S * mel.FRAME_RATE), axis=0)
    step = round(_STEP_S * mel.FRAME_RATE)
    if len(spectrum) <= 2 * step:
        raise MotionBeatError(f"fingerprint: {len(samples)} samples; give at least 0.5 s at {mel.SAMPLE_RATE} Hz")
    contrast = np.diff(spectrum, axis=1)
    change = contrast[step:] - contrast[:-step]
    signs = np.where(np.abs(change) < _FLAT, 0, np.sign(change)).astype(np.float32)
    excerpts = [signs[begin : begin + _EXCERPT] for begin in range(0, max(len(signs) - _EXCERPT, 0) + 1, _EXCERPT)]
    blocks = [signs[begin : begin + _BLOCK] for begin in range(0, len(signs), _BLOCK - _EXCERPT + 1)]
    told = np.array([np.count_nonzero(excerpt) for excerpt in excerpts])
    return Fingerprint(len(signs), _spectra(excerpts), told, _spectra(blocks))


def _spectra(parts: list[Array]) -> NDArray[np.complex64]:
    return np.stack([rfft(part, _BLOCK, axis=0) for part in parts])


def fingerprint_of(path: Path) -> Fingerprint:
    """The fingerprint of an audio file; errors as of `motionbeat.audio.decode.load`."""
    return fingerprint(decode.load(path, mel.SAMPLE_RATE))


def agreement(one: Fingerprint, other: Fingerprint) -> float:
    """The share of equal bits, 0..1, for the excerpt of the shorter recording that fits best into the longer one.

    Adjacent excerpts of 8 s cover the shorter one; unrelated noise reaches about 0.55.
    """
    short, long = sorted((one, other), key=lambda each: each.frames)
    best = 0.0
    for excerpt, told in zip(short.excerpts, short.told.tolist(), strict=True):
        if told < _EXCERPT * _BANDS / 4:  # mostly silence
            continue
        products = np.einsum("bfk,fk->bf", long.blocks, np.conj(excerpt))
        # Lags at which the excerpt lies inside of a block: the later ones wrap around.
        lags = irfft(products, _BLOCK, axis=1)[:, : _BLOCK - _EXCERPT + 1]
        best = max(best, 0.5 + 0.5 * float(lags.max()) / told)
    return best
