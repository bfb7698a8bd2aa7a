"""torch.compile of the encoders: their layers become fused kernels for the device, compiled at the first batches."""

import torch

from motionbeat.errors import MotionBeatError
from motionbeat.model.dual_encoder import DualEncoder


def compile_encoders(model: DualEncoder, device: torch.device) -> None:
    """Compile both encoders when they first run; weights, their names and saved files do not change.

    Results differ from the plain encoders by rounding only. Raises `MotionBeatError` if there is no compiler for
    `device`: torch needs a C++ compiler for the CPU and Triton for a GPU.
    """
    try:
        torch.compile(_probe)(torch.ones(2, device=device))
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise MotionBeatError(
            f"train.compile = true, but torch.compile does not work on {device.type} here ({reason}): install "
            f"{'a C++ compiler such as g++' if device.type == 'cpu' else 'triton'}, or set train.compile=false"
        ) from None
    # Batch sizes vary: the last batch of an epoch, and validation.
    model.audio_encoder.compile(dynamic=True)
    model.motion_encoder.compile(dynamic=True)


def _probe(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1
