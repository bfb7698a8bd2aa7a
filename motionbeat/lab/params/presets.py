"""Named sets of overrides of params.yaml, which stays the only source of truth.

A preset is a file presets/NAME.yaml with some of the keys of params.yaml; its first comment describes it. Apply it for
one run by `dvc exp run $(motionbeat preset NAME)`, or permanently by `motionbeat preset NAME --write`.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab import params
from motionbeat.lab.params.shipped import shipped

FOLDER = Path("presets")
PARAMS = Path("params.yaml")


def names(folder: Path | None = None) -> dict[str, str]:
    """Every preset and the first line of its comment, from `folder` or, by default, from the one that `_folder` finds.

    Raises `MotionBeatError` if there is no such folder.
    """
    folder = _folder() if folder is None else folder
    if not folder.is_dir():
        raise MotionBeatError(f"{folder} is missing: run from the folder that holds dvc.yaml and params.yaml")
    return {path.stem: _about(path) for path in sorted(folder.glob("*.yaml"))}


def overrides(name: str, folder: Path | None = None, values: Path | None = None) -> dict[str, Any]:
    """The preset's keys, dotted as in `loss.alpha`, with their values.

    values: the params.yaml to check against: by default the working folder's, or that of the package.
    Raises `MotionBeatError` for an unknown preset, for a key that is not in params.yaml, and for a value that is not
    allowed there.
    """
    folder = _folder() if folder is None else folder
    if values is None:
        values = PARAMS if PARAMS.is_file() else shipped(PARAMS.name)
    known = names(folder)
    if name not in known:
        nearest = get_close_matches(name.lower(), known, 1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise MotionBeatError(f"no preset {name!r} in {folder}: there are {', '.join(known)}{hint}")
    path = folder / f"{name}.yaml"
    chosen, current = params.read_yaml(path), params.read_yaml(values)
    if not isinstance(chosen or {}, dict) or not all(isinstance(keys, dict) for keys in (chosen or {}).values()):
        raise MotionBeatError(f"{path} has no sections of params.yaml: correct it")
    flat = {f"{section}.{key}": value for section, keys in (chosen or {}).items() for key, value in keys.items()}
    unknown = [key for key in flat if not _has(current, key)]
    if unknown:
        raise MotionBeatError(
            f"{path} sets the unknown keys {', '.join(unknown)}: not in {values}; correct or remove them"
        )
    for key, value in flat.items():
        section, _, knob = key.partition(".")
        current[section][knob] = value
    params.from_dict(current, str(path))
    return flat


def flags(chosen: dict[str, Any]) -> list[str]:
    """The preset as flags of `dvc exp run`: -S loss.alpha=0.2 and so on."""
    return [part for key, value in chosen.items() for part in ("-S", f"{key}={_plain(value)}")]


def write(chosen: dict[str, Any], values: Path = PARAMS) -> list[str]:
    """Set the preset's keys in params.yaml and keep its comments; returns the changed keys, with old and new value."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.representer.add_representer(
        type(None), lambda yaml, _: yaml.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    if not values.is_file():
        raise MotionBeatError(f"{values} is missing: run from the folder that holds dvc.yaml and params.yaml")
    document = yaml.load(values.read_text(encoding="utf-8"))
    changed = []
    for key, value in chosen.items():
        section, _, knob = key.partition(".")
        if document[section][knob] != value:
            changed.append(f"{key}: {_plain(document[section][knob])} -> {_plain(value)}")
            document[section][knob] = value
    with whole_file(values) as unfinished:
        yaml.dump(document, unfinished)
    return changed


def _folder() -> Path:
    """presets/ of the working folder, or of the package."""
    return FOLDER if FOLDER.is_dir() else shipped(FOLDER.name)


def _has(values: Any, key: str) -> bool:
    section, _, knob = key.partition(".")
    return isinstance(values.get(section), dict) and knob in values[section]


def _plain(value: Any) -> str:
    """A value in the form of YAML and DVC's -S, without spaces, so that a shell can split the flags."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(_plain, value))}]"
    return str(value)


def _about(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("#").strip()
