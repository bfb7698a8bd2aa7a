"""Audio files of a stand-in data set."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 15  # samples; libsndfile crashes if some long compressed files are written in one call


def write_audio(path: Path, samples: NDArray[np.floating], rate: int, target_rate: int | None = None) -> None:
    """Write mono samples in the format of the suffix (wav, flac: 16 bit; mp3), resampled if another rate is given."""
    import soundfile
    import soxr

    values = np.asarray(samples, np.float32)
    if target_rate is not None and target_rate != rate:
        values, rate = soxr.resample(values, rate, target_rate), target_rate
    kind = path.suffix[1:].upper()
    subtype = "MPEG_LAYER_III" if kind == "MP3" else "PCM_16"
    content = io.BytesIO()  # libsndfile does not say that a disk is full
    with soundfile.SoundFile(content, "w", rate, channels=1, format=kind, subtype=subtype) as file:
        for begin in range(0, len(values), _BLOCK):
            file.write(np.clip(values[begin : begin + _BLOCK], -1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
