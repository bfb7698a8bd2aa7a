"""Fine-tuning begins with exactly the model that was given, keeps it where nothing is better, and says what differs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import Params
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training import run_state
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.history import History
from motionbeat.lab.training.loop import train
from motionbeat.lab.training.model_card import fine_tuned
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.lab.training.start_model import knobs_of, start_files, start_model
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.weights import SHIPPED

FORM = {"width": 32, "layers": 1, "embedding": 16}


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


@pytest.fixture
def start(tokens: Tokens, settings: Params, tmp_path: Path) -> Path:
    """A model with statistics that are not those of the tokens, and a card."""
    make_deterministic(3)
    model = tiny(settings, tokens, dropout=0.4)
    given = {name: 2 * values + 1 for name, values in tokens.statistics.items()}
    model.set_statistics(**given)
    model.save(tmp_path / "start")
    (tmp_path / "start" / "card.md").write_text("# A model of old\n\n## Data\nTen waltzes, CC-BY-4.0.\n")
    return tmp_path / "start"


@pytest.fixture
def small(settings: Params, start: Path) -> Params:
    changed = {"lattice_share": 0.0, "start_from": str(start), "epochs": 4, "validate_every": 1, "patience": 9}
    return evolve(settings, model=evolve(settings.model, **FORM), train=evolve(settings.train, **changed))


def run(
    settings: Params, tokens: Tokens, folder: Path, checkpoint: Checkpoint | None = None
) -> tuple[DualEncoder, History]:
    negatives = write_negatives(tokens, settings, folder, ("train", "val"))
    batches, others = (Batches(tokens, negatives, split, K, CPU) for split in ("train", "val"))
    make_deterministic(0)
    assert settings.train.start_from is not None
    model = start_model(settings.train.start_from, tokens, settings.model)
    validate = Validation(tokens, others, settings.loss.temperature)
    return model, train(model, batches, validate, settings.train, settings.loss, checkpoint)


def test_training_begins_with_the_weights_and_statistics_of_the_start_model(
    start: Path, small: Params, tokens: Tokens
) -> None:
    given, model = DualEncoder.load(start), start_model(str(start), tokens, small.model)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in given.state_dict().items())
    assert not np.allclose(model.mel_std.numpy(), tokens.statistics["mel_std"])
    assert model.config == evolve(given.config, dropout=small.model.dropout)


def test_the_start_model_is_validated_as_epoch_0_and_a_better_one_takes_its_place(
    start: Path, small: Params, tokens: Tokens, tmp_path: Path
) -> None:
    model, history = run(small, tokens, tmp_path)
    assert history.best_epoch > 0 and history.best["score"] > history.start["score"]
    assert history.summary(model)["start_score"] == history.start["score"]
    history.write(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2", "3", "4"]


def test_the_start_model_stays_where_training_makes_it_worse(
    start: Path, small: Params, tokens: Tokens, tmp_path: Path
) -> None:
    wild = evolve(small, train=evolve(small.train, learning_rate=30.0, warmup=0.0))
    model, history = run(wild, tokens, tmp_path)
    given = DualEncoder.load(start).state_dict()
    assert history.best_epoch == 0 and history.best == history.start and len(history.rows) == 4
    assert all(torch.equal(value, given[name]) for name, value in model.state_dict().items())
    assert "loss" not in history.summary(model)


def test_a_resumed_fine_tuning_ends_as_an_unbroken_one(
    small: Params, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_state, "_MOST_TIME", 1e9)  # every epoch is kept, however slow the disk
    whole, history = run(small, tokens, tmp_path)
    path = tmp_path / "run.safetensors"
    saved, calls = Checkpoint.save, iter(range(9))

    def save_and_stop(self: Checkpoint, *given: Any) -> None:
        saved(self, *given)
        if next(calls) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(Checkpoint, "save", save_and_stop)
        run(small, tokens, tmp_path, Checkpoint(path))
    again, resumed = run(small, tokens, tmp_path, Checkpoint(path))
    assert resumed.rows == history.rows and resumed.start == history.start
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in whole.state_dict().items())


@pytest.mark.parametrize(
    ("section", "changed", "message"),
    [
        ("model", {"width": 64}, r"model\.width is 32 there and 64 here"),
        ("model", {"centre": False}, r"model\.centre is True there and False here"),
        ("layout", {"subbeats": 2}, r"tokens\.subbeats is 4 there and 2 here"),
        ("layout", {"rotation_start": None, "motion_width": 7}, r"tokens have none: set tokens\.rotations to auto"),
        ("layout", {"motion_width": 11}, r"its motion features are 10 numbers, those of the tokens 11"),
    ],
)
def test_a_start_model_with_other_tokens_or_another_form_is_refused_naming_the_param(
    start: Path, small: Params, tokens: Tokens, section: str, changed: dict[str, Any], message: str
) -> None:
    model, layout = small.model, tokens.layout
    if section == "model":
        model = evolve(model, **changed)
    else:
        layout = evolve(layout, **changed)
    with pytest.raises(MotionBeatError, match=f"{message}.*Set these params .*or set train.start_from to null"):
        start_model(str(start), evolve(tokens, layout=layout), model)


def test_a_folder_without_a_model_is_refused_by_name(tokens: Tokens, small: Params, tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"nowhere.*config\.json is missing"):
        start_model(str(tmp_path / "nowhere"), tokens, small.model)


def test_the_params_of_a_start_model_are_those_that_its_configuration_was_made_from(settings: Params) -> None:
    knobs = knobs_of("shipped")
    config = DualEncoder.load(SHIPPED).config
    assert {name: getattr(settings.tokens, name) for name in ("rotations", "flux", "window_beats")} == {
        name: knobs[f"tokens.{name}"] for name in ("rotations", "flux", "window_beats")
    }
    assert {n.partition(".")[2] for n in knobs} | {"motion_width", "rotation_start"} == {*config.to_dict(), "rotations"}
    assert [path.parent for path in start_files("shipped")] == [SHIPPED, SHIPPED] and start_files(None) == []


def test_the_card_of_a_fine_tuned_model_names_the_data_of_both_models(small: Params, tmp_path: Path) -> None:
    trained = {"best_epoch": 3, "epochs": 4, "start_score": -2.5, "score": -2.0}
    songs = "file,package,version,licence,seconds,sha256,excluded\na.ogg,some-music,1,CC0-1.0,90,aa,\n"
    (tmp_path / "songs.csv").write_text(songs)
    corpus = evolve(small.corpus, name=["synthetic", "choreographed"], songs_root=str(tmp_path))
    text = fine_tuned(evolve(small, corpus=corpus), trained)
    for expected in ("score: -2.500 before, -2.000 after", "some-music | 1 | 2 | CC0-1.0", "made by this project"):
        assert expected in text
    assert "#### Data\nTen waltzes, CC-BY-4.0." in text and str(tmp_path) not in text
    (Path(str(small.train.start_from)) / "card.md").unlink()
    assert "its training data and licence are unknown" in fine_tuned(small, trained)
