"""An ablation as one HTML page or one Markdown file, without anything from elsewhere; the same figures, same bytes."""

from motionbeat.lab.results.ablation_results import Ablation
from motionbeat.lab.results.ablation_tables import as_markdown, comparison, details, notes
from motionbeat.lab.results.interval_plot import dot_plot, drawn
from motionbeat.lab.results.result_tables import facts, plain
from motionbeat.lab.results.template import environment

_TITLES = {1: "Ablations: without ECL, without SRAL", 3: "Ablations: bar-equivariant phase, contact-guided attention"}


def html(ablation: Ablation) -> str:
    """The page: how to read it, the paper's table with ours, the dot plot, differences, the shared knobs."""
    from markupsafe import Markup

    from motionbeat.lab.results.figures import inline_svg

    plot = ""
    if drawn(ablation):
        plot = Markup(inline_svg(dot_plot(ablation), f"ablation{ablation.number}", _describe(ablation)))
    knobs = {key: (plain(value) or "(empty)",) for key, value in sorted(ablation.common.items())}
    template = environment("motionbeat.lab.results").get_template("ablation_page.html.j2")
    return template.render(
        title=_TITLES[ablation.number],
        notes=notes(ablation),
        comparison=comparison(ablation),
        plot=plot,
        details=details(ablation),
        knobs=facts("Shared knobs", ("knob", "value"), knobs) if knobs else None,
    )


def markdown(ablation: Ablation) -> str:
    """The same tables in Markdown."""
    parts = [
        f"# {_TITLES[ablation.number]}",
        "\n".join(f"- {note}" for note in notes(ablation)),
        f"## {comparison(ablation).caption}",
        as_markdown(comparison(ablation)),
        "## Differences from the full model, paired by seed",
        as_markdown(details(ablation)),
    ]
    return "\n\n".join(parts) + "\n"


def _describe(ablation: Ablation) -> str:
    parts = []
    for measure in drawn(ablation):
        means = [
            f"{line.variant.label} {figure.over_seeds.mean:.{measure.decimals}f}"
            for line in ablation.lines
            if (figure := line.figures[measure.name]).over_seeds
        ]
        parts.append(f"{measure.heading}: {', '.join(means)}")
    return "Means over seeds. " + "; ".join(parts)
