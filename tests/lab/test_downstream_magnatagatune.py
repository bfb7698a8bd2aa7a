"""MagnaTagATune is split by folder and tagged with its 50 most frequent tags; wrong lines of its table are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from labelled_sets import DATA, put, refused

from motionbeat.audio import decode
from motionbeat.lab.labelled import magnatagatune

TAG_NAMES = [f"tag {number}" for number in range(60)]
PATHS = ["0/a-b-01-c-0-29.mp3", "0/a-b-01-c-29-58.mp3", "b/d-1-2.mp3", "c/e-1-2.mp3", "d/f-1-2.mp3", "f/g-1-2.mp3"]


def write_tags(root: Path, rows: list[tuple[str, str, list[int]]], tags: list[str]) -> Path:
    lines = ["\t".join(f'"{value}"' for value in ("clip_id", *tags, "mp3_path"))]
    lines += ["\t".join(f'"{value}"' for value in (clip, *marks, path)) for clip, path, marks in rows]
    for _, path, _ in rows:
        put(root / path)
    return put(root / "annotations_final.csv", "\n".join(lines) + "\n")


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    """Six clips; tag i is given to more clips the larger i is, tags 0 to 9 to none."""
    rows = [(str(n), path, [int(t >= 10 + 9 * n) for t in range(60)]) for n, path in enumerate(PATHS)]
    write_tags(tmp_path, rows, TAG_NAMES)
    return tmp_path


def test_magnatagatune_takes_the_50_most_frequent_tags_ties_in_the_order_of_the_table(tagged: Path) -> None:
    found = magnatagatune.read(tagged)
    expected = [t for n in range(5, -1, -1) for t in range(10 + 9 * n, 60 if n == 5 else 19 + 9 * n)]
    assert found.classes == tuple(TAG_NAMES[t] for t in expected)
    assert found.targets("train").shape == (3, 50) and found.targets("train")[0].all()


def test_magnatagatune_splits_by_folder_and_groups_by_track(tagged: Path) -> None:
    found = magnatagatune.read(tagged)
    assert [item.split for item in found.items] == ["train", "train", "train", "val", "test", "test"]
    assert found.items[0].group == found.items[1].group == "0/a-b-01-c"
    assert len({item.group for item in found.items}) == 5


def test_magnatagatune_can_leave_out_clips_without_any_of_the_tags_and_always_the_broken_ones(tagged: Path) -> None:
    rows = [(str(n), path, [int(t >= 10 + 9 * n) for t in range(60)]) for n, path in enumerate(PATHS)]
    rows += [("90", "e/none-0-29.mp3", [0] * 60), ("35644", "e/broken-0-29.mp3", [1] * 50 + [0] * 10)]
    write_tags(tagged, rows, TAG_NAMES)
    kept, dropped = magnatagatune.read(tagged), magnatagatune.read(tagged, untagged=False)
    assert len(kept.items) == 7 and len(dropped.items) == 6
    assert kept.left_out == {"broken audio": ["e/broken-0-29"]}
    assert dropped.left_out["none of the 50 tags"] == ["e/none-0-29"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("9", "g/x-1-2.mp3", [0] * 60), "line 3: mp3_path 'g/x-1-2.mp3' is not in a folder 0 to f"),
        (("9", "0/../../x.mp3", [0] * 60), "line 3: mp3_path '0/../../x.mp3'"),
        (("9", "0/x-1-2.mp3", [2] * 60), "line 3: tag 'tag 0' is '2'; expected 0 or 1"),
        (("9", "0/x-1-2.mp3", [0] * 59), "line 3: 61 values for 62 columns"),
    ],
)
def test_magnatagatune_refuses_wrong_lines_of_its_table(tmp_path: Path, row, said: str) -> None:
    first = ("1", PATHS[0], [1] * 60)
    path = tmp_path / "annotations_final.csv"
    lines = ["\t".join(("clip_id", *TAG_NAMES, "mp3_path"))]
    lines += ["\t".join((clip, *map(str, marks), where)) for clip, where, marks in (first, row)]
    put(path, "\n".join(lines) + "\n")
    message = refused(magnatagatune.read, tmp_path)
    assert said in message and str(path) in message


def test_magnatagatune_refuses_too_few_tags_and_missing_clips_and_clips_twice(tagged: Path) -> None:
    (tagged / PATHS[2]).unlink()
    assert "audio of 1 of 6 clips is missing" in refused(magnatagatune.read, tagged)
    rows = [("1", PATHS[0], [1] * 60), ("2", PATHS[0], [1] * 60)]
    write_tags(tagged, rows, TAG_NAMES)
    assert "clip 0/a-b-01-c-0-29 occurs twice" in refused(magnatagatune.read, tagged)
    write_tags(tagged, [("1", PATHS[0], [1] * 40 + [0] * 20)], TAG_NAMES)
    assert "only 40 tags are given to any clip; the task needs 50" in refused(magnatagatune.read, tagged)


@pytest.mark.real
def test_real_magnatagatune_labels_come_through_the_table(tmp_path: Path) -> None:
    lists = DATA / "magnatagatune" / "split"
    tags = (lists / "top50_tags.txt").read_text().split()
    names = {split: json.loads((lists / f"{split}_list.json").read_text()) for split in ("train", "valid", "test")}
    for split, expected in (("train", "train"), ("valid", "val"), ("test", "test")):
        assert {magnatagatune.split_of(name[0]) for name in names[split]} == {expected}
    marks = {split: np.load(lists / f"y_{split}_pub.npy").astype(int) for split in ("valid", "test")}
    rows = [("1", names["train"][0].replace(".npy", ".mp3"), [0] * 50)]
    for split in ("valid", "test"):
        paths = [name.replace(".npy", ".mp3") for name in names[split]]
        rows += [
            (str(len(rows) + n), path, list(row)) for n, (path, row) in enumerate(zip(paths, marks[split], strict=True))
        ]
    write_tags(tmp_path, rows, tags)
    found = magnatagatune.read(tmp_path)
    assert [len(found.of(split)) for split in ("train", "val", "test")] == [1, 1529, 4332]
    order = [tags.index(name) for name in found.classes]
    by_name = dict(zip(names["test"], marks["test"], strict=True))
    for item in found.of("test")[::97]:
        np.testing.assert_array_equal(item.label, by_name[f"{item.name}.npy"][order])
    assert found.classes[0] == "guitar"
    assert len({item.group for item in found.items}) < len(found.items) / 3
    clip = next((DATA / "magnatagatune").glob("joram-*.mp3"))
    listed = next(item for item in found.items if item.audio.name == clip.name)
    assert listed.group.endswith("/joram-moments_of_clarity-08-solipsism")
    assert len(decode.load(clip, 16_000)) / 16_000 == pytest.approx(29.1, abs=0.2)
