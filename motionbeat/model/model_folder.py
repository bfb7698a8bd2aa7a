"""A model as a folder of two files, config.json and model.safetensors: nothing is unpickled, nothing half taken.

A file that is missing, broken or of another model raises `MotionBeatError` that names it and the fix.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file, write_json

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"


def save(folder: Path | str, config: dict[str, Any], model: nn.Module) -> None:
    """Write both files; the same weights, float32 all of them, give the same bytes."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    other = sorted(name for name, tensor in tensors.items() if tensor.dtype != torch.float32)
    if other:
        raise MotionBeatError(f"{folder}: {other[0]} is {tensors[other[0]].dtype}; call model.float() before save")
    write_json(folder / CONFIG_FILE, config)
    with whole_file(folder / WEIGHTS_FILE) as unfinished:
        save_file(tensors, unfinished, metadata={"format": "pt"})


def read_config(folder: Path | str, kind: str) -> Any:
    """What config.json holds, not yet checked. kind: of model, for the message."""
    path = Path(folder) / CONFIG_FILE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise MotionBeatError(f"{path} is missing: name the folder of a trained {kind}") from None
    except ValueError as error:
        raise MotionBeatError(f"{path} is not JSON ({error}): take the config.json that training wrote") from None


def load_weights(folder: Path | str, model: nn.Module, kind: str) -> None:
    """Put model.safetensors into `model`, which has the shapes that config.json asks for. kind: for the message."""
    path = Path(folder) / WEIGHTS_FILE
    tensors = _read(path, kind)
    expected = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items()}
    found = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    if found != expected:
        wrong = min(name for name, _ in expected.items() ^ found.items())
        raise MotionBeatError(
            f"{path}: tensor {wrong} is {found.get(wrong, 'missing')}, but {CONFIG_FILE} asks for "
            f"{expected.get(wrong, 'none')}: take both files from the same folder"
        )
    model.load_state_dict(tensors)


def _read(path: Path, kind: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise MotionBeatError(f"{path} is missing: name the folder of a trained {kind}")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise MotionBeatError(f"{path} is not a safetensors file ({error}): copy it again") from None
