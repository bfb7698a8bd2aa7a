"""What `motionbeat doctor` looks at: packages, device, licences, model, data sets, cache, pipeline."""

import importlib.metadata
import importlib.util
import json
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from motionbeat.audio.song_files import SONG_SUFFIXES
from motionbeat.cli.extras import extras
from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, workers

OK, NOTE, PROBLEM = "ok", "note", "problem"
_WHOLE = {
    "aistpp": {".pkl": 1408, ".wav": 60},
    "gtzan": {"audio": 1000},
    "magnatagatune": {"audio": 25_863},
    "nsynth": {"audio": 305_979},
    "emomusic": {"audio": 744},
}
"""Files of each data set when it is complete, by ending or as audio of any ending."""
_LICENCES = (
    ("madmom", "code BSD; its trained models CC BY-NC-SA 4.0: beats by madmom are non-commercial"),
    ("av", "PyAV's wheel holds x264, GPL (videos)"),
)
_DVC_SECONDS = 120
_CACHES = ("aistpp", "dance", "demo", "items", "training")
"""Our folders in the cache: `.cache` of a home folder holds everybody's, which are none of our business."""


@frozen
class Finding:
    """One line: topic, name, state (ok, note or problem) and what was found, with the fix where one is needed."""

    topic: str
    name: str
    state: str
    detail: str


def examine(model: Path) -> list[Finding]:
    """All findings, for the working folder and this Python; none of it changes anything."""
    checks: tuple[Callable[[], list[Finding]], ...] = (
        *(packages, device, licences, lambda: model_folder(model)),
        *(data_sets, cache, pipeline),
    )
    return [finding for check in checks for finding in check()]


def packages() -> list[Finding]:
    """Versions of Python, this package and what it always needs; each extra, whole or with what it lacks."""
    from motionbeat import __version__

    found = [Finding("installed", "motionbeat", OK, f"{__version__}, Python {platform.python_version()}")]
    for extra, names in extras().items():
        versions = {name: _version(name) for name in names}
        lacking = [name for name, version in versions.items() if version is None]
        have = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        if not extra:
            fix = f"missing: {', '.join(lacking)}: pip install --force-reinstall motionbeat" if lacking else have
            found.append(Finding("installed", "core", PROBLEM if lacking else OK, fix))
        elif lacking:
            fix = f"missing: {', '.join(lacking)}: pip install 'motionbeat[{extra}]'"
            found.append(Finding("installed", f"extra {extra}", NOTE, fix))
        else:
            found.append(Finding("installed", f"extra {extra}", OK, have))
    if len(found) == 1:
        found.append(Finding("installed", "core", NOTE, "run from source without metadata: pip install -e ."))
    return found


def device() -> list[Finding]:
    """Where torch computes."""
    if importlib.util.find_spec("torch") is None:
        return [Finding("device", "torch", PROBLEM, "not installed: pip install torch")]
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return [Finding("device", "cuda", OK, f"{', '.join(names)}; torch {torch.__version__}")]
    return [
        Finding(
            "device", "cpu", OK, f"no CUDA GPU; torch {torch.__version__}, MOTIONBEAT_WORKERS or cores: {workers()}"
        )
    ]


def licences() -> list[Finding]:
    """Licences that bind what is installed here."""
    bound = [Finding("licence", name, NOTE, text) for name, text in _LICENCES if importlib.util.find_spec(name)]
    return [Finding("licence", "motionbeat", OK, "MIT"), *bound]


def model_folder(folder: Path) -> list[Finding]:
    """Whether a model can be loaded."""
    if not (folder / "config.json").is_file():
        fix = f"no model in {folder}: train one with `dvc repro train`, or name its folder with --model"
        return [Finding("model", str(folder), NOTE, fix)]
    try:
        from motionbeat.inference import load

        config = load(folder).model.config
    except MotionBeatError as error:
        return [Finding("model", str(folder), PROBLEM, str(error))]
    return [Finding("model", str(folder), OK, f"{config.layers} layers, width {config.width}, d {config.embedding}")]


