"""Pipeline2Picture: the stages of dvc.yaml as SVG. `python -m motionbeat.lab.results.pipeline_picture` writes it.

Stages are in rows, each below all stages that it needs; an edge implied by others is left out. Boxes are filled and
edges are grey, so that the picture is readable on light and dark pages. The stage check, which all others need, is left
out.
"""

from functools import partial
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from motionbeat.files import guarded, read_text

PICTURE = Path("docs/pipeline.svg")
BOX_W, BOX_H, GAP_X, GAP_Y, LANE_W = 176, 46, 22, 30, 20
Graph = dict[str, set[str]]


def needs(stages: dict[str, Any], values: dict[str, Any]) -> Graph:
    """{stage: stages whose outputs it uses}, without implied ones. values: of params.yaml."""
    made = {path: name for name, stage in stages.items() for path in outputs(stage)}
    direct: Graph = {}
    for name, stage in stages.items():
        deps = [_filled(dep, values) for dep in stage["deps"]]
        direct[name] = {owner for dep in deps for path, owner in made.items() if f"{dep}/".startswith(f"{path}/")}
    return {name: above - _implied(above, direct) for name, above in direct.items()}


def outputs(stage: dict[str, Any]) -> list[str]:
    """Paths of a stage's outputs, data first, then metrics and plots."""
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def _filled(dep: str, values: dict[str, Any]) -> str:
    if not dep.startswith("${"):
        return dep
    for part in dep[2:-1].split("."):
        values = values[part]
    return str(values)


def _implied(above: set[str], direct: Graph) -> set[str]:
    seen: set[str] = set()
    todo = {name for stage in above for name in direct[stage]}
    while todo:
        seen |= todo
        todo = {name for stage in todo for name in direct[stage]} - seen
    return seen


def rows_of(graph: Graph) -> list[list[str]]:
    """Stages by row. Where an edge from A to B crosses a row, that row has a placeholder `A>B>ROW`."""
    depth: dict[str, int] = {}
    for name in graph:  # dvc.yaml lists a stage after those that it needs
        depth[name] = max((depth[above] + 1 for above in graph[name]), default=0)
    for name in [name for name, above in graph.items() if not above]:  # as low as its first reader allows
        depth[name] = min(depth[below] for below, above in graph.items() if name in above) - 1
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, row in depth.items():
        rows[row].append(name)
        for above in graph[name]:
            for passed in range(depth[above] + 1, row):
                rows[passed].append(f"{above}>{name}>{passed}")
    for upper, lower in pairwise(rows):
        places = {name: place / max(len(upper) - 1, 1) for place, name in enumerate(upper)}
        lower.sort(key=partial(_middle, graph=graph, places=places))
    return rows


def _middle(item: str, graph: Graph, places: dict[str, float]) -> float:
    lane = item.rpartition(">")[0]
    above = {lane.partition(">")[0]} if lane else graph[item]
    ends = f"{lane}>" if lane else f">{item}>"
    found = [place for name, place in places.items() if name in above or ends in name]
    return sum(found) / len(found) if found else 0.5


def svg(graph: Graph, labels: dict[str, str]) -> str:
    """The picture. labels: a second line for each stage."""
    rows = rows_of(graph)
    widths = [sum(LANE_W if ">" in item else BOX_W for item in row) + GAP_X * (len(row) - 1) for row in rows]
    width, height = max(widths) + 8, len(rows) * (BOX_H + GAP_Y) - GAP_Y + 8
    middle: dict[str, float] = {}
    for row, wide in zip(rows, widths, strict=True):
        x = (width - wide) / 2
        for item in row:
            size = LANE_W if ">" in item else BOX_W
            middle[item] = x + size / 2
            x += size + GAP_X
    top = {item: 4 + number * (BOX_H + GAP_Y) for number, row in enumerate(rows) for item in row}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        'font-family="system-ui, sans-serif" text-anchor="middle" role="img">',
        "<title>The stages of the pipeline and what each needs</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#8a8f98"/></marker></defs>',
    ]
    for name, above in graph.items():
        for start in sorted(above):
            lanes = sorted((item for item in top if item.startswith(f"{start}>{name}>")), key=top.__getitem__)
            parts.append(_edge(start, lanes, name, middle, top))
    for name in graph:
        x, y = middle[name], top[name]
        parts.append(
            f'<g><rect x="{x - BOX_W / 2:.0f}" y="{y}" width="{BOX_W}" height="{BOX_H}" rx="6" fill="#00695c"/>'
            f'<text x="{x:.0f}" y="{y + 20}" font-size="15" font-weight="600" fill="#fff">{escape(name)}</text>'
            f'<text x="{x:.0f}" y="{y + 37}" font-size="12" fill="#d7efe9">{escape(labels[name])}</text></g>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _edge(start: str, lanes: list[str], end: str, middle: dict[str, float], top: dict[str, int]) -> str:
    path, x, y = f"M{middle[start]:.0f} {top[start] + BOX_H}", middle[start], top[start] + BOX_H
    for item in [*lanes, end]:
        below, half = top[item], GAP_Y / 2
        path += f"C{x:.0f} {y + half:.0f} {middle[item]:.0f} {below - half:.0f} {middle[item]:.0f} {below}"
        x, y = middle[item], below + BOX_H
        path += f"V{y}" if item != end else ""
    return f'<path d="{path}" fill="none" stroke="#8a8f98" stroke-width="1.6" marker-end="url(#tip)"/>'


def picture(root: Path) -> str:
    """The picture of the pipeline in a folder. Raises `MotionBeatError` if its dvc.yaml is not a pipeline."""
    from ruamel.yaml import YAML

    yaml, path = YAML(typ="safe", pure=True), root / "dvc.yaml"
    with guarded(path, "is not a pipeline of DVC", "restore it: git checkout dvc.yaml"):
        stages = yaml.load(read_text(path, "run this in the project's folder"))["stages"]
    stages.pop("check", None)
    labels = {name: _label(outputs(stage)) for name, stage in stages.items()}
    return svg(needs(stages, yaml.load(root / "params.yaml")), labels)


def _label(paths: list[str]) -> str:
    several = len({path.partition("_table")[0] for path in paths if path.endswith("_table.csv")}) > 1
    return paths[0].removesuffix("_table.csv") + (", ..." if several else "")


if __name__ == "__main__":
    PICTURE.write_text(picture(Path()), encoding="utf-8")
