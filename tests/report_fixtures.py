"""Fixtures for tests of the report: a finished run and its page; named in `pytest_plugins` by those that use them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from report_runs import BEATS, BPM, FPS, dance, page, write_metrics

from motionbeat.lab import tables

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `dvc repro` leaves it before the report: params.yaml, metrics, data/corpus, data/beats."""
    tmp_path = tmp_path_factory.mktemp("run")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    corpus, clips = tmp_path / "data/corpus", [("clipA", "songA", "train"), ("clipB", "songB", "test")]
    (corpus / "motion").mkdir(parents=True)
    joints = dance()
    seconds = len(joints) / FPS
    clicks = np.zeros(int(44_100 * seconds), np.float32)
    for beat in range(BEATS):
        clicks[int(beat * 60 / BPM * 44_100) :][:2000] += np.random.default_rng(beat).normal(0, 0.2, 2000).astype("f4")
    for clip, _, _ in clips:
        np.savez(corpus / f"motion/{clip}.npz", joints=joints)
        soundfile.write(corpus / f"{clip}.flac", clicks, 44_100)
    names = [name for name, _, _ in clips]
    manifest = {
        "clip": names,
        "song": [song for _, song, _ in clips],
        "genre": ["pop", "rock"],
        "split": [split for _, _, split in clips],
        "fps": [FPS] * 2,
        "frames": [len(joints)] * 2,
        "duration_s": [seconds] * 2,
        "offset_s": [0.0] * 2,
        "has_rotations": [False] * 2,
        "motion": [f"motion/{name}.npz" for name in names],
        "audio": [f"{name}.flac" for name in names],
        "nominal_bpm": [BPM] * 2,
        "nominal_beats_per_bar": [4] * 2,
    }
    tables.write(corpus / "manifest.parquet", tables.MANIFEST, manifest)
    beats = {
        "song": ["songA"] * BEATS + ["songB"] * BEATS,
        "beat": [*range(BEATS)] * 2,
        "time_s": [beat * 60 / BPM for beat in range(BEATS)] * 2,
        "bar_position": [beat % 4 for beat in range(BEATS)] * 2,
        "beats_per_bar": [4] * 2 * BEATS,
    }
    tables.write(tmp_path / "data/beats/beats.parquet", tables.BEATS, beats)
    write_metrics(tmp_path / "metrics")
    return tmp_path


@pytest.fixture
def run_folder(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture(scope="session")
def html(finished_run: Path) -> str:
    return page(finished_run)
