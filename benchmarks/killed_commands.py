"""What `benchmarks.kills` kills: each stage, `motionbeat embed` and `motionbeat index`, and what they write."""

import shutil
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from benchmarks.forked import OUTPUT, Starter, modules_of
from benchmarks.small_chain import ROOT, STAGES, digests
from motionbeat.errors import MotionBeatError

if TYPE_CHECKING:
    from motionbeat.inference import MotionBeat

EMBED, INDEX = "embed", "index"
COMMANDS = (*STAGES, EMBED, INDEX)
LIBRARY = "library.mbi"
_LIBROSA = ("--tracker", "librosa")
OF_SONGS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {  # the words, output and module of no stages
    EMBED: (("motionbeat.cli", "embed", "songs", "-o", "embedded", *_LIBROSA), ("embedded",), "motionbeat.inference"),
    INDEX: (("motionbeat.cli", "index", "songs", "-o", LIBRARY, *_LIBROSA), (LIBRARY,), "motionbeat.index"),
}
PATIENCE_S = 600
_IMPORTS_S = 3.0  # what two workers take longer, at first
_SONGS, _SONG_S, _RATE = 4, 8, 22_050


@frozen
class Command:
    """What is killed: words after `python -m`, outputs, its modules, its seconds with one worker and with two."""

    name: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]
    modules: tuple[str, ...]
    seconds: list[float]


def write_songs(folder: Path) -> None:
    """Clicks in noise, at another tempo in each song."""
    import soundfile

    folder.mkdir()
    times = np.arange(_SONG_S * _RATE) / _RATE
    for number in range(_SONGS):
        clicks = np.exp(-30 * (times % (0.4 + 0.05 * number)))
        noise = np.random.default_rng(number).normal(size=len(times))
        soundfile.write(folder / f"song{number}.wav", 0.2 * noise * clicks, _RATE)


def whole_run(folder: Path, name: str) -> Command:
    """Run a command to its end without a cache, and time it."""
    words, outputs, module = OF_SONGS.get(name) or (("stages", name), outputs_of(name), f"stages.{name}")
    listed = folder / "modules.txt"
    starter = Starter(folder, [module])
    forget(folder, (".cache", *outputs))
    began = time.monotonic()
    starter.start(words, workers_of(1), listed=listed)
    if starter.wait(PATIENCE_S) != 0:
        raise RuntimeError(f"{name} failed: {(folder / OUTPUT).read_text()[-3000:]}")
    seconds = time.monotonic() - began
    starter.close()
    return Command(name, words, outputs, (module, *modules_of(listed)), [seconds, seconds + _IMPORTS_S])


def outputs_of(stage: str) -> tuple[str, ...]:
    """Paths of a stage's outputs, from dvc.yaml."""
    from ruamel.yaml import YAML

    listed = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage]
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in listed.get(kind, [])]
    return tuple(entry if isinstance(entry, str) else next(iter(entry)) for entry in entries)


def workers_of(number: int) -> dict[str, str]:
    """The environment that sets the number of workers."""
    return {"MOTIONBEAT_WORKERS": str(number)}


def forget(folder: Path, names: Iterable[str]) -> None:
    """Remove files and folders."""
    for path in (folder / name for name in names):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def watched(folder: Path) -> dict[str, str]:
    """Digests of all files that commands write."""
    libraries = [path.name for path in folder.glob(f"{LIBRARY}*")]
    return digests(folder, ("data", "models", "metrics", "embedded", *libraries))


def refused_library(path: Path) -> list[str]:
    """Why a library that is there cannot be loaded."""
    from motionbeat.index import Index

    try:
        if path.exists():
            Index.open(path, _model())
    except MotionBeatError as error:
        return [str(error)]
    return []


@cache
def _model() -> "MotionBeat":
    import motionbeat

    return motionbeat.load()
