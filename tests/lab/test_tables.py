"""Tables are checked at both ends and are the same bytes for the same rows."""

from pathlib import Path

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables

ROWS = {
    "song": ["a", "b"],
    "beat": [0, 1],
    "time_s": [0.0, 0.5],
    "duration_s": [0.5, 0.5],
    "bar_position": [0, 1],
    "beats_per_bar": [4, 4],
    "mel": np.arange(12, dtype=np.float32).reshape(2, 6),
    "onset": np.array([[0.0, 1.0], [0.5, 0.25]]),
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    tables.write(tmp_path / "a.parquet", tables.AUDIO_TOKENS, ROWS)
    back = tables.read(tmp_path / "a.parquet", tables.AUDIO_TOKENS)
    assert list(back) == tables.AUDIO_TOKENS.names
    np.testing.assert_array_equal(back["mel"], ROWS["mel"])
    assert back["song"].tolist() == ["a", "b"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        tables.write(tmp_path / name, tables.AUDIO_TOKENS, ROWS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    tables.write(tmp_path / "a", tables.JITTER_NEGATIVES, {name: [] for name in tables.JITTER_NEGATIVES.names})
    assert len(tables.read(tmp_path / "a", tables.JITTER_NEGATIVES)["clip"]) == 0


def test_missing_columns_and_empty_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match="onset"):
        tables.write(tmp_path / "a", tables.AUDIO_TOKENS, {k: v for k, v in ROWS.items() if k != "onset"})
    with pytest.raises(MotionBeatError, match="column song has 1 empty"):
        tables.write(tmp_path / "a", tables.AUDIO_TOKENS, ROWS | {"song": ["a", None]})
    assert not list(tmp_path.iterdir())


def test_reading_refuses_what_is_missing_broken_or_another_table(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match="is missing: run `dvc repro`"):
        tables.read(tmp_path / "a", tables.AUDIO_TOKENS)
    (tmp_path / "a").write_bytes(b"not parquet")
    with pytest.raises(MotionBeatError, match="not a complete Parquet file"):
        tables.read(tmp_path / "a", tables.AUDIO_TOKENS)
    tables.write(tmp_path / "a", tables.AUDIO_TOKENS, ROWS)
    with pytest.raises(MotionBeatError, match="has columns"):
        tables.read(tmp_path / "a", tables.BEATS)
    tables.write(tmp_path / "a", tables.AUDIO_TOKENS, ROWS | {"onset": [[0.0], [0.0, 1.0]]})
    with pytest.raises(MotionBeatError, match="differ in length"):
        tables.read(tmp_path / "a", tables.AUDIO_TOKENS)
