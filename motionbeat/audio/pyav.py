"""File2Samples by PyAV (FFmpeg), for what libsndfile does not read: m4a, mp4 and other containers of AAC."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

_SLACK_S = 0.25  # a container counts the encoder's padding at both ends


def decode_by_pyav(path: Path) -> tuple[NDArray[np.float32], int]:
    """(n, channels) float32 samples of the first audio stream, and their rate in Hz.

    Raises `MotionBeatError` where PyAV is not installed, and for a file without audio, broken, or cut short.
    """
    try:
        import av
    except ImportError:
        raise MotionBeatError(
            f"{path}: {path.suffix} files need PyAV: pip install 'motionbeat[video]', or convert it to wav or flac"
        ) from None
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MotionBeatError(f"{path} holds no audio stream; give a file with sound")
            stream = container.streams.audio[0]
            rate = int(stream.rate)
            promised_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
            resampler = av.AudioResampler(format="fltp")  # the same rate and channels
            frames = [part for frame in container.decode(stream) for part in resampler.resample(frame)]
            frames += resampler.resample(None)
            parts = [frame.to_ndarray() for frame in frames]  # (channels, n) each
    except av.FFmpegError as error:
        raise MotionBeatError(
            f"{path} cannot be decoded ({error.strerror}): it is damaged, or in a format that FFmpeg cannot read; "
            "copy it again or convert it to wav or flac"
        ) from None
    samples = np.concatenate(parts, axis=1).T.astype(np.float32) if parts else np.zeros((0, 1), np.float32)
    if len(samples) < (promised_s - _SLACK_S) * rate:
        raise MotionBeatError(
            f"{path}: {len(samples) / rate:.2f} s of the {promised_s:.2f} s that it promises can be decoded: "
            "the file is cut short or damaged; copy or download it again"
        )
    return samples, rate
