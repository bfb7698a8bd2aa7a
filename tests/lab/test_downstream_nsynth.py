"""NSynth's notes have the split of their folder, their family and their instrument; wrong metadata are refused."""

import json
from pathlib import Path

import pytest
from labelled_sets import DATA, put, refused

from motionbeat.lab.labelled import nsynth


def write_notes(root: Path, split: str, notes: dict[str, tuple[str, str]]) -> None:
    """notes: name -> (instrument, family)."""
    rows = {
        name: {"instrument_str": instrument, "instrument_family_str": family, "pitch": 60}
        for name, (instrument, family) in notes.items()
    }
    put(root / f"nsynth-{split}" / "examples.json", json.dumps(rows))
    for name in notes:
        put(root / f"nsynth-{split}" / "audio" / f"{name}.wav")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    write_notes(
        tmp_path, "train", {"a-060-100": ("a", "bass"), "a-061-100": ("a", "bass"), "b-060-025": ("b", "vocal")}
    )
    write_notes(tmp_path, "valid", {"c-060-100": ("c", "reed")})
    write_notes(tmp_path, "test", {"d-060-100": ("d", "mallet")})
    return tmp_path


def test_nsynth_notes_have_their_folders_split_their_family_and_their_instrument_as_group(notes: Path) -> None:
    found = nsynth.read(notes)
    assert [item.split for item in found.items] == ["train", "train", "train", "val", "test"]
    assert [found.classes[label] for label in found.targets("train")] == ["bass", "bass", "vocal"]
    assert [item.group for item in found.items] == ["a", "a", "b", "c", "d"]
    assert len(found.classes) == 11


def test_nsynth_can_be_read_in_part_but_only_when_asked_to(notes: Path) -> None:
    (notes / "nsynth-train" / "examples.json").unlink()
    (notes / "nsynth-valid" / "examples.json").unlink()
    message = refused(nsynth.read, notes)
    assert "nsynth-train/examples.json is missing" in message and "nsynth-valid/examples.json is missing" in message
    assert len(nsynth.read(notes, splits=("test",)).items) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "has no notes"),
        ('{"c": {"instrument_str": "c"}}', "note c: no instrument_str and instrument_family_str"),
        ('{"c": {"instrument_str": "c", "instrument_family_str": "kazoo"}}', "'kazoo' is not one of bass, brass"),
        (
            '{"c": {"instrument_str": "c", "instrument_family_str": "reed", "instrument_family": 0}}',
            "instrument_family is 0, but reed is number 7",
        ),
        ('{"c": {}, "c": {}}', "has 'c' twice"),
    ],
)
def test_nsynth_refuses_wrong_metadata(notes: Path, text: str, said: str) -> None:
    path = put(notes / "nsynth-valid" / "examples.json", text)
    message = refused(nsynth.read, notes)
    assert said in message and str(path) in message


def test_nsynth_counts_missing_notes_and_refuses_a_note_in_two_splits(notes: Path) -> None:
    (notes / "nsynth-train" / "audio" / "a-061-100.wav").unlink()
    write_notes(notes, "test", {"a-060-100": ("a", "bass")})
    message = refused(nsynth.read, notes)
    assert "audio of 1 of 5 clips is missing" in message and "clip a-060-100 occurs twice" in message


@pytest.mark.real
def test_real_nsynth_notes_are_read() -> None:
    found = nsynth.read(DATA / "nsynth", splits=("test",))
    assert len(found.items) == 45
    assert all(item.name.startswith(found.classes[item.label] + "_") for item in found.items)
    assert all(item.name.startswith(item.group) for item in found.items)
