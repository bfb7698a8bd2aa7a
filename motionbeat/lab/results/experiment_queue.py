"""Which experiments a table needs, which are there already, and the commands that queue the others."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from ruamel.yaml import YAML, YAMLError

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.params import presets
from motionbeat.lab.results.experiments import Experiment, flat
from motionbeat.lab.results.variants import FULL, Variant, experiment_names, variants

EMBEDDED = "synthetic"


@frozen
class Wanted:
    """An experiment that a table needs: the flags it is queued with, and all params that it then has."""

    names: tuple[str, ...]  # its own, then those under which the same may be there
    variant: Variant
    seed: int
    flags: Mapping[str, Any]
    params: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments of dvc."""
        return ("exp", "run", "--queue", "-n", self.name, *presets.flags(dict(self.flags)))


def wanted(
    table: int, seeds: int, chosen: Mapping[str, Any], values: Path = presets.PARAMS, folder: Path = presets.FOLDER
) -> list[Wanted]:
    """The experiments of a table, seed by seed, so that a queue that is stopped early has whole seeds.

    chosen: knobs of every experiment. A seed is train.seed and, on the embedded corpus, corpus.seed too. Raises
    `MotionBeatError` for an unknown table, fewer seeds than one, and params that the pipeline would refuse.
    """
    rows = variants(table)
    if seeds < 1:
        raise MotionBeatError(f"--seeds {seeds}: expected how many seeds, at least 1")
    base = asdict(params.load(values))
    rows_flags = {row.name: presets.overrides(row.preset, folder, values) if row.preset else {} for row in rows}
    found = []
    for seed in range(seeds):
        for row in rows:
            flags = {**chosen, **rows_flags[row.name], "train.seed": seed}
            if flags.get("corpus.name", base["corpus"]["name"]) == EMBEDDED:
                flags["corpus.seed"] = seed
            found.append(Wanted(experiment_names(table, row, seed), row, seed, flags, _applied(base, flags)))
    return found


def overrides(texts: Sequence[str]) -> dict[str, Any]:
    """`section.knob=value` texts of -S; the seeds are refused, which --seeds sets."""
    chosen = assignments(texts, "-S")
    for knob in chosen.keys() & {"train.seed", "corpus.seed"}:
        raise MotionBeatError(f"-S {knob}={chosen[knob]}: the seeds are set by --seeds, 0 and up")
    return chosen


def assignments(texts: Iterable[str], flag: str) -> dict[str, Any]:
    """`section.knob=value` texts, the values read as YAML: {"train.epochs": 40}.

    Raises `MotionBeatError` for a text of another form, with the flag that it was given to.
    """
    yaml = YAML(typ="safe", pure=True)
    chosen = {}
    for text in texts:
        knob, equals, value = text.partition("=")
        if not equals or "." not in knob:
            raise MotionBeatError(f"{flag} {text}: expected section.knob=value, such as train.epochs=40")
        try:
            chosen[knob] = yaml.load(value)
        except YAMLError as error:
            raise MotionBeatError(
                f"{flag} {text}: the value is not valid YAML: {' '.join(str(error).split())}"
            ) from None
    return chosen


def _applied(base: Mapping[str, Mapping[str, Any]], flags: Mapping[str, Any]) -> dict[str, Any]:
    full: dict[str, Any] = deepcopy(dict(base))
    for name, value in flags.items():
        *sections, knob = name.split(".")
        place: Any = full
        for section in sections:
            place = place.get(section) if isinstance(place, dict) else None
        if not isinstance(place, dict) or knob not in place:
            raise MotionBeatError(f"-S {name}: params.yaml has no such knob")
        place[knob] = value
    return flat(asdict(params.from_dict(full, "params.yaml with -S")))


def missing(needed: Sequence[Wanted], known: Mapping[str, Experiment]) -> tuple[list[Wanted], list[str]]:
    """What is to be queued, and a line for each experiment that is there already; failed ones are queued again.

    Raises `MotionBeatError` where one is there with other knobs: its figures would stand in the wrong table.
    """
    todo, there = [], []
    for item in needed:
        present = [known[name] for name in item.names if name in known]
        found = next((experiment for experiment in present if experiment.state != "failed"), None)
        if found is None:
            todo.append(item)
            continue
        if other := differences(found.params, item.params):
            raise MotionBeatError(
                f"experiment {found.name} is there ({found.state}) with {other}: give the same knobs by -S, or first "
                f"remove it: dvc exp remove {found.name}"
            )
        there.append(f"{found.name}: {found.state}")
    return todo, there


def differences(have: Mapping[str, Any], want: Mapping[str, Any]) -> str:
    """The knobs of `have` that are not as wanted, those of the report aside, as text; empty where there are none."""
    unlike = [
        f"{key} = {have[key]} (not {want[key]})"
        for key in want
        if key in have and not key.startswith("report.") and have[key] != want[key]
    ]
    return ", ".join(unlike[:4]) + (f" and {len(unlike) - 4} more" if len(unlike) > 4 else "")


def idle(needed: Sequence[Wanted]) -> list[str]:
    """Names of variants that turn nothing, since params.yaml has their knobs already: they equal the full model."""
    full = {item.seed: item.params for item in needed if item.variant.name == FULL}
    return sorted({i.variant.name for i in needed if i.variant.name != FULL and i.params == full.get(i.seed)})


def relative_root(item: Wanted) -> str | None:
    """corpus.root where it is a path that the queue, which runs in other folders, would not find; else None."""
    root = str(item.params["corpus.root"])
    return None if item.params["corpus.name"] == EMBEDDED or Path(root).is_absolute() else root
