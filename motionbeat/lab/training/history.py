"""What a training run went through: one row of figures an epoch, and the weights of the best one."""

import csv
from pathlib import Path
from typing import Any

from attrs import define, field
from torch import Tensor

from motionbeat.files import whole_file
from motionbeat.model.dual_encoder import DualEncoder

ACCURACIES = ("jitter_accuracy", "tempo_accuracy")
"""Columns that are there even when no validation pair exists, so that plots find them."""


@define
class History:
    """One row of figures an epoch, and the weights of the best one."""

    rows: list[dict[str, Any]] = field(factory=list)
    best_epoch: int = 0
    best: dict[str, float] = field(factory=dict)
    weights: dict[str, Tensor] = field(factory=dict)

    @property
    def since_best(self) -> int:
        """Validations since the best one."""
        return sum("score" in row for row in self.rows[self.best_epoch :])

    @property
    def best_row(self) -> dict[str, Any]:
        """The row of the epoch whose weights are kept."""
        return self.rows[self.best_epoch - 1] if self.best_epoch else {}

    def add(self, row: dict[str, Any], figures: dict[str, float] | None, model: DualEncoder) -> None:
        """Append an epoch's row; with the figures of a validation, keep the weights if they are the best so far."""
        self.rows.append(row | (figures or {}))
        if figures and (not self.best or figures["score"] > self.best["score"]):
            self.best_epoch, self.best = len(self.rows), figures
            self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def write(self, path: Path) -> None:
        """Write the rows as CSV; what was not measured in an epoch, or never could be, is left empty."""
        names = list(dict.fromkeys([*(name for row in self.rows for name in row), *ACCURACIES]))
        with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(
                {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in self.rows
            )
