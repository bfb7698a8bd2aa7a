"""The variants of an ablation: names with the params that they change."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from attrs import asdict
from ruamel.yaml import YAML, YAMLError

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.params import presets

DEFAULT = "default"
VARIANTS = Path(__file__).with_name("variants.yaml")
SEEDS = ("corpus.seed", "train.seed")

Overrides = Mapping[str, Any]
"""{"loss.alpha": 0.2}: params by section and name."""


def read_variants(path: Path = VARIANTS) -> dict[str, dict[str, Any]]:
    """{name: overrides} of a YAML file. Raises `MotionBeatError` if it has anything else."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing: --variants names a YAML file of name: {{param: value}}") from None
    except YAMLError as error:
        raise MotionBeatError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not all(isinstance(knobs, dict) and knobs for knobs in content.values()):
        raise MotionBeatError(f"{path}: expected variants, name: {{param: value}}")
    return {str(name): knobs for name, knobs in content.items()}


def chosen_variants(names: Sequence[str], known: Mapping[str, Overrides], root: Path) -> dict[str, Overrides]:
    """The default, then the variants `names` (by default all of `known`); other names are presets of `root`."""
    chosen: dict[str, Overrides] = {DEFAULT: {}}
    there = presets.names(root / presets.FOLDER)
    for name in names or known:
        if name in known:
            chosen[name] = known[name]
        elif name in there:
            chosen[name] = presets.overrides(name, root / presets.FOLDER, root / presets.PARAMS)
        elif name != DEFAULT:
            raise MotionBeatError(f"unknown variant {name}: expected one of {', '.join([*known, *there])}")
    return chosen


def with_overrides(values: Mapping[str, Any], overrides: Overrides, origin: str) -> dict[str, Any]:
    """A copy of the nested `values` of params.yaml with some params changed, with the same checks as params.yaml.

    Raises `MotionBeatError`, beginning with `origin`, for an unknown param and an invalid value.
    """
    changed: dict[str, Any] = deepcopy(dict(values))
    for name, value in overrides.items():
        *sections, knob = name.split(".")
        place: Any = changed
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if not isinstance(place, dict) or knob not in place:
            raise MotionBeatError(f"{origin}: unknown key {name}: not in params.yaml")
        place[knob] = value
    return asdict(params.from_dict(changed, origin))


def assignments(texts: Iterable[str]) -> dict[str, Any]:
    """The overrides in texts `section.param=value`, values as YAML: {"train.epochs": 40}.

    Raises `MotionBeatError` for another form of text, and for seeds, which have separate options.
    """
    yaml = YAML(typ="safe", pure=True)
    overrides = {}
    for text in texts:
        knob, equals, value = text.partition("=")
        if not equals or "." not in knob:
            raise MotionBeatError(f"-S {text}: expected section.param=value, such as train.epochs=40")
        try:
            overrides[knob] = yaml.load(value)
        except YAMLError as error:
            raise MotionBeatError(f"-S {text}: the value is not valid YAML: {' '.join(str(error).split())}") from None
    check_no_seeds(overrides, "-S")
    return overrides


def check_no_seeds(overrides: Overrides, origin: str) -> None:
    """Raises `MotionBeatError` if a seed is among the overrides: variants are paired by their seeds."""
    if seeds := [name for name in SEEDS if name in overrides]:
        raise MotionBeatError(f"{origin} sets {', '.join(seeds)}: give seeds with --corpora and --trainings, or --seed")


def seeds_of(text: str, option: str) -> list[int]:
    """Seeds from a text such as 0,1,2. Raises `MotionBeatError` for anything else, and for a seed given twice."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts) or len({*map(int, parts)}) < len(parts):
        raise MotionBeatError(f"{option} {text}: expected different seeds with commas, such as 0,1,2")
    return [int(part) for part in parts]
