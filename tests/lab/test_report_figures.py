"""Claims about the report's figures: training curves, and film strips of a dancer seen from the front."""

from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_dance import drawn
from report_runs import BEATS, BPM, FPS, dance

from motionbeat.errors import MotionBeatError
from motionbeat.lab.render.filmstrip import filmstrip
from motionbeat.lab.render.stick_figure import LEFT, RIGHT, facing, project
from motionbeat.lab.results.figures import inline_svg
from motionbeat.lab.results.training_curves import read_history, training_curves

pytest_plugins = ("report_fixtures",)


def test_empty_cells_of_the_history_are_left_out_of_the_curves(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    assert np.isnan(history["tempo_accuracy"]).all()
    figures = training_curves(history, best_epoch=20)
    recalls, accuracies = (figures[name].axes[0] for name in ("recall", "accuracy"))
    assert [line.get_xdata().tolist() for line in recalls.lines[:2]] == [[10, 20, 30]] * 2
    labels = [text.get_text() for text in accuracies.get_legend().get_texts()]
    assert labels == ["against the same dance a beat off", "chance (0.5)"]


def test_svg_is_transparent_and_takes_the_colour_of_the_text(run_folder):
    history = read_history(run_folder / "metrics/train_history.csv")
    svg = inline_svg(training_curves(history, 20)["loss"], "curves", 'a "quoted" <title>')
    assert "currentColor" in svg
    assert "#ffffff" not in svg
    assert 'aria-label="a &quot;quoted&quot; &lt;title>"' in svg
    assert svg == inline_svg(training_curves(history, 20)["loss"], "curves", 'a "quoted" <title>')


@pytest.mark.parametrize("turn", [0.0, 1.0, -2.5])
def test_a_dancer_is_shown_from_the_front_whichever_way_she_faces(turn):
    joints = dance(turn)
    seen = project(joints, facing(joints))
    assert np.allclose(seen, project(dance(), facing(dance())), atol=1e-5)
    assert seen[0, 1, 0] > seen[0, 2, 0] + 0.1  # the left hip on the viewer's right


def strip(contacts: np.ndarray | None = None, **changes) -> ElementTree.Element:
    joints = changes.pop("joints", dance())
    contacts = np.zeros((len(joints), 4), bool) if contacts is None else contacts
    grid = {"beat_times": np.arange(BEATS) * 60 / BPM, "bar_positions": np.arange(BEATS) % 4}
    bars = changes.pop("bars", 2)
    shown = drawn(joints, FPS, contacts=contacts, **(grid | changes))
    return ElementTree.fromstring(filmstrip(shown, bars, 'a "dance"'))


def numbers(svg: ElementTree.Element) -> list[str]:
    return [text.text for text in svg.iter("text") if text.text.isdigit()]


def test_a_film_strip_has_a_figure_a_beat_and_a_contact_bar_a_step():
    contacts = np.zeros((len(dance()), 4), bool)
    contacts[:10, 0] = contacts[5:15, 2] = contacts[30:40, 3] = True
    svg = strip(contacts)
    assert len(list(svg.iter("circle"))) == 8 and numbers(svg) == ["1", "2", "3", "4"] * 2
    left, right = svg.iter("rect")
    assert (left.get("fill"), right.get("fill")) == (LEFT, RIGHT)
    assert float(left.get("width")) == pytest.approx(15 / 10 * float(right.get("width")), abs=0.1)
    assert [text.text for text in svg.iter("text") if "s" in text.text][-1] == "4 s"
    assert svg.get("aria-label") == 'a "dance"'


def test_a_film_strip_may_begin_within_a_bar_and_leaves_out_beats_beyond_the_motion():
    times = np.arange(-2, BEATS) * 0.5 + 0.1
    svg = strip(joints=dance()[:100], beat_times=times, bar_positions=(np.arange(len(times)) + 1) % 4, bars=9)
    assert numbers(svg) == ["4", "1", "2", "3", "4", "1", "2"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"beat_times": np.array([99.0]), "bar_positions": np.array([0])}, "at least 2"),
        ({"contacts": np.zeros((3, 4), bool)}, "one column per foot joint"),
        ({"joints": dance() * np.nan}, "finite"),
    ],
)
def test_motion_that_cannot_be_drawn_is_refused(changes, says):
    with pytest.raises(MotionBeatError, match=says):
        strip(**changes)
