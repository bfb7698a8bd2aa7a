"""The figures of a table's variants over seeds, from DVC's experiments, and why some are not there."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from motionbeat.lab.results.experiments import SUCCESS, Experiment
from motionbeat.lab.results.measures import Measure, of_table
from motionbeat.lab.results.seeds import Estimate, estimate, paired
from motionbeat.lab.results.variants import FULL, Variant, experiment_names, variants

_SEEDS = ("train.seed", "corpus.seed")
_UNREAD = "report."  # knobs that no figure follows from, and that experiments may differ in


@frozen
class Figure:
    """A measure of a variant: over seeds, by seed, and minus the full model's; or the reason why there is none."""

    over_seeds: Estimate | None
    by_seed: Mapping[int, float]
    minus_full: Estimate | None
    reason: str = ""


@frozen
class Line:
    """A variant: its figures by the measure's name, and a note for each seed that is missing."""

    variant: Variant
    figures: Mapping[str, Figure]
    seeds: tuple[int, ...]
    notes: tuple[str, ...]


@frozen
class Ablation:
    """A table of the paper with ours."""

    number: int
    measures: tuple[Measure, ...]
    lines: tuple[Line, ...]
    seeds: tuple[int, ...]
    common: Mapping[str, Any]  # knobs that all counted experiments share

    @property
    def embedded(self) -> bool:
        """Whether a seed is another corpus too."""
        return bool(self.common.get("corpus.name") == "synthetic")


def collect(
    table: int, seeds: int, known: Mapping[str, Experiment], turned: Mapping[str, Mapping[str, Any]]
) -> Ablation:
    """The figures of a table. turned: {variant: the knobs that its preset turns}.

    An experiment counts if it ended well, has its variant's knobs and its seed, and shares all other knobs with the
    rest of the table; another one is left out, with the reason.
    """
    rows = variants(table)
    found: dict[tuple[str, int], Experiment] = {}
    notes: dict[str, dict[int, str]] = {row.name: {} for row in rows}
    shared: dict[str, tuple[Any, str]] = {}
    for seed in range(seeds):
        for row in rows:
            experiment, why = _find(table, row, seed, known)
            if experiment is not None:
                why = _unlike(experiment, seed, turned[row.name], shared)
            if experiment is None or why:
                notes[row.name][seed] = why
                continue
            for key, value in experiment.params.items():
                if key not in turned[row.name]:
                    shared.setdefault(key, (value, experiment.name))
            found[row.name, seed] = experiment
    measures = of_table(table, {name for experiment in found.values() for name in experiment.metrics})
    full = {seed: found[FULL, seed] for seed in range(seeds) if (FULL, seed) in found}
    lines = []
    for row in rows:
        own = {seed: found[row.name, seed] for seed in range(seeds) if (row.name, seed) in found}
        figures = {m.name: _figure(m, own, None if row.name == FULL else full, notes[row.name]) for m in measures}
        lines.append(Line(row, figures, tuple(own), tuple(_grouped(notes[row.name]))))
    varied = {*_SEEDS, *(key for variant, _ in found for key in turned[variant])}
    common = {key: value for key, (value, _) in shared.items() if key not in varied and not key.startswith(_UNREAD)}
    return Ablation(table, measures, tuple(lines), tuple(range(seeds)), common)


def _find(table: int, row: Variant, seed: int, known: Mapping[str, Experiment]) -> tuple[Experiment | None, str]:
    there = [known[name] for name in experiment_names(table, row, seed) if name in known]
    ended = next((experiment for experiment in there if experiment.state == SUCCESS), None)
    if ended is not None:
        return ended, ""
    return None, there[0].state if there else "no experiment"


def _unlike(experiment: Experiment, seed: int, turned: Mapping[str, Any], shared: Mapping[str, tuple[Any, str]]) -> str:
    """Why an experiment does not belong here; empty where it does."""
    have = experiment.params
    wanted = {**turned, "train.seed": seed}
    if have.get("corpus.name") == "synthetic":
        wanted["corpus.seed"] = seed
    for key, value in wanted.items():
        if have.get(key) != value:
            return f"left out: {experiment.name} has {key} = {have.get(key)}, not {value}"
    for key, (value, other) in shared.items():
        if key in turned or key in _SEEDS or key.startswith(_UNREAD):
            continue
        if have.get(key) != value:
            return f"left out: {experiment.name} has {key} = {have.get(key)}, {other} has {value}"
    return ""


def _figure(
    measure: Measure, own: Mapping[int, Experiment], full: Mapping[int, Experiment] | None, notes: Mapping[int, str]
) -> Figure:
    values = {s: e.metrics[measure.name] for s, e in own.items() if measure.name in e.metrics}
    if not values:
        return Figure(None, {}, None, _why(measure, own, notes))
    base = {s: e.metrics[measure.name] for s, e in (full or {}).items() if measure.name in e.metrics}
    minus = paired(values, base) if full is not None else None
    return Figure(estimate([values[seed] for seed in sorted(values)]), values, minus)


def _why(measure: Measure, own: Mapping[int, Experiment], notes: Mapping[int, str]) -> str:
    if not own:
        return "; ".join(_grouped({seed: note.partition(":")[0] for seed, note in notes.items()}))
    if not any(measure.file in experiment.files for experiment in own.values()):
        return f"the {measure.stage} stage has not run"
    return f"metrics/{measure.file}.json has no {measure.key}"


def _grouped(notes: Mapping[int, str]) -> list[str]:
    """{0: "queued", 1: "queued"} -> ["seeds 0, 1: queued"]"""
    reasons = dict.fromkeys(notes.values())
    seeds = {reason: [str(seed) for seed, other in notes.items() if other == reason] for reason in reasons}
    return [f"seed{'s' if len(own) > 1 else ''} {', '.join(own)}: {reason}" for reason, own in seeds.items()]
