"""params.yaml as a page: each param with its default, its type in `motionbeat.lab.params.sections`, and its comment.

`python -m docs.hooks.params_page` prints it.
"""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import attrs

from motionbeat.lab import params, registry

TYPES = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    params.Positive: "number above 0",
    params.NonNegative: "number from 0",
    params.Fraction: "number from 0 to 1",
    params.Count: "whole number from 1",
    params.CountOrZero: "whole number from 0",
    params.CorpusName: ", ".join(f"`{name}`" for name in registry.names("corpus")),
    params.EncoderName: ", ".join(f"`{name}`" for name in registry.names("encoder")),
}
FIRST_TEN = {
    "corpus.name": "which data: the synthetic corpus, AIST++, yours",
    "corpus.root": "where your data lies",
    "corpus.songs": "how much of the synthetic corpus is made: training songs and time grow together",
    "beats.tracker": "who finds the beats; `nominal` only where the tempo is declared",
    "model.width": "the size of the model, with `model.layers`; the paper's is 512 and 6",
    "loss.alpha": "how much rhythm alignment (SRAL) counts beside the contrastive loss",
    "train.epochs": "how long it trains at most",
    "train.learning_rate": "the first thing to change with another size or batch",
    "train.seed": "another run of the same; also `corpus.seed` for other songs",
    "encoders.names": "which frozen encoders the tables compare; most of the time of `dvc repro` beyond training",
}
"""Params that most people change, and why."""
_KNOB = re.compile(r"^(?P<indent> +)(?P<name>[a-z_0-9]+):(?: (?P<value>[^#]*?))?(?: *# (?P<comment>.*))?$")


def params_page(path: Path) -> str:
    """The page in Markdown. Raises `MotionBeatError` for a params.yaml that does not fit the typed model."""
    settings = params.load(path)
    lines = ["# Params", "", "Every param is in `params.yaml`, and this page is made from it and from its typed model."]
    lines += ["One run with another value: `dvc exp run -S loss.alpha=0.5`. For good: edit the file.", ""]
    lines += ["## The ten that matter", "", "| param | default | what for |", "| --- | --- | --- |"]
    for name, why in FIRST_TEN.items():
        section, knob = name.split(".")
        lines.append(f"| `{name}` | `{_plain(getattr(getattr(settings, section), knob))}` | {why} |")
    for section, rows in knobs(path).items():
        lines += ["", f"## {section}", "", "| param | default | type | meaning |", "| --- | --- | --- | --- |"]
        for name, value, kind, comment in rows:
            lines.append(f"| `{section}.{name}` | `{value}` | {kind} | {comment} |")
    return "\n".join(lines) + "\n"


def knobs(path: Path) -> dict[str, list[tuple[str, str, str, str]]]:
    """{section: [(dotted name below it, default, type, comment)]} in the order of the file."""
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    parents: list[tuple[int, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        top = re.match(r"^([a-z]+):", line)
        if top:
            parents, section = [], top[1]
            found[section] = []
        knob = _KNOB.match(line)
        if not knob:
            continue
        depth = len(knob["indent"])
        parents = [(at, name) for at, name in parents if at < depth]
        comment = _escaped(knob["comment"] or "")
        if not knob["value"]:
            parents.append((depth, knob["name"]))
            continue
        name = ".".join([*(parent for _, parent in parents), knob["name"]])
        kind = TYPES.get(_type(section, name)) or _described(_type(section, name))
        found[section].append((name, _escaped(knob["value"]), kind, comment))
    return found


def _type(section: str, name: str) -> Any:
    kind: Any = params.Params
    for part in (section, *name.split(".")):
        kind = next(field.type for field in attrs.fields(attrs.resolve_types(kind)) if field.name == part)
    return kind


def _described(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    inner = get_args(kind)[0]
    return f"list of: {TYPES.get(inner) or _described(inner)}"


def _plain(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _escaped(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(params_page(Path("params.yaml")), end="")
