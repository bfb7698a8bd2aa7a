"""A token corpus small enough to train on in a second, and the project's own params."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from motionbeat.lab import params, tables
from motionbeat.model.config import ModelConfig
from motionbeat.tokens.layout import Layout

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
LAYOUT = Layout(
    subbeats=4,
    mel_bands=6,
    motion_width=10,
    rotation_start=7,
    motion_fps=30.0,
    contact_speed=0.3,
    contact_height=0.05,
    window_beats=8,
)
CONFIG = ModelConfig(
    mel_bands=6,
    motion_width=9,
    rotation_start=5,
    subbeats=2,
    window_beats=16,
    motion_fps=30.0,
    contact_speed=0.3,
    contact_height=0.05,
    width=32,
    layers=2,
    heads=2,
    embedding=12,
    dropout=0.1,
    centre=True,
    rotation="harmonic",
    phase_features=False,
    contact_attention=True,
    readout="bar_harmonic",
    max_beats_per_bar=7,
)
"""A small model on other tokens than LAYOUT's."""
TEMPI = {"train": (100.0, 100.5, 101.0, 120.0, 121.0, 119.5), "val": (100.0, 101.0, 100.0), "test": (90.0, 95.0)}
BEATS = 24


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked real run where the recordings and motions are."""
    if item.get_closest_marker("real") and not SHARED.is_dir():
        pytest.skip(f"the real recordings and motions of {SHARED} are not here")


@pytest.fixture(scope="session", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One process, since starting others takes longer than a test's work; nothing is kept in the working folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONBEAT_WORKERS", "1")
        patch.setenv("MOTIONBEAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def cache_of_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own, empty at first."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(folder))
    return folder


@pytest.fixture
def settings() -> params.Params:
    """The project's own; of the tokens here, which are no joints, there is no mirror image."""
    whole = params.load(ROOT / "params.yaml")
    return evolve(whole, train=evolve(whole.train, mirror=0.0))


@pytest.fixture(scope="session")
def token_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs with an accent pattern each (the last training song in 3/4) and three dances that follow it.

    The third dance of a song has only as many beats as a window.
    """
    folder = tmp_path_factory.mktemp("tokens")
    generator = np.random.default_rng(7)
    mixing = generator.normal(size=LAYOUT.subbeats * LAYOUT.motion_width)
    audio: dict[str, list] = {name: [] for name in tables.AUDIO_TOKENS.names}
    motion: dict[str, list] = {name: [] for name in tables.MOTION_TOKENS.names}
    for split, tempi in TEMPI.items():
        for number, tempo in enumerate(tempi):
            song = f"{split}{number}"
            meter = 3 if song == "train5" else 4
            accents = generator.random((meter, LAYOUT.subbeats)) ** 3
            beats = np.arange(BEATS)
            onset = accents[beats % meter]
            mel = np.repeat(onset, LAYOUT.mel_bands, axis=1) + 0.1 * generator.random((BEATS, 24))
            audio["song"] += [song] * BEATS
            audio["beat"] += beats.tolist()
            audio["time_s"] += (beats * 60 / tempo).tolist()
            audio["duration_s"] += [60 / tempo] * BEATS
            audio["bar_position"] += (beats % meter).tolist()
            audio["beats_per_bar"] += [meter] * BEATS
            audio["mel"].append(mel)
            audio["onset"].append(onset)
            for dancer in range(3):
                danced = beats if dancer < 2 else beats[: LAYOUT.window_beats]
                count = len(danced)
                energy = onset[danced] + 0.05 * generator.random((count, LAYOUT.subbeats))
                features = np.repeat(energy, LAYOUT.motion_width, axis=1) * mixing * (1 + 0.2 * generator.random(40))
                motion["clip"] += [f"{song}_d{dancer}"] * count
                motion["song"] += [song] * count
                motion["split"] += [split] * count
                motion["beat"] += danced.tolist()
                motion["bar_position"] += (danced % meter).tolist()
                motion["beats_per_bar"] += [meter] * count
                motion["features"].append(features)
                motion["contact"].append(energy > 0.3)
                motion["energy"].append(energy)
    for columns in (audio, motion):
        for name in ("mel", "onset", "features", "contact", "energy"):
            if name in columns:
                columns[name] = np.concatenate(columns[name]).astype(np.float32)
    tables.write(folder / "audio.parquet", tables.AUDIO_TOKENS, audio)
    tables.write(folder / "motion.parquet", tables.MOTION_TOKENS, motion)
    kinds = {"mel": LAYOUT.mel_bands, "motion": LAYOUT.motion_width}
    tables.write(
        folder / "statistics.parquet",
        tables.STATISTICS,
        {
            "kind": [kind for kind, width in kinds.items() for _ in range(width)],
            "feature": [i for width in kinds.values() for i in range(width)],
            "mean": np.full(sum(kinds.values()), 0.3),
            "std": np.full(sum(kinds.values()), 0.3),
        },
    )
    LAYOUT.write(folder / "layout.json")
    return folder
