"""Where torch computes, and that it computes the same each time."""

import os

import torch

# The order in which sums are taken depends on the number of threads, and results must not.
_CPU_THREADS = 2


def best_device() -> torch.device:
    """The GPU if there is one (under torchrun this process's own), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def make_deterministic(seed: int) -> None:
    """Fix every random number and the order of sums; on a GPU, operations without a fixed order only warn."""
    torch.manual_seed(seed)
    torch.set_num_threads(_CPU_THREADS)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing here reads what it has not written
