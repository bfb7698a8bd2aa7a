"""params.yaml as one typed model; a wrong value is refused naming its key, the value and what was expected."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NewType, get_args, get_origin

import cattrs
from attrs import frozen
from ruamel.yaml import YAML, YAMLError

from motionbeat.errors import MotionBeatError

Positive = NewType("Positive", float)
NonNegative = NewType("NonNegative", float)
Fraction = NewType("Fraction", float)
Count = NewType("Count", int)
CountOrZero = NewType("CountOrZero", int)


@frozen
class Corpus:
    name: Literal["synthetic", "aistpp", "dance_with_melody", "folder"]
    root: str
    size: Literal["small", "full"]
    seed: CountOrZero
    validation: Literal["held_out", "official"]
    accept_aist_terms: bool
    annotations_url: str
    music_url: str
    meters: list[Count]


@frozen
class Beats:
    tracker: Literal["madmom", "librosa", "nominal"]
    beats_per_bar: list[Count]
    min_bpm: Positive
    max_bpm: Positive
    extend: bool


@frozen
class Tokens:
    window_beats: Count
    subbeats: Count
    mel_bands: Count
    motion_fps: Positive
    rotations: Literal["auto", "never"]
    contact_speed: Positive
    contact_height: Positive
    coverage: Fraction
    lattices: CountOrZero
    lattice_min_s: Positive
    lattice_max_s: Positive


@frozen
class Negatives:
    tempo_tolerance_bpm: NonNegative
    tempo_tolerance: Fraction
    accent_correlation: float
    tempo_per_anchor: CountOrZero
    jitter_shifts: list[float]


@frozen
class Model:
    width: Count
    layers: Count
    heads: Count
    embedding: Count
    dropout: Fraction
    centre: bool
    rotation: Literal["harmonic", "paper", "none"]
    phase_features: bool
    contact_attention: bool
    readout: Literal["window_harmonic", "bar_harmonic", "mean"]
    max_beats_per_bar: Count


@frozen
class Loss:
    ecl_weight: NonNegative
    alpha: NonNegative
    temperature: Positive
    symmetric: bool
    batch_negatives: bool
    tempo_negatives: CountOrZero
    jitter_negatives: CountOrZero
    same_song: Literal["mask", "positive", "keep"]
    beat_weight: NonNegative
    bar_weight: NonNegative
    source: Literal["predicted", "detected"]
    divergence: bool
    gamma: Positive
    band: int
    circular: bool
    rhythm_weight: NonNegative
    contact_weight: NonNegative


@frozen
class Train:
    seed: CountOrZero
    epochs: Count
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative
    warmup: Fraction
    clip_norm: Positive
    precision: Literal["auto", "float32", "bf16"]
    compile: bool
    log: Literal["csv", "tensorboard"]
    rotation_dropout: Fraction
    sampling: Literal["shuffled", "tempo"]
    lattice_share: Fraction
    validate_every: Count
    patience: Count


@frozen
class Retrieve:
    bootstrap: Count
    seed: CountOrZero
    slice_s: Positive
    slice_stride_s: Positive
    head_components: Count
    head_learning_rates: list[Positive]
    head_epochs: Count
    head_batch: Count


EncoderName = Literal["motionbeat", "mel", "random", "musicnn", "wav2vec2", "clap", "wav2clip", "jukebox"]


@frozen
class Encoders:
    names: list[EncoderName]
    motionbeat: str
    musicnn: Literal["MSD_musicnn", "MTT_musicnn"]
    wav2vec2: str
    clap: str
    wav2clip: str
    jukebox: str
    jukebox_layer: Count
    offline: bool


@frozen
class DataSet:
    root: str
    split: Literal["official", "folds"]


@frozen
class Tasks:
    gtzan: DataSet
    magnatagatune: DataSet
    nsynth: DataSet
    emomusic: DataSet
    standin_seed: CountOrZero
    folds: Count
    heads: list[Literal["linear", "mlp"]]
    beat_heads: list[Literal["linear", "mlp"]]
    hidden: Count
    dropout: Fraction
    learning_rates: list[Positive]
    epochs: Count
    patience: Count
    batch: Count
    beat_batch: Count
    bootstrap: Count
    seed: CountOrZero


@frozen
class Dance:
    encoders: list[EncoderName]
    width: Count
    layers: Count
    heads: Count
    feedforward: Count
    condition_layers: CountOrZero
    patch: Count
    aligned: bool
    preconditioned: bool
    dropout: Fraction
    seed: CountOrZero
    steps: Count
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative
    warmup: Fraction
    clip_norm: Positive
    ema: Fraction
    condition_dropout: Fraction
    precision: Literal["auto", "float32", "bf16"]
    guidance: NonNegative
    sampling_steps: Count
    sampling_noise: Fraction
    length_s: Positive
    dances_per_song: Count
    bootstrap: Count


@frozen
class Report:
    clip: str


@frozen
class Params:
    corpus: Corpus
    beats: Beats
    tokens: Tokens
    negatives: Negatives
    model: Model
    loss: Loss
    train: Train
    retrieve: Retrieve
    dance: Dance
    encoders: Encoders
    tasks: Tasks
    report: Report


def _number(kind: type, expected: str, allowed: Callable[[Any], bool]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole or (kind is float and isinstance(value, float))) or not allowed(value):
            raise ValueError(f"{value!r}; expected {expected}")
        return kind(value)

    return structure


def _exactly(kind: type, expected: str) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"{value!r}; expected {expected}")
        return value

    return structure


def _one_of(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise ValueError(f"{value!r}; expected one of {', '.join(get_args(kind))}")
    return value


def _list(value: Any, kind: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{value!r}; expected a list of at least one item")
    return [_CONVERTER.structure(item, get_args(kind)[0]) for item in value]


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    finite = 1e300
    for name, hook in {
        float: _number(float, "a number", lambda x: abs(x) < finite),
        int: _number(int, "a whole number", lambda x: True),
        Positive: _number(float, "a number above 0", lambda x: 0 < x < finite),
        NonNegative: _number(float, "a number of at least 0", lambda x: 0 <= x < finite),
        Fraction: _number(float, "a number from 0 to 1", lambda x: 0 <= x <= 1),
        Count: _number(int, "a whole number of at least 1", lambda x: x >= 1),
        CountOrZero: _number(int, "a whole number of at least 0", lambda x: x >= 0),
        bool: _exactly(bool, "true or false"),
        str: _exactly(str, "text"),
    }.items():
        converter.register_structure_hook(name, hook)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is Literal, _one_of)
    converter.register_structure_hook_func(lambda kind: get_origin(kind) is list, _list)
    return converter


_CONVERTER = _converter()


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
    try:
        params = _CONVERTER.structure(values, Params)
    except cattrs.BaseValidationError as group:
        lines = [_readable(line) for line in cattrs.transform_error(group, "", _message)]
        raise MotionBeatError(f"{origin}: " + "; ".join(lines)) from None
    _check_together(params, origin)
    return params


def _message(error: BaseException, _: Any) -> str:
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        return f"unknown key {', '.join(sorted(map(str, error.extra_fields)))}; expected none besides those documented"
    if isinstance(error, KeyError):
        return "missing; expected a value"
    return str(error)


def _readable(line: str) -> str:
    """'abc; expected a number @ .loss.alpha' -> loss.alpha = abc; expected a number"""
    text, _, key = line.rpartition(" @ ")
    joint = ": " if text.startswith(("unknown", "missing")) else " = "
    return joint.join(filter(None, (key.lstrip("."), text)))


def _check_together(params: Params, origin: str) -> None:
    wrong = []
    if params.model.width % (2 * params.model.heads):
        wrong.append(
            f"model.width = {params.model.width}; expected a multiple of 2 * model.heads = {2 * params.model.heads}"
        )
    if params.model.readout == "window_harmonic" and params.model.embedding % params.tokens.window_beats:
        wrong.append(
            f"model.embedding = {params.model.embedding}; expected a multiple of "
            f"tokens.window_beats = {params.tokens.window_beats} for model.readout = window_harmonic"
        )
    if params.beats.min_bpm >= params.beats.max_bpm:
        wrong.append(f"beats.min_bpm = {params.beats.min_bpm}; expected less than beats.max_bpm")
    longest = max([*params.beats.beats_per_bar, *params.corpus.meters])
    if params.model.max_beats_per_bar < longest:
        wrong.append(f"model.max_beats_per_bar = {params.model.max_beats_per_bar}; expected at least {longest}")
    if 0 in params.negatives.jitter_shifts:
        wrong.append("negatives.jitter_shifts holds 0; expected shifts that move the motion")
    parts = {shift: shift * params.tokens.subbeats for shift in params.negatives.jitter_shifts if shift}
    between = [shift for shift, moved in parts.items() if abs(moved - round(moved)) > 1e-3 or not round(moved)]
    if between:
        wrong.append(
            f"negatives.jitter_shifts holds {between[0]:g}; expected whole numbers of sub-beats, of which "
            f"tokens.subbeats = {params.tokens.subbeats} make a beat"
        )
    if params.tokens.lattice_min_s > params.tokens.lattice_max_s:
        wrong.append(
            f"tokens.lattice_min_s = {params.tokens.lattice_min_s}; expected at most "
            f"tokens.lattice_max_s = {params.tokens.lattice_max_s}"
        )
    if params.train.lattice_share and not params.tokens.lattices:
        wrong.append(
            f"train.lattice_share = {params.train.lattice_share} with tokens.lattices = 0; "
            "expected tokens.lattices of at least 1, or a share of 0"
        )
    if params.loss.tempo_negatives > params.negatives.tempo_per_anchor:
        wrong.append(
            f"loss.tempo_negatives = {params.loss.tempo_negatives}; "
            f"expected at most negatives.tempo_per_anchor = {params.negatives.tempo_per_anchor}"
        )
    if params.dance.width % (2 * params.dance.heads):
        wrong.append(
            f"dance.width = {params.dance.width}; expected a multiple of 2 * dance.heads = {2 * params.dance.heads}"
        )
    if 150 % params.dance.patch:
        wrong.append(f"dance.patch = {params.dance.patch}; expected a divisor of the 150 frames of a slice")
    if wrong:
        raise MotionBeatError(f"{origin}: " + "; ".join(wrong))
