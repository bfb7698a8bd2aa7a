"""Pooling keeps means, windows never leave their clip."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbeat.audio.onsets import band_flux
from motionbeat.errors import MotionBeatError
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.tokens import pooling
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.pooling import begins_in, pool_frames, subbeat_edges
from motionbeat.tokens.signals import AudioFrames


@given(
    st.lists(st.floats(0.21, 1.5), min_size=1, max_size=8),
    st.integers(1, 6),
    st.floats(20.0, 60.0),
    st.integers(0, 2**32 - 1),
)
def test_the_mean_of_the_parts_of_a_beat_is_the_mean_of_the_beat(
    intervals: list[float], subbeats: int, rate: float, seed: int
) -> None:
    times = np.cumsum([0.05, *intervals])
    frames = np.random.default_rng(seed).normal(size=(int(times[-1] * rate) + 2, 3))
    whole = pool_frames(frames, rate, times)
    parts = pool_frames(frames, rate, subbeat_edges(times, subbeats))
    np.testing.assert_allclose(parts.reshape(len(whole), subbeats, 3).mean(1), whole, atol=1e-5)


@given(st.floats(-5, 5), st.floats(10.0, 100.0))
def test_a_constant_stays_itself(value: float, rate: float) -> None:
    pooled = pool_frames(np.full((200, 2), value), rate, np.array([0.0, 0.013, 0.5, 1.01]))
    np.testing.assert_allclose(pooled, value, rtol=1e-5, atol=1e-6)


def test_edges_on_frame_borders_give_the_plain_mean_of_the_frames() -> None:
    frames = np.arange(12.0).reshape(12, 1)
    edges = (np.array([0, 4, 6, 12]) - 0.5) / 50
    np.testing.assert_allclose(pool_frames(frames, 50.0, edges)[:, 0], [1.5, 4.5, 8.5])


def test_beats_beyond_the_recording_are_refused() -> None:
    with pytest.raises(MotionBeatError, match="interval 2 lies outside"):
        pool_frames(np.zeros((10, 1)), 10.0, np.array([0.0, 0.9, 1.5, 2.0]))


def test_an_event_on_an_edge_belongs_to_the_part_that_begins_there() -> None:
    events = np.zeros((31, 2), bool)
    events[15, 0] = events[16, 1] = True
    np.testing.assert_array_equal(begins_in(events, 30.0, np.array([0.0, 0.25, 0.5, 0.75, 1.0])), [0, 0, 1, 0])


def test_windows_stay_in_one_clip_and_match_their_music(token_folder: Path) -> None:
    tokens = Tokens.load(token_folder)
    windows = tokens.windows("train", 8)
    assert len(windows) == 6 * (17 + 17 + 1)
    for row, audio_row, clip, song, start in zip(
        windows.motion_row, windows.audio_row, windows.clip, windows.song, windows.start, strict=True
    ):
        assert set(tokens.motion["clip"][row : row + 8]) == {clip}
        assert set(tokens.audio["song"][audio_row : audio_row + 8]) == {song}
        np.testing.assert_array_equal(tokens.motion["beat"][row : row + 8], start + np.arange(8))
        np.testing.assert_array_equal(tokens.audio["beat"][audio_row : audio_row + 8], start + np.arange(8))


def test_windows_at_every_bar_begin_on_downbeats(token_folder: Path) -> None:
    tokens = Tokens.load(token_folder)
    windows = tokens.windows("test", 8, every="bar")
    assert set(windows.start[windows.clip == "test0_d0"]) == {0, 4, 8, 12, 16}
    assert not tokens.motion["bar_position"][windows.motion_row].any()


def test_a_clip_shorter_than_a_window_is_counted_and_has_none(token_folder: Path) -> None:
    tokens = Tokens.load(token_folder)
    short = tokens.short_clips(9)
    assert short == sorted({clip for clip in tokens.motion["clip"] if clip.endswith("d2")})
    assert not set(short) & set(tokens.windows("train", 9).clip)


def test_a_layout_with_other_fields_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layout.json").write_text('{"subbeats": 4}', encoding="utf-8")
    with pytest.raises(MotionBeatError, match="must hold"):
        Layout.read(tmp_path / "layout.json")


@pytest.mark.parametrize("at_once", [1, 40, 77, 200])
def test_long_music_is_pooled_in_parts_with_the_same_means(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    frames, edges = generator.random((500, 3)), np.sort(generator.uniform(0.0, 10.0, 90))
    whole = pool_frames(frames, 50.0, edges)
    monkeypatch.setattr(pooling, "_FRAMES_AT_ONCE", at_once)
    np.testing.assert_allclose(pool_frames(frames, 50.0, edges), whole, atol=1e-6)


def test_frames_of_music_computed_slice_by_slice_are_those_of_the_whole() -> None:
    mel = np.random.default_rng(0).random((30, 4), np.float32)
    layout = Layout(4, 4, 368, 224, 30.0, 0.3, 0.05, 16, flux=True)
    whole = np.pad(np.concatenate([mel, band_flux(mel)], axis=1), ((3, 5), (0, 0)))
    frames = AudioFrames(mel, layout, before=3, after=5)
    assert len(frames) == len(whole)
    for begin in range(len(whole) + 1):
        for end in range(len(whole) + 3):
            np.testing.assert_array_equal(frames[begin:end], whole[begin:end])
