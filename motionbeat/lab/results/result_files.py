"""The small JSON results of a run, read once for the page and for the terminal."""

import json
from pathlib import Path
from typing import Any

from attrs import frozen

from motionbeat.errors import MotionBeatError


@frozen
class Results:
    """What metrics/ holds after a run: nested plain values, as the stages wrote them."""

    retrieve: dict[str, Any]  # {protocol: {direction: {row: {n, r1, r5, r10, medr, meanr}}}}
    intervals: dict[str, Any]  # the same nest with [low, high], and gallery, songs and chance per direction; and heads
    train: dict[str, Any]  # best_epoch, epochs, score, jitter_accuracy, tempo_accuracy, parameters, ...
    beats: dict[str, Any]  # of the tracker, against the truth where there is one

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Read retrieve.json, retrieve_intervals.json, train.json and beats.json from `folder`."""
        names = ("retrieve", "retrieve_intervals", "train", "beats")
        return cls(*(_read_object(folder / f"{name}.json") for name in names))


def _read_object(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: run `dvc repro` to make it") from None
    except json.JSONDecodeError as error:
        raise MotionBeatError(f"{path} is not JSON ({error}): run `dvc repro`") from None
    if not isinstance(values, dict):
        raise MotionBeatError(f"{path} holds no named values: run `dvc repro`")
    return values
