"""Files2Features: features of audio files by a frozen encoder, each file computed once, in parallel, resumable.

A file's entry in the cache is named by the encoder's identity, the version of this module and the audio's bytes, so a
result depends on nothing else: no tracker and no label is used. Frames are kept on one grid of 20 ms, whatever
the rate of the encoder, as float16 (10 bits of mantissa, which makes no difference to a probe and halves the
largest part of the cache).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, guarded, set_aside, whole_file, workers
from motionbeat.lab.params import Encoders
from motionbeat.progress import counted

if TYPE_CHECKING:
    from motionbeat.lab.encoders.frame_encoder import FrozenEncoder

FRAME_S = 0.02
"""Frame t of the grid is centred on t * 20 ms, as in the grid mode of `motionbeat.inference`."""
VERSION = 1
"""Raised whenever what is made of an encoder's frames changes: the grid, `resampled`, float16, the mean of a clip."""
CACHE = cache_folder() / "features"
_MOST_LISTED = 20
_ON_GPU = ("motionbeat", "motionbeat_timbre", "random", "wav2vec2", "clap", "wav2clip", "jukebox")
_OPENED: dict[str, "FrozenEncoder"] = {}  # the last one of this process: loading can take longer than using it


@frozen(eq=False)
class Features:
    """Of one audio file: the encoder's clip vector (D,) float32, and where its frames are if they were asked for."""

    clip: NDArray[np.float32]
    entry: Path | None = None

    def frames(self) -> NDArray[np.float16]:
        """(T, D) float16 on the grid of 20 ms. Raises `MotionBeatError` where none were asked for, or lost since."""
        if self.entry is None:
            raise MotionBeatError("these features hold a clip's mean only: ask for frames when computing them")
        return _read(self.entry)["frames"]


def compute(
    name: str, settings: Encoders, audio: Sequence[Path], frames: bool = False, cache: Path | None = None
) -> list[Features]:
    """Features of the encoder `name` for each file, in the order given; what the cache has is not computed again.

    frames: keep the frames too, of every file. Each of `files.workers()` processes loads the encoder; a single
    process runs Jukebox, whose weights would fill the memory, and any encoder on the GPU, which several would only
    share. Raises `MotionBeatError` for an encoder that cannot be opened, and for all files that
    it cannot use, together, after the others are done.
    """
    import joblib
    import torch

    folder, threads = CACHE if cache is None else cache, torch.get_num_threads()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        work = joblib.Parallel(n_jobs=max(1, min(_processes(name), len(audio))), return_as="generator")
        results = work(joblib.delayed(_of_file)(name, settings, path, frames, folder) for path in audio)
        computed = list(counted(results, len(audio), f"{name} features"))
    torch.set_num_threads(threads)  # a single process is this one; what it trains next has its own number
    refused = [result for result in computed if isinstance(result, str)]
    if refused:
        more = f"\n  ... and {len(refused) - _MOST_LISTED} more" if len(refused) > _MOST_LISTED else ""
        raise MotionBeatError(
            f"encoder {name} cannot use {len(refused)} of {len(audio)} files; repair them or take them out of the "
            "data set:\n  " + "\n  ".join(refused[:_MOST_LISTED]) + more
        )
    return [result for result in computed if isinstance(result, Features)]


def _of_file(name: str, settings: Encoders, path: Path, frames: bool, cache: Path) -> "Features | str":
    """The features of one file, or the reason why there are none; one thread, as sums depend on their number."""
    import torch

    torch.set_num_threads(1)
    encoder = _opened(name, settings)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    try:
        return cached(encoder, path, digest, frames, cache / f"{encoder.identity}-{VERSION}")
    except MotionBeatError as error:
        return str(error)


def _processes(name: str) -> int:
    import torch

    return 1 if name == "jukebox" or (name in _ON_GPU and torch.cuda.is_available()) else workers()


def _opened(name: str, settings: Encoders) -> "FrozenEncoder":
    from motionbeat.lab.encoders.interface import open_encoder

    key = f"{name} {settings}"
    if key not in _OPENED:
        _OPENED.clear()  # a process runs one encoder after the other; the weights of two may not fit
        _OPENED[key] = open_encoder(name, settings)
    return _OPENED[key]


