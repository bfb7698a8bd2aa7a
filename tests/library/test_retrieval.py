"""Claims about the ranks, recall under ties, the likelihood of the gallery, and chance."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from motionbeat.errors import MotionBeatError
from motionbeat.retrieval import CUTOFFS, chance, log_likelihoods, ranks, recalls, retrieval_metrics


def test_rank_counts_from_one_in_a_case_done_by_hand():
    similarity = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.4], [0.7, 0.6, 0.5]])
    relevant = np.eye(3, dtype=bool)
    assert ranks(similarity, relevant).tolist() == [1, 1, 3]
    metrics = retrieval_metrics(similarity, relevant)
    assert metrics == {"r1": pytest.approx(200 / 3), "r5": 100, "r10": 100, "medr": 1, "meanr": pytest.approx(5 / 3)}


@settings(deadline=None)  # a busy machine is not a failure
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


def test_a_constant_similarity_has_the_recall_of_chance():
    generator = np.random.default_rng(4)
    relevant = generator.random((30, 23)) < 0.1
    relevant[:, 5] = True
    found, expected = retrieval_metrics(np.zeros((30, 23)), relevant, temperature=0.07), chance(relevant)
    for name in (*CUTOFFS, "nll"):
        assert found[name] == pytest.approx(expected[name])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_recall_under_ties_is_the_mean_over_every_order_of_the_tied_items(seed, gallery):
    """Every permutation of the gallery is a tie-breaker; a stable sort puts the items in its order."""
    generator = np.random.default_rng(seed)
    similarity = generator.integers(0, 3, (1, gallery)).astype(float)
    relevant = generator.random((1, gallery)) < 0.4
    relevant[0, generator.integers(gallery)] = True
    orders = [np.array(order) for order in permutations(range(gallery))]
    first = [np.argmax(relevant[0, order[np.argsort(-similarity[0, order], kind="stable")]]) + 1 for order in orders]
    for name, cutoff in CUTOFFS.items():
        assert recalls(similarity, relevant)[name][0] == pytest.approx(np.mean(np.array(first) <= cutoff))


def test_without_ties_recall_is_that_of_the_ranks():
    generator = np.random.default_rng(5)
    similarity, relevant = generator.normal(size=(50, 40)), generator.random((50, 40)) < 0.1
    relevant[:, 3] = True
    for name, cutoff in CUTOFFS.items():
        assert recalls(similarity, relevant)[name].tolist() == (ranks(similarity, relevant) <= cutoff).tolist()


def test_nll_is_the_cross_entropy_of_torch_with_one_answer_and_sums_the_probability_of_several():
    generator = np.random.default_rng(6)
    similarity, answer = generator.normal(size=(8, 12)), generator.integers(0, 12, 8)
    relevant = np.arange(12) == answer[:, None]
    expected = torch.nn.functional.cross_entropy(torch.as_tensor(similarity / 0.07), torch.as_tensor(answer)).item()
    assert retrieval_metrics(similarity, relevant, temperature=0.07)["nll"] == pytest.approx(expected)
    relevant[:, :2] = True
    logits = torch.as_tensor(similarity / 0.5).softmax(1).numpy()
    found = log_likelihoods(similarity, relevant, 0.5)
    assert np.exp(found) == pytest.approx((logits * relevant).sum(1))
    assert log_likelihoods(np.where(relevant, 900.0, -np.inf), relevant, 0.01) == pytest.approx(0)


def test_nll_is_asked_for_by_its_temperature_which_is_above_0():
    similarity, relevant = np.eye(3), np.eye(3, dtype=bool)
    assert set(retrieval_metrics(similarity, relevant)) == {"r1", "r5", "r10", "medr", "meanr"}
    with pytest.raises(MotionBeatError, match="temperature = 0"):
        retrieval_metrics(similarity, relevant, temperature=0.0)


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
    with pytest.raises(MotionBeatError, match="expected real numbers"):
        retrieval_metrics(similarity + 0j, np.eye(3, dtype=bool))
    for wrong in (np.zeros((0, 3), bool), np.array([True]), np.eye(3)):
        with pytest.raises(MotionBeatError, match="expected bool"):
            chance(wrong)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_a_query_whose_best_similarity_is_infinite_has_ranks_and_no_likelihood(value):
    similarity, relevant = np.eye(3), np.eye(3, dtype=bool)
    similarity[1] = np.where(relevant[1], value, -np.inf)
    assert ranks(similarity, relevant).tolist() == [1, 1 if value > 0 else 2, 1]
    with pytest.raises(MotionBeatError, match=r"query 1 .* no log-likelihood"):
        retrieval_metrics(similarity, relevant, temperature=1.0)
    with pytest.raises(MotionBeatError, match="temperature = inf"):
        retrieval_metrics(np.eye(3), relevant, temperature=np.inf)


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
    expected = chance(relevant)
    for name, cutoff in CUTOFFS.items():
        assert 100 * np.mean(rank <= cutoff) == pytest.approx(expected[name], abs=1.0)
    assert np.mean(rank) == pytest.approx(expected["meanr"], rel=0.02)
    assert np.median(rank) == expected["medr"]


def test_chance_of_a_gallery_of_answers_only_is_perfect():
    assert chance(np.ones((3, 4), bool)) == {**dict.fromkeys(CUTOFFS, 100), "medr": 1, "meanr": 1, "nll": 0}
