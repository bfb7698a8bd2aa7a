"""File2Samples: any audio file or array as mono float samples; what cannot be music is refused.

libsndfile is lenient: it shortens a wav whose header states more samples than the file contains, and skips what it
cannot decode in an ogg or mp3 file. A beat grid over such a file would be wrong without any warning, so the header and
the samples are compared here; `stream_length` corrects wrong headers.
"""

import os
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from motionbeat.audio import stream_length
from motionbeat.audio.growing import Growing
from motionbeat.audio.mended_file import MendedFile
from motionbeat.audio.mixing_down import BLOCK, MixingDown, Sink, checked_rate, refuse_longer
from motionbeat.audio.song_files import BY_PYAV
from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded

if TYPE_CHECKING:
    from torch import Tensor

_MP3_SLACK_S = 0.25  # libsndfile counts the encoder's padding of an mp3 without a length header
_MOST_CHANNELS = 16
_EBML = b"\x1a\x45\xdf\xa3"  # Matroska and WebM
_UNKNOWN_BYTES = {0, 0x7FFFFFFF, 0xFFFFFFFF}  # a wav written to a pipe cannot know its length
_MOST_FRAMES_PER_BYTE = 4096  # digital silence in flac stays far below
_PROMISE = re.compile(r"^\s*(?:data|Data Size|SSND)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_FULL_SCALE = {"int8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31, "uint8": 2.0**7}


@frozen(eq=False)
class Sound:
    """Decoded and checked music, mono, at its original sample rate."""

    samples: NDArray[np.float32]
    """(n,), in -1..1, except that a decoded mp3 or ogg may exceed it."""
    rate: int
    """Hz."""
    name: str
    """The name for messages: the path, or `audio array`."""

    def at(self, rate: int) -> NDArray[np.float32]:
        """(n * rate / self.rate,) float32 in -1..1 at `rate` Hz, resampled by soxr (its HQ setting)."""
        return _resampled(self.samples, self.rate, checked_rate(rate, "sample_rate"))


Source: TypeAlias = "str | PathLike[str] | ArrayLike | Tensor | Sound"
"""A path; samples as an array, a torch tensor or nested lists of numbers; or a result of `decode`."""


def decode(source: Source, sample_rate: int | None = None, most: int | None = None) -> Sound:
    """A file, or an array (or torch tensor) with its `sample_rate` in Hz, as mono samples at their own rate.

    A file is wav, flac, ogg, mp3, au or whatever else libsndfile knows; m4a, mp4 and the like need the extra `video`.
    For arrays see `as_mono`. Channels are averaged. A `Sound` is returned unchanged. most: limit of the frames of a
    file, besides `mixing_down.most_frames`; a longer file is refused before it is loaded. Raises
    `MotionBeatError` naming the file, problem and fix: missing, a folder, not audio, broken or truncated, empty,
    under 0.1 s, silent, or with NaN; and for an array without a rate.
    """
    if isinstance(source, Sound):
        return source
    samples = Growing()
    mixing = MixingDown(_name(source), samples)
    _mix(source, sample_rate, most, mixing)
    return Sound(samples.finished(), mixing.rate, _name(source))


def stream(source: Source, sample_rate: int | None, target_rate: int, sink: Sink) -> None:
    """Give a sound to `sink` in blocks, mono float32 in -1..1 at `target_rate` Hz; arguments and errors as `decode`.

    Errors may come after all blocks have been given.
    """
    target = checked_rate(target_rate, "target_rate")
    if isinstance(source, Sound):
        _mix(source.samples, source.rate, None, MixingDown(source.name, sink, target))
    else:
        _mix(source, sample_rate, None, MixingDown(_name(source), sink, target))


def signal(source: Source, sample_rate: int | None, target_rate: int) -> NDArray[np.float32]:
    """Mono samples (n,) float32 in -1..1 at `target_rate` Hz; arguments and errors as for `decode`."""
    if isinstance(source, Sound):
        return source.at(target_rate)
    samples = Growing()
    stream(source, sample_rate, target_rate, samples)
    return samples.finished()


