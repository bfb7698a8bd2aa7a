"""params.yaml as one typed model; a wrong value is refused naming its key, the value and what was expected."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params.sections import (
    Beats,
    Corpus,
    Count,
    CountOrZero,
    Dance,
    DataSet,
    EncoderName,
    Encoders,
    Fraction,
    Loss,
    Model,
    MotionChecks,
    Negatives,
    NonNegative,
    Params,
    Positive,
    Report,
    Retrieve,
    Tasks,
    Tokens,
    Train,
)
from motionbeat.lab.params.structure import structured
from motionbeat.lab.params.together import contradictions

__all__ = [
    "Beats",
    "Corpus",
    "Count",
    "CountOrZero",
    "Dance",
    "DataSet",
    "EncoderName",
    "Encoders",
    "Fraction",
    "Loss",
    "Model",
    "MotionChecks",
    "Negatives",
    "NonNegative",
    "Params",
    "Positive",
    "Report",
    "Retrieve",
    "Tasks",
    "Tokens",
    "Train",
    "from_dict",
    "load",
]


def load(path: Path | str = "params.yaml") -> Params:
    """Read and check all of params.yaml (YAML 1.2, so that 1e-4 is a number).

    Raises `MotionBeatError` listing every wrong key with its value and what was expected.
    """
    try:
        values = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: run from the folder that holds dvc.yaml and params.yaml") from None
    except YAMLError as error:
        raise MotionBeatError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    return from_dict(values, str(path))


def from_dict(values: Any, origin: str = "params") -> Params:
    """Check nested plain values against the model; `origin` stands in front of each message."""
    if not isinstance(values, dict):
        raise MotionBeatError(f"{origin} holds no sections")
    params = structured(values, origin)
    wrong = contradictions(params)
    if wrong:
        raise MotionBeatError(f"{origin}: " + "; ".join(wrong))
    return params