def cached(encoder: "FrozenEncoder", path: Path, digest: str, frames: bool, folder: Path) -> Features:
    """The features of a file whose bytes have the SHA-256 `digest`, from `folder` or computed and kept there."""
    from motionbeat.lab.encoders.frame_encoder import clip

    clip_entry, frames_entry = folder / f"{digest}.safetensors", folder / f"{digest}.frames.safetensors"
    for entry, field in ((clip_entry, "clip"), (frames_entry, "frames")):
        if entry.is_file():
            _keep_if_sound(entry, field)
    if not clip_entry.is_file() or (frames and not frames_entry.is_file()):
        encoded = encoder.frames(path)
        if frames:
            on_grid = resampled(encoded.features, encoded.times)
            _write(frames_entry, {"frames": _half(on_grid, path, encoder.name)})
        _write(clip_entry, {"clip": clip(encoded)})
    return Features(_read(clip_entry)["clip"], frames_entry if frames else None)


def _keep_if_sound(entry: Path, field: str) -> None:
    """Set a damaged entry of the cache aside; the header is compared with the file, the numbers are not read."""
    from safetensors import safe_open

    try:
        with guarded(entry, "is a damaged cache entry", "it is made again"), safe_open(entry, "np") as file:
            file.get_slice(field).get_shape()
    except MotionBeatError as error:
        set_aside(entry, error)


def resampled(features: NDArray[np.floating], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, D) on the grid of 20 ms from features (n, D) at rising times (n,) s.

    Where an encoder has more frames than the grid, those nearest to a grid time are averaged first; then linear
    interpolation. T reaches the last time; before the first the first frame holds.
    """
    features, times = np.asarray(features, np.float32), np.asarray(times, np.float64)
    if features.ndim != 2 or times.shape != features.shape[:1] or not len(times):
        raise MotionBeatError(f"features {features.shape} at times {times.shape}: expected (n, D) and (n,), n above 0")
    if len(times) > 1 and np.diff(times).min() <= 0:
        raise MotionBeatError("the times of an encoder's frames do not rise")
    nearest = np.round(times / FRAME_S).astype(np.int64)
    _, first, count = np.unique(nearest, return_index=True, return_counts=True)
    if len(first) < 0.75 * len(times):  # a little more than the grid's rate is interpolated, not averaged
        features = np.add.reduceat(features, first, axis=0) / count[:, None].astype(np.float32)
        times = np.add.reduceat(times, first) / count
    grid = np.arange(int(times[-1] / FRAME_S + 1e-6) + 1) * FRAME_S
    after = np.clip(np.searchsorted(times, grid), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        return np.repeat(features, len(grid), axis=0)
    share = np.clip((grid - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)[:, None].astype(np.float32)
    return np.asarray(features[after - 1] * (1 - share) + features[after] * share, np.float32)


def write_set(path: Path, encoder: str, names: Sequence[str], features: Sequence[Features]) -> None:
    """Write the clip vectors of a data set, (n, D) with the clips' names, as one safetensors file."""
    about = {"about": json.dumps({"encoder": encoder, "names": list(names)})}
    _write(path, {"clip": np.stack([each.clip for each in features])}, about)


def read_set(path: Path, names: Sequence[str]) -> NDArray[np.float32]:
    """The clip vectors (n, D) that `write_set` wrote; refused where they are not of the clips `names` in that order."""
    from safetensors import safe_open

    values = _read(path)["clip"]
    with guarded(path, "does not say its clips", "run `dvc repro features`"), safe_open(path, "np") as file:
        written = json.loads(file.metadata()["about"])["names"]
    if written != list(names):
        raise MotionBeatError(f"{path} holds other clips than its data set has now: run `dvc repro features`")
    return values


def _half(values: NDArray[np.float32], path: Path, name: str) -> NDArray[np.float16]:
    if not np.abs(values).max() < np.finfo(np.float16).max:  # NaN too
        raise MotionBeatError(f"{path}: encoder {name} gives frames of NaN, infinity or beyond 65,504")
    return values.astype(np.float16)


def _write(path: Path, tensors: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None) -> None:
    from safetensors.numpy import save_file

    with whole_file(path) as unfinished:
        save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, unfinished, metadata)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file

    with guarded(path, "is damaged", "delete it and run `dvc repro features`"):
        return load_file(path)
