"""Parts of small training runs that several tests need."""

from collections.abc import Sequence
from pathlib import Path

import torch
from attrs import evolve

from motionbeat.lab import tables
from motionbeat.lab.negatives.jitter_negatives import mine_jitter_negatives
from motionbeat.lab.negatives.tempo_negatives import mine_tempo_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.loop import new_encoders
from motionbeat.model.dual_encoder import DualEncoder

K = 8
CPU = torch.device("cpu")


def write_negatives(tokens: Tokens, settings: Params, folder: Path, splits: Sequence[str] = ("train",)) -> Path:
    """Mine the negatives of some splits and write them into `folder`, as the stage does."""
    for name, schema, mine in (
        ("tempo", tables.TEMPO_NEGATIVES, mine_tempo_negatives),
        ("jitter", tables.JITTER_NEGATIVES, mine_jitter_negatives),
    ):
        parts = [mine(tokens, split, K, settings.negatives) for split in splits]
        columns = {column: [value for part in parts for value in part[column]] for column in parts[0]}
        tables.write(folder / f"{name}.parquet", schema, columns)
    return folder


def tiny(settings: Params, tokens: Tokens, **changes: float) -> DualEncoder:
    """An untrained model that trains in a second."""
    return new_encoders(tokens, evolve(settings.model, **{"width": 32, "layers": 1, "embedding": 16} | changes))
