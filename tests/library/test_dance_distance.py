"""Dist and FID: SciPy's matrix square root, closed forms of Gaussians, and what they refuse."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from motionbeat.dance import frechet_distance, mean_pairwise_distance
from motionbeat.errors import MotionBeatError

RNG = np.random.default_rng(9)
REAL = RNG.normal(2.0, [1.0, 3.0, 0.1, 10.0], size=(500, 4))


def test_two_dances_one_deviation_apart_in_one_feature_are_at_distance_one():
    features = np.tile(REAL.mean(axis=0), (2, 1))
    features[1, 3] += REAL[:, 3].std()
    assert mean_pairwise_distance(features, REAL) == pytest.approx(1.0)


def test_distance_is_the_mean_over_unordered_pairs():
    features = RNG.normal(size=(7, 4))
    scored = (features - REAL.mean(axis=0)) / REAL.std(axis=0)
    pairs = [np.linalg.norm(scored[i] - scored[j]) for i in range(7) for j in range(i)]
    assert mean_pairwise_distance(features, REAL) == pytest.approx(np.mean(pairs))


def test_distance_does_not_depend_on_units_nor_on_the_order_of_dances():
    features, scale, shift = RNG.normal(size=(9, 4)), [10.0, 0.1, 3.0, 1.0], [5.0, 0.0, -2.0, 1.0]
    value = mean_pairwise_distance(features, REAL)
    assert mean_pairwise_distance(features * scale + shift, REAL * scale + shift) == pytest.approx(value)
    assert mean_pairwise_distance(RNG.permutation(features), REAL) == pytest.approx(value)


def test_the_same_dance_again_and_again_has_no_diversity_but_is_far_from_real_dances():
    collapsed = np.tile(REAL[0], (50, 1))
    assert mean_pairwise_distance(collapsed, REAL) == 0.0
    assert frechet_distance(collapsed, REAL) > 2


def test_frechet_distance_is_the_formula_with_scipys_matrix_square_root():
    features = RNG.normal(size=(300, 4)) @ RNG.normal(size=(4, 4)) + 1.5
    ours, real = ((x - REAL.mean(axis=0)) / REAL.std(axis=0) for x in (features, REAL))
    first, second = np.cov(ours.T), np.cov(real.T)
    expected = np.sum((ours.mean(axis=0) - real.mean(axis=0)) ** 2)
    expected += np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(features, REAL) == pytest.approx(expected, rel=1e-8)


def test_independent_gaussians_have_the_closed_form_of_frechet():
    sets = []
    for mean, std in ((0.0, 1.0), (2.0, 3.0)):
        values = RNG.normal(size=(200, 1))
        sets.append((values - values.mean()) / values.std(ddof=1) * std + mean)
    real, features = sets
    unit = real.std()  # both are divided by it
    assert frechet_distance(features, real) == pytest.approx((2.0**2 + (3.0 - 1.0) ** 2) / unit**2, rel=1e-6)


def test_a_set_has_no_distance_from_itself_and_more_from_what_lies_further_off():
    assert frechet_distance(REAL, REAL) == pytest.approx(0.0, abs=1e-9)
    near, far = (frechet_distance(REAL + step * REAL.std(axis=0), REAL) for step in (1.0, 2.0))
    assert near == pytest.approx(4.0) and far == pytest.approx(16.0)


def test_singular_covariances_get_a_warning_and_a_finite_value_near_zero_for_the_same_set():
    wide = RNG.normal(size=(10, 72))
    with pytest.warns(UserWarning, match="10 and 10 samples of 72 features"):
        value = frechet_distance(wide, wide)
    assert value == pytest.approx(0.0, abs=0.01)
    twice = np.column_stack([REAL, REAL[:, 0]])  # singular with many samples: no warning
    assert frechet_distance(twice, twice) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("measure", [mean_pairwise_distance, frechet_distance])
@pytest.mark.parametrize(
    ("features", "reference", "message"),
    [
        (np.zeros(72), REAL, r"features of shape \(72,\); give \(dances, features\)"),
        (np.zeros((1, 4)), REAL, "1 rows of features; give at least 2"),
        (np.zeros((5, 4)), REAL[:1], "1 rows of reference; give at least 2"),
        (np.zeros((5, 3)), REAL, "3 features, but 4 in the reference"),
        (np.array([[0, 0, 0, 0], [0, np.inf, 0, 0]]), REAL, "NaN or infinity in row 1"),
        (np.zeros((5, 4)), np.ones((9, 4)), "feature 0 never varies in the reference"),
        (np.zeros((5, 4), complex), REAL, "features of type complex128; give real numbers"),
        (np.zeros((5, 4)), np.full((9, 4), "a"), "reference of type <U1; give real numbers"),
    ],
)
def test_unusable_features_are_refused_with_the_fix(measure, features, reference, message):
    with pytest.raises(MotionBeatError, match=f"{measure.__name__}: .*{message}"):
        measure(features, reference)


def test_a_feature_that_varies_nowhere_takes_no_part():
    features, ones = RNG.normal(size=(9, 4)), np.ones((500, 1))
    value = mean_pairwise_distance(features, REAL)
    assert mean_pairwise_distance(np.column_stack([features, ones[:9]]), np.column_stack([REAL, ones])) == value
    rounded = np.column_stack([features, 1 + 1e-10 * np.arange(9)])
    assert mean_pairwise_distance(rounded, np.column_stack([REAL, ones])) == value
