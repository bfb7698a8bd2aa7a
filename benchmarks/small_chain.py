"""The pipeline on a corpus of a few songs: a folder to run its stages in, and the digests of what they write."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
CHAIN = ("check", "corpus", "beats", "tokens", "negatives", "train", "retrieve", "dance")
STAGES = (*CHAIN, "standins", "features", "probe", "beat_tracking", "report")
TAGGED = "data/tagged"
"""Where `prepare` puts a small MagnaTagATune, which `standins` then does not make."""
_SMALL: dict[str, dict[str, Any]] = {
    "corpus": {"songs": 2, "val_songs": 1, "test_songs": 2, "clips_per_song": 2},
    "model": {"width": 16, "layers": 1, "heads": 2, "embedding": 16},
    "train": {"epochs": 2, "validate_every": 1, "batch": 2},
    "retrieve": {"bootstrap": 10, "head_epochs": 1, "head_components": 8, "slice_songs": 2},
    # of its full width, at which sums depend on the number of threads
    "dance": {"layers": 1, "steps": 3, "sampling_steps": 2}
    | {"length_s": 6.0, "songs": 2, "dances_per_song": 1, "bootstrap": 10},
    "encoders": {"names": ["motionbeat"]},
    "tasks": {"heads": ["linear"], "learning_rates": [1.0e-3], "epochs": 2, "bootstrap": 10},
}
_TINY: dict[str, dict[str, Any]] = {  # for runs that are started hundreds of times
    "corpus": {"clips_per_song": 1},
    "tasks": {"magnatagatune": {"root": TAGGED, "split": "official"}},
}


def prepare(folder: Path, recognition: bool = False) -> None:
    """Make `folder`, with the code linked into it and params.yaml for the small chain; also what recognition needs."""
    for name in ("data/raw", "data/songs"):
        (folder / name).mkdir(parents=True)
    for name in ("motionbeat", "stages", "dvc.yaml"):
        (folder / name).symlink_to(ROOT / name)
    small_params(folder / "params.yaml", _TINY if recognition else {})
    if recognition:
        _write_tagged(folder)


def _write_tagged(folder: Path) -> None:
    """Make the small MagnaTagATune in a chain's folder: of each scene one clip a split, for its 50 tags."""
    from motionbeat.lab.standins import made_magnatagatune
    from motionbeat.lab.standins.write_standins import generate

    plan = made_magnatagatune.plan
    few = patch.multiple(made_magnatagatune, plan=lambda: [clip for clip in plan() if clip.careful], SECONDS=1.5)
    with few, patch.dict(os.environ, MOTIONBEAT_WORKERS="1"):  # another process would not have these
        generate(folder / TAGGED, "magnatagatune", 0)


def small_params(path: Path, more: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Write the project's params.yaml with the sizes of the small chain, and with `more`."""
    from ruamel.yaml import YAML

    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    for changes in (_SMALL, more or {}):
        for section, knobs in changes.items():
            values[section].update(knobs)
    yaml.dump(values, path)


def run_whole(folder: Path, words: Sequence[str], changes: Mapping[str, str] | None = None) -> str:
    """Run `python -m WORDS` to its end; what it printed. Raises `RuntimeError` where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment(changes or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-3000:]}")
    return done.stdout


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the project on Python's path, and with the changes."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | dict(changes)


def digests(folder: Path, names: Sequence[str] = ("data", "models", "metrics")) -> dict[str, str]:
    """SHA-256 of each of the files `names` and of those below the folders `names`, by its path."""
    roots = [folder / name for name in names]
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
