"""params.yaml is one typed model, and a mistake in it is named."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params

ROOT = Path(__file__).parents[2]


def values() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(ROOT / "params.yaml")


def test_the_committed_file_is_valid() -> None:
    assert params.load(ROOT / "params.yaml").loss.temperature == 0.07


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loss.alpha", "abc", "loss.alpha = 'abc'; expected a number of at least 0"),
        ("loss.alpha", -1, "loss.alpha = -1; expected a number of at least 0"),
        ("loss.alpha", float("nan"), "loss.alpha = nan; expected a number of at least 0"),
        ("loss.symmetric", "yes", "loss.symmetric = 'yes'; expected true or false"),
        ("train.batch", 0, "train.batch = 0; expected a whole number of at least 1"),
        ("train.batch", 6.5, "train.batch = 6.5; expected a whole number of at least 1"),
        ("train.learning_rate", True, "train.learning_rate = True; expected a number above 0"),
        ("corpus.name", "aist", "corpus.name = 'aist'; expected one of synthetic, aistpp, dance_with_melody"),
        ("corpus.name", ["aistpp", "aist"], "corpus.name = 'aist'; expected one of synthetic, aistpp"),
        ("corpus.name", ["aistpp", "aistpp"], "corpus.name = ['aistpp', 'aistpp']; expected each corpus once"),
        ("train.shares", [0.5, 0.5], "train.shares = [0.5, 0.5]; expected a table"),
        ("train.shares", {"synthetic": 0.5}, "train.shares = {'synthetic': 0.5}; expected a part of 1 for each of"),
        ("train.start_from", 3, "train.start_from = 3; expected text"),
        ("corpus.meters", 4, "corpus.meters = 4; expected a list of at least one item"),
        ("corpus.meters", [0], "corpus.meters = 0; expected a whole number of at least 1"),
        ("model.heads", 3, "model.width = 128; expected a multiple of 2 * model.heads = 6"),
        ("beats.max_bpm", 40.0, "beats.min_bpm = 55.0; expected less than beats.max_bpm"),
        ("negatives.jitter_shifts", [0, 1], "negatives.jitter_shifts contains 0"),
        ("tasks.folds", 2, "tasks.folds = 2; expected at least 3"),
    ],
)
def test_a_wrong_value_names_its_key_the_value_and_what_was_expected(key: str, value: Any, message: str) -> None:
    section, name = key.split(".")
    wrong = values()
    wrong[section][name] = value
    with pytest.raises(MotionBeatError) as error:
        params.from_dict(wrong, "params.yaml")
    assert str(error.value).startswith("params.yaml: ")
    assert message in str(error.value)


def test_unknown_and_missing_keys_are_named_together() -> None:
    wrong = values()
    wrong["loss"]["alhpa"] = wrong["loss"].pop("alpha")
    del wrong["train"]
    with pytest.raises(MotionBeatError) as error:
        params.from_dict(wrong, "params.yaml")
    for part in ("alhpa", "loss.alpha: missing", "train: missing"):
        assert part in str(error.value)


def test_an_exponent_without_a_point_is_a_number(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(
        text.replace("learning_rate: 1.0e-3", "learning_rate: 1e-4"), encoding="utf-8"
    )
    assert params.load(tmp_path / "params.yaml").train.learning_rate == 1e-4


def test_a_missing_file_and_broken_yaml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match="run from the folder"):
        params.load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("corpus: [", encoding="utf-8")
    with pytest.raises(MotionBeatError, match="not valid YAML"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("stage", ["corpus", "beats", "tokens", "negatives", "train", "retrieve", "report"])
def test_every_stage_refuses_wrong_params_before_it_does_anything(stage: str, tmp_path: Path) -> None:
    wrong = copy.deepcopy(values())
    wrong["loss"]["alpha"] = "abc"
    YAML(typ="safe", pure=True).dump(wrong, tmp_path / "params.yaml")
    # Heavy packages are imported after the check, so a mistake shows in under a second.
    program = (
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['stages', {stage!r}]\n"
        "try:\n    runpy.run_module('stages', run_name='__main__')\n"
        "finally:\n    print([name for name in ('torch', 'librosa', 'pyarrow', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "error: params.yaml: loss.alpha = 'abc'; expected a number of at least 0"
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == [tmp_path / "params.yaml"]


def test_an_unknown_stage_is_named_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stages", "trian"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "one of beat_tracking, beats, check, corpus, " in done.stderr
