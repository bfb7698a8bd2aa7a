"""The benchmark of GPUs in its small form: what it compares agrees, and it fails where that does not."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from motionbeat.errors import MotionBeatError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for old, new in (("mel_bands: 128", "mel_bands: 8"), ("layers: 2", "layers: 1"), ("batch: 64", "batch: 8")):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_small_form_measures_each_part(small: Path) -> None:
    gpu.main(["--device", "cpu", "--preset", "default", "--clips", "12", "--output", "gpu.json"])
    found = json.loads((small / "gpu.json").read_text())
    assert 0 <= found["agreement"]["loss"] <= gpu.AGREES
    assert found["soft_dtw"][0]["plain_ms"] > 0
    assert all(count > 100 for count in found["operations"].values())
    assert found["training"][0]["samples_per_s"] > 0


def test_a_loss_that_differs_fails_the_command(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = gpu.objective

    def wrong(*args, meters=None, **settings):
        terms = right(*args, meters=meters, **settings)
        return terms if meters is None else terms | {"ecl": terms["ecl"] + 0.01}

    monkeypatch.setattr(gpu, "objective", wrong)
    with pytest.raises(MotionBeatError, match=r"the CPU differ: .*loss"):
        gpu.measured(small, torch.device("cpu"), ["default"], 12)
