"""An ablation in Markdown: the means of each variant, and its differences from the default."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from motionbeat.lab.experiments.paired import Estimate
from motionbeat.lab.experiments.variants import DEFAULT, Overrides

Estimates = Mapping[tuple[str, str], tuple[Estimate, Estimate | None]]
"""{(variant, measure): (mean, difference from the default)}"""


@frozen
class Measure:
    """A figure of `evaluate_variant`. `better`: 1 if higher is better, -1 if lower is better."""

    name: str
    heading: str
    decimals: int
    better: int = 1

    @property
    def title(self) -> str:
        """The heading with an arrow in the direction of better values."""
        return f"{self.heading} {'↑' if self.better > 0 else '↓'}"


RETRIEVAL = (
    Measure("r1_music_to_motion", "R@1 music to motion", 1),
    Measure("r1_motion_to_music", "R@1 motion to music", 1),
    Measure("r10_music_to_motion", "R@10 music to motion", 1),
    Measure("r10_motion_to_music", "R@10 motion to music", 1),
    Measure("nll_music_to_motion", "NLL music to motion", 3, -1),
    Measure("nll_motion_to_music", "NLL motion to music", 3, -1),
    Measure("jitter_accuracy", "jitter accuracy", 3),
    Measure("tempo_accuracy", "tempo accuracy", 3),
)
AGREEMENT = (
    Measure("onset_to_contact_beyond", "onset to contact, beyond other songs", 3),
    Measure("contact_to_onset_beyond", "contact to onset, beyond other songs", 3),
    Measure("accent_to_energy_emd", "accent to energy, EMD", 3, -1),
    Measure("energy_to_accent_emd", "energy to accent, EMD", 3, -1),
    Measure("onset_own_beyond", "onset, own, beyond other songs", 3),
    Measure("contact_own_beyond", "contact, own, beyond other songs", 3),
    Measure("accent_own_emd", "accent, own, EMD", 3, -1),
    Measure("energy_own_emd", "energy, own, EMD", 3, -1),
)
_HOW_TO_READ = (
    "Means with 95 % intervals, all on the test split: [over songs] by bootstrap, {over seeds} by Student's t. "
    "Recall in percent, NLL (of the gallery at the training's temperature) in nats, EMD in bins of the bar. "
    "Differences are variant minus default, paired by song, corpus and training; bold if the interval over songs "
    "excludes 0, which happens by chance in one cell of twenty."
)


def markdown(estimates: Estimates, variants: Mapping[str, Overrides], about: Sequence[str]) -> str:
    """The page: the runs, then means and differences of retrieval and of the rhythm heads."""
    parts = ["# Ablations", *about, _HOW_TO_READ]
    for title, measures in (("Retrieval", RETRIEVAL), ("Agreement of the rhythm heads", AGREEMENT)):
        shown = [measure for measure in measures if any(name == measure.name for _, name in estimates)]
        names = [name for name in variants if any(variant == name for variant, _ in estimates)]
        means = [[name, *(cell(estimates.get((name, m.name), (None,))[0], m) for m in shown)] for name in names]
        changed = [
            [name, _knobs(variants[name]), *(cell(_difference(estimates, name, m), m, signed=True) for m in shown)]
            for name in names
            if name != DEFAULT
        ]
        headings = [measure.title for measure in shown]
        parts += [f"## {title}", table(["variant", *headings], means)]
        if changed:
            parts += [f"### {title}: differences from the default", table(["variant", "params", *headings], changed)]
    return "\n\n".join(parts) + "\n"


def _difference(estimates: Estimates, variant: str, measure: Measure) -> Estimate | None:
    return estimates[variant, measure.name][1] if (variant, measure.name) in estimates else None


def cell(value: Estimate | None, measure: Measure, signed: bool = False) -> str:
    """`34.0 [32.7, 35.3] {30.1, 37.9}`; a signed one is bold if the interval over songs excludes 0."""
    if value is None:
        return ""
    form = f"{'+' if signed else ''}.{measure.decimals}f"
    text = f"{value.mean:{form}}"
    if value.low is not None and value.high is not None:
        text += f" [{value.low:{form}}, {value.high:{form}}]"
        text = f"**{text}**" if signed and value.low * value.high > 0 else text
    if value.seed_low is not None:
        text += f" {{{value.seed_low:{form}}, {value.seed_high:{form}}}}"
    return text


def _knobs(overrides: Overrides) -> str:
    return ", ".join(f"`{knob}={_value(value)}`" for knob, value in overrides.items())


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in lines)
