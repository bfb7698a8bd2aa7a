"""The stages of the recognition tasks as they are run: on real recordings, and refused early where they cannot be."""

import csv
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


def by_row(task: str) -> dict[str, dict[str, float]]:
    """{row: {metric: value}} of metrics/TASK_table.csv in this folder, without what is undefined."""
    rows: dict[str, dict[str, float]] = {}
    with Path(f"metrics/{task}_table.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["value"] and " minus " not in line["row"]:
                rows.setdefault(line["row"], {})[line["metric"]] = float(line["value"])
    return rows


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
def test_real_gtzan_and_nsynth_come_through_every_stage_of_recognition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(tmp_path)
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
    beats, genre, tagging = (by_row(task) for task in ("beat_tracking", "genre", "tagging"))
    assert set(beats) == {"mel", "madmom", "librosa"}
    assert beats["madmom"]["f1"] > beats["librosa"]["f1"] > 0.4
    about = {task: found[f"{task}_about"] for task in ("beat_tracking", "genre", "instrument", "tagging")}
    assert [about[task]["standin"] for task in about] == [False, False, False, True]
    assert about["genre"]["test"] == CLIPS_A_GENRE * len(GENRES)
    assert about["instrument"]["split"] == "3-fold cross-validation over instruments"
    assert set(genre) == set(tagging) == {"mel", "constant"}
    assert tagging["constant"]["roc_auc"] == pytest.approx(50)
