"""Pipeline2Picture: the stages of dvc.yaml as SVG, each to the right of those that it needs."""

import re
from collections.abc import Mapping
from functools import reduce
from html import escape
from pathlib import Path
from typing import Any

from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_text

WIDTH, HEIGHT, ACROSS, DOWN = 112, 34, 150, 56
Edges = dict[str, set[str]]
"""{stage: stages that it needs}"""


def read_stages(path: Path, settings: Mapping[str, Any]) -> tuple[dict[str, str], Edges]:
    """{stage: what it does} in the order of dvc.yaml, and who needs whom. settings: what ${...} stands for."""
    from ruamel.yaml import YAML

    with guarded(path, "is no pipeline of DVC", "restore it: git checkout dvc.yaml"):
        stages = YAML(typ="safe", pure=True).load(read_text(path, "run this in the project's folder"))["stages"]
        written = {
            name: [_path(item) for key in ("outs", "metrics", "plots") for item in stage.get(key, [])]
            for name, stage in stages.items()
        }
        needs: Edges = {}
        for name, stage in stages.items():
            deps = [Path(_filled(dep, settings)) for dep in stage["deps"]]
            needs[name] = {
                other
                for other, outs in written.items()
                if other != name
                and any(dep.is_relative_to(out) or out.is_relative_to(dep) for dep in deps for out in outs)
            }
        return {name: str(stage.get("desc", name)) for name, stage in stages.items()}, needs


def _path(item: str | Mapping[str, Any]) -> Path:
    return Path(item if isinstance(item, str) else next(iter(item)))


def _filled(text: str, settings: Mapping[str, Any]) -> str:
    """Text with each ${a.b} replaced by settings["a"]["b"]."""

    def value(found: re.Match[str]) -> str:
        return str(reduce(lambda values, key: values[key], found[1].split("."), settings))

    return re.sub(r"\$\{([^}]+)\}", value, text)


def essential(needs: Edges) -> Edges:
    """The same without what follows from the others: where b needs a, c needs b, that c needs a is not said."""

    def all_of(stage: str) -> set[str]:
        return set().union(*({need} | all_of(need) for need in needs[stage]))

    return {stage: of - set().union(*(all_of(need) for need in of)) for stage, of in needs.items()}


def pipeline_svg(told: Mapping[str, str], needs: Edges) -> str:
    """told: {stage: what it does}. Raises `MotionBeatError` where stages need each other in a circle."""
    column: dict[str, int] = {}
    while len(column) < len(needs):
        ready = [name for name, of in needs.items() if name not in column and of <= set(column)]
        if not ready:
            raise MotionBeatError("the stages of dvc.yaml need each other in a circle")
        column |= {name: 1 + max((column[need] for need in needs[name]), default=-1) for name in ready}
    row = {name: [other for other in told if column[other] == column[name]].index(name) for name in told}
    deepest = max(row.values())
    places = {  # a column stands in the middle of the picture
        name: (
            4 + ACROSS * column[name],
            4 + DOWN * (row[name] + (deepest - max(row[o] for o in told if column[o] == column[name])) / 2),
        )
        for name in told
    }
    lines, boxes = [], []
    for name, of in essential(needs).items():
        x, y = places[name][0], places[name][1] + HEIGHT / 2
        for need in sorted(of):
            a, b = places[need][0] + WIDTH, places[need][1] + HEIGHT / 2
            lines.append(f'<path d="M{a:g} {b:g}C{a + 22:g} {b:g} {x - 22:g} {y:g} {x:g} {y:g}"/>')
    for name, (x, y) in places.items():
        boxes.append(
            f'<g><title>{escape(told[name])}</title><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
            f'fill="var(--panel)" stroke="currentColor"/><text x="{x + WIDTH / 2:g}" y="{y + 22:g}" '
            f'text-anchor="middle">{escape(name)}</text></g>'
        )
    width, height = ACROSS * max(column.values()) + WIDTH + 8, DOWN * deepest + HEIGHT + 8
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="The stages of the pipeline: '
        f'{escape(", ".join(told))}" font-size="14" fill="currentColor"><g fill="none" stroke="currentColor" '
        f'opacity="0.55">{"".join(lines)}</g>{"".join(boxes)}</svg>'
    )
