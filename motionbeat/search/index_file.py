"""The file of a search index, .mbi: one safetensors file, whole or absent; nothing in it is ever unpickled.

vectors (N, d) float16 and times (N, 2) float64 s of all windows, piece after piece; the metadata key `motionbeat`
holds JSON: format, model digest, tracker, and a record of each piece. nearest_song and nearest_dance (uint8) are
faiss's structures of large libraries.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, parse_json, whole_file

if TYPE_CHECKING:
    from motionbeat.inference import MotionBeat

FORMAT = "motionbeat search index 1"
_KEY = "motionbeat"
_TENSORS = ("vectors", "times", "nearest_song", "nearest_dance")
_HEADER = {"format": str, "model": str, "tracker": str, "pieces": list}


def write(path: Path, header: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
    """Write header (without `format`) and tensors; `path` is replaced only when all is written."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    text = json.dumps({"format": FORMAT, **header}, sort_keys=True, allow_nan=False, ensure_ascii=False)
    try:
        with whole_file(path) as unfinished:
            save_file(tensors, unfinished, metadata={_KEY: text})
    except (OSError, SafetensorError) as error:  # safetensors has its own for a folder that may not be written
        reason = getattr(error, "strerror", None) or error
        raise MotionBeatError(f"{path} cannot be written ({reason}): name another file with --output") from None


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and tensors that `write` wrote. Raises `MotionBeatError` naming the file and the fix."""
    from safetensors import safe_open

    if path.is_dir():
        raise MotionBeatError(f"{path} is a folder: name the file of a library, such as {path / 'library.mbi'}")
    if not path.is_file():
        raise MotionBeatError(f"{path} does not exist: create it with motionbeat index FOLDER -o {path}")
    with guarded(path, "is not a search index", "create it with motionbeat index"), safe_open(path, "numpy") as file:
        text = (file.metadata() or {}).get(_KEY, "")
        tensors = {name: file.get_tensor(name) for name in file.keys() if name in _TENSORS}  # noqa: SIM118 (no mapping)
    header = parse_json(text, path, "it is not a search index: create it with motionbeat index")
    wrong = not isinstance(header, dict) or any(not isinstance(header.get(k), t) for k, t in _HEADER.items())
    if wrong or header["format"] != FORMAT or not {"vectors", "times"} <= set(tensors):
        raise MotionBeatError(f"{path} is not an index of the form {FORMAT!r}: create it anew with motionbeat index")
    vectors, times = tensors["vectors"], tensors["times"]
    counts = [piece.get("windows") if isinstance(piece, dict) else None for piece in header["pieces"]]
    numbers = [count for count in counts if isinstance(count, int) and count > 0]
    if (
        len(numbers) < len(counts)
        or vectors.ndim != 2
        or (vectors.dtype, times.dtype) != (np.float16, np.float64)
        or times.shape != (len(vectors), 2)
        or sum(numbers) != len(vectors)
    ):
        raise MotionBeatError(f"{path}: its windows do not add up to its pieces: create it anew with motionbeat index")
    if not np.isfinite(vectors).all() or not np.isfinite(times).all():
        raise MotionBeatError(
            f"{path}: its vectors or times hold NaN or infinity: create it anew with motionbeat index"
        )
    return header, tensors


def model_digest(model: "MotionBeat") -> str:
    """SHA-256 of a model's configuration and weights, on whatever device they are."""
    digest = hashlib.sha256(json.dumps(model.model.config.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(model.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
