"""Put a trained model into the package, with a card that says what it is: `python -m benchmarks.ship_model`.

Run it where a model was trained, beside params.yaml, models/motionbeat and metrics/. The card is generated
(`motionbeat.lab.training.model_card`), with the figures of metrics/retrieve_table.csv or metrics/train.json.
"""

import argparse
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from motionbeat.errors import MotionBeatError, run
from motionbeat.lab import params
from motionbeat.lab.training.model_card import CARD_FILE, card
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.model_folder import CONFIG_FILE, WEIGHTS_FILE
from motionbeat.weights import SHIPPED

MOST_BYTES = 10_000_000
SHOWN = ("r1", "r10", "nll")


def main() -> None:
    """Copy the model and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/motionbeat"), help="folder of the trained model")
    parser.add_argument("--songs", type=Path, help="songs.csv of `motionbeat songs`, for the licences of the music")
    parser.add_argument("--limits", default="", help="a sentence on what the model was not tried on")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="folder of the package's model")
    options = parser.parse_args()
    model = DualEncoder.load(options.model)  # refuses what is not a model
    size = (options.model / WEIGHTS_FILE).stat().st_size
    if size > MOST_BYTES:
        raise MotionBeatError(f"{options.model / WEIGHTS_FILE} has {size:,} bytes: ship at most {MOST_BYTES:,}")
    weights = sum(weight.numel() for weight in model.parameters())
    settings = params.load()
    how = f"{weights:,} weights, float32. Trained with seed {settings.train.seed} by `dvc repro train`, then put here\n"
    how += "by `python -m benchmarks.ship_model`."
    # before the weights are copied: the card of a fine-tuned model holds that of the model it started from
    text = "\n".join(card(settings, how, figures(Path("metrics")), options.limits, options.songs)) + "\n"
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        shutil.copyfile(options.model / name, options.output / name)
    (options.output / CARD_FILE).write_text(text, encoding="utf-8")
    print(f"{options.output}: {size:,} bytes, {weights:,} weights")


def figures(metrics: Path) -> Iterator[str]:
    """Retrieval on the test split with 95 % intervals by song, and the best validation."""
    table = metrics / "retrieve_table.csv"
    if table.is_file():
        yield "Retrieval on songs unseen in training (`dvc repro retrieve`): percent or nats, 95 % interval by song."
        yield ""
        yield "| protocol | metric | model | log-mel with a trained head | chance |"
        yield "| --- | --- | --- | --- | --- |"
        with table.open(encoding="utf-8", newline="") as file:
            rows = {(row["task"], row["row"], row["metric"]): row for row in csv.DictReader(file)}
        for task in sorted({task for task, _, _ in rows if task.startswith("win.")}):
            for metric in SHOWN:
                cells = [_cell(rows.get((task, row, metric))) for row in ("model", "mel_projected", "chance")]
                yield f"| {task} | {metric} | {' | '.join(cells)} |"
        return
    best = json.loads((metrics / "train.json").read_text(encoding="utf-8"))
    yield "On the validation split, at the epoch that was kept (`metrics/train.json`):"
    yield ""
    for name in sorted(name for name in best if name.startswith("val_") or name.endswith("_accuracy")):
        yield f"- {name}: {best[name]:.3f}"


def _cell(row: dict[str, str] | None) -> str:
    if row is None or not row["value"]:
        return "-"
    interval = f" [{float(row['low']):.1f}, {float(row['high']):.1f}]" if row["low"] else ""
    return f"{float(row['value']):.1f}{interval}"


if __name__ == "__main__":
    run(main)
