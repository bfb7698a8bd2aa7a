"""Real songs and real dances through the library and through every stage."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from motionbeat.inference import MotionBeat
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import aistpp
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.layout import Layout

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.real
GTZAN = sorted((DATA / "gtzan" / "genres").glob("*/*.flac"))


@pytest.fixture(scope="module")
def model() -> MotionBeat:
    """Untrained: what is claimed here are shapes, times and tempi."""
    torch.manual_seed(0)
    settings = params.load(ROOT / "params.yaml")
    tokens = settings.tokens
    layout = Layout(
        subbeats=tokens.subbeats,
        mel_bands=tokens.mel_bands,
        motion_width=296,
        rotation_start=152,
        motion_fps=tokens.motion_fps,
        contact_speed=tokens.contact_speed,
        contact_height=tokens.contact_height,
        window_beats=tokens.window_beats,
    )
    return MotionBeat(DualEncoder(ModelConfig.of(settings.model, layout)))


def assert_sound(found, width=128, embedding=128):
    count = len(found.tokens)
    assert found.clip.shape == (embedding,) and np.linalg.norm(found.clip) == pytest.approx(1, abs=1e-5)
    assert found.tokens.shape == (count, width) and np.isfinite(found.tokens).all()
    assert found.times.shape == (count + 1,) and (np.diff(found.times) > 0).all()


def bpm(found) -> float:
    return 60 * len(found.tokens) / (found.times[-1] - found.times[0])


@pytest.mark.slow
@pytest.mark.parametrize("song", GTZAN, ids=lambda path: path.stem)
def test_every_real_song_is_embedded_in_both_modes(song: Path, model: MotionBeat) -> None:
    beats = model.embed_audio(song)
    assert_sound(beats)
    assert 55 <= bpm(beats) <= 220
    assert beats.times[0] < 1.1 and beats.times[-1] > 14  # the first and the last beat are not lost
    grid = model.embed_audio(song, mode="grid")
    assert_sound(grid)
    assert len(grid.tokens) == round(grid.times[-1] * 50 + 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tempo"), [("armygeddon", 170.0), ("feelings", 95.0)])
def test_the_tokens_of_a_song_follow_its_published_tempo(name: str, tempo: float, model: MotionBeat) -> None:
    found = model.embed_audio(DATA / "free_songs" / f"{name}.ogg")
    assert_sound(found)
    assert bpm(found) == pytest.approx(tempo, rel=0.01)


def test_a_real_dance_is_embedded_over_the_beats_of_its_music(model: MotionBeat) -> None:
    path = next((DATA / "aistpp" / "motions").glob("gBR_*_mBR0_*.pkl"))
    motion = aistpp.read_motion(path)
    times = np.arange(17) * 60 / aistpp.nominal_bpm("mBR0")  # 16 beats, as every sBM excerpt has
    assert times[-1] == pytest.approx(len(motion.joints) / motion.fps)
    found = model.embed_motion(motion.joints, motion.fps, times, poses=motion.poses)
    assert_sound(found)
    assert len(found.tokens) == 16
    without = model.embed_motion(motion.joints, motion.fps, times)
    assert_sound(without)
    assert not np.allclose(found.clip, without.clip, atol=1e-3)
    moved = model.embed_motion(motion.joints + np.float32([3, 0, -2]), motion.fps, times, poses=motion.poses)
    np.testing.assert_allclose(moved.clip, found.clip, atol=1e-3)


@pytest.mark.slow
def test_real_pairs_in_three_and_four_come_through_every_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(tmp_path)
    Path("pairs").mkdir()
    for name in ("C_7", "C_8", "W_14", "W_15", "W_16"):
        Path("pairs", f"DANCE_{name}").symlink_to(DATA / "dance_with_melody" / f"DANCE_{name}")
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(ROOT / "params.yaml")
    values["corpus"] |= {"name": "dance_with_melody", "root": "pairs"}
    values["beats"]["tracker"] = "madmom"
    values["model"] |= {"width": 16, "heads": 2, "layers": 1, "embedding": 16}
    values["train"]["epochs"] = 1
    values["retrieve"]["bootstrap"] = 20
    yaml.dump(values, Path("params.yaml"))
    Path("dvc.yaml").symlink_to(ROOT / "dvc.yaml")
    for stage in ("corpus", "beats", "tokens", "negatives", "train", "retrieve", "report"):
        importlib.import_module(f"stages.{stage}").main()
    rows = tables.read(Path("data/beats/beats.parquet"), tables.BEATS)
    meters = {song: int(rows["beats_per_bar"][rows["song"] == song][0]) for song in np.unique(rows["song"])}
    assert {meter for song, meter in meters.items() if song.startswith("DANCE_C")} == {4}
    assert {meter for song, meter in meters.items() if song.startswith("DANCE_W")} == {3}
    assert all(np.isfinite(value) for value in json.loads(Path("metrics/train.json").read_text()).values())
    assert Path("metrics/retrieve.json").is_file() and Path("data/report/index.html").stat().st_size > 10_000
