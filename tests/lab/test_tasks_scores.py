"""Scores of the clip tasks and their intervals, against scikit-learn and invariances."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks import clip_scores
from motionbeat.lab.tasks.group_bootstrap import draws, interval

ONES = np.ones((1, 80))


@pytest.fixture
def tagged() -> tuple[np.ndarray, np.ndarray]:
    """Outputs with many ties and marks of 6 tags, over 80 clips."""
    generator = np.random.default_rng(0)
    marks = (generator.random((80, 6)) < 0.3).astype(float)
    return np.round(generator.normal(size=(80, 6)) + marks, 1), marks


def test_roc_auc_and_average_precision_are_scikit_learns(tagged) -> None:
    outputs, marks = tagged
    expected = 100 * oracle.roc_auc_score(marks, outputs, average="macro")
    assert clip_scores.roc_auc(outputs, marks, ONES)[0] == pytest.approx(expected, rel=1e-12)
    expected = 100 * oracle.average_precision_score(marks, outputs, average="macro")
    assert clip_scores.average_precision(outputs, marks, ONES)[0] == pytest.approx(expected, rel=1e-12)


def test_a_weight_of_two_is_the_clip_twice_and_of_zero_none(tagged) -> None:
    outputs, marks = tagged
    weights = np.random.default_rng(1).integers(0, 3, 80)
    drawn = np.repeat(np.arange(80), weights)
    for score in (clip_scores.roc_auc, clip_scores.average_precision):
        once = score(outputs[drawn], marks[drawn], np.ones((1, len(drawn))))
        np.testing.assert_allclose(score(outputs, marks, weights[None]), once, rtol=1e-12)
    classes, targets = outputs.argmax(axis=1), outputs[:, 0]
    given = np.random.default_rng(2).normal(size=(80, 6))
    expected = 100 * oracle.accuracy_score(classes[drawn], given[drawn].argmax(axis=1))
    assert clip_scores.accuracy(given, classes, weights[None])[0] == pytest.approx(expected)
    expected = 100 * oracle.r2_score(targets[drawn], given[drawn, 0])
    assert clip_scores.r2(given[:, 0], targets, weights[None])[0] == pytest.approx(expected)


def test_a_tag_that_all_clips_have_is_left_out_of_the_mean(tagged) -> None:
    outputs, marks = tagged
    with_one_more = np.column_stack([marks, np.ones(80)]), np.column_stack([outputs, outputs[:, 0]])
    for score in (clip_scores.roc_auc, clip_scores.average_precision):
        np.testing.assert_allclose(score(with_one_more[1], with_one_more[0], ONES), score(outputs, marks, ONES))
    assert np.isnan(clip_scores.roc_auc(outputs, np.ones_like(marks), ONES)[0])


def test_scores_of_tags_do_not_change_under_a_rising_function_of_the_outputs(tagged) -> None:
    outputs, marks = tagged
    for score in (clip_scores.roc_auc, clip_scores.average_precision):
        np.testing.assert_allclose(score(np.exp(outputs), marks, ONES), score(outputs, marks, ONES), rtol=1e-12)
    assert clip_scores.roc_auc(-outputs, marks, ONES)[0] == pytest.approx(
        100 - clip_scores.roc_auc(outputs, marks, ONES)[0]
    )


def test_the_interval_of_an_accuracy_has_the_width_of_the_binomial() -> None:
    right = np.arange(400) % 4 > 0  # 75 %
    outputs = np.eye(2)[np.where(right, 0, 1)]
    drawn = draws([str(i) for i in range(400)], 2000, 0)
    low, high = interval(clip_scores.accuracy(outputs, np.zeros(400, int), drawn))
    expected = 100 * 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.1)


def test_outputs_that_are_not_finite_or_not_as_many_as_targets_are_refused() -> None:
    with pytest.raises(MotionBeatError, match=r"lower tasks\.learning_rates"):
        clip_scores.scores("classes", "ab", np.full((2, 2), np.nan), np.zeros(2, int), np.ones((1, 2)))
    with pytest.raises(MotionBeatError, match="3 outputs for 2 targets"):
        clip_scores.scores("classes", "ab", np.zeros((3, 2)), np.zeros(2, int), np.ones((1, 2)))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_r2_is_undefined_if_the_targets_do_not_vary(value) -> None:
    assert np.isnan(clip_scores.r2(np.arange(7.0), np.full(7, value), np.ones((1, 7)))[0])
    clustered = 1e6 / 3 + 1e-3 * np.arange(7)
    assert clip_scores.r2(clustered, clustered, np.ones((1, 7)))[0] == 100


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        ("classes", np.array([0, 1, 2])),
        ("classes", np.array([0, 1, -1])),
        ("tags", np.array([[1, 0], [np.nan, 1], [0, 0]])),
        ("tags", np.zeros((3, 1))),
        ("regression", np.full((3, 2), np.inf)),
    ],
)
def test_targets_that_do_not_fit_the_outputs_are_refused(kind, targets) -> None:
    with pytest.raises(MotionBeatError, match=r"do not fit|NaN or infinite"):
        clip_scores.scores(kind, ["a", "b"], np.eye(3)[:, :2], targets, np.ones((1, 3)))
