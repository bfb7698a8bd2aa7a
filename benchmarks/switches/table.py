"""Outcomes as a table: the mean over seeds, and the paired difference from the default, with 95 % t intervals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from benchmarks.switches.plan import DEFAULT
from benchmarks.switches.runner import Outcome
from motionbeat.ablation.seeds import Estimate, estimate, paired


@frozen
class Measure:
    """A metric of a run: where it is found, its heading, its decimals."""

    key: str
    heading: str
    decimals: int


MEASURES = (
    Measure("retrieve.win.music_to_motion.model.r1", "R@1 music to motion", 1),
    Measure("retrieve.win.motion_to_music.model.r1", "R@1 motion to music", 1),
    Measure("retrieve.win.music_to_motion.model.r10", "R@10 music to motion", 1),
    Measure("retrieve.win.motion_to_music.model.r10", "R@10 motion to music", 1),
    Measure("train.val_r10_music_to_motion", "validation R@10 music to motion", 1),
    Measure("train.val_r10_motion_to_music", "validation R@10 motion to music", 1),
    Measure("train.jitter_accuracy", "jitter accuracy", 3),
    Measure("train.tempo_accuracy", "tempo accuracy", 3),
)
_EXTRA = ("agreement", "correlation")  # in the names of further metrics of train.json


@frozen
class Line:
    """One switch: what it turns, by measure the mean and the difference from the default, and what is missing."""

    switch: str
    turned: Mapping[str, Any]
    means: Mapping[str, Estimate | None]
    differences: Mapping[str, Estimate | None]
    missing: tuple[str, ...]
    seconds: float | None


def measures(outcomes: Iterable[Outcome]) -> tuple[Measure, ...]:
    """The usual ones, and those of train.json that say how far predicted and true curves agree."""
    known = {key for outcome in outcomes for key in outcome.metrics or {}}
    extra = sorted(key for key in known if key.startswith("train.") and any(part in key for part in _EXTRA))
    named = (Measure(key, key.removeprefix("train.").replace("_", " "), 3) for key in extra)
    return (*MEASURES, *named)


def lines(
    switches: Mapping[str, Mapping[str, Any]],
    outcomes: Sequence[Outcome],
    refused: Mapping[str, str],
    chosen: Sequence[Measure],
    seeds: Sequence[int],
) -> list[Line]:
    """One line a switch. refused: {switch: why it cannot run}."""
    by_switch = {name: {o.run.seed: o for o in outcomes if o.run.switch == name} for name in switches}
    found = []
    for name, turned in switches.items():
        own = by_switch[name]
        values = {measure.key: _values(own, measure.key) for measure in chosen}
        base = {measure.key: _values(by_switch[DEFAULT], measure.key) for measure in chosen}
        missing = [
            f"seed {seed}: {own[seed].reason if seed in own else 'not run'}"
            for seed in seeds
            if seed not in own or own[seed].metrics is None
        ]
        if len(missing) == len(seeds) and len({text.partition(": ")[2] for text in missing}) == 1:
            missing = [missing[0].partition(": ")[2]]
        took = [outcome.seconds for outcome in own.values() if outcome.metrics is not None]
        found.append(
            Line(
                name,
                turned,
                {key: estimate(list(by_seed.values())) for key, by_seed in values.items()},
                {key: None if name == DEFAULT else paired(values[key], base[key]) for key in values},
                (refused[name],) if name in refused else tuple(missing),
                sum(took) / len(took) if took else None,
            )
        )
    return found


def _values(by_seed: Mapping[int, Outcome], key: str) -> dict[int, float]:
    return {
        seed: outcome.metrics[key]
        for seed, outcome in by_seed.items()
        if outcome.metrics is not None and key in outcome.metrics
    }


def markdown(found: Sequence[Line], chosen: Sequence[Measure], about: Sequence[str]) -> str:
    """The page: what was measured, the means, the differences."""
    headings = [measure.heading for measure in chosen]
    means = [[line.switch, *_cells(line, line.means, chosen), _count(line)] for line in found]
    changed = [line for line in found if line.switch != DEFAULT]
    differences = [
        [line.switch, _turned(line), *_cells(line, line.differences, chosen, signed=True), _count(line)]
        for line in changed
    ]
    parts = [
        *about,
        "## Means over seeds",
        "Mean and 95 % t interval. Recall in percent on the test split (WIN), accuracies on the validation split.",
        _table(["switch", *headings, "seeds"], means),
        "## Differences from the default, paired by seed",
        "Switch minus default on the same corpus and the same training seed; in bold where the interval has no 0.",
        _table(["switch", "turned", *headings, "seeds"], differences),
    ]
    return "\n\n".join(parts) + "\n"


def document(
    found: Sequence[Line], outcomes: Sequence[Outcome], chosen: Sequence[Measure], about: Sequence[str]
) -> dict[str, Any]:
    """The same as plain values, with the figures of each seed."""
    return {
        "about": list(about),
        "switches": {line.switch: _plain(line, outcomes, chosen) for line in found},
    }


def _plain(line: Line, outcomes: Sequence[Outcome], chosen: Sequence[Measure]) -> dict[str, Any]:
    own = {outcome.run.seed: outcome for outcome in outcomes if outcome.run.switch == line.switch}
    by_seed = {measure.key: {str(s): v for s, v in _values(own, measure.key).items()} for measure in chosen}
    return {
        "turned": dict(line.turned),
        "missing": list(line.missing),
        "seconds": line.seconds,
        "measures": {
            measure.key: {
                "seeds": by_seed[measure.key],
                "mean": _estimate(line.means[measure.key]),
                "difference": _estimate(line.differences[measure.key]),
            }
            for measure in chosen
        },
    }


def _estimate(value: Estimate | None) -> dict[str, Any] | None:
    return None if value is None else asdict(value)


def _cells(
    line: Line, values: Mapping[str, Estimate | None], chosen: Sequence[Measure], signed: bool = False
) -> list[str]:
    return [text_of(values[measure.key], measure.decimals, signed) for measure in chosen]


def text_of(value: Estimate | None, decimals: int, signed: bool = False) -> str:
    """`34.0 [32.7, 35.3]`; a signed one in bold where its interval has no 0; empty without a figure."""
    if value is None:
        return ""
    sign = "+" if signed else ""
    text = f"{value.mean:{sign}.{decimals}f}"
    if value.low is None or value.high is None:
        return text
    text += f" [{value.low:{sign}.{decimals}f}, {value.high:{sign}.{decimals}f}]"
    return f"**{text}**" if signed and value.low * value.high > 0 else text


def _turned(line: Line) -> str:
    return ", ".join(f"`{knob}={_value(value)}`" for knob, value in line.turned.items())


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _count(line: Line) -> str:
    n = max((value.n for value in line.means.values() if value is not None), default=0)
    return "; ".join([*([str(n)] if n else []), *line.missing])


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)
