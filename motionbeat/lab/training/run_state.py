"""The state of a training run on disk: a killed run resumes from it and ends with the weights of an uninterrupted run.

One safetensors file, complete or absent, outside of DVC's outputs, which DVC deletes before a run. Its name is the key
of the run (`run_key`). Random numbers follow from the epoch or the step, so they are not in it.
"""

import hashlib
import json
import math
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, whole_file
from motionbeat.lab.training.ranks import Ranks

_MOST_TIME = 0.05  # share of the run's time for saving: a large model is saved less often
_PARTS = ("model", "optimiser", "kept")
_ONE_CHECKPOINT = (
    "Set MOTIONBEAT_CACHE to a folder that all machines share, copy the checkpoint to each of them, or delete it on all"
)


@frozen(eq=False)
class Saved:
    """The state of a run besides model and optimiser: tensors by name, and JSON values."""

    tensors: dict[str, Tensor]
    values: Any


class Checkpoint:
    """The checkpoint file of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saved, self._took = -math.inf, 0.0

    @classmethod
    def of_run(cls, kind: str, key: str, ranks: Ranks) -> "Checkpoint":
        """The checkpoint of the run with this key; kind: a folder of the cache.

        Raises `MotionBeatError` if processes have different keys.
        """
        ranks.check_same(
            key[:12],
            "params, data, code, torch, device or precision (these are digests of them)",
            "Start all from the same commit, params.yaml and data, on machines of one kind",
        )
        return cls(cache_folder() / kind / f"{key}.safetensors")

    def save(
        self, model: nn.Module, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], values: Any
    ) -> None:
        """Write the state, unless the last save was so recent that saving would slow the run."""
        begin = time.monotonic()
        if begin - self._saved < self._took / _MOST_TIME:
            return
        state = optimiser.state_dict()["state"]
        of_optimiser = {f"{number}/{name}": tensor for number, named in state.items() for name, tensor in named.items()}
        parts = dict(zip(_PARTS, (model.state_dict(), of_optimiser, tensors), strict=True))
        # a copy: equal tensors that share memory would be refused
        copied = {
            f"{part}/{name}": tensor.detach().cpu().clone().contiguous()
            for part, named in parts.items()
            for name, tensor in named.items()
        }
        text = json.dumps(values)
        with whole_file(self.path) as unfinished:
            save_file(copied, unfinished, {"values": text, "digest": self._digest(copied, text)})
        self._saved, self._took = time.monotonic(), time.monotonic() - begin

    def restore(self, model: nn.Module, optimiser: torch.optim.Optimizer) -> Saved | None:
        """Load the saved state into model and optimiser and return the rest, with tensors on the model's device.

        None if there is no checkpoint. A damaged one, or one of another run, is renamed, and a line is printed.
        """
        try:
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
                named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError) as error:
            self._set_aside(str(error))
            return None
        if about.get("digest") != self._digest(named, about.get("values", "")):
            self._set_aside("its content is not what was written")
            return None
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
        for full_name, tensor in named.items():
            part, _, name = full_name.partition("/")
            parts[part][name] = tensor
        model.load_state_dict(parts["model"])
        state: dict[int, dict[str, Tensor]] = {}
        for full_name, tensor in parts["optimiser"].items():
            number, _, name = full_name.partition("/")
            state.setdefault(int(number), {})[name] = tensor
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
        device = next(model.parameters()).device
        return Saved({name: tensor.to(device) for name, tensor in parts["kept"].items()}, json.loads(about["values"]))

    def remove(self) -> None:
        """Delete it after the results of the run are written."""
        self.path.unlink(missing_ok=True)

    def _digest(self, tensors: Mapping[str, Tensor], values: str) -> str:
        """SHA-256 of the run's key and of the content of the file."""
        digest = hashlib.sha256(f"{self.path.stem} {values}".encode())
        for name, tensor in sorted(tensors.items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def _set_aside(self, reason: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            with suppress(FileNotFoundError):  # another process has renamed it already
                self.path.replace(aside)
        except OSError as error:
            raise MotionBeatError(
                f"{self.path} is damaged ({reason}) and cannot be renamed ({error.strerror}): delete it"
            ) from None
        print(f"{self.path} is damaged ({reason}): renamed to {aside.name}, training starts again", file=sys.stderr)


def check_start(ranks: Ranks, unit: str, done: int, loss: float | None) -> None:
    """Print after which epoch or step (`unit`) the run resumes; `MotionBeatError` if it differs between processes.

    loss: of the last one, since checkpoints with the same number of epochs can be of different runs.
    """
    start = f"after {unit} {done} (loss {loss!r})" if done else "from the start"
    ranks.check_same(start, "where they start", _ONE_CHECKPOINT)
    if done and ranks.is_main:
        print(f"resuming after {unit} {done}", file=sys.stderr)
