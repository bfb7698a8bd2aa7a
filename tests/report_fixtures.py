"""Fixtures for tests of the report: a finished run and its page; named in `pytest_plugins` by those that use them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve
from conftest import LAYOUT
from report_runs import BEATS, BPM, FPS, dance, page, write_metrics

from motionbeat.lab import params, tables
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.loop import new_encoders

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `dvc repro` leaves it before the report: settings, metrics, corpus, beats, tokens and a model."""
    tmp_path = tmp_path_factory.mktemp("run")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
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
    write_tokens(tmp_path / "data/tokens", clips)
    whole = params.load(ROOT / "params.yaml").model
    tiny = evolve(whole, width=32, layers=2, embedding=16)
    new_encoders(Tokens.load(tmp_path / "data/tokens"), tiny).save(tmp_path / "models/motionbeat")
    return tmp_path


def write_tokens(folder: Path, clips: list[tuple[str, str, str]]) -> None:
    """Random tokens of a clip's 16 beats, in the layout of `conftest`."""
    stream = np.random.default_rng(3)
    beat, parts = np.arange(BEATS), LAYOUT.subbeats
    grid = {"beat": beat, "bar_position": beat % 4, "beats_per_bar": np.full(BEATS, 4)}
    audio, motion = ({name: [] for name in schema.names} for schema in (tables.AUDIO_TOKENS, tables.MOTION_TOKENS))
    for clip, song, split in clips:
        named = {"clip": [clip] * BEATS, "song": [song] * BEATS, "split": [split] * BEATS} | grid
        named |= {"time_s": beat * 60 / BPM, "duration_s": np.full(BEATS, 60 / BPM)}
        widths = {"mel": parts * LAYOUT.mel_bands, "features": parts * LAYOUT.motion_width}
        for table in (audio, motion):
            for name, column in table.items():
                column.append(named[name] if name in named else stream.random((BEATS, widths.get(name, parts))) > 0.5)
    for columns in (audio, motion):
        for name, parts_of in columns.items():
            columns[name] = np.concatenate(parts_of)
    tables.write(folder / "audio.parquet", tables.AUDIO_TOKENS, audio)
    tables.write(folder / "motion.parquet", tables.MOTION_TOKENS, motion)
    kinds = {"mel": LAYOUT.mel_bands, "motion": LAYOUT.motion_width}
    rows = [(kind, feature, 0.5, 0.5) for kind, width in kinds.items() for feature in range(width)]
    statistics = dict(zip(tables.STATISTICS.names, map(list, zip(*rows, strict=True)), strict=True))
    tables.write(folder / "statistics.parquet", tables.STATISTICS, statistics)
    LAYOUT.write(folder / "layout.json")


@pytest.fixture
def run_folder(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture(scope="session")
def html(finished_run: Path) -> str:
    return page(finished_run)
