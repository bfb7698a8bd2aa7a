"""The pipeline on a corpus of a few songs: a folder to run its stages in, and the digests of what they write."""

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHAIN = ("check", "corpus", "beats", "tokens", "negatives", "train", "retrieve", "dance")
_SMALL: dict[str, dict[str, Any]] = {
    "corpus": {"songs": 2, "val_songs": 1, "test_songs": 2, "clips_per_song": 2},
    "model": {"width": 16, "layers": 1, "heads": 2, "embedding": 16},
    "train": {"epochs": 2, "validate_every": 1, "batch": 2},
    "retrieve": {"bootstrap": 10, "head_epochs": 1, "head_components": 8, "slice_songs": 2},
    # of its full width, at which sums depend on the number of threads
    "dance": {"layers": 1, "steps": 3, "sampling_steps": 2}
    | {"length_s": 6.0, "songs": 2, "dances_per_song": 1, "bootstrap": 10},
    "encoders": {"names": ["motionbeat"]},
}


def prepare(folder: Path) -> None:
    """Make `folder`, with the code linked into it and params.yaml for the small chain."""
    for name in ("data/raw", "data/songs"):
        (folder / name).mkdir(parents=True)
    for name in ("motionbeat", "stages"):
        (folder / name).symlink_to(ROOT / name)
    small_params(folder / "params.yaml")


def small_params(path: Path) -> None:
    """Write the project's params.yaml with the sizes of the small chain."""
    from ruamel.yaml import YAML

    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    for section, knobs in _SMALL.items():
        values[section].update(knobs)
    yaml.dump(values, path)


def start(folder: Path, words: Sequence[str], most_bytes: int | None = None) -> subprocess.Popen[bytes]:
    """Begin `python -m WORDS` in `folder`, silently and in a session of its own; no file may exceed `most_bytes`."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=_environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=limit,
    )


def run_whole(folder: Path, words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run `python -m WORDS` to its end; what it printed. Raises `RuntimeError` where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=_environment(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-3000:]}")
    return done.stdout


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | dict(changes)


def digests(folder: Path, names: Sequence[str] = ("data", "models", "metrics")) -> dict[str, str]:
    """SHA-256 of each file below the folders `names`, by its path."""
    files = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
