"""Tables that do not fit into memory are mapped: the same tokens, the same batches, refused alike."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.token_tables import mapped_tables
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches

K = 8


@pytest.fixture
def folder(token_folder: Path, tmp_path: Path) -> Path:
    """The token folder in row groups of 50, and as lattices the training split's tokens."""
    at = copytree(token_folder, tmp_path / "tokens")
    for name, plain, lattice in (
        ("audio", tables.AUDIO_TOKENS, tables.LATTICE_AUDIO),
        ("motion", tables.MOTION_TOKENS, tables.LATTICE_MOTION),
    ):
        rows = tables.read(at / f"{name}.parquet", plain)
        train = np.array([song.startswith("train") for song in rows["song"]])
        with tables.appending(at / f"{name}.parquet", plain) as append:
            for begin in range(0, len(train), 50):
                append({key: column[begin : begin + 50] for key, column in rows.items()})
        others = {key: column[train] for key, column in rows.items()} | {"lattice": np.zeros(train.sum(), int)}
        tables.write(at / f"lattice_{name}.parquet", lattice, others)
    return at


def both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Tokens]:
    plain = Tokens.load(folder, lattices=True)
    monkeypatch.setattr(mapped_tables, "memory_for_tables", lambda: 0)
    return [plain, Tokens.load(folder, lattices=True)]


def test_mapped_tokens_are_the_same_and_leave_no_file(folder, monkeypatch, cache_of_test) -> None:
    plain, mapped = both(folder, monkeypatch)
    assert isinstance(mapped.motion["features"], np.memmap) and not isinstance(plain.motion["features"], np.memmap)
    for one, other in ((plain, mapped), (plain.lattices, mapped.lattices)):
        for kind in ("audio", "motion"):
            for name, column in getattr(one, kind).items():
                np.testing.assert_array_equal(getattr(other, kind)[name], column, name)
                assert getattr(other, kind)[name].dtype == column.dtype
    assert len({id(name) for name in mapped.motion["song"]}) == len(set(plain.motion["song"]))
    assert not list(cache_of_test.rglob("*"))


def test_batches_of_mapped_tables_are_the_same_and_copy_none(folder, settings, tmp_path, monkeypatch) -> None:
    plain, mapped = both(folder, monkeypatch)
    write_negatives(plain, ["train"], K, settings.negatives, tmp_path)
    batches = [Batches(tokens, tmp_path, "train", K, torch.device("cpu")) for tokens in (plain, mapped)]
    drawn = [list(each.epoch(4, 2, 2, np.random.default_rng(0), lattice_share=0.5)) for each in batches]
    for one, other in zip(*drawn, strict=True):
        for name in ("mel", "onset", "motion", "contact", "energy", "tempo", "jitter"):
            for left, right in zip(getattr(one, name), getattr(other, name), strict=True):
                torch.testing.assert_close(right, left, rtol=0, atol=0)
    table, column = batches[1]._features, mapped.motion["features"]
    assert table.data_ptr() == column.__array_interface__["data"][0] and len(table) > len(column)


@pytest.mark.parametrize("limit", [0, 2**30], ids=["mapped", "in memory"])
def test_only_the_wanted_lists_are_read_and_what_is_wrong_is_named(folder, monkeypatch, limit) -> None:
    monkeypatch.setattr(mapped_tables, "memory_for_tables", lambda: limit)
    some = Tokens.load(folder, lists=("onset",))
    assert "onset" in some.audio and "mel" not in some.audio and "features" not in some.motion
    rows = tables.read(folder / "audio.parquet", tables.AUDIO_TOKENS)
    ragged = rows | {"mel": [row[: 24 - number % 2] for number, row in enumerate(rows["mel"])]}
    tables.write(folder / "audio.parquet", tables.AUDIO_TOKENS, ragged)
    with pytest.raises(MotionBeatError, match=r"audio\.parquet.*rows of column mel differ in length"):
        Tokens.load(folder)
    (folder / "audio.parquet").write_bytes(b"PAR1")
    with pytest.raises(MotionBeatError, match=r"audio\.parquet is not a complete Parquet file"):
        Tokens.load(folder)
    (folder / "audio.parquet").unlink()
    with pytest.raises(MotionBeatError, match=r"audio\.parquet is missing"):
        Tokens.load(folder)
