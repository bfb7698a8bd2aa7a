"""Parts of small training runs that several tests need."""

from collections.abc import Sequence
from pathlib import Path

import torch
from attrs import evolve

from motionbeat.lab.negatives import write_negatives as mined
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.loop import new_encoders
from motionbeat.model.dual_encoder import DualEncoder

K = 8
CPU = torch.device("cpu")


def write_negatives(tokens: Tokens, settings: Params, folder: Path, splits: Sequence[str] = ("train",)) -> Path:
    """Mine the negatives of some splits and write them into `folder`, as the stage does."""
    mined.write_negatives(tokens, splits, K, settings.negatives, folder)
    return folder


def tiny(settings: Params, tokens: Tokens, **changes: float) -> DualEncoder:
    """An untrained model that trains in a second."""
    return new_encoders(tokens, evolve(settings.model, **{"width": 32, "layers": 1, "embedding": 16} | changes))
