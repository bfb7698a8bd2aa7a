"""Beats from activations and their scores, against mir_eval, closed forms and a published tracker."""

import io
import zipfile
from pathlib import Path

import mir_eval
import numpy as np
import pytest
import soundfile

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.feature_cache import FRAME_S
from motionbeat.lab.labelled.gtzan import beats_of
from motionbeat.lab.tasks import beat_decoding, tracker_rows
from motionbeat.lab.tasks.beat_decoding import best_threshold, by_dbn, by_peaks, scores, targets

DATA = Path(__file__).parents[3] / "shared" / "data" / "gtzan"
BEATS = 0.32 + 0.5 * np.arange(56)  # 120 BPM up to 27.82 s
FRAMES = 1400


def bumps(beats: np.ndarray, noise: float = 0.05) -> np.ndarray:
    marks = 0.8 * targets(beats, FRAMES) + noise * np.random.default_rng(0).random(FRAMES)
    return marks.astype(float)


def test_targets_are_one_on_the_beat_and_half_beside_it() -> None:
    np.testing.assert_array_equal(targets(np.array([0.0, 0.12, 0.2]), 8), [1, 0.5, 0, 0, 0, 0.5, 1, 0.5])
    np.testing.assert_array_equal(targets(np.array([0.1, 9.0]), 6), [0, 0, 0, 0, 0.5, 1])
    np.testing.assert_array_equal(targets(np.array([0.1, 0.12]), 8), [0, 0, 0, 0, 0.5, 1, 1, 0.5])


@pytest.mark.parametrize("decode", [by_dbn, lambda heard: by_peaks(heard, 0.5)], ids=["dbn", "peaks"])
def test_clear_activations_give_back_the_beats(decode) -> None:
    found = decode(bumps(BEATS))
    assert scores(found, BEATS, 28.0)[0] == 1
    near = np.abs(found[:, None] - BEATS).min(axis=1)
    assert near.max() <= FRAME_S + 1e-9


def test_the_dbn_fills_in_a_beat_that_nobody_heard_and_peaks_do_not() -> None:
    heard = bumps(np.delete(BEATS, 30), noise=0.01)
    assert np.abs(by_dbn(heard) - BEATS[30]).min() < 0.05
    assert np.abs(by_peaks(heard, 0.5) - BEATS[30]).min() > 0.4


def test_peaks_nearer_than_the_fastest_beat_are_one_beat_the_highest() -> None:
    heard = np.zeros(100)
    heard[[0, 40, 45, 99]] = [0.9, 0.6, 0.8, 0.7]
    np.testing.assert_allclose(by_peaks(heard, 0.5), [0, 0.9, 1.98])


def test_the_threshold_with_the_best_f1_on_validation_is_chosen() -> None:
    heard = bumps(BEATS, 0.0)
    heard[np.round((BEATS + 0.25) / FRAME_S).astype(int)[:-1]] = 0.4  # half-beats, heard less
    assert 0.4 < best_threshold([heard], [BEATS]) <= 0.8


def test_scores_are_those_of_mir_eval_after_its_trimming() -> None:
    generator = np.random.default_rng(0)
    estimated = np.sort(np.concatenate([BEATS[:40] + generator.normal(0, 0.05, 40), generator.uniform(0, 28, 4)]))
    expected = mir_eval.beat.evaluate(BEATS, estimated)
    found = scores(estimated, BEATS)
    names = ["F-measure", "Correct Metric Level Total", "Any Metric Level Total"]
    np.testing.assert_allclose(found, [expected[name] for name in names])
    assert 0 < found[0] < 1


def test_what_comes_before_5_s_and_after_the_audio_does_not_count() -> None:
    early = BEATS + 0.1 * (BEATS < 5)
    np.testing.assert_array_equal(scores(early, BEATS), 1)
    cut = BEATS[BEATS < 18]
    assert scores(cut, BEATS)[0] < 0.8
    np.testing.assert_array_equal(scores(cut, BEATS, 18.0), 1)
    np.testing.assert_array_equal(scores(np.array([]), BEATS), 0)
    assert np.isnan(scores(BEATS, BEATS[:5])).all()


