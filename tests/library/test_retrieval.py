"""Claims about the ranks, the metrics, their intervals and chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks import retrieval_metrics
from motionbeat.retrieval import METRICS, bootstrap_interval, chance, metrics_of_ranks, ranks


def test_rank_counts_from_one_in_a_case_done_by_hand():
    similarity = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.4], [0.7, 0.6, 0.5]])
    relevant = np.eye(3, dtype=bool)
    assert ranks(similarity, relevant).tolist() == [1, 1, 3]
    metrics = retrieval_metrics(similarity, relevant)
    assert metrics == {"r1": pytest.approx(200 / 3), "r5": 100, "r10": 100, "medr": 1, "meanr": pytest.approx(5 / 3)}


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_with_one_relevant_item_the_rank_is_the_average_rank_of_scipy(seed, gallery):
    generator = np.random.default_rng(seed)
    similarity = generator.integers(0, 6, (5, gallery)).astype(float)
    answer = generator.integers(0, gallery, 5)
    relevant = np.arange(gallery) == answer[:, None]
    expected = rankdata(-similarity, axis=1, method="average")[np.arange(5), answer]
    assert ranks(similarity, relevant).tolist() == expected.tolist()


def test_only_ties_with_items_that_are_no_answer_cost_rank():
    relevant = np.array([[True, True, True, False]])
    assert ranks(np.array([[1.0, 1.0, 1.0, 0.0]]), relevant).tolist() == [1]
    assert ranks(np.array([[1.0, 0.0, 0.0, 1.0]]), relevant).tolist() == [1.5]


def test_a_constant_similarity_stands_in_the_middle_of_what_is_not_relevant():
    relevant = np.zeros((4, 21), bool)
    relevant[:, :3] = True
    assert ranks(np.full((4, 21), 0.3), relevant).tolist() == [10.0] * 4
    assert retrieval_metrics(np.full((4, 21), 0.3), relevant)["r1"] == 0


def test_ranks_do_not_change_under_a_monotone_map_or_a_shuffled_gallery():
    generator = np.random.default_rng(0)
    similarity, relevant = generator.normal(size=(40, 60)), generator.random((40, 60)) < 0.1
    relevant[:, 0] = True
    order = generator.permutation(60)
    expected = ranks(similarity, relevant)
    assert np.array_equal(ranks(np.exp(3 * similarity), relevant), expected)
    assert np.array_equal(ranks(similarity[:, order], relevant[:, order]), expected)


def test_nan_and_a_query_without_an_answer_are_refused():
    relevant = np.eye(3, dtype=bool)
    similarity = np.zeros((3, 3))
    with pytest.raises(MotionBeatError, match="query 1 and item 2 is NaN"):
        ranks(np.where(np.arange(9).reshape(3, 3) == 5, np.nan, similarity), relevant)
    relevant[2, 2] = False
    with pytest.raises(MotionBeatError, match="query 2 has no relevant item"):
        retrieval_metrics(similarity, relevant)
    with pytest.raises(MotionBeatError, match="queries, gallery"):
        retrieval_metrics(similarity[:2], relevant)
    with pytest.raises(MotionBeatError, match="expected bool"):
        retrieval_metrics(similarity, np.eye(3))


def test_minus_infinity_is_a_similarity_below_all_others():
    assert ranks(np.array([[-np.inf, 0.0]]), np.array([[True, False]])).tolist() == [2]


@pytest.mark.parametrize(("gallery", "r1", "r10", "medr"), [(20, 5, 50, 10.5), (186, 0.5376, 5.376, 93.5)])
def test_chance_has_the_published_values_for_one_relevant_item(gallery, r1, r10, medr):
    found = chance(np.eye(gallery, dtype=bool))
    assert found["r1"] == pytest.approx(r1, abs=1e-3)
    assert found["r10"] == pytest.approx(r10, abs=1e-3)
    assert found["medr"] == medr
    assert found["meanr"] == pytest.approx((gallery + 1) / 2)


def test_chance_agrees_with_random_orderings_when_queries_have_many_answers():
    generator = np.random.default_rng(1)
    counts = np.array([1, 2, 2, 5, 9, 30])
    relevant = np.arange(40) < counts[:, None]
    rank = np.concatenate([ranks(generator.random(relevant.shape), relevant) for _ in range(4000)])
    simulated, expected = metrics_of_ranks(rank), chance(relevant)
    for name in ("r1", "r5", "r10"):
        assert simulated[name] == pytest.approx(expected[name], abs=1.0)
    assert simulated["meanr"] == pytest.approx(expected["meanr"], rel=0.02)
    assert simulated["medr"] == expected["medr"]


def test_chance_of_a_gallery_of_answers_only_is_perfect():
    assert chance(np.ones((3, 4), bool)) == {"r1": 100, "r5": 100, "r10": 100, "medr": 1, "meanr": 1}


def test_bootstrap_agrees_with_drawing_and_concatenating_the_songs():
    generator = np.random.default_rng(2)
    rank = generator.integers(1, 20, 90).astype(float)
    groups = np.array([f"song{i}" for i in generator.integers(0, 12, 90)])
    names = np.unique(groups)
    drawn = [
        metrics_of_ranks(np.concatenate([rank[groups == name] for name in generator.choice(names, len(names))]))
        for _ in range(3000)
    ]
    found = bootstrap_interval(rank, groups, 3000, seed=0)
    for name in METRICS:
        low, high = np.percentile([one[name] for one in drawn], [2.5, 97.5])
        assert found[name] == [pytest.approx(low, abs=1.5), pytest.approx(high, abs=1.5)]
        assert found[name][0] < metrics_of_ranks(rank)[name] < found[name][1]


def test_bootstrap_draws_songs_and_not_queries():
    rank = np.repeat([1.0, 20.0], 500)
    by_song = bootstrap_interval(rank, np.repeat(["a", "b"], 500), 500, seed=0)
    by_query = bootstrap_interval(rank, np.arange(1000), 500, seed=0)
    assert by_song["r1"] == [0, 100]
    assert by_query["r1"][1] - by_query["r1"][0] < 10


def test_bootstrap_of_equal_ranks_is_a_point_and_follows_the_seed():
    groups = np.arange(20) % 5
    assert bootstrap_interval(np.full(20, 7.0), groups, 100, seed=0)["medr"] == [7, 7]
    rank = np.arange(20.0) + 1
    assert bootstrap_interval(rank, groups, 100, seed=3) == bootstrap_interval(rank, groups, 100, seed=3)
    assert bootstrap_interval(rank, groups, 100, seed=3) != bootstrap_interval(rank, groups, 100, seed=4)
