"""Common parts of the commands: the options --model and --json, and opening of the model."""

import json
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import motionbeat
from motionbeat.errors import MotionBeatError
from motionbeat.weights import SHIPPED

if TYPE_CHECKING:
    from motionbeat.inference import MotionBeat

DEFAULT_MODEL = SHIPPED
ModelOption = Annotated[
    Path,
    typer.Option(
        "--model",
        help="Folder with config.json and model.safetensors, as the train stage writes it.",
        show_default="the model that comes with the package",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


class Tracker(StrEnum):
    """The beat tracker for songs."""

    madmom = "madmom"
    librosa = "librosa"


def open_model(folder: Path, device: str | None = None) -> "MotionBeat":
    """The model in a folder; the package's own is named on stderr. `MotionBeatError` names --model if none is there."""
    if not (folder / "config.json").is_file():
        raise MotionBeatError(
            f"{folder / 'config.json'} is missing: name the folder of a trained model with --model, or train one with "
            "`dvc repro train`"
        )
    from motionbeat.inference import load

    if folder == SHIPPED:
        print(f"model: the one that comes with motionbeat {motionbeat.__version__}", file=sys.stderr)
    return load(folder, device)


def print_json(values: Any) -> None:
    """Print `values` as JSON; NaN is refused, and what is no UTF-8 or controls a terminal is escaped."""
    text = json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False)
    print(re.sub("[\x7f-\x9f\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text))
