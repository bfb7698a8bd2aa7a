"""The key of a training run: a digest of everything that determines its weights.

It is the name of the checkpoint, so a run with other params, data, code, torch, device or number of processes does not
find it. The code is every file of the project that the training imports, directly or indirectly.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from motionbeat.errors import MotionBeatError
from motionbeat.lab.imports import closure, module_file

ROOT = Path(__file__).resolve().parents[3]


def run_key(
    modules: Iterable[str],
    settings: Any,
    data: Iterable[Path],
    device: torch.device,
    processes: int = 1,
    root: Path = ROOT,
) -> str:
    """64 hexadecimal digits.

    modules: dotted names of the training modules, whose imports are followed. settings: JSON values, including digests
    of data in memory. data: files. processes: how many share each batch; each has another dropout. root: the folder of
    the package. Raises `MotionBeatError` for a module that is not there.
    """
    named = [settings, torch.__version__, device.type, processes]
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode())
    code = {name: module_file(name, root) for name in modules}
    if missing := [name for name, path in code.items() if path is None]:
        raise MotionBeatError(f"{root}: no module {', '.join(missing)}: give modules of the project")
    files = [(path.relative_to(root).as_posix(), path) for path in closure(filter(None, code.values()), root)]
    for name, path in sorted([*files, *((path.name, path) for path in data)]):
        with path.open("rb") as file:
            digest.update(name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