def test_double_tempo_is_allowed_by_amlt_alone() -> None:
    twice = np.sort(np.concatenate([BEATS, BEATS + 0.25]))
    f1, cmlt, amlt = scores(twice, BEATS)
    assert f1 == pytest.approx(2 / 3, abs=0.01) and cmlt == 0 and amlt == pytest.approx(1, abs=0.03)


def test_activations_that_are_no_row_of_numbers_are_refused() -> None:
    for wrong in (np.zeros((3, 2)), np.array([0.1, np.nan])):
        with pytest.raises(MotionBeatError, match="finite numbers in one row"):
            by_peaks(wrong, 0.5)


@pytest.mark.parametrize("wrong", [[7.0, 6.0, 8.0], [-1.0, 6.0, 7.0]])
def test_beats_that_do_not_increase_from_0_are_refused(wrong) -> None:
    for use in (lambda: targets(wrong, 500), lambda: scores(wrong, np.arange(6.0, 20)), lambda: scores([6, 7], wrong)):
        with pytest.raises(MotionBeatError, match="do not increase"):
            use()


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    """12 s of clicks at 120 BPM."""
    wave = np.zeros(12 * 22_050)
    for beat in np.arange(0.5, 11.9, 0.5):
        begin = round(beat * 22_050)
        wave[begin : begin + 400] = 0.5 * np.sin(0.3 * np.arange(400)) * np.exp(-np.arange(400) / 80)
    soundfile.write(tmp_path / "clicks.wav", wave, 22_050)
    return tmp_path / "clicks.wav"


@pytest.mark.parametrize("tracker", tracker_rows.TRACKERS)
def test_a_tracker_finds_the_clicks_of_a_file_and_is_not_asked_twice(tracker, clicks, tmp_path, monkeypatch) -> None:
    found = tracker_rows.track(tracker, clicks)
    beats = np.arange(0.5, 11.9, 0.5)
    assert np.abs(found[(found > 2) & (found < 11)][:, None] - beats).min(axis=1).max() < 0.05
    assert len(found) >= 18

    def forbidden(_: Path) -> None:
        raise AssertionError("it was asked again")

    monkeypatch.setitem(tracker_rows.TRACKERS, tracker, forbidden)
    clicks.rename(tmp_path / "renamed.wav")
    np.testing.assert_array_equal(tracker_rows.track(tracker, tmp_path / "renamed.wav"), found)


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (tracker_rows, "_BEATS_PER_BAR", (4,)),
        (beat_decoding, "MAX_BPM", 200.0),
    ],
    ids=["meters", "tempi"],
)
def test_a_tracker_asked_otherwise_is_asked_again(where, name, value, clicks, monkeypatch) -> None:
    asked = []
    monkeypatch.setitem(tracker_rows.TRACKERS, "madmom", lambda path: asked.append(path) or np.array([1.0, 2.0]))
    tracker_rows.track("madmom", clicks)
    monkeypatch.setattr(where, name, value)
    np.testing.assert_array_equal(tracker_rows.track("madmom", clicks), [1, 2])
    assert len(asked) == 2


@pytest.mark.real
@pytest.mark.slow
def test_the_published_detections_have_their_published_scores_over_999_tracks() -> None:
    """They were published without the trimming to 5 s, which leaves out a tracker's first, worst guesses."""
    rows = []
    with zipfile.ZipFile(DATA / "reference_tracker_detections.zip") as archive:
        for annotation in sorted((DATA / "beats").glob("*.beats")):
            lines = io.StringIO(archive.read(f"{annotation.stem}.beats.txt").decode())
            estimated = np.loadtxt(lines, ndmin=2)[:, 0]
            true = beats_of(annotation).times
            rows.append([beat_decoding.scores(estimated, true, from_s=begin) for begin in (0.0, 5.0)])
    assert len(rows) == 999
    whole, trimmed = np.mean(rows, axis=0)
    np.testing.assert_allclose(whole, [0.848, 0.725, 0.910], atol=6e-4)
    np.testing.assert_allclose(trimmed, [0.852, 0.728, 0.914], atol=6e-4)
