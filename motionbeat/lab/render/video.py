"""Pictures2Video: write a dance as an mp4 for browsers (H.264 and AAC) and as a sheet of pictures.

Encoded by PyAV, whose wheel brings FFmpeg's libraries. The picture from i / fps on shows the dance at i / fps; sound
and picture both begin at 0.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.scene import Scene
from motionbeat.lab.render.stick_figure import check_dance
from motionbeat.motion.resample import resample
from motionbeat.progress import counted

if TYPE_CHECKING:
    from av import AudioFrame

SAMPLE_RATE = 44_100
SIZES, RATES = (128, 2160), (1, 120)
_SHEET, _SHEET_ROW = 12, 4  # pictures of a contact sheet, and of one row
_BIT_RATE = 128_000
_BLOCK = 1024  # samples of an AAC frame
_BT709 = 1  # FFmpeg's number of BT.709, the same for matrix, primaries and transfer
_THREADS = 2  # threads of the encoder, whose result depends on them


def render(
    path: Path,
    dance: DrawnDance,
    *,
    picture_fps: int = 30,
    size: int = 720,
    start_s: float = 0.0,
    seconds: float | None = None,
    sheet: Path | None = None,
) -> int:
    """Write a dance with its music as the video `path` (.mp4), complete or absent; returns its number of pictures.

    Its sound is padded with silence, or cut, to the length of the motion. picture_fps: pictures per second. size:
    pixels per side, even. start_s, seconds: the part to show, rounded to pictures; the camera is computed for the whole
    dance. sheet: path of a .png with up to 12 evenly spaced pictures, or None.

    The video is H.264 in 4:2:0 with the colours of BT.709 and AAC, the index in front, so that a browser can play it
    before it has the whole file. The same input gives the same pictures; how x264 encodes them may differ a little from
    run to run. Raises `MotionBeatError` if it cannot be drawn or written.
    """
    if not (np.isfinite(dance.fps) and dance.fps > 0):
        raise MotionBeatError(f"the motion's fps = {dance.fps}: give a rate above 0")
    if not dance.sample_rate > 0:
        raise MotionBeatError(f"sample_rate = {dance.sample_rate}: give a rate above 0 Hz")
    check_wanted(path, sheet, picture_fps, size)
    check_dance(dance.joints, dance.contacts)
    samples = dance.audio
    if samples.ndim != 1 or samples.dtype.kind != "f" or not np.isfinite(samples).all():
        raise MotionBeatError(f"audio is {samples.dtype} {samples.shape}: expected finite mono floats (n,) in -1..1")
    shown = resample(dance.joints, dance.fps, picture_fps)
    nearest = np.minimum(np.round(np.arange(len(shown)) * dance.fps / picture_fps).astype(int), len(dance.joints) - 1)
    scene = Scene(evolve(dance, joints=shown, fps=picture_fps, contacts=dance.contacts[nearest]), size)
    frames = _part(len(shown), picture_fps, start_s, seconds)
    _write(path, scene, frames, picture_fps, _cut(samples, dance.sample_rate, picture_fps, frames))
    if sheet is not None:
        _write_sheet(sheet, scene, frames)
    return len(frames)


def check_wanted(path: Path, sheet: Path | None = None, picture_fps: int = 30, size: int = 720) -> None:
    """Raise `MotionBeatError` for file names, a rate or a size that `render` does not accept."""
    if not RATES[0] <= picture_fps <= RATES[1] or picture_fps != int(picture_fps):
        raise MotionBeatError(
            f"fps = {picture_fps}: give a whole number of pictures per second, {RATES[0]} to {RATES[1]}"
        )
    if not SIZES[0] <= size <= SIZES[1] or size % 2:
        raise MotionBeatError(f"size = {size}: give an even number of pixels, {SIZES[0]} to {SIZES[1]}")

    for file, kind in ((path, ".mp4"), (sheet, ".png")):
        if file is not None and file.suffix.lower() != kind:
            raise MotionBeatError(f"{file}: give it a name that ends in {kind}")


def _part(count: int, picture_fps: int, start_s: float, seconds: float | None) -> range:
    """The pictures from `start_s` on, of `count`."""
    first = round(start_s * picture_fps)
    last = count if seconds is None else min(count, first + round(seconds * picture_fps))
    if not 0 <= first < last:
        length = "to the end" if seconds is None else f"for {seconds:g} s"
        raise MotionBeatError(
            f"from {start_s:g} s {length}: no picture of the dance, which lasts {count / picture_fps:.2f} s, is in "
            "this part; begin at 0 s or later, before its end, and show at least one picture"
        )
    return range(first, last)


def _cut(samples: NDArray[np.floating], sample_rate: int, picture_fps: int, frames: range) -> NDArray[np.float32]:
    """The sound for the pictures, of exactly their length, at `SAMPLE_RATE`; silence where there is no sound."""
    audio = samples.astype(np.float32)
    if sample_rate != SAMPLE_RATE:
        import soxr

        audio = soxr.resample(audio, sample_rate, SAMPLE_RATE)
    begin, end = (round(picture * SAMPLE_RATE / picture_fps) for picture in (frames.start, frames.stop))
    part = np.zeros(end - begin, np.float32)
    there = audio[begin:end]
    part[: len(there)] = np.clip(there, -1, 1)
    return part


def _write(path: Path, scene: Scene, frames: range, picture_fps: int, sound: NDArray[np.float32]) -> None:
    av = _av()
    try:
        with (
            whole_file(path) as unfinished,
            av.open(str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}) as container,
        ):
            video = container.add_stream("libx264", picture_fps, options={"preset": "veryfast", "crf": "20"})
            video.width, video.height, video.pix_fmt = scene.size, scene.size, "yuv420p"
            context = video.codec_context
            context.thread_count = _THREADS
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            audio = container.add_stream("aac", SAMPLE_RATE, layout="mono")
            audio.bit_rate = _BIT_RATE
            blocks, samples_written = _blocks(sound), 0
            for place, frame in enumerate(counted(frames, len(frames), "pictures")):
                picture = av.VideoFrame.from_ndarray(scene.picture(frame), format="rgb24")
                picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
                picture.pts, picture.time_base = place, Fraction(1, picture_fps)
                container.mux(video.encode(picture))
                # interleaved, so that a player reads the file in order
                while (
                    samples_written * picture_fps < (place + 1) * SAMPLE_RATE
                    and (block := next(blocks, None)) is not None
                ):
                    samples_written += block.samples
                    container.mux(audio.encode(block))
            for stream in (video, audio):
                container.mux(stream.encode(None))
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be written ({error.strerror}): name another file") from None


def _blocks(sound: NDArray[np.float32]) -> Iterator["AudioFrame"]:
    """The sound in pieces of an AAC frame."""
    from av import AudioFrame

    for begin in range(0, len(sound), _BLOCK):
        block = AudioFrame.from_ndarray(sound[None, begin : begin + _BLOCK], format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, begin, Fraction(1, SAMPLE_RATE)
        yield block


def _av() -> Any:
    try:
        import av
    except ModuleNotFoundError:
        raise MotionBeatError(
            "videos are written by PyAV, which is not installed: pip install 'motionbeat[pipeline,video]'"
        ) from None
    return av


def _write_sheet(path: Path, scene: Scene, frames: range) -> None:
    """Evenly spaced pictures at half their size, side by side, the first and the last frame among them."""
    from PIL import Image

    count = min(_SHEET, len(frames))
    chosen = np.round(np.linspace(frames.start, frames.stop - 1, count)).astype(int)
    side = scene.size // 2
    columns = min(_SHEET_ROW, count)
    sheet = Image.new("RGB", (columns * side, -(-count // columns) * side), "white")
    for place, frame in enumerate(chosen):
        picture = Image.fromarray(scene.picture(int(frame))).reduce(2)
        sheet.paste(picture, (place % columns * side, place // columns * side))
    with whole_file(path) as unfinished:
        sheet.save(unfinished, format="PNG")
