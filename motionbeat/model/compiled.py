"""torch.compile of the encoders: their layers as fused kernels, made for the device at the first batches."""

import torch

from motionbeat.errors import MotionBeatError
from motionbeat.model.dual_encoder import DualEncoder


def compile_encoders(model: DualEncoder, device: torch.device) -> None:
    """Have both encoders compiled when they first run; weights, their names and what is saved stay as they are.

    Results differ from those of the plain encoders by rounding. Raises `MotionBeatError` where
    `device` has no compiler: torch needs a C++ compiler for the CPU and Triton for a GPU.
    """
    try:
        torch.compile(_probe)(torch.ones(2, device=device))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise MotionBeatError(
            f"train.compile = true, but torch.compile does not work on {device.type} here ({reason}): install "
            f"{'a C++ compiler such as g++' if device.type == 'cpu' else 'triton'}, or set train.compile=false"
        ) from None
    # Batches differ in size: the last of an epoch, and those of a validation.
    model.audio_encoder.compile(dynamic=True)
    model.motion_encoder.compile(dynamic=True)


def _probe(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1
