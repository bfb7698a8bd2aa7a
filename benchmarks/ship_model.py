"""Put a trained model into the package, with a card that says what it is: `python -m benchmarks.ship_model`.

Run it where a model was trained, beside params.yaml, models/motionbeat and metrics/. The card is generated: what the
model was trained on and under which licences, the knobs that differ from those of the package, and the figures of
metrics/retrieve_table.csv and metrics/train.json with their intervals.
"""

import argparse
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict

from motionbeat import __version__
from motionbeat.errors import MotionBeatError, run
from motionbeat.lab import params
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.weights import SHIPPED

MOST_BYTES = 10_000_000
FILES = ("config.json", "model.safetensors")
SHOWN = ("r1", "r10", "nll")


def main() -> None:
    """Copy the model and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/motionbeat"), help="folder of the trained model")
    parser.add_argument("--songs", type=Path, help="songs.csv of `motionbeat songs`, for the licences of the music")
    parser.add_argument("--limits", default="", help="a sentence on what the model was not tried on")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="folder of the package's model")
    options = parser.parse_args()
    model = DualEncoder.load(options.model)  # refuses what is no model
    size = (options.model / FILES[1]).stat().st_size
    if size > MOST_BYTES:
        raise MotionBeatError(f"{options.model / FILES[1]} has {size:,} bytes: ship at most {MOST_BYTES:,}")
    for name in FILES:
        shutil.copyfile(options.model / name, options.output / name)
    weights = sum(weight.numel() for weight in model.parameters())
    card = "\n".join(lines(params.load(), weights, options.songs, options.limits)) + "\n"
    (options.output / "card.md").write_text(card, encoding="utf-8")
    print(f"{options.output}: {size:,} bytes, {weights:,} weights")


def lines(settings: params.Params, weights: int, songs: Path | None, limits: str) -> Iterator[str]:
    """The lines of the card."""
    yield f"# The model of motionbeat {__version__}"
    yield ""
    yield f"{weights:,} weights, float32. Trained with seed {settings.train.seed} by `dvc repro train`, then put here"
    yield "by `python -m benchmarks.ship_model`."
    yield ""
    yield "## Data"
    yield from data(settings, songs)
    yield ""
    yield "## Settings"
    default = params.load(Path(__file__).parents[1] / "params.yaml")
    changed = list(differences(asdict(settings), asdict(default)))
    yield "Those of params.yaml" + (", but for:" if changed else ".")
    yield from (f"- `{key}`: {value}" for key, value in changed)
    yield ""
    yield "## Figures"
    yield from figures(Path("metrics"))
    yield ""
    yield "## Limits"
    yield limits or "None stated."


def data(settings: params.Params, songs: Path | None) -> Iterator[str]:
    """What the model was trained on, and whose music that is."""
    corpus = settings.corpus
    if corpus.name == "synthetic":
        yield f"{corpus.songs or corpus.size} songs and their dances, all made by this project from seed {corpus.seed}."
        yield "No recording, no captured motion, and nothing under a licence of others."
    else:
        yield f"Corpus `{corpus.name}`, beats by {settings.beats.tracker}."
    if songs is not None:
        with songs.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if not row["excluded"]]
        yield "Dances were made by this project; the music is of these packages of the Debian distribution:"
        yield ""
        yield "| package | songs | minutes | licence |"
        yield "| --- | --- | --- | --- |"
        for package in sorted({row["package"] for row in rows}):
            of_package = [row for row in rows if row["package"] == package]
            minutes = sum(float(row["seconds"]) for row in of_package) / 60
            licences = "; ".join(sorted({row["licence"] for row in of_package}))
            yield f"| {package} | {len(of_package)} | {minutes:.0f} | {licences} |"


def differences(values: Any, others: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of the settings that differ, with their values."""
    for name, value in values.items():
        dotted, other = f"{key}{name}", others[name]
        if isinstance(value, dict):
            yield from differences(value, other, f"{dotted}.")
        elif value != other:
            yield dotted, value


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
