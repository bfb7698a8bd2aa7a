"""The benchmark of dance sampling: it measures what it says, at either size, and refuses what it cannot measure."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from benchmarks import dance_sampling
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("preconditioned: true", "preconditioned: false")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")  # a network alone takes a tenth of the time
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_and_writes_one_row_for_each_count_of_songs_and_of_steps(folder, capsys):
    words = ["--songs", "1", "2", "--steps", "4", "1", "--seconds", "5", "--device", "cpu", "--output", "speed.json"]
    dance_sampling.main(words)
    rows = json.loads((folder / "speed.json").read_text())
    assert [(row["songs"], row["steps"], row["frames"]) for row in rows] == [
        (1, 4, 150),
        (1, 1, 150),
        (2, 4, 300),
        (2, 1, 300),
    ]
    for row in rows:
        assert row["frames_per_s"] == pytest.approx(row["frames"] / row["seconds"], rel=1e-3)
        assert row["peak_memory_mib"] > 10
    assert rows[0]["seconds"] > rows[1]["seconds"], "four steps take longer than one"
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_edges_size_is_what_it_is_called(folder):
    settings = params.load(folder / "params.yaml").dance
    ours, edges = (dance_sampling.generator(evolve(settings, **changes), 4800) for changes in ({}, dance_sampling.EDGE))
    assert edges.spectrum is None and edges.config.patch == 1
    sizes = [sum(weight.numel() for weight in model.parameters()) for model in (ours, edges)]
    assert sizes[1] > 5 * sizes[0]


def test_a_dance_shorter_than_a_slice_is_refused(folder):
    with pytest.raises(MotionBeatError, match="--seconds 3: give at least 5"):
        dance_sampling.main(["--seconds", "3", "--device", "cpu"])
