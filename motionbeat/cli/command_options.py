"""What several commands share: the options --model and --json, and the model that the first one names."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motionbeat.errors import MotionBeatError

if TYPE_CHECKING:
    from motionbeat.inference import MotionBeat

DEFAULT_MODEL = Path("models/motionbeat")
ModelOption = Annotated[
    Path, typer.Option("--model", help="Folder with config.json and model.safetensors, as the train stage writes it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


class Tracker(StrEnum):
    """Who finds the beats of a song."""

    madmom = "madmom"
    librosa = "librosa"


def open_model(folder: Path) -> "MotionBeat":
    """The model in a folder. Raises `MotionBeatError` that names --model where there is none."""
    if not (folder / "config.json").is_file():
        raise MotionBeatError(
            f"{folder / 'config.json'} is missing: name the folder of a trained model by --model, or train one by "
            "`dvc repro train`"
        )
    from motionbeat.inference import load

    return load(folder)


def print_json(values: Any) -> None:
    """Print `values` as JSON; NaN is refused."""
    print(json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False))
