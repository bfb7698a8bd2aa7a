"""Training history and best weights."""

import csv
from pathlib import Path
from typing import Any

from attrs import define, field
from torch import Tensor

from motionbeat.files import whole_file
from motionbeat.lab.training.objective import TERMS
from motionbeat.model.dual_encoder import DualEncoder

ACCURACIES = ("jitter_accuracy", "tempo_accuracy")
"""Columns of the CSV even if no validation pair exists: plots need them."""


@define
class History:
    """One row of figures per epoch, and the weights of the epoch with the best score."""

    rows: list[dict[str, Any]] = field(factory=list)
    best_epoch: int = 0
    best: dict[str, float] = field(factory=dict)
    start: dict[str, float] = field(factory=dict)
    """The validation of the start model; empty for new weights."""
    weights: dict[str, Tensor] = field(factory=dict)

    @property
    def since_best(self) -> int:
        """The number of validations since the best one."""
        return sum("score" in row for row in self.rows[self.best_epoch :])

    @property
    def best_row(self) -> dict[str, Any]:
        """The row of the epoch whose weights are kept; empty if these are the start weights."""
        return self.rows[self.best_epoch - 1] if self.best_epoch else {}

    def begin(self, figures: dict[str, float], model: DualEncoder) -> None:
        """Keep the start weights as epoch 0."""
        self.start = self.best = figures
        self._keep(model)

    def add(self, row: dict[str, Any], figures: dict[str, float] | None, model: DualEncoder) -> None:
        """Append an epoch's row; with the figures of a validation, keep the weights if they are the best so far."""
        self.rows.append(row | (figures or {}))
        if figures and (not self.best or figures["score"] > self.best["score"]):
            self.best_epoch, self.best = len(self.rows), figures
            self._keep(model)

    def _keep(self, model: DualEncoder) -> None:
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def summary(self, model: DualEncoder) -> dict[str, float]:
        """The best validation, the losses of its epoch by term, and the alphas of the model with its weights.

        For a fine-tuned model also the validation of the start model, as start_NAME.
        """
        return {
            **self.best,
            **{name if name == "loss" else f"loss_{name}": self.best_row[name] for name in TERMS if self.best_epoch},
            **{f"start_{name}": value for name, value in self.start.items()},
            **model.alphas(),
            "best_epoch": self.best_epoch,
            "epochs": len(self.rows),
            "parameters": sum(weight.numel() for weight in model.parameters()),
        }

    def headline(self) -> dict[str, float]:
        """The figures of metrics/validation.json, for DVC: the kept epoch and its recalls."""
        recalls = {name: value for name, value in self.best.items() if name.startswith("val_r10_")}
        return {"best_epoch": self.best_epoch, **recalls}

    def write(self, path: Path) -> None:
        """Write the rows as CSV, a start model as epoch 0; figures that were not measured in an epoch are empty."""
        names = list(dict.fromkeys([*(name for row in self.rows for name in row), *ACCURACIES]))
        rows = [{"epoch": 0} | self.start] * bool(self.start) + self.rows
        with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
