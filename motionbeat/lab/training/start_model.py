"""A trained model that training starts from instead of new weights: fine-tuning.

A start model keeps its input statistics (mean and deviation of each feature). Its weights were trained on inputs with
this scaling: other statistics would change its output before the first step, and those of a few songs are less exact.
So training begins with exactly the given model, and epoch 0 of the history is its validation.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, fields

from motionbeat.errors import MotionBeatError, refuse
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.model_folder import CONFIG_FILE, WEIGHTS_FILE, read_config
from motionbeat.tokens.layout import Layout
from motionbeat.weights import SHIPPED

if TYPE_CHECKING:  # otherwise a change to the params of another stage would change the key of a run
    from motionbeat.lab.params import Model

OF_THE_PACKAGE = "shipped"
_ROTATIONS = ("motion_width", "rotation_start")


def start_folder(start_from: str) -> Path:
    """The folder in `train.start_from`."""
    return SHIPPED if start_from == OF_THE_PACKAGE else Path(start_from)


def start_files(start_from: str | None) -> list[Path]:
    """The files of the start weights, empty for new weights; `MotionBeatError` if one is missing."""
    if start_from is None:
        return []
    files = [start_folder(start_from) / name for name in (CONFIG_FILE, WEIGHTS_FILE)]
    refuse(f"{path} is missing: train.start_from names the folder of a model" for path in files if not path.is_file())
    return files


def knobs_of(start_from: str) -> dict[str, Any]:
    """The params with which tokens and models are like those of the start model."""
    config = ModelConfig.from_dict(read_config(start_folder(start_from), "model"), start_from)
    values = asdict(config)
    knobs = {_knob(name): values[name] for name in values if name not in _ROTATIONS}
    return knobs | {"tokens.rotations": "never" if config.rotation_start is None else "auto"}


def start_model(start_from: str, tokens: Tokens, settings: "Model") -> DualEncoder:
    """The trained model in `train.start_from`, with its statistics and with the dropout of `settings`.

    Raises `MotionBeatError` naming every param in which tokens or settings differ from that model's.
    """
    start = DualEncoder.load(start_folder(start_from))
    config = evolve(start.config, dropout=settings.dropout)
    wrong = _differences(config, ModelConfig.of(settings, tokens.layout))
    if wrong:
        raise MotionBeatError(
            f"train.start_from = {start_from}: the start model differs in: {'; '.join(wrong)}. Set these params to its "
            "values (after a change of tokens.*, run `dvc repro`), or set train.start_from to null"
        )
    model = DualEncoder(config)
    model.load_state_dict(start.state_dict())
    return model


def _differences(start: ModelConfig, wanted: ModelConfig) -> list[str]:
    """The params that differ, with both values."""
    theirs, ours = asdict(start), asdict(wanted)
    other = [name for name in theirs if theirs[name] != ours[name]]
    lines = [f"{_knob(n)} is {theirs[n]!r} there and {ours[n]!r} here" for n in other if n not in _ROTATIONS]
    if (start.rotation_start is None) != (wanted.rotation_start is None):
        lines.append(
            "it has no joint rotations, and the tokens have them: set tokens.rotations to never"
            if start.rotation_start is None
            else "it has joint rotations, and the tokens have none: set tokens.rotations to auto and provide "
            "rotations with every clip"
        )
    elif not lines and other:
        lines.append(f"its motion features are {start.motion_width} numbers, those of the tokens {wanted.motion_width}")
    return lines


def _knob(name: str) -> str:
    """The param of a field of config.json."""
    return f"{'tokens' if name in {field.name for field in fields(Layout)} else 'model'}.{name}"
