"""DVC's experiments as plain values: name, state, params and metrics of each.

DVC gives a waiting or failed experiment the metrics of the commit that it starts from. They are not its own, so only
an experiment that has ended well has metrics here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import field, frozen

from motionbeat.errors import MotionBeatError

SUCCESS = "success"
# of several experiments with one name the first of these counts
_STATES = (SUCCESS, "running", "queued", "failed")


@frozen
class Experiment:
    """One experiment; `params` and `metrics` are flat, {"loss.alpha": 0.2} and {"train.jitter_accuracy": 0.98}."""

    name: str
    state: str
    params: Mapping[str, Any] = field(factory=dict)
    metrics: Mapping[str, float] = field(factory=dict)
    files: frozenset[str] = frozenset()  # names of the metrics files that it has


def read(revision: str = "HEAD") -> dict[str, Experiment]:
    """All experiments on a commit by name, as `dvc exp show --json` tells them.

    Raises `MotionBeatError` where this is no DVC project or the commit is unknown.
    """
    text = dvc("exp", "show", "--json", "--precision", "9", "--rev", revision)
    try:
        return parse(json.loads(text))
    except json.JSONDecodeError as error:
        raise MotionBeatError(f"dvc exp show --json wrote no JSON ({error}): {text[:80]!r}") from None


def dvc(*arguments: str) -> str:
    """What a DVC command prints. Raises `MotionBeatError` with its complaint where it fails."""
    return _output([sys.executable, "-m", "dvc", *arguments], f"dvc {' '.join(arguments[:2])}")


def git(*arguments: str) -> str:
    """What a git command prints. Raises `MotionBeatError` with its complaint where it fails."""
    return _output(["git", *arguments], f"git {' '.join(arguments[:2])}")


def _output(command: list[str], shown: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        said = [line.strip() for line in (ended.stderr or ended.stdout).splitlines() if line.strip()]
        complaint = next((line for line in said if line.startswith(("ERROR", "fatal"))), said[-1] if said else "")
        raise MotionBeatError(f"{shown} failed: {complaint or 'no message'}")
    return ended.stdout


def parse(shown: Any) -> dict[str, Experiment]:
    """The experiments in the JSON of `dvc exp show`, by name."""
    found: dict[str, Experiment] = {}
    for experiment in _experiments(shown):
        known = found.get(experiment.name)
        if known is None or _STATES.index(experiment.state) < _STATES.index(known.state):
            found[experiment.name] = experiment
    return found


def _experiments(shown: Any) -> Iterator[Experiment]:
    for commit in shown:
        if commit.get("rev") == "workspace":
            continue
        for entry in commit.get("experiments") or []:
            name = entry.get("name")
            if not name:
                continue
            state = (entry.get("executor") or {}).get("state", SUCCESS).lower()
            state = state if state in _STATES else "running"
            latest = (entry.get("revs") or [{}])[0]
            if latest.get("error") and state == SUCCESS:
                state = "failed"
            data = latest.get("data") or {}
            params = flat((data.get("params") or {}).get("params.yaml", {}).get("data") or {})
            if state != SUCCESS:
                yield Experiment(name, state, params)
                continue
            files = {
                PurePosixPath(path).stem: values.get("data") for path, values in (data.get("metrics") or {}).items()
            }
            own = {file: values for file, values in files.items() if isinstance(values, Mapping)}
            yield Experiment(name, state, params, numbers(own), frozenset(own))


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values by dotted names: {"loss": {"alpha": 0.2}} -> {"loss.alpha": 0.2}."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Of nested values the numbers, by dotted names; what is null, text or a truth value is left out."""
    return {key: float(value) for key, value in flat(values).items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_project(folder: Path = Path()) -> None:
    """Raises `MotionBeatError` where DVC could not queue: no DVC project, no commit, an unfinished merge."""
    missing = [name for name in ("dvc.yaml", "params.yaml", ".dvc") if not (folder / name).exists()]
    if missing:
        raise MotionBeatError(
            f"{', '.join(missing)} not here: run from the repository's folder, which holds dvc.yaml and .dvc"
        )
    try:
        git("rev-parse", "--verify", "HEAD")
    except MotionBeatError:
        raise MotionBeatError(
            "there is no commit here, and DVC keeps experiments on one: git init, git add, git commit first"
        ) from None
    if unmerged := git("diff", "--name-only", "--diff-filter=U").split():
        raise MotionBeatError(f"a merge is not finished in {', '.join(unmerged)}: resolve and commit it first")
