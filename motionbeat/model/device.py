"""Device, precision and determinism of torch."""

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

# The order in which sums are taken depends on the number of threads, and results must not depend on the machine.
# Ablations run in parallel and set it to 1 for all of their runs.
_CPU_THREADS = int(os.environ.get("MOTIONBEAT_THREADS", "2"))


def best_device() -> torch.device:
    """The GPU if there is one (under torchrun the GPU of this process), otherwise the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def chosen_device(named: torch.device | str | None) -> torch.device:
    """The device that a user names, such as cpu, cuda, cuda:1 or mps; None: `best_device`.

    Raises `MotionBeatError` for a name that torch does not know, and for a device that this machine does not have.
    """
    if named is None:
        return best_device()
    try:
        device = torch.device(named)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        # torch lists twenty kinds of devices, most of which this machine does not have
        unknown = "Expected one of" in str(error)
        reason = "unknown" if unknown else str(error).splitlines()[0].rstrip(".")
        raise MotionBeatError(
            f"device = {str(named)!r} cannot be used: use cpu, cuda, cuda:1 or mps, or none at all ({reason})"
        ) from None
    return device


def sent(values: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array as a tensor on the device; the copy to a GPU is asynchronous."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def make_deterministic(seed: int) -> None:
    """Fix every random number and the order of sums; on a GPU, operations without a fixed order only warn."""
    torch.manual_seed(seed)
    torch.set_num_threads(_CPU_THREADS)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # no code here reads memory before writing it
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def seed_of(*numbers: int) -> int:
    """A seed derived from all the numbers, such as the run's seed and the step; if one of them changes, it changes."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def chosen_precision(wanted: str, device: torch.device) -> str:
    """float32 or bf16: `wanted`, or for "auto" bf16 on a GPU that supports it and float32 elsewhere.

    A CPU can compute in bf16 too, slowly if it has no instructions for it. Raises `MotionBeatError` for bf16 on a GPU
    that does not support it.
    """
    on_gpu = device.type == "cuda" and torch.cuda.is_available()
    has_bf16 = on_gpu and torch.cuda.get_device_capability(device) >= (8, 0)
    if wanted == "auto":
        return "bf16" if has_bf16 else "float32"
    if wanted == "bf16" and on_gpu and not has_bf16:
        raise MotionBeatError(
            f"precision = bf16: {torch.cuda.get_device_name(device)} does not support it; set auto or float32"
        )
    return wanted


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """A context in which matrix products are computed in bf16 if `precision` is bf16; weights keep their type."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def full_precision(device: torch.device) -> torch.autocast:
    """A context without autocast, for the few operations that need more than the three digits of bf16."""
    return torch.autocast(device.type, enabled=False)
