"""File2Samples by PyAV (FFmpeg), for files that libsndfile cannot read: m4a, mp4 and other containers of AAC."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from motionbeat.audio.mixing_down import MixingDown, checked_rate, refuse_longer
from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded

_MOST_CHANNELS = 8  # with more channels PyAV 18 counts the planes wrong and reads memory outside the frame
_TAGGED = re.compile(r"(\d+):(\d+):(\d+\.\d+)")
_FRAMES_AT_ONCE = 64  # of a codec: some thousand samples each, or fewer
_SLACK_S = 0.25  # the length in a container includes the encoder's padding at both ends


def decode_by_pyav(path: Path, mixing: MixingDown, most: int | None) -> None:
    """Mix down the first audio stream.

    most: limit of the frames, counted during decoding, since the length in a container may be wrong. Raises
    `MotionBeatError` if PyAV is not installed, and for a file that has no audio, is broken, truncated or longer.
    """
    try:
        import av
    except ImportError:
        raise MotionBeatError(
            f"{path}: {path.suffix} files need PyAV: pip install 'motionbeat[video]', or convert it to wav or flac"
        ) from None
    fix = "it is damaged, or in a format that FFmpeg cannot read; copy it again or convert it to wav or flac"
    # not av.FFmpegError alone: if rate or layout changes within the file, the resampler raises ValueError
    with guarded(path, "cannot be decoded", fix), av.open(str(path)) as container:
        if not container.streams.audio:
            raise MotionBeatError(f"{path} has no audio stream; give a file with sound")
        stream = container.streams.audio[0]
        rate = checked_rate(int(stream.rate), f"{path}: sample rate")
        promised_s = _promised_s(container, stream)
        mixing.begin(rate, 0)
        resampler = av.AudioResampler(format="fltp")  # the same rate and channels
        channels, waiting = 0, list[np.ndarray]()
        for frame in chain(container.decode(stream), [None]):
            if frame is not None and frame.layout.nb_channels > _MOST_CHANNELS:
                raise MotionBeatError(
                    f"{path} has {frame.layout.nb_channels} channels, more than {_MOST_CHANNELS}: mix them down"
                )
            for part in resampler.resample(frame):
                planes = part.to_ndarray().astype(np.float32, copy=False)  # (channels, n)
                if channels not in (0, len(planes)):
                    raise ValueError("its number of channels changes on the way")
                channels = len(planes)
                waiting.append(planes.T)
            if len(waiting) >= _FRAMES_AT_ONCE or (frame is None and waiting):
                mixing.add(np.concatenate(waiting))
                waiting.clear()
                refuse_longer(path, mixing.count, rate, most)
    if mixing.count < (promised_s - _SLACK_S) * rate:
        raise MotionBeatError(
            f"{path}: {mixing.count / rate:.2f} s of the {promised_s:.2f} s that it promises can be decoded: "
            "the file is truncated or damaged; copy or download it again"
        )


def _promised_s(container: Any, stream: Any) -> float:
    """Seconds of sound by the file; 0 if it does not say, as AAC without a container, whose length FFmpeg guesses."""
    if container.format.name == "aac":
        return 0.0
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    begin_s = float((stream.start_time or 0) * (stream.time_base or 0))
    if end := _TAGGED.fullmatch(stream.metadata.get("DURATION", "")):  # Matroska, of each stream
        return 3600 * int(end[1]) + 60 * int(end[2]) + float(end[3]) - begin_s
    return container.duration / 1e6 - begin_s if container.duration and len(container.streams) == 1 else 0.0
