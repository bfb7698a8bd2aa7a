"""`motionbeat finetune` makes a model of a folder of songs; its steps follow from the songs and the params."""

from pathlib import Path

import pytest
from attrs import evolve
from rhythm_songs import pattern_song

import motionbeat
from motionbeat.errors import MotionBeatError
from motionbeat.lab.commands.finetune_command import finetune
from motionbeat.lab.experiments import fine_tuning
from motionbeat.lab.experiments.variant_steps import Planner
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.weights import SHIPPED


def write_song(folder: Path, number: int) -> None:
    pattern_song(folder / f"song {number}.wav", number, bpm=100 + 2 * number)
    beats = [f"{beat * 60 / (100 + 2 * number):.6f}\t{beat % 4 + 1}\n" for beat in range(32)]
    (folder / f"song {number}.beats").write_text("".join(beats))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    (tmp_path / "songs").mkdir()
    for number in range(8):
        write_song(tmp_path / "songs", number)
    return tmp_path / "songs"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """An untrained model on the tokens of the package's model, of another width than params.yaml has."""
    config = evolve(DualEncoder.load(SHIPPED).config, width=16, layers=1, heads=2, embedding=16)
    DualEncoder(config).save(tmp_path / "start")
    return tmp_path / "start"


def test_a_folder_of_songs_becomes_a_model_and_the_same_command_repeats_nothing(
    songs: Path, start: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
    output, few = tmp_path / "model", ["train.epochs=2", "train.validate_every=1", "corpus.clip_beats=32"]
    finetune(songs, output, str(start), threads=1, knobs=few)
    said = capfd.readouterr().out
    for expected in (
        "corpus: ",
        "train: ",
        "Retrieval, start model -> fine-tuned",
        "test songs (",
        f"{output}: the model",
    ):
        assert expected in said
    assert motionbeat.load(output).model.config.width == 16
    assert "It had no card" in (output / "card.md").read_text()
    finetune(songs, output, str(start), threads=1, knobs=few)
    again = capfd.readouterr().out
    assert "train: " not in again and said.endswith(again)


def test_the_steps_follow_from_the_songs_the_start_model_and_the_params(songs: Path, start: Path) -> None:
    def keys(**knobs: object) -> dict[str, str]:
        given = {name.replace("__", "."): value for name, value in knobs.items()}
        steps = fine_tuning.plan(Planner(threads=1), songs, str(start), given)
        return {name: step.key for name, step in steps.items()}

    first = keys()
    assert keys() == first
    slower = keys(train__learning_rate=1e-5)
    assert {name for name in first if first[name] != slower[name]} == {"train", "evaluate"}
    config = DualEncoder.load(start).config
    DualEncoder(config).save(start)  # other weights in the same place
    restarted = keys()
    assert {name for name in first if first[name] != restarted[name]} == {"train", "evaluate"}
    (songs / "song 3.beats").write_text("0.5 1\n1.0 2\n1.5 3\n")
    changed = keys()
    assert not set(changed.values()) & set(first.values())


def test_some_songs_are_held_out_however_few_there_are() -> None:
    assert [fine_tuning.held_out(count) for count in (3, 8, 20, 60)] == [1, 2, 3, 9]


def test_a_folder_that_is_no_model_is_not_replaced(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"songs already exists and is not a model folder"):
        finetune(songs, songs)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("config.json", '{"name": "a website"}', r"not a model folder \(.*config\.json"),
        ("thesis.tex", "years of work", r"not a model folder \(it contains thesis\.tex\)"),
        ("card.md", "of the start model", "is the start model"),
    ],
)
def test_only_a_model_alone_is_replaced_and_never_the_start_model(
    songs: Path, start: Path, name: str, text: str, says: str
) -> None:
    (start / name).write_text(text)
    with pytest.raises(MotionBeatError, match=says):
        finetune(songs, start, str(start))
    assert (start / name).read_text() == text
