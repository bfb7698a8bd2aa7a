"""Outcomes as a table: the mean over seeds, and the paired difference from the default, with 95 % t intervals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from benchmarks.switches.plan import DEFAULT
from benchmarks.switches.runner import Outcome
from motionbeat.lab.results.ablation_tables import heading_of
from motionbeat.lab.results.measures import JITTER, R1_TO_MOTION, R1_TO_MUSIC, TEMPO, Measure, agreements
from motionbeat.lab.results.seeds import Estimate, estimate, paired

MEASURES = (
    R1_TO_MOTION,
    R1_TO_MUSIC,
    Measure("retrieve", "win.music_to_motion.model.r10", "R@10 music to motion", 1),
    Measure("retrieve", "win.motion_to_music.model.r10", "R@10 motion to music", 1),
    Measure("train", "val_r10_music_to_motion", "validation R@10 music to motion", 1),
    Measure("train", "val_r10_motion_to_music", "validation R@10 motion to music", 1),
    JITTER,
    TEMPO,
)
_BESIDE = {"random": "random embeddings", "ceiling": "ceiling"}  # rows of metrics/retrieve.json beside the model's


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
    return (*MEASURES, *agreements({name for outcome in outcomes for name in outcome.metrics or {}}))


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
        values = {measure.name: _values(own, measure.name) for measure in chosen}
        base = {measure.name: _values(by_switch[DEFAULT], measure.name) for measure in chosen}
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


def markdown(
    found: Sequence[Line], chosen: Sequence[Measure], about: Sequence[str], beside: Sequence[list[str]] = ()
) -> str:
    """The page: what was measured, the means with the rows `beside` them, the differences."""
    headings = [heading_of(measure) for measure in chosen]
    means = [[line.switch, *_cells(line, line.means, chosen), _count(line)] for line in found]
    means += beside
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
        "Switch minus default on the same corpus and the same training seed; in bold where the interval has no 0; "
        "of cells without any effect one in twenty is bold too.",
        _table(["switch", "turned", *headings, "seeds"], differences),
    ]
    return "\n\n".join(parts) + "\n"


def reference_rows(outcomes: Sequence[Outcome], chosen: Sequence[Measure]) -> list[list[str]]:
    """Random embeddings and the ceiling of the default's test sets, so that the means can be read."""
    rows = []
    own = {outcome.run.seed: outcome for outcome in outcomes if outcome.run.switch == DEFAULT}
    for row, label in _BESIDE.items():
        named = {measure: measure.name.replace(".model.", f".{row}.") for measure in chosen}
        values = {m: _values(own, name) if name != m.name else {} for m, name in named.items()}
        cells = [text_of(estimate(list(values[measure].values())), measure.decimals) for measure in chosen]
        rows.append([label, *cells, str(max((len(by_seed) for by_seed in values.values()), default=0))])
    return rows


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
    by_seed = {measure.name: {str(s): v for s, v in _values(own, measure.name).items()} for measure in chosen}
    return {
        "turned": dict(line.turned),
        "missing": list(line.missing),
        "seconds": line.seconds,
        "measures": {
            measure.name: {
                "seeds": by_seed[measure.name],
                "mean": _estimate(line.means[measure.name]),
                "difference": _estimate(line.differences[measure.name]),
            }
            for measure in chosen
        },
    }


def _estimate(value: Estimate | None) -> dict[str, Any] | None:
    return None if value is None else asdict(value)


def _cells(
    line: Line, values: Mapping[str, Estimate | None], chosen: Sequence[Measure], signed: bool = False
) -> list[str]:
    return [text_of(values[measure.name], measure.decimals, signed) for measure in chosen]


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
