"""The state of a generator's training, so that a killed run goes on and ends with the weights of an unbroken one.

One safetensors file, whole or absent, named by a digest of all that decides the weights. Random numbers follow from
the step and are not in it.
"""

import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from attrs import asdict
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from motionbeat.files import whole_file
from motionbeat.lab.generator.dance_slices import Slices
from motionbeat.lab.params import Dance

_TRAINING = (
    *(
        "width",
        "layers",
        "heads",
        "feedforward",
        "condition_layers",
        "patch",
        "aligned",
        "preconditioned",
        "dropout",
        "seed",
        "steps",
    ),
    *("batch", "learning_rate", "weight_decay", "warmup", "clip_norm", "ema", "condition_dropout", "precision"),
)
"""The settings that the weights follow from; the others are of generation and scores."""
_MOST_TIME = 0.05  # part of the run that saving may take


def key(settings: Dance, encoder: str, slices: Slices, device: torch.device, processes: int = 1) -> str:
    """A digest of what the weights follow from: settings, encoder, slices, the generator's code, torch, the device,
    and the number of processes, each of which draws its own dropout."""
    named = [{name: asdict(settings)[name] for name in _TRAINING}, encoder, torch.__version__, device.type, processes]
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    digest.update(slices.digest().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Checkpoint:
    """One run's state on disk: weights, their average, optimiser, and the losses so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved, self._took = -math.inf, 0.0

    def save(
        self, model: nn.Module, average: Mapping[str, Tensor], optimiser: torch.optim.Optimizer, losses: list[float]
    ) -> None:
        """Write the state, unless the last time was so recent that saving would slow the run."""
        begin = time.monotonic()
        if begin - self._saved < self._took / _MOST_TIME:
            return
        tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"average/{name}": tensor for name, tensor in average.items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{name}": tensor for name, tensor in state.items()}
        with whole_file(self.path) as unfinished:
            copied = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
            save_file(copied, unfinished, {"losses": json.dumps(losses)})
        self._saved, self._took = time.monotonic(), time.monotonic() - begin

    def restore(self, model: nn.Module, average: dict[str, Tensor], optimiser: torch.optim.Optimizer) -> list[float]:
        """Put the saved state into model, average and optimiser; the losses so far, none without a checkpoint."""
        if not self.path.is_file():
            return []
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
        with safe_open(self.path, "pt") as file:
            losses: list[float] = json.loads(file.metadata()["losses"])
            for full_name in file.keys():  # noqa: SIM118  # not a mapping
                part, _, name = full_name.partition("/")
                parts[part][name] = file.get_tensor(full_name)
        model.load_state_dict(parts["model"])
        for name, tensor in average.items():
            tensor.copy_(parts["average"][name])
        state: dict[int, dict[str, Tensor]] = {}
        for full_name, tensor in parts["optimiser"].items():
            number, _, name = full_name.partition("/")
            state.setdefault(int(number), {})[name] = tensor
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
        return losses

    def remove(self) -> None:
        """Delete it, when what it was kept for is written."""
        self.path.unlink(missing_ok=True)
