"""params.yaml as one typed model; a wrong value is refused naming its key, the value and what was expected."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_text
from motionbeat.lab.params.sections import (
    Beats,
    Corpus,
    CorpusName,
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
    "CorpusName",
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
    "read_yaml",
]


_MOST_BYTES = 2**20


def load(path: Path | str = "params.yaml") -> Params:
    """Read and check all of params.yaml (YAML 1.2, so that 1e-4 is a number).

    Raises `MotionBeatError` listing every wrong key with its value and what was expected.
    """
    return from_dict(read_yaml(Path(path)), str(path))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; `MotionBeatError` if it is missing, not text or not YAML."""
    text = read_text(path, "run from the folder that holds dvc.yaml and params.yaml", _MOST_BYTES)
    with guarded(path, "is not valid YAML", "correct it, or restore the committed version"):
        return YAML(typ="safe", pure=True).load(text)


def from_dict(values: Any, origin: str = "params") -> Params:
    """Check nested plain values against the model; each message begins with `origin`."""
    if not isinstance(values, dict):
        raise MotionBeatError(f"{origin} has no sections")
    params = structured(values, origin)
    wrong = contradictions(params)
    if wrong:
        raise MotionBeatError(f"{origin}: " + "; ".join(wrong))
    return params
