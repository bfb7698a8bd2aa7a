"""The state of a training run, so that a killed one goes on and ends with the weights of an unbroken one.

A checkpoint is one safetensors file, whole or absent, outside of DVC's outputs. Its name is a digest of all that
decides the weights: a run with other params, data, code, torch, device or number of processes finds none. Random
numbers follow from the epoch and are not in it.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from motionbeat.files import whole_file
from motionbeat.lab.params import Params
from motionbeat.lab.training.history import History
from motionbeat.model.device import chosen_precision
from motionbeat.model.dual_encoder import DualEncoder

_CODE = ("losses", "model", "tasks", "tokens", "training")
_MOST_TIME = 0.05  # part of the run that saving may take: a large model is saved less often


def key(settings: Params, inputs: Iterable[Path], device: torch.device, processes: int = 1) -> str:
    """A digest of what the weights follow from: params, the inputs' bytes, the package's code, torch, the device.

    processes: how many share each batch; each draws a dropout of its own.
    """
    training = attrs.asdict(settings.train) | {"precision": chosen_precision(settings.train.precision, device)}
    del training["log"]  # how a run is watched decides nothing
    chosen = [attrs.asdict(settings.model), attrs.asdict(settings.loss), training]
    named = [chosen, settings.tokens.window_beats, torch.__version__, device.type, processes]
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    package = Path(__file__).parents[1]
    for path in [*sorted(inputs), *sorted(path for room in _CODE for path in (package / room).glob("*.py"))]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Checkpoint:
    """One run's state on disk; written at the end of epochs, never more than a small part of the time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved, self._took = -math.inf, 0.0

    def save(self, model: DualEncoder, optimiser: torch.optim.Optimizer, history: History) -> None:
        """Write the state, unless the last time was so recent that saving would slow the run."""
        begin = time.monotonic()
        if begin - self._saved < self._took / _MOST_TIME:
            return
        tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in history.weights.items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{name}": tensor for name, tensor in state.items()}
        plain = {"rows": history.rows, "best_epoch": history.best_epoch, "best": history.best}
        with whole_file(self.path) as unfinished:
            # a copy: equal tensors that share memory would be refused
            copied = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
            save_file(copied, unfinished, {"state": json.dumps(plain)})
        self._saved, self._took = time.monotonic(), time.monotonic() - begin

    def restore(self, model: DualEncoder, optimiser: torch.optim.Optimizer) -> History | None:
        """Put the saved state into model and optimiser; its history, or None where there is no checkpoint."""
        if not self.path.is_file():
            return None
        with safe_open(self.path, "pt") as file:
            plain: dict[str, Any] = json.loads(file.metadata()["state"])
            parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimiser": {}}
            for full_name in file.keys():  # noqa: SIM118  # not a mapping
                part, _, name = full_name.partition("/")
                parts[part][name] = file.get_tensor(full_name)
        model.load_state_dict(parts["model"])
        state: dict[int, dict[str, Tensor]] = {}
        for full_name, tensor in parts["optimiser"].items():
            number, _, name = full_name.partition("/")
            state.setdefault(int(number), {})[name] = tensor
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
        device = next(model.parameters()).device
        weights = {name: tensor.to(device) for name, tensor in parts["best"].items()}
        return History(plain["rows"], plain["best_epoch"], plain["best"], weights)

    def remove(self) -> None:
        """Delete it, when what it was kept for is written."""
        self.path.unlink(missing_ok=True)
