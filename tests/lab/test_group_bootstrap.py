"""Claims about the bootstrap: whole groups are drawn, and a score under weights is the score of the drawn items."""

import numpy as np
import pytest
from scipy import stats

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.group_bootstrap import draws, interval, weighted_mean, weighted_median, weights_of


def test_items_of_one_group_are_drawn_together_and_as_many_groups_as_there_are() -> None:
    drawn = draws(["b", "a", "b", "c"], 500, 0)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    np.testing.assert_array_equal(drawn[:, [0, 1, 3]].sum(axis=1), 3)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)
    np.testing.assert_array_equal(drawn, draws(["b", "a", "b", "c"], 500, 0))
    assert (drawn != draws(["b", "a", "b", "c"], 500, 1)).any()


def test_a_weighted_mean_and_median_are_those_of_the_items_drawn() -> None:
    generator = np.random.default_rng(0)
    values, weights = generator.integers(0, 9, 30).astype(float), generator.integers(0, 4, (50, 30))
    repeated = [np.repeat(values, row) for row in weights]
    np.testing.assert_allclose(weighted_mean(values, weights), [own.mean() for own in repeated])
    np.testing.assert_array_equal(weighted_median(values, weights), [np.median(own) for own in repeated])


def test_the_first_row_of_weights_gives_the_score_itself() -> None:
    values, groups = np.arange(12.0), np.arange(12) % 4
    weights = weights_of(groups, 20, 0)
    assert weights.shape == (21, 12)
    assert weighted_mean(values, weights)[0] == values.mean()
    np.testing.assert_array_equal(weights[1:], draws(groups, 20, 0))


def test_with_groups_of_one_the_interval_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).normal(size=60)
    found = interval(weighted_mean(values, draws(np.arange(60), 5000, 0)))
    oracle = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=0).confidence_interval
    assert found == pytest.approx((oracle.low, oracle.high), abs=0.02)


def test_songs_are_drawn_and_not_queries() -> None:
    hit = np.repeat([1.0, 0.0], 500)
    by_song = interval(weighted_mean(hit, draws(np.repeat(["a", "b"], 500), 500, 0)))
    by_query = interval(weighted_mean(hit, draws(np.arange(1000), 500, 0)))
    assert by_song == (0, 1)
    assert by_query is not None and by_query.high - by_query.low < 0.1


def test_resamplings_without_a_score_are_left_out_and_none_has_no_interval() -> None:
    values = np.array([1.0, np.nan, 1.0])
    assert interval(values) == (1, 1)
    assert interval(np.full(3, np.nan)) is None


def test_groups_in_another_shape_are_refused() -> None:
    for wrong in ([], [["a"]]):
        with pytest.raises(MotionBeatError, match="the group of each item"):
            draws(wrong, 10, 0)


def test_a_single_group_has_a_score_and_no_interval() -> None:
    values = weighted_mean(np.arange(5.0), weights_of(["a"] * 5, 100, 0))
    assert values.tolist() == [2.0] and interval(values[1:]) is None
