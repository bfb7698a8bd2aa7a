"""The stages of the recognition tasks as they are run: on real recordings, and refused early where they cannot be."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve
from conftest import LAYOUT
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.gtzan import GENRES
from motionbeat.lab.tasks.retrieval_task import check_model
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
CLIPS_A_GENRE = 2


@pytest.mark.parametrize("names", [["mel"], ["clap", "random"], ["motionbeat"]])
def test_retrieval_refuses_encoders_of_another_model_than_the_one_it_ranks_with(settings, names) -> None:
    model = Path("models/motionbeat")
    other = evolve(settings.encoders, motionbeat="models/other", names=names)
    with pytest.raises(MotionBeatError, match=r"set encoders\.motionbeat to models/motionbeat"):
        check_model(other, model)
    check_model(evolve(other, names=["clap"]), model)
    check_model(evolve(other, motionbeat="./models/../models/motionbeat/"), model)


def test_make_clean_removes_every_folder_that_a_stage_writes() -> None:
    yaml = YAML(typ="safe", pure=True)
    stages = yaml.load(ROOT / "dvc.yaml")["stages"].values()
    written = {out for stage in stages for out in stage.get("outs", []) if isinstance(out, str)}
    cleaned = (ROOT / "Makefile").read_text().split("\nclean:\n")[1].split()
    assert "data/features" in written
    assert all(
        any(Path(out).is_relative_to(folder) for folder in cleaned) for out in [*written, "models/dance", "logs"]
    )


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings of ../shared/data are not here")
def test_real_gtzan_and_nsynth_come_through_every_stage_of_recognition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
    for name in ("features", "beat_probe"):
        module = importlib.import_module(f"motionbeat.lab.tasks.{name}")
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache" / name)
    Path("gtzan").mkdir()
    Path("gtzan/beats").symlink_to(DATA / "gtzan" / "beats")
    for genre in GENRES:
        Path("gtzan/genres", genre).mkdir(parents=True)
        for clip in sorted((DATA / "gtzan" / "genres" / genre).glob("*.flac"))[:CLIPS_A_GENRE]:
            Path("gtzan/genres", genre, clip.name).symlink_to(clip)
    small = evolve(settings.model, width=16, layers=1, heads=2, embedding=8)
    torch.manual_seed(0)
    DualEncoder(ModelConfig.of(small, LAYOUT)).save(Path("models/motionbeat"))
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(ROOT / "params.yaml")
    values["encoders"]["names"] = ["mel"]
    values["tasks"] |= {
        "gtzan": {"root": "gtzan", "split": "folds"},
        "nsynth": {"root": str(DATA / "nsynth"), "split": "folds"},
        "folds": 3,
        "epochs": 1,
        "learning_rates": [1e-3],
        "bootstrap": 20,
    }
    yaml.dump(values, Path("params.yaml"))
    for stage in ("standins", "features", "probe", "beat_tracking"):
        importlib.import_module(f"stages.{stage}").main()

    assert sorted(path.name for path in Path("data/standins").iterdir()) == ["emomusic", "magnatagatune"]
    found = {path.stem: json.loads(path.read_text()) for path in Path("metrics").glob("*.json")}
    beats = found["beat_tracking"]
    assert set(beats) == {"mel", "madmom", "librosa"}
    assert beats["madmom"]["f1"] > beats["librosa"]["f1"] > 0.4
    about = {task: found[f"{task}_about"] for task in ("beat_tracking", "genre", "instrument", "tagging")}
    assert [about[task]["standin"] for task in about] == [False, False, False, True]
    assert about["genre"]["test"] == CLIPS_A_GENRE * len(GENRES)
    assert about["instrument"]["split"] == "3-fold cross-validation over instruments"
    assert set(found["genre"]) == set(found["tagging"]) == {"mel", "constant"}
    assert found["tagging"]["constant"]["roc_auc"] == pytest.approx(50)
