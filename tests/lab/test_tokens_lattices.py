"""Lattices follow from a song's name alone, and hold the same music and dance as the beats do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.token_tables.build_tokens import build
from motionbeat.lab.token_tables.lattices import lattice
from motionbeat.lab.token_tables.token_windows import Tokens

LASTS_S, BEGINS_S, OFFSET_S = 24.0, 12.0, 4.0
"""Songs last so long, are silent and still until BEGINS_S; dances begin OFFSET_S into the song."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training song with two dances, one too late to be danced to a beat, and a validation song with one."""
    folder = tmp_path_factory.mktemp("corpus")
    generator = np.random.default_rng(0)
    wave = generator.normal(0, 0.1, int(44100 * LASTS_S)) * (np.arange(int(44100 * LASTS_S)) >= 44100 * BEGINS_S)
    frames = int(60 * (LASTS_S - OFFSET_S))
    at_rest = generator.normal(0, 0.5, (1, 24, 3))
    moved = np.maximum(np.arange(frames) / 60 - (BEGINS_S - OFFSET_S), 0)  # 1 m/s after that
    joints = (at_rest + moved[:, None, None] * [1.0, 0.0, 0.0]).astype(np.float32)
    rows: dict[str, list] = {name: [] for name in tables.MANIFEST.names}
    for song, clip, split, offset in (
        ("a", "a1", "train", OFFSET_S),
        ("a", "a2", "train", LASTS_S + 5),
        ("b", "b1", "val", OFFSET_S),
    ):
        soundfile.write(folder / f"{song}.flac", wave, 44100)
        np.savez(folder / f"{clip}.npz", joints=joints)
        values = (clip, song, "x", split, 60.0, frames, frames / 60, offset, False, f"{clip}.npz", f"{song}.flac")
        for name, value in zip(tables.MANIFEST.names, (*values, None, None), strict=True):
            rows[name].append(value)
    tables.write(folder / "manifest.parquet", tables.MANIFEST, rows)
    beats = np.arange(48)
    tables.write(
        folder / "beats.parquet",
        tables.BEATS,
        {
            "song": ["a"] * 48 + ["b"] * 48,
            "beat": np.tile(beats, 2),
            "time_s": np.tile(beats * 0.5, 2),
            "bar_position": np.tile(beats % 4, 2),
            "beats_per_bar": [4] * 96,
        },
    )
    return folder


def tokens_of(corpus: Path, folder: Path, settings: params.Params, **changes: Any) -> Tokens:
    folder.mkdir()
    chosen = evolve(settings.tokens, window_beats=8, mel_bands=16, **changes)
    build(corpus, corpus / "beats.parquet", chosen, folder)
    return Tokens.load(folder, lattices=True)


@given(st.text(min_size=1), st.integers(0, 9), st.floats(0.0, 60.0), st.floats(0.1, 1.0), st.floats(1.0, 2.0))
def test_a_lattice_is_equal_intervals_within_the_audio(
    song: str, number: int, duration_s: float, shortest_s: float, ratio: float
) -> None:
    grid = lattice(song, number, duration_s, shortest_s, shortest_s * ratio)
    if grid is None:
        assert duration_s < 3 * shortest_s * ratio
        return
    period = grid.intervals.mean()
    assert shortest_s - 1e-9 <= period <= shortest_s * ratio + 1e-9
    np.testing.assert_allclose(np.diff(grid.edges()), period, atol=1e-9)
    assert 0 <= grid.times[0] <= period
    assert duration_s - period - 1e-5 <= grid.edges()[-1] <= duration_s + 1e-5
    assert grid.beats_per_bar == 1 and set(grid.positions) == {1}  # no bars


def test_lattices_differ_by_song_and_number_and_follow_from_nothing_else() -> None:
    drawn = {(song, number): lattice(song, number, 30.0, 0.3, 1.0) for song in ("a", "b", "\x01a") for number in (0, 1)}
    assert len({grid.times[0] for grid in drawn.values()}) == 6
    again, longer = lattice("b", 1, 30.0, 0.3, 1.0), lattice("b", 1, 60.0, 0.3, 1.0)
    np.testing.assert_array_equal(again.times, drawn["b", 1].times)
    np.testing.assert_array_equal(longer.times[: len(again.times)], again.times)


def test_periods_and_phases_fill_their_ranges() -> None:
    grids = [lattice(f"song {i}", 0, 30.0, 0.3, 1.0) for i in range(400)]
    periods = np.array([grid.intervals.mean() for grid in grids])
    phases = np.array([grid.times[0] for grid in grids]) / periods
    for values in ((periods - 0.3) / 0.7, phases):
        counts, _ = np.histogram(values, 4, (0, 1))
        assert abs(counts - 100).max() < 4 * (400 * 0.25 * 0.75) ** 0.5


