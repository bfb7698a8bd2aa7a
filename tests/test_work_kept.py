"""Nothing that was trained is lost by a wrong param, an experiment, or the committed lock of another machine.

DVC itself runs the real dvc.yaml in a clone. Stages up to train are not run: their outputs are a few bytes that
`dvc commit` takes as theirs.
"""

import signal
import subprocess
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from dvc_clones import CHAIN, ROOT, Clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone")


def test_a_wrong_param_is_refused_before_the_trained_model_is_deleted(clone: Clone) -> None:
    clone.made("first")
    clone.set_alpha("abc")  # that only train reads
    done = clone.dvc("repro", "train")
    assert done.returncode != 0
    assert "loss.alpha = 'abc'; expected a number" in done.stdout
    assert clone.holds("first")


@pytest.mark.slow
def test_an_experiment_with_a_wrong_param_is_refused_before_the_trained_model_is_deleted(clone: Clone) -> None:
    clone.train("first")
    done = clone.dvc("exp", "run", "-S", "loss.alpha=abc", "train")
    assert done.returncode != 0
    assert "loss.alpha = 'abc'; expected a number" in done.stdout
    assert clone.holds("first")


@pytest.mark.slow
def test_after_an_experiment_dvc_repro_brings_back_a_model_that_no_commit_names(clone: Clone) -> None:
    """The committed dvc.lock is another machine's: its hashes are in no cache here."""
    clone.train("first")
    clone.set_alpha("0.9")
    clone.train("second")
    clone.git("checkout", "-q", "params.yaml", "dvc.lock", "metrics")
    done = clone.dvc("repro", "train")
    assert done.returncode == 0, done.stdout
    assert "Stage 'train' is cached - skipping run" in done.stdout
    assert clone.holds("first")


@pytest.mark.slow
def test_a_param_of_one_stage_makes_no_earlier_stage_stale(clone: Clone) -> None:
    clone.train("first")
    clone.set_alpha("0.8")
    assert clone.dvc("repro", "check").returncode == 0
    stale = clone.dvc("status", *CHAIN).stdout
    assert "train:" in stale and not [name for name in CHAIN[:-1] if f"{name}:" in stale]


def test_make_repro_ends_by_saying_what_to_commit(clone: Clone) -> None:
    """Its last step, which says nothing where all is committed."""
    assert "to-commit" in (ROOT / "Makefile").read_text().split("repro: env\n")[1].split("\n\n")[0]
    say = ["make", "--silent", "to-commit"]
    assert subprocess.run(say, cwd=clone.root, capture_output=True, text=True, check=True).stdout == ""
    (clone.root / "metrics/new.json").write_text("{}")
    said = subprocess.run(say, cwd=clone.root, capture_output=True, text=True, check=True).stdout
    assert "git add params.yaml dvc.lock metrics && git commit" in said


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_dvc_that_is_ended_takes_its_stage_along_and_leaves_no_lock(clone: Clone, ending: signal.Signals) -> None:
    dvc = clone.start_dvc("repro", "corpus")
    started: list[psutil.Process] = []
    while not any("stages corpus" in " ".join(process.cmdline()) for process in started):
        assert dvc.poll() is None
        time.sleep(0.5)
        started = psutil.Process(dvc.pid).children(recursive=True)
    time.sleep(3)
    started = psutil.Process(dvc.pid).children(recursive=True)
    dvc.send_signal(ending)
    dvc.communicate()  # to the end of all that hold its output
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    done = clone.dvc("repro", "check")
    assert done.returncode == 0, done.stdout
