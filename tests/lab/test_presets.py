"""Presets name params that exist, expand to flags that DVC takes, and leave the comments of params.yaml alone."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.params import presets

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))


def overrides(name: str) -> dict[str, object]:
    return presets.overrides(name, ROOT / "presets", ROOT / "params.yaml")


def test_the_presets_of_the_documents_exist() -> None:
    assert {"paper", "paper-size", "tiny"} <= set(NAMES)
    assert all(presets.names(ROOT / "presets").values()), "each begins with a comment that says what it is"


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_names_params_that_exist_with_values_that_they_take(name: str, tmp_path: Path) -> None:
    chosen = overrides(name)
    assert chosen
    values = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", values)
    presets.write(chosen, values)
    loaded = params.load(values)
    for key, value in chosen.items():
        section, knob = key.split(".")
        assert getattr(getattr(loaded, section), knob) == value


def test_a_written_preset_changes_its_own_lines_alone(tmp_path: Path) -> None:
    values = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", values)
    before = values.read_text().splitlines()
    changed = presets.write(overrides("paper"), values)
    after = values.read_text().splitlines()
    different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(different) == len(changed) > 5
    for old, new in different:
        assert old.partition("#")[2] == new.partition("#")[2], "the comment stays"


def test_writing_what_is_there_changes_no_byte(tmp_path: Path) -> None:
    values = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", values)
    assert presets.write({"loss.alpha": 0.2, "corpus.meters": [4], "train.learning_rate": 1.0e-3}, values) == []
    assert values.read_bytes() == (ROOT / "params.yaml").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_flags_are_split_by_a_shell_and_read_back_as_the_same_values(name: str) -> None:
    chosen = overrides(name)
    words = " ".join(presets.flags(chosen)).split()
    assert words[::2] == ["-S"] * len(chosen)
    read = dict(word.split("=", 1) for word in words[1::2])
    assert {key: YAML(typ="safe", pure=True).load(value) for key, value in read.items()} == chosen


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# mine\nloss:\n  alfa: 0.5\n")
    with pytest.raises(MotionBeatError, match=r"mine\.yaml sets the unknown keys loss\.alfa: not in .*params\.yaml"):
        presets.overrides("mine", tmp_path, ROOT / "params.yaml")


def test_a_wrong_value_is_refused_by_key(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# mine\nloss:\n  alpha: much\n")
    with pytest.raises(MotionBeatError, match=r"loss\.alpha = 'much'; expected a number"):
        presets.overrides("mine", tmp_path, ROOT / "params.yaml")


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(MotionBeatError, match="did you mean paper-size"):
        overrides("papersize")


def test_presets_and_default_params_come_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sorted(presets.names()) == NAMES
    assert presets.overrides("paper") == overrides("paper")


def test_presets_of_the_working_folder_come_before_those_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/mine.yaml").write_text("# Mine.\nloss:\n  alpha: 0.5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert presets.names() == {"mine": "Mine."}
    assert presets.overrides("mine") == {"loss.alpha": 0.5}


def test_a_preset_is_not_written_where_there_is_no_params_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MotionBeatError, match=r"params\.yaml is missing: run from the folder that holds dvc\.yaml"):
        presets.write({"loss.alpha": 0.5})
