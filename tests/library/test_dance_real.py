"""The measures on the one real AIST++ motion: pinned values, and that they are those of a dance."""

from pathlib import Path

import numpy as np
import pytest

from motionbeat import dance
from motionbeat.lab.corpora import aistpp

MOTION = Path(__file__).parents[3] / "shared" / "data" / "aistpp" / "motions" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def joints():
    return aistpp.read_motion(MOTION).joints


def test_physical_foot_contact_is_of_the_published_order(joints):
    assert dance.physical_foot_contact(joints, 60) == pytest.approx(0.46559, rel=1e-4)


def test_kinetic_features_are_those_of_a_dancer_of_human_size(joints):
    energies = dance.kinetic_features(joints, 60, reference_bug=False).reshape(24, 3)
    np.testing.assert_allclose(energies.mean(axis=0), [0.9424, 0.6057, 7.4997], rtol=1e-3)
    with_bug = dance.kinetic_features(joints, 60).reshape(24, 3)
    away = np.linalg.norm(joints, axis=-1).mean(axis=0)
    np.testing.assert_allclose(with_bug[:, 2] / away, 3540, rtol=0.02)


def test_geometric_features(joints):
    features = dance.geometric_features(joints, 60)
    assert features.sum() == pytest.approx(9.3213, abs=1e-3)
    assert ((features > 0) & (features < 1)).sum() == 24


@pytest.mark.parametrize(("definition", "value"), [("bailando", 0.60878), ("fact", 0.71251)])
def test_it_rests_on_the_beats_of_its_song_more_than_on_shifted_ones(joints, definition, value):
    found = dance.beat_alignment_against_chance(joints, 60, np.arange(16) * 60 / 80, definition)
    assert found.value == pytest.approx(value, abs=1e-4)
    assert found.z > 1.5
