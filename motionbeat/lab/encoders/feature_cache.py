"""Files2Features: features of audio files by a frozen encoder; each file is computed once, in parallel.

Features are cached under the encoder's identity, its code and the audio's bytes (`item_cache`), and depend on nothing
else: no tracker and no label is used. Frames of all encoders are resampled to a grid of 20 ms and stored as float16 (10
bits of mantissa, which makes no difference to a probe and halves the cache).
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, whole_file
from motionbeat.lab.encoders import interface
from motionbeat.lab.item_cache import ItemCache, Values, read_entry
from motionbeat.lab.params import Encoders
from motionbeat.parallel import in_parallel

if TYPE_CHECKING:
    from motionbeat.lab.encoders.frame_encoder import FrozenEncoder

FRAME_S = 0.02
"""Frame t of the grid is centred on t * 20 ms, as in the grid mode of `motionbeat.inference`."""
_MOST_LISTED = 20
_OPENED: dict[str, "FrozenEncoder"] = {}  # the last encoder of this process: loading can take longer than encoding


@frozen(eq=False)
class Features:
    """Features of one audio file: the clip vector (D,) float32, and the file of its frames if they were requested."""

    clip: NDArray[np.float32]
    entry: Path | None = None

    def frames(self) -> NDArray[np.float16]:
        """(T, D) float16 on the grid of 20 ms. Raises `MotionBeatError` if they were not requested, or are lost."""
        if self.entry is None:
            raise MotionBeatError("these features are only the clip's mean: request frames when computing them")
        frames: NDArray[np.float16] = read_entry(self.entry)["frames"]
        return frames


def compute(name: str, settings: Encoders, audio: Sequence[Path], frames: bool = False) -> list[Features]:
    """Features of the encoder `name` for each file, in order; cached ones are not computed again.

    frames: keep the frames of every file too. Each process loads the encoder; only one process runs Jukebox, since its
    weights fill the memory, and any encoder on a GPU. Raises `MotionBeatError` for an encoder that cannot be opened,
    and, after the other files are done, one for all files that it cannot use.
    """
    device = "cuda" if _on_gpu(name) else "cpu"
    kept = ItemCache.of("features", __name__)
    calls = [(kept, name, settings, device, path, frames) for path in audio]
    computed = list(in_parallel(_of_file, calls, f"{name} features", 1 if _alone(name) else 0))
    refused = [result for result in computed if isinstance(result, str)]
    if refused:
        more = f"\n  ... and {len(refused) - _MOST_LISTED} more" if len(refused) > _MOST_LISTED else ""
        raise MotionBeatError(
            f"encoder {name} cannot use {len(refused)} of {len(audio)} files; repair them or remove them from the "
            "data set:\n  " + "\n  ".join(refused[:_MOST_LISTED]) + more
        )
    return [result for result in computed if isinstance(result, Features)]


def _of_file(kept: ItemCache, name: str, settings: Encoders, device: str, path: Path, frames: bool) -> "Features | str":
    """The features of one file, or the reason why there are none."""
    encoder = _opened(name, settings)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cached(kept, encoder, device, path, digest, frames)
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    except MotionBeatError as error:
        return str(error)


def cached(kept: ItemCache, encoder: "FrozenEncoder", device: str, path: Path, digest: str, frames: bool) -> Features:
    """The features of a file whose bytes have the SHA-256 `digest`, from the cache or computed."""
    from motionbeat.lab.encoders.frame_encoder import clip

    once = cache(lambda: encoder.frames(path))

    def on_grid() -> Values:
        return {"frames": _half(resampled(once().features, once().times), path, encoder.name)}

    inputs = [encoder.identity, device, digest]
    if frames:
        kept.get([*inputs, "frames"], on_grid)
    vector = kept.get([*inputs, "clip"], lambda: {"clip": clip(once())})["clip"]
    return Features(vector, kept.entry([*inputs, "frames"]) if frames else None)


def _on_gpu(name: str) -> bool:
    import torch

    return interface.kind_of(name).uses_gpu and torch.cuda.is_available()


def _alone(name: str) -> bool:
    return interface.kind_of(name).alone or _on_gpu(name)


def _opened(name: str, settings: Encoders) -> "FrozenEncoder":
    key = f"{name} {settings}"
    if key not in _OPENED:
        _OPENED.clear()  # one encoder at a time: the weights of two may not fit into memory
        _OPENED[key] = interface.open_encoder(name, settings)
    return _OPENED[key]


def resampled(features: NDArray[np.floating], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, D) on the grid of 20 ms from features (n, D) at increasing times (n,) s.

    If an encoder has more frames than the grid, those nearest to a grid time are averaged first; then follows linear
    interpolation. The grid ends at the last time; before the first time the first frame is used.
    """
    features, times = np.asarray(features, np.float32), np.asarray(times, np.float64)
    if features.ndim != 2 or times.shape != features.shape[:1] or not len(times):
        raise MotionBeatError(f"features {features.shape} at times {times.shape}: expected (n, D) and (n,), n above 0")
    if len(times) > 1 and np.diff(times).min() <= 0:
        raise MotionBeatError("the times of an encoder's frames do not increase")
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
    """The clip vectors (n, D) that `write_set` wrote; refused if they are not of the clips `names` in that order."""
    from safetensors import safe_open

    values = _read(path)["clip"]
    with guarded(path, "does not say its clips", "run `dvc repro features`"), safe_open(path, "np") as file:
        written = json.loads(file.metadata()["about"])["names"]
    if written != list(names):
        raise MotionBeatError(f"{path} has other clips than its data set now: run `dvc repro features`")
    return values


def _half(values: NDArray[np.float32], path: Path, name: str) -> NDArray[np.float16]:
    if not np.abs(values).max() < np.finfo(np.float16).max:  # NaN too
        raise MotionBeatError(f"{path}: encoder {name} returns frames with NaN, infinity or values beyond 65,504")
    return values.astype(np.float16)


def _write(path: Path, tensors: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None) -> None:
    from safetensors.numpy import save_file

    with whole_file(path) as unfinished:
        save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, unfinished, metadata)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load_file

    with guarded(path, "is damaged", "delete it and run `dvc repro features`"):
        return load_file(path)
