"""Nothing that was trained is lost by a wrong param, an experiment, or the committed lock of another machine.

DVC itself runs the real dvc.yaml in a clone. Stages up to train are not run: their outputs are a few bytes that
`dvc commit` takes as theirs.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).parents[1]
CHAIN = ("corpus", "beats", "tokens", "negatives", "train")
MODEL, METRICS = "models/motionbeat/model.safetensors", "metrics/train.json"


class Clone:
    """A clone in which the chain up to train is done, and not committed to git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        names = self.git("ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT).split("\0")
        for name in names:
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, root / name)
        for folder in (".dvc", "data/raw", "data/songs"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "as cloned")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *words], cwd=cwd or self.root, capture_output=True, text=True, check=True)
        return done.stdout

    def dvc(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = self.start_dvc(*words)
        said, _ = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, said)

    def start_dvc(self, *words: str) -> subprocess.Popen[str]:
        bin = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "dvc", *words],
            cwd=self.root,
            env=os.environ | {"PATH": bin, "PYTHONPATH": str(self.root), "DVC_NO_ANALYTICS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def made(self, model: str) -> None:
        """The chain's outputs as its stages would write them; the model and its metrics hold `model`."""
        held = {"data/corpus/a": "a", "data/beats/a": "a", "data/tokens/a": "a", "data/negatives/a": "a"}
        for name, text in (held | {MODEL: model, METRICS: f'{{"loss": "{model}"}}'}).items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def train(self, model: str) -> None:
        """The chain, done as far as DVC knows."""
        assert self.dvc("repro", "check").returncode == 0
        self.made(model)
        done = self.dvc("commit", "-f", *CHAIN)
        assert done.returncode == 0, done.stdout

    def set_alpha(self, value: str) -> None:
        path = self.root / "params.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(f"  alpha: {value}" if x.startswith("  alpha:") else x for x in lines) + "\n")

    def holds(self, model: str) -> bool:
        return all(model in (self.root / name).read_text() for name in (MODEL, METRICS))


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
