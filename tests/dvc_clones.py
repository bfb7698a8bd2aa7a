"""Clones of the project in which DVC runs the real dvc.yaml."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.small_chain import small_params

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

    def small(self) -> None:
        """Params of a chain that runs in a minute."""
        small_params(self.root / "params.yaml")