def load(path: str | PathLike[str], sample_rate: int) -> NDArray[np.float32]:
    """Mono samples (n,) float32 in -1..1 of a file, at `sample_rate` Hz; errors as for `decode`."""
    return signal(path, None, checked_rate(sample_rate, "sample_rate"))


def as_mono(audio: NDArray[Any], sample_rate: int, target_rate: int) -> NDArray[np.float32]:
    """Mono samples (n,) float32 in -1..1 at `target_rate` Hz from an array at `sample_rate` Hz.

    audio: (n,), (channels, n) or (n, channels): the shorter side is the channels, 16 at most. Floats are expected in
    -1..1; int8, int16, int32 and uint8 are divided by their full scale. Anything else, and samples that `load` would
    refuse in a file, raises `MotionBeatError`.
    """
    return signal(audio, checked_rate(sample_rate, "sample_rate"), target_rate)


def as_array(values: Any) -> NDArray[Any]:
    """Convert an array-like object to a NumPy array; a torch tensor may be on a GPU, have a gradient or be bfloat16."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values)


def _scaled(audio: Any) -> NDArray[np.float32]:
    """(n,) or (n, channels) float32 in -1..1."""
    values = as_array(audio)
    if values.dtype.kind == "f":
        scaled = values.astype(np.float32, copy=False)
    elif values.dtype.name in _FULL_SCALE:
        middle = 2.0**7 if values.dtype.name == "uint8" else 0.0
        scaled = ((values.astype(np.float64) - middle) / _FULL_SCALE[values.dtype.name]).astype(np.float32)
    else:
        raise MotionBeatError(
            f"audio array of type {values.dtype}; give floats in -1..1, or int16, int32, int8 or uint8 samples"
        )
    if scaled.ndim not in (1, 2):
        raise MotionBeatError(f"audio array of shape {values.shape}; give (n,), (channels, n) or (n, channels)")
    if scaled.ndim == 2:
        if scaled.size and min(scaled.shape) > _MOST_CHANNELS:
            raise MotionBeatError(
                f"audio array of shape {values.shape}: neither side is a channel count (1 to {_MOST_CHANNELS}); "
                "give one clip at a time"
            )
        scaled = scaled if scaled.shape[0] >= scaled.shape[1] else scaled.T
    return scaled


def _name(source: Source) -> str:
    return str(source) if isinstance(source, str | PathLike) else "audio array"


def _mix(source: Source, sample_rate: int | None, most: int | None, mixing: MixingDown) -> None:
    """Mix down a file or an array; arguments and errors as for `decode`."""
    if isinstance(source, str | PathLike):
        if sample_rate is not None:
            raise MotionBeatError(f"{source}: a file has a sample rate of its own; leave sample_rate={sample_rate} out")
        path = Path(source)
        with guarded(path, "cannot be read", "make it readable, or give another file"):
            if path.is_dir():
                raise MotionBeatError(f"{path} is a folder; give one audio file in it")
            if not path.is_file():
                is_what = "is a pipe or a device: give a file" if path.exists() else "does not exist; check the path"
                raise MotionBeatError(f"{path} {is_what}")
            _mix_file(path, most, mixing)
            mixing.finish()
        return
    if sample_rate is None:
        raise MotionBeatError("an audio array comes without its rate; give sample_rate= in Hz, such as 44100")
    rate, samples = checked_rate(sample_rate, "sample_rate"), _scaled(source)
    mixing.begin(rate, len(samples))
    for begin in range(0, len(samples), BLOCK):
        mixing.add(samples[begin : begin + BLOCK])
    mixing.finish()


def _mix_file(path: Path, most: int | None, mixing: MixingDown) -> None:
    """Mix down a file. Refuses one that cannot be read to its end."""
    if path.stat().st_size == 0:
        raise MotionBeatError(f"{path} is an empty file (0 bytes); copy or download it again")
    if _for_pyav(path):
        from motionbeat.audio.pyav import decode_by_pyav

        decode_by_pyav(path, mixing, most)
        return
    streams = stream_length.streams(path, _kind(path))
    if streams is None:
        _mix_stream(path, path, path.stat().st_size, mixing, most)
        return
    for parts in streams:
        with MendedFile(path, parts) as stream:
            _mix_stream(path, stream, stream.size, mixing, most)


def _for_pyav(path: Path) -> bool:
    """Whether PyAV reads a file: by its first bytes, since names may be wrong, or else by its name."""
    import soundfile

    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" or head[:4] == _EBML:
        return True
    suffix = path.suffix.lower()
    lacks_opus = suffix == ".opus" and "OPUS" not in soundfile.available_subtypes("OGG")
    return lacks_opus or (suffix in BY_PYAV and not stream_length.known(head))


def _kind(path: Path) -> str:
    """The format, by libsndfile's name; MP3 if libsndfile does not recognise the file but its name ends in .mp3."""
    import soundfile

    try:
        with soundfile.SoundFile(_named(path)) as file:
            return str(file.format)
    except (soundfile.LibsndfileError, AssertionError, MemoryError):
        return "MP3" if path.suffix.lower() == ".mp3" else ""


