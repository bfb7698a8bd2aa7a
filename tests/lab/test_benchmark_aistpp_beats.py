"""Tracker against grid: what the comparison says of beats and onsets whose place is known, and of AIST++'s songs."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import aistpp_beats
from benchmarks.aistpp_beats import FPS, MARK, measure, own_lateness, sixteenths, tables, write_page
from motionbeat.errors import MotionBeatError

REAL = Path(__file__).parents[3] / "shared" / "data" / "aistpp" / "music_features_35d_60fps"
BPM = {"mJB4": 120, "mBR1": 90}  # both have a whole number of frames in a beat: 30 and 40


def features(song, late_frames=0, beat_frames=None, beats=64):
    """Onsets on every sixteenth, beats on the grid or at other frames; all of them some frames late."""
    period = 60 * FPS // BPM[song]
    values = np.zeros((beats * period, 35), np.float32)
    onsets = np.round(np.arange(4 * beats) * period / 4).astype(int) + late_frames
    values[onsets[onsets < len(values)], 0] = 1
    frames = np.arange(beats) * period + late_frames if beat_frames is None else beat_frames
    values[frames[frames < len(values)], -1] = 1
    return values


@pytest.mark.parametrize("song", BPM)
def test_beats_on_the_grid_agree_with_it(song):
    row = measure(song, features(song))
    assert (row.f_measure, row.cmlt, row.amlt) == (1, 1, 1)
    assert row.tracked_bpm == pytest.approx(BPM[song]) and row.onset_bpm == pytest.approx(BPM[song], rel=1e-3)
    assert (row.offset_ms, row.offset_spread_ms) == pytest.approx((0, 0), abs=1e-6)
    assert abs(row.onset_offset_ms) < 5  # sixteenths fall between frames


def test_late_beats_and_onsets_have_a_positive_offset_that_the_best_shift_takes_out():
    row = measure("mJB4", features("mJB4", late_frames=6))
    assert row.offset_ms == pytest.approx(100) and row.f_measure < 0.1
    assert row.onset_offset_ms == pytest.approx(100 - 125, abs=5)  # known up to whole sixteenths, 125 ms here
    assert aistpp_beats.common_shift([row])[2] == 1
    low, high = (1000 * shift for shift in aistpp_beats.common_shift([row])[:2])
    assert low == pytest.approx(100 - 70, abs=1) and high == 140  # tolerance of the F-measure; end of what is tried


def test_beats_half_a_beat_off_are_wrong_by_cmlt_and_right_by_amlt():
    row = measure("mJB4", features("mJB4", beat_frames=np.arange(64) * 30 + 14))
    assert row.f_measure == row.cmlt == 0 and row.amlt > 0.95 and row.offset_ms == pytest.approx(14 / 0.06)


def test_a_triple_pulse_shows_in_the_tempo():
    row = measure("mBR1", features("mBR1", beat_frames=np.arange(85) * 30))
    assert row.tracked_bpm == 120 and row.cmlt == row.amlt == 0


def test_onsets_tell_a_tempo_that_no_beat_was_tracked_at():
    times = np.arange(250) * 0.125 / 1.01 + 0.02  # sixteenths of 121.2 BPM, 20 ms late
    envelope = np.exp(-0.5 * ((np.arange(60 * 31) / FPS - times[:, None]) / 0.02) ** 2).sum(axis=0)
    bpm, late_s = sixteenths(envelope, 121.2)
    assert bpm == pytest.approx(121.2, rel=2e-4) and late_s == pytest.approx(0.02, abs=5e-4)
    assert sixteenths(envelope, 120)[0] == pytest.approx(121.2, rel=2e-4)


@pytest.mark.slow  # librosa compiles its tracker
def test_the_fields_procedure_is_late_by_one_frame_of_its_own():
    beats_s, onsets_s = own_lateness(120, beats=16)
    assert beats_s == pytest.approx(1 / FPS, abs=0.004) and onsets_s == pytest.approx(1 / FPS, abs=0.006)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((600, 34)), r"\(600, 34\) numbers; expected finite \(frames, 35\)"),
        (np.full((600, 35), np.nan), "expected finite"),
        (np.zeros((600, 35)), "fewer than 2 beats in its last column"),
        (np.array([{}]), "is not an array"),
    ],
)
def test_wrong_features_are_refused_by_file_and_fix(tmp_path, array, message):
    np.save(tmp_path / "mBR0.npy", array, allow_pickle=True)
    with pytest.raises(MotionBeatError, match=rf"mBR0\.npy.*{message}"):
        aistpp_beats.read(tmp_path)


def test_a_folder_without_features_is_refused(tmp_path):
    with pytest.raises(MotionBeatError, match=r"has no features mXXN\.npy"):
        aistpp_beats.read(tmp_path)


def test_the_text_of_a_page_stays_and_its_tables_are_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("What we make of it.\n\n")
    for table in ("old table\n", "new table\n"):
        write_page(page, table)
    assert page.read_text() == f"What we make of it.\n\n{MARK}\n\nnew table\n"


def test_the_tables_have_every_song_and_genre():
    text = tables([measure(song, features(song)) for song in BPM])
    for line in (
        "| F | 1.00 [1.00, 1.00] | 1.00 |",
        "| BR | 1 | 1.00",
        "| JB | 1 | 1.00",
        "| mJB4 | 120 | 32.0 | 120.0",
    ):
        assert line in text


@pytest.mark.real
def test_onsets_of_all_60_songs_lie_on_the_nominal_grid_with_one_lag():
    rows = aistpp_beats.read(REAL)
    assert len(rows) == 60
    assert max(abs(row.onset_bpm / row.nominal_bpm - 1) for row in rows) < 0.004
    lags = np.array([row.onset_offset_ms for row in rows])
    assert np.median(lags) == pytest.approx(51, abs=3) and (np.abs(lags - 51) < 30).all()
    apart = sorted(row.song for row in rows if row.f_measure < 0.9)
    assert apart == ["mHO0", "mHO3", "mHO5", "mJB2", "mLH1", "mPO0"]
