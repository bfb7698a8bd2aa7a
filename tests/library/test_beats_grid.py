"""A beat grid is what it says: increasing times, positions in the bar, continued to both ends of the audio."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbeat.beats import nominal
from motionbeat.beats.grid import EDGE_S, Beats, typical_interval
from motionbeat.errors import MotionBeatError
from motionbeat.lab.beat_grids.beat_evaluation import compare, summary


def steady(bpm: float, count: int, first_s: float = 0.0, meter: int = 4, first_position: int = 1) -> Beats:
    index = np.arange(count)
    return Beats(first_s + index * 60 / bpm, (index + first_position - 1) % meter + 1, meter)


@pytest.mark.parametrize(
    ("times", "positions", "meter", "says"),
    [
        ([0.0, 1.0, 1.0], [1, 2, 3], 4, "do not increase at beat 2"),
        ([0.0, 1.0, 0.5], [1, 2, 3], 4, "do not increase"),
        ([-0.1, 1.0], [1, 2], 4, "before 0"),
        ([0.0, np.nan], [1, 2], 4, "NaN"),
        ([0.0], [1], 4, "at least 2"),
        ([0.0, 1.0], [1, 2, 3], 4, "times .* and positions"),
        ([0.0, 1.0], [0, 1], 4, "positions 0 to 1"),
        ([0.0, 1.0], [4, 5], 4, "positions 4 to 5"),
        ([0.0, 1.0], [1.5, 2.0], 4, "whole numbers"),
        ([0.0, 1.0], [1, 1], 0, "beats_per_bar = 0"),
        ([0.0, 1.0], [1, 2], 2.5, "beats_per_bar = 2.5"),
    ],
)
def test_what_is_no_grid_is_refused(times: list[float], positions: list[float], meter: int, says: str) -> None:
    with pytest.raises(MotionBeatError, match=says):
        Beats(times, positions, meter)


def test_a_grid_cannot_be_changed_and_does_not_change_with_what_it_was_made_from() -> None:
    times = np.array([0.0, 0.5, 1.0])
    beats = Beats(times, [1, 2, 3], 4)
    times[0] = 9.0
    assert beats.times[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        beats.times[0] = 1.0


def test_tempo_forgets_a_missed_beat_and_a_trackers_frames() -> None:
    times = np.delete(np.arange(100) * 60 / 130, [20, 21, 60])
    rounded = Beats(np.round(times, 2), np.ones(97, int), 1)
    assert rounded.bpm == pytest.approx(130, rel=5e-4)
    assert abs(60 / np.median(rounded.intervals) - 130) > 5 * abs(rounded.bpm - 130)
    assert typical_interval(np.array([0.5, 0.5, 1.0])) == 0.5
    assert typical_interval(np.array([0.33, 0.41] * 4)) == pytest.approx(0.33)  # none is near their median


@given(
    bpm=st.floats(60, 200),
    meter=st.sampled_from([3, 4, 5]),
    lost_before=st.integers(0, 9),
    lost_after=st.integers(0, 9),
    phase=st.floats(0, 0.99),
)
def test_extension_restores_the_beats_that_a_tracker_lost_at_both_ends(
    bpm: float, meter: int, lost_before: int, lost_after: int, phase: float
) -> None:
    whole = steady(bpm, 40, phase * 60 / bpm, meter)
    kept = slice(lost_before, 40 - lost_after)
    tracked = Beats(whole.times[kept], whole.positions[kept], meter)
    restored = tracked.extended(whole.times[-1] + EDGE_S + 0.01)
    if 60 / bpm - whole.times[0] < EDGE_S - 1e-6:  # the first beat of the music lies just before the audio
        assert restored.times[0] == 0
        restored = Beats(restored.times[1:], restored.positions[1:], meter)
    elif 60 / bpm - whole.times[0] < EDGE_S + 1e-6:
        return
    np.testing.assert_allclose(restored.times, whole.times, atol=1e-9)
    np.testing.assert_array_equal(restored.positions, whole.positions)


def test_extension_puts_a_beat_just_before_the_audio_at_0_and_leaves_out_one_just_before_its_end() -> None:
    tracked = steady(120, 8, 0.45, first_position=2)
    extended = tracked.extended(0.45 + 8 * 0.5 + 0.05)
    assert extended.times[0] == 0
    assert extended.positions[0] == 1
    assert extended.times[-1] == tracked.times[-1]
    assert steady(120, 8, 0.42).extended(4.3).times[0] == 0.42


def test_extension_keeps_every_beat_that_was_found_and_follows_the_local_tempo() -> None:
    times = np.concatenate([np.arange(1, 9, 0.5), np.arange(9, 20, 0.4)])
    extended = Beats(times, np.ones(len(times), int), 1).extended(25.0)
    assert set(times) <= set(extended.times)
    np.testing.assert_allclose(extended.intervals[:3], 0.5)
    np.testing.assert_allclose(extended.intervals[-3:], 0.4)
    with pytest.raises(MotionBeatError, match="the last beat is at"):
        extended.extended(10.0)


def test_edges_close_the_last_interval() -> None:
    beats = steady(120, 8)
    np.testing.assert_allclose(beats.edges(), np.arange(9) * 0.5)


@pytest.mark.parametrize(
    ("positions", "meters", "meter", "settled"),
    [
        ([3, 4, 1, 2, 3, 4, 1, 2], (), 4, [3, 4, 1, 2, 3, 4, 1, 2]),
        ([1, 2, 3, 1, 2, 3, 1], (), 3, [1, 2, 3, 1, 2, 3, 1]),
        ([1, 2, 3, 4, 1, 2, 3, 4, 5, 1, 2, 3, 4, 1], (), 4, [1, 2, 3, 4, 1, 2, 3, 4, 1, 1, 2, 3, 4, 1]),
        ([1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1], (), 4, [1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1]),
        ([2, 3], (3, 4), 3, [2, 3]),
        ([4, 1, 2], (3, 4), 4, [4, 1, 2]),
        ([2, 3], (), 3, [2, 3]),
    ],
)
def test_the_meter_is_that_of_most_complete_bars(
    positions: list[int], meters: tuple[int, ...], meter: int, settled: list[int]
) -> None:
    beats = Beats.from_positions(np.arange(len(positions)) * 0.5, positions, meters)
    assert beats.beats_per_bar == meter
    np.testing.assert_array_equal(beats.positions, settled)


@pytest.mark.parametrize("count", [16, 64])
@pytest.mark.parametrize("bpm", [80, 110, 130, 135])
def test_an_excerpt_of_aist_has_as_many_nominal_beats_as_its_name_says(bpm: float, count: int) -> None:
    for late_s in (-0.02, 0.0, 0.02):
        grid = nominal.grid(count * 60 / bpm + late_s, bpm, 4)
        np.testing.assert_allclose(grid.times, np.arange(count) * 60 / bpm)
        assert grid.positions[:5].tolist() == [1, 2, 3, 4, 1]
    with pytest.raises(MotionBeatError, match="fewer than 2 beats"):
        nominal.grid(0.5, bpm, 4)


def test_the_measures_are_mir_evals_own() -> None:
    truth = steady(100, 60)
    found = Beats(truth.times + 0.05 * np.random.default_rng(0).standard_normal(60) + 0.2, truth.positions, 4)
    measured = compare(found, truth)
    official = mir_eval.beat.evaluate(truth.times, found.times)["F-measure"]
    assert measured["f_measure"] == official
    assert 0.0 <= official < 1
    for name, key in (("cmlt", "Correct Metric Level Total"), ("amlt", "Any Metric Level Total")):
        assert measured[name] == mir_eval.beat.evaluate(truth.times, found.times)[key]
    ones = truth.positions == 1
    assert measured["downbeat_f_measure"] == mir_eval.beat.evaluate(truth.times[ones], found.times[ones])["F-measure"]


def test_a_shifted_bar_costs_downbeats_alone_and_a_tracker_without_them_has_no_such_measure() -> None:
    truth, shifted = steady(100, 40), steady(100, 40, first_position=2)
    assert compare(truth, truth) == {
        "f_measure": 1,
        "downbeat_f_measure": 1,
        "cmlt": 1,
        "amlt": 1,
        "lag_ms": 0,
        "tempo_error_percent": 0,
        "tempo_error_folded_percent": 0,
    }
    assert compare(shifted, truth)["f_measure"] == 1
    assert compare(shifted, truth)["downbeat_f_measure"] == 0
    blind = Beats(truth.times, truth.positions, 4, downbeats=False)
    assert compare(blind, truth)["downbeat_f_measure"] is None
    assert blind.extended(30.0).downbeats is False


def test_a_lag_within_the_tolerance_costs_nothing_and_is_seen() -> None:
    truth = steady(100, 40)
    late = compare(Beats(truth.times + 0.05, truth.positions, 4), truth)
    assert late["f_measure"] == 1
    assert late["lag_ms"] == pytest.approx(50)
    early = Beats(truth.times[1:] - 0.02, truth.positions[1:], 4)
    assert compare(early, truth)["lag_ms"] == pytest.approx(-20)


def test_an_octave_error_is_right_at_any_metrical_level_alone() -> None:
    truth = steady(100, 40)
    half = compare(steady(50, 20), truth)
    assert (half["cmlt"], half["amlt"]) == (0, 1)


def test_an_octave_error_is_folded_and_a_fifth_is_not() -> None:
    truth = steady(100, 40)
    half, fifth = compare(steady(50, 20), truth), compare(steady(150, 60), truth)
    assert half["tempo_error_percent"] == pytest.approx(50)
    assert half["tempo_error_folded_percent"] == pytest.approx(0, abs=1e-9)
    assert fifth["tempo_error_percent"] == pytest.approx(50)
    assert fifth["tempo_error_folded_percent"] == pytest.approx(25)


def test_the_first_five_seconds_count_in_short_excerpts_only() -> None:
    long, short = steady(120, 40), steady(120, 16)
    for truth, expected in ((long, 1.0), (short, 8 / 12)):
        found = Beats(truth.times[8:], truth.positions[8:], 4)
        late = compare(found, truth)["f_measure"]
        assert late == pytest.approx(expected)


def test_the_summary_leaves_out_what_no_song_has() -> None:
    truth = steady(100, 40)
    blind = Beats(truth.times, truth.positions, 4, downbeats=False)
    assert "downbeat_f_measure" not in summary([compare(blind, truth)])
    assert summary([]) == {}
    both = summary([compare(truth, truth), compare(blind, truth)])
    assert (both["downbeat_f_measure"], both["downbeat_f_measure_songs"]) == (1, 1)
    assert "f_measure_songs" not in both
    assert summary([compare(truth, truth), compare(steady(50, 20), truth)])["tempo_error_percent"] == 25


def test_a_lag_is_defined_only_where_the_beats_match() -> None:
    truth = Beats(np.arange(6, 30, 0.5), np.arange(48) % 4 + 1, 4)
    late = Beats(truth.times + 0.04, truth.positions, 4)
    assert compare(late, truth)["lag_ms"] == pytest.approx(40)
    doubled = Beats(np.arange(6, 30, 0.25), np.arange(96) % 4 + 1, 4)
    assert compare(doubled, truth)["lag_ms"] is None
    ends_early = Beats(truth.times[:20], truth.positions[:20], 4)
    assert compare(late, ends_early)["lag_ms"] is None
    off_beat = Beats(truth.times + 0.25, truth.positions, 4)
    assert compare(off_beat, truth)["lag_ms"] is None


@pytest.mark.parametrize("bpm", [1e9, 401, 19, 0, -120, np.nan, np.inf])
def test_a_tempo_that_no_music_has_is_refused_before_a_grid_is_made(bpm: float) -> None:
    with pytest.raises(MotionBeatError, match="give a number from 20 to 400"):
        nominal.grid(60.0, bpm, 4)


def test_beats_that_are_too_close_are_refused() -> None:
    with pytest.raises(MotionBeatError, match=r"closer than 0\.02 s"):
        Beats([0.0, 0.5, 0.51], [1, 2, 3], 4)