def _named(path: Path) -> Any:
    """A path as soundfile takes it: as bytes where names are bytes, since they need not be UTF-8."""
    return os.fsencode(path) if os.name == "posix" else path


def _mix_stream(path: Path, stream: Path | MendedFile, size: int, mixing: MixingDown, most: int | None) -> None:
    """Mix down one stream of `path`, the file itself or one with a header that is true. size: bytes."""
    import soundfile

    class Forward(soundfile.SoundFile):
        def seekable(self) -> bool:
            return False  # between reads soundfile seeks, which would hide a hole in a damaged stream

    begun = mixing.count
    try:
        with Forward(_named(stream) if isinstance(stream, Path) else stream) as file:
            rate, promised, kind, log = file.samplerate, file.frames, file.format, file.extra_info
            if promised > _MOST_FRAMES_PER_BYTE * size:
                raise MotionBeatError(f"{path}: the length in its header cannot be right; convert it to wav or flac")
            checked_rate(rate, f"{path}: sample rate")
            refuse_longer(path, begun + promised, rate, most)
            mixing.begin(rate, promised)
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)) == BLOCK:
                mixing.add(block)
            mixing.add(block)
    except soundfile.LibsndfileError as error:
        # for "no stream found" libsndfile reports that the file does not exist (code 7), though it does
        reason = "no stream found" if error.code == 7 else error.error_string.removeprefix("Error : ").strip(" .")
        raise _undecodable(path, reason) from None
    except (AssertionError, MemoryError) as error:  # raised by soundfile in the middle of a damaged stream
        raise _undecodable(path, str(error) or "damaged stream") from None
    _refuse_cut_short(path, mixing.count - begun, promised, rate, kind, log)


def _undecodable(path: Path, reason: str) -> MotionBeatError:
    return MotionBeatError(
        f"{path} cannot be decoded ({reason}): it is damaged, or in a format that libsndfile cannot read; "
        "copy it again or convert it to wav or flac"
    )


def _refuse_cut_short(path: Path, frames: int, promised: int, rate: int, kind: str, log: str) -> None:
    fix = "the file is truncated or damaged; copy or download it again"
    for said, held in _PROMISE.findall(log):
        if int(said) not in _UNKNOWN_BYTES and int(said) > int(held):
            raise MotionBeatError(f"{path}: its header promises {said} bytes of audio, but it contains {held}: {fix}")
    if "Last page lacks an end-of-stream bit" in log:
        raise MotionBeatError(f"{path}: the Ogg stream has no end: {fix}")
    slack = max(_MP3_SLACK_S * rate, 0.01 * promised) if kind == "MP3" else 0
    if frames < promised - slack:
        raise MotionBeatError(
            f"{path}: {frames / rate:.2f} s of the {promised / rate:.2f} s that it promises can be decoded: {fix}"
        )


def _resampled(mono: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    """(n * target / rate,) float32; values beyond -1..1 are clipped, as a player does."""
    import soxr

    if rate == target:  # hours of sound are not copied without need
        return mono if mono.min() >= -1.0 and mono.max() <= 1.0 else np.clip(mono, -1.0, 1.0)
    samples = soxr.resample(mono, rate, target)
    return np.clip(samples, -1.0, 1.0, out=samples)
