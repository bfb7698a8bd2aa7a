"""A model as a folder of two files, config.json and model.safetensors: no pickle is loaded, and both files must match.

A file that is missing, broken or of another model raises a `MotionBeatError` that names the file and the fix.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.files import LARGEST_SMALL_TEXT, guarded, read_json, whole_file, write_json

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"


def save(folder: Path | str, config: dict[str, Any], model: nn.Module, half: bool = False) -> None:
    """Write both files. All weights must be float32; the same weights give the same bytes.

    half: write the parameters as float16 (not the statistics); they are read as float32.
    """
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    other = sorted(name for name, tensor in tensors.items() if tensor.dtype != torch.float32)
    if other:
        raise MotionBeatError(f"{folder}: {other[0]} is {tensors[other[0]].dtype}; call model.float() before save")
    if half:
        tensors |= {name: tensors[name].half() for name, _ in model.named_parameters()}
    write_json(folder / CONFIG_FILE, config)
    with whole_file(folder / WEIGHTS_FILE) as unfinished:
        save_file(tensors, unfinished, metadata={"format": "pt"})


def read_config(folder: Path | str, kind: str) -> Any:
    """The content of config.json, not yet checked. kind: the kind of model, for the message."""
    path = Path(folder) / CONFIG_FILE
    if not path.is_file():
        raise MotionBeatError(f"{path} is missing: name the folder of a trained {kind}")
    return read_json(path, "use the config.json that training wrote", LARGEST_SMALL_TEXT)


Module = TypeVar("Module", bound=nn.Module)


def build(folder: Path | str, make: Callable[[], Module], kind: str) -> Module:
    """Build a model with `make` and load its weights from `folder`. kind: the kind of model, for the message.

    Names and shapes are compared with the file's header before anything is allocated: `make` first builds without
    memory (PyTorch's device meta), so that wrong sizes are refused before memory is allocated. Raises
    `MotionBeatError`.
    """
    path = Path(folder) / WEIGHTS_FILE
    fix = f"use {CONFIG_FILE} and {WEIGHTS_FILE} from the same folder"
    with (
        guarded(Path(folder) / CONFIG_FILE, "asks for a model that cannot be built", fix),
        torch.random.fork_rng(devices=[]),  # the caller's random state is not changed
        torch.device("meta"),
    ):
        expected = {name: tuple(tensor.shape) for name, tensor in make().state_dict().items()}
    _refuse_other(path, expected, _shapes(path, kind))
    with guarded(Path(folder) / CONFIG_FILE, "asks for a model that cannot be built", fix):
        model = make()
    load_weights(folder, model, kind)
    return model


def _shapes(path: Path, kind: str) -> dict[str, tuple[int, ...]]:
    if not path.is_file():
        raise MotionBeatError(f"{path} is missing: name the folder of a trained {kind}")
    with guarded(path, "is not a safetensors file", "copy it again"), safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _refuse_other(path: Path, expected: dict[str, Any], found: dict[str, Any]) -> None:
    if found != expected:
        wrong = min(name for name, _ in expected.items() ^ found.items())
        raise MotionBeatError(
            f"{path}: tensor {wrong} is {found.get(wrong, 'missing')}, but {CONFIG_FILE} asks for "
            f"{expected.get(wrong, 'none')}: use both files from the same folder"
        )


def load_weights(folder: Path | str, model: nn.Module, kind: str) -> None:
    """Load model.safetensors into `model`, which has the shapes of config.json.

    kind: the kind of model, for the message.
    """
    path = Path(folder) / WEIGHTS_FILE
    tensors = _read(path, kind)
    expected = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items()}
    actual = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    _refuse_other(path, expected, actual)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise MotionBeatError(f"{path}: tensor {name} contains NaN or infinity: train the {kind} again")
    model.load_state_dict(tensors)


def refuse_not_finite(*arrays: NDArray[np.floating]) -> None:
    """Raise `MotionBeatError` for NaN or infinity in what a model gives: finite weights may still be absurd."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise MotionBeatError("the model gives NaN or infinity: its weights are of no use, take another model")


def _read(path: Path, kind: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise MotionBeatError(f"{path} is missing: name the folder of a trained {kind}")
    with guarded(path, "is not a safetensors file", "copy it again"):
        return {name: t.float() if t.dtype == torch.float16 else t for name, t in load_file(path).items()}
