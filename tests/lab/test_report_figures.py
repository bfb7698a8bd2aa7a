"""Claims about the report's figures: training curves, and film strips of a dancer seen from the front."""

import numpy as np
import pytest
from report_runs import BEATS, BPM, FPS, dance

from motionbeat.errors import MotionBeatError
from motionbeat.lab.render.stick_figure import facing, filmstrip, project
from motionbeat.lab.results.figures import inline_svg, read_history, training_curves

pytest_plugins = ("report_fixtures",)


def test_empty_cells_of_the_history_are_left_out_of_the_curves(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    assert np.isnan(history["tempo_accuracy"]).all()
    figure = training_curves(history, best_epoch=20)
    recalls, accuracies = figure.axes[1:]
    assert [line.get_xdata().tolist() for line in recalls.lines[:2]] == [[10, 20, 30]] * 2
    labels = [text.get_text() for text in accuracies.get_legend().get_texts()]
    assert labels == ["against the same dance a beat off", "chance (0.5)"]


def test_svg_is_transparent_and_takes_the_colour_of_the_text(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    svg = inline_svg(training_curves(history, 20), "curves", 'a "quoted" <title>')
    assert "currentColor" in svg
    assert "#ffffff" not in svg
    assert 'aria-label="a &quot;quoted&quot; &lt;title>"' in svg
    assert svg == inline_svg(training_curves(history, 20), "curves", 'a "quoted" <title>')


@pytest.mark.parametrize("turn", [0.0, 1.0, -2.5])
def test_a_dancer_is_shown_from_the_front_whichever_way_she_faces(turn):
    joints = dance(turn)
    seen = project(joints, facing(joints))
    assert np.allclose(seen, project(dance(), facing(dance())), atol=1e-5)
    assert seen[0, 1, 0] > seen[0, 2, 0] + 0.1  # the left hip on the viewer's right


def test_a_film_strip_has_a_figure_a_beat_and_a_contact_bar_a_step():
    joints, times = dance(), np.arange(BEATS) * 60 / BPM
    contacts = np.zeros((len(joints), 4), bool)
    contacts[:10, 0] = contacts[5:15, 2] = contacts[30:40, 3] = True
    figure = filmstrip(joints, FPS, times, np.arange(BEATS) % 4, contacts)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert len(axes.patches) == 8
        places = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
        assert places == ["1", "2", "3", "4"] * 2
    left, right = (collection for collection in figure.axes[0].collections if len(collection.get_paths()) == 1)
    assert left.get_paths()[0].get_extents().width == pytest.approx(15 / 10 * right.get_paths()[0].get_extents().width)
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels[0] == "4 s" and labels[-1] == "8 s"


def test_a_film_strip_may_begin_within_a_bar_and_leaves_out_beats_beyond_the_motion():
    joints, times = dance()[:100], np.arange(-2, BEATS) * 0.5 + 0.1
    figure = filmstrip(joints, FPS, times, (np.arange(len(times)) + 1) % 4, np.zeros((100, 4), bool))
    places = [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text().isdigit()]
    assert places == ["4", "1", "2", "3", "4", "1", "2"]


def test_motion_that_cannot_be_drawn_is_refused():
    joints = dance()
    with pytest.raises(MotionBeatError, match="at least 2"):
        filmstrip(joints, FPS, np.array([99.0]), np.array([0]), np.zeros((len(joints), 4), bool))
    with pytest.raises(MotionBeatError, match="one column a foot joint"):
        filmstrip(joints, FPS, np.arange(4.0), np.arange(4), np.zeros((3, 4), bool))
    with pytest.raises(MotionBeatError, match="finite"):
        filmstrip(joints * np.nan, FPS, np.arange(4.0), np.arange(4), np.zeros((len(joints), 4), bool))