def data_sets(params: Path = Path("params.yaml")) -> list[Finding]:
    """The data sets that params.yaml names, and how much of each is there."""
    if not params.is_file():
        return [Finding("data", "params.yaml", NOTE, "not in this folder: data sets are not looked for")]
    if importlib.util.find_spec("ruamel") is None:
        return [
            Finding("data", "params.yaml", NOTE, "read with the extra pipeline: pip install 'motionbeat[pipeline]'")
        ]
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        values = YAML(typ="safe").load(params.read_text(encoding="utf-8"))
        corpus, tasks = values["corpus"], values["tasks"]
        name, root = corpus["name"], Path(corpus["root"])
        wanted = [(each, root / each) for each in name] if isinstance(name, list) else [(str(name), root)]
        wanted += [(name, Path(task["root"])) for name, task in tasks.items() if isinstance(task, dict)]
    except (YAMLError, KeyError, TypeError, AttributeError) as error:
        return [Finding("data", str(params), PROBLEM, f"cannot be read ({error!r}): restore the project's params.yaml")]
    return [_data_set(name, params.parent / root) for name, root in wanted]


def cache(folder: Path | None = None) -> list[Finding]:
    """Whether every file of the cache is whole: none empty, archives and JSON readable, no remains of a stopped run."""
    folder = folder or cache_folder()
    if not folder.is_dir():
        return [Finding("cache", str(folder), OK, "none yet")]
    files = [path for name in _CACHES for path in (folder / name).rglob("*") if path.is_file()]
    damaged = [path for path in files if not path.name.endswith(".unfinished") and not _whole(path)]
    remains = [path for path in files if path.name.endswith(".unfinished")]
    size = sum(path.stat().st_size for path in files) / 1e6
    found = [Finding("cache", str(folder), OK, f"{len(files)} files, {size:.0f} MB")]
    if damaged:
        names = ", ".join(str(path) for path in damaged[:3])
        found.append(Finding("cache", "damaged", PROBLEM, f"{len(damaged)} files, such as {names}: delete them"))
    if remains:
        found.append(Finding("cache", "remains", NOTE, f"{len(remains)} *.unfinished of stopped runs: may be deleted"))
    return found


def pipeline(folder: Path = Path()) -> list[Finding]:
    """What `dvc repro` would do, by its dry run."""
    if not (folder / "dvc.yaml").is_file():
        return [Finding("pipeline", "dvc.yaml", NOTE, "not in this folder: no pipeline to run")]
    if importlib.util.find_spec("dvc") is None:
        return [Finding("pipeline", "dvc", NOTE, "not installed: pip install 'motionbeat[pipeline]'")]
    command = [sys.executable, "-m", "dvc", "repro", "--dry"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_DVC_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [Finding("pipeline", "dvc repro", NOTE, f"its dry run took more than {_DVC_SECONDS} s: see dvc status")]
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[0]
        return [Finding("pipeline", "dvc repro", PROBLEM, last)]
    text = done.stdout + done.stderr
    stages = list(dict.fromkeys(re.findall(r"^Running stage '([^']+)'", text, re.MULTILINE)))
    if not stages:
        return [Finding("pipeline", "dvc repro", OK, "nothing to run: all stages are up to date")]
    return [Finding("pipeline", "dvc repro", NOTE, f"would run {len(stages)} stages: {', '.join(stages)}")]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _data_set(name: str, root: Path) -> Finding:
    if name == "synthetic":
        return Finding("data", name, OK, "the synthetic corpus, made by the pipeline")
    if root.parent.name == "standins":
        return Finding("data", name, NOTE, f"the synthetic stand-in ({root}), made by the pipeline: no real data")
    if not root.is_dir():
        return Finding("data", name, PROBLEM, f"{root} is missing: put the data set there, or correct its root")
    endings = [path.suffix.lower() for path in root.rglob("*") if path.is_file()]
    if name not in _WHOLE:
        return Finding("data", name, OK, f"{root}: {len(endings)} files")
    parts, short = [], False
    for ending, whole in _WHOLE[name].items():
        count = sum(each in SONG_SUFFIXES if ending == "audio" else each == ending for each in endings)
        parts.append(f"{count:,} of {whole:,} {ending} files")
        short = short or count < whole
    return Finding("data", name, NOTE if short else OK, f"{root}: {', '.join(parts)}")


def _whole(path: Path) -> bool:
    try:
        if path.suffix == ".npz":
            return zipfile.is_zipfile(path)
        if path.suffix == ".json":
            _: Any = json.loads(path.read_text(encoding="utf-8"))
        return path.suffix in (".lock", "") or path.stat().st_size > 0
    except (OSError, ValueError):
        return False