def test_lattices_hold_the_training_songs_and_clips_alone(
    corpus: Path, tmp_path: Path, settings: params.Params
) -> None:
    pooled = tokens_of(corpus, tmp_path / "tokens", settings, lattices=3).lattices
    assert pooled is not None
    assert set(pooled.audio["song"]) == {"a"}
    assert set(pooled.motion["clip"]) == {"a1"}
    assert set(pooled.audio["lattice"]) == set(pooled.motion["lattice"]) == {0, 1, 2}
    assert not pooled.motion["bar_position"].any() and set(pooled.motion["beats_per_bar"]) == {1}
    windows = pooled.windows("train", 8)
    for motion_row, audio_row in zip(windows.motion_row, windows.audio_row, strict=True):
        for name in ("song", "lattice", "beat", "bar_position"):
            np.testing.assert_array_equal(
                pooled.motion[name][motion_row : motion_row + 8], pooled.audio[name][audio_row : audio_row + 8]
            )
    assert len(pooled.windows("val", 8)) == 0


def test_music_and_dance_stand_at_their_time_on_every_lattice(
    corpus: Path, tmp_path: Path, settings: params.Params
) -> None:
    """Silence and stillness before BEGINS_S, noise and 24 joints at 1 m/s after it."""
    pooled = tokens_of(corpus, tmp_path / "tokens", settings, lattices=4).lattices
    audio = pooled.audio
    begin, end = audio["time_s"], audio["time_s"] + audio["duration_s"]
    assert not audio["mel"][end < BEGINS_S - 0.1].any()
    loudness = audio["mel"].reshape(len(audio["mel"]), -1, 2, 16)[:, :, 0]  # log-mel, and its flux beside it
    assert (loudness[begin > BEGINS_S + 0.1] > 0.1).all()
    time = dict(zip(zip(audio["lattice"], audio["beat"], strict=True), zip(begin, end, strict=True), strict=True))
    motion = pooled.motion
    spans = np.array([time[key] for key in zip(motion["lattice"], motion["beat"], strict=True)])
    still, moving = spans[:, 1] < BEGINS_S - 0.2, spans[:, 0] > BEGINS_S + 0.2
    np.testing.assert_allclose(motion["energy"][still], 0.0, atol=1e-3)
    np.testing.assert_allclose(motion["energy"][moving], 24.0, rtol=1e-2)
    period = spans[:, 1] - spans[:, 0]
    assert (spans[:, 0] >= OFFSET_S - 0.2 * period - 1e-6).all()  # a clip covers 0.8 of an interval at least
    for number in range(4):
        first = spans[motion["lattice"] == number][0]
        assert first[0] < OFFSET_S + (first[1] - first[0])


def test_lattices_change_no_token_on_beats_and_no_statistic(
    corpus: Path, tmp_path: Path, settings: params.Params
) -> None:
    without = tokens_of(corpus, tmp_path / "without", settings, lattices=0)
    tokens_of(corpus, tmp_path / "with", settings, lattices=2)
    for name in ("audio.parquet", "motion.parquet", "statistics.parquet", "layout.json"):
        assert (tmp_path / "without" / name).read_bytes() == (tmp_path / "with" / name).read_bytes()
    assert without.lattices is not None and len(without.lattices.windows("train", 8)) == 0


def test_a_window_never_goes_from_one_lattice_to_the_next(token_folder: Path) -> None:
    """Rows whose beats run on by chance where a lattice ends and the next begins."""
    beats = Tokens.load(token_folder)
    rows = slice(0, 12)
    columns = {name: values[rows] for name, values in beats.motion.items()} | {"lattice": np.repeat([0, 1], 6)}
    audio = {name: values[rows] for name, values in beats.audio.items()} | {"lattice": np.repeat([0, 1], 6)}
    pooled = evolve(beats, audio=audio, motion=columns)
    assert pooled.windows("train", 4).motion_row.tolist() == [0, 1, 2, 6, 7, 8]
    assert len(pooled.windows("train", 7)) == 0


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("tokens", {"lattice_min_s": 1.5}, r"tokens\.lattice_min_s = 1\.5; expected at most tokens\.lattice_max_s = 1"),
        ("tokens", {"lattices": 0}, r"train\.lattice_share = 0\.3 with tokens\.lattices = 0"),
        ("train", {"sampling": "random"}, r"train\.sampling = 'random'; expected one of shuffled, tempo"),
    ],
)
def test_settings_that_do_not_fit_are_refused(section: str, changes: dict[str, Any], message: str) -> None:
    from ruamel.yaml import YAML

    values = YAML(typ="safe", pure=True).load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))
    values["train"]["lattice_share"] = 0.3
    values[section] |= changes
    with pytest.raises(MotionBeatError, match=message):
        params.from_dict(values)
