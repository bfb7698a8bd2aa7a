"""`dvc plots` shows curves in a browser that reaches no network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chromium import CHROMIUM, browser

ROOT = Path(__file__).parents[2]
CURVES = {"loss": [3.0, 2.0, 1.5], "recall": [10.0, 30.0, ""]}  # validated less often
PLOTS = "plots:\n  - Curves:\n      x: epoch\n      y: {history.csv: [loss, recall]}\n"


def _write(folder: Path, scale: float) -> None:
    rows = zip(range(1, 4), CURVES["loss"], CURVES["recall"], strict=True)
    lines = [f"{epoch},{scale * float(loss)},{recall}" for epoch, loss, recall in rows]
    (folder / "history.csv").write_text("\n".join(["epoch,loss,recall", *lines]) + "\n")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page is not tried in a browser")
def test_plots_are_drawn_without_a_network(tmp_path: Path) -> None:
    """Two revisions of a history: a curve for each column of each, through its points and no empty ones."""

    def told(*words: str) -> None:
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, env=os.environ | {"DVC_NO_ANALYTICS": "1"})

    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    (tmp_path / "dvc.yaml").write_text(PLOTS)
    _write(tmp_path, 1.0)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a")):
        told("git", "-c", "user.name=a", "-c", "user.email=a@b", *words)
    _write(tmp_path, 0.5)
    told(sys.executable, "-m", "dvc", "plots", "diff", "HEAD", "workspace", "-o", "shown")
    with browser() as page:
        page.call("Network.setBlockedURLs", urls=["http://*", "https://*"])
        page.size(390, 844)
        page.open((tmp_path / "shown" / "index.html").as_uri())
        assert page.run("document.querySelector('h2').textContent") == "Curves"
        curves = page.run("[...document.querySelectorAll('div > svg > path')].map((path) => path.getAttribute('d'))")
        keys = page.run("[...document.querySelectorAll('li')].map((item) => item.textContent)")
        assert page.run("document.documentElement.scrollWidth") <= 390
        assert [text for text in page.complaints if "Failed to load resource" not in text] == []
    assert sorted(curve.count("L") + 1 for curve in curves) == [2, 2, 3, 3]
    assert {"loss, HEAD: 1.5 at last", "loss, workspace: 0.75 at last", "recall, HEAD: 30 at last"} <= set(keys)
