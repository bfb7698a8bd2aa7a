"""Kinetic features: closed forms of lines, parabolas and circles, a literal loop, and the size of the reference bug."""

import math

import numpy as np
import pytest

from motionbeat.dance import kinetic_features
from motionbeat.errors import MotionBeatError

RNG = np.random.default_rng(11)


def loop(joints, reference_bug):
    """The definition: a loop over joints, frames and offsets."""
    dt, last, features = 1 / 60, len(joints) - 1, []
    for joint in range(24):
        p = joints[:, joint]
        horizontal = vertical = expenditure = 0.0
        for i in range(1, last + 1):
            v = [(p[i + o] - p[i + o - 1]) / dt for o in range(-2, 3) if i + o - 1 >= 0 and i + o <= last]
            x, y, z = sum(v) / len(v)
            horizontal += x * x + z * z
            vertical += y * y
            changes = []
            for o in range(-2, 3):
                if i + o - 1 >= 0 and i + o + 1 <= last:
                    v2 = (p[i + o + 1] - p[i + o]) / dt
                    v1 = p[i + o] - p[i + o - 1] / dt if reference_bug else (p[i + o] - p[i + o - 1]) / dt
                    changes.append((v2 - v1) / dt)
            expenditure += math.hypot(*(sum(changes) / len(changes)))
        features += [horizontal / last, vertical / last, expenditure / last]
    return np.array(features)


def same(path):
    """All joints on one path (T, 3)."""
    return np.repeat(np.asarray(path, float)[:, None], 24, axis=1)


def times(seconds=4.0, fps=60.0):
    return np.arange(round(seconds * fps) + 1) / fps


@pytest.mark.parametrize("frames", [4, 5, 6, 7, 40])
@pytest.mark.parametrize("reference_bug", [True, False])
def test_it_is_the_definition_joint_by_joint_and_frame_by_frame(frames, reference_bug):
    joints = RNG.normal(size=(frames, 24, 3))
    np.testing.assert_allclose(
        kinetic_features(joints, reference_bug=reference_bug), loop(joints, reference_bug), rtol=1e-9
    )


def test_constant_velocity_has_its_square_and_no_acceleration():
    t = times()
    features = kinetic_features(same(np.stack([0.3 * t, 0.2 * t, -0.4 * t], axis=1)), reference_bug=False)
    np.testing.assert_allclose(features.reshape(24, 3), [[0.25, 0.04, 0.0]] * 24, atol=1e-9)


def test_a_free_fall_is_driven_by_gravity():
    t = times()
    path = np.stack([0 * t, -9.81 / 2 * t**2, 0 * t], axis=1)
    horizontal, vertical, expenditure = kinetic_features(same(path), reference_bug=False)[:3]
    assert horizontal == 0 and expenditure == pytest.approx(9.81)
    assert vertical == pytest.approx(9.81**2 * 4.0**2 / 3, rel=0.02)  # the mean of (g t)^2


def test_a_circle_has_the_energy_of_its_chords():
    radius, omega = 0.4, 2 * np.pi * 1.3
    t = times()
    features = kinetic_features(
        same(np.stack([radius * np.cos(omega * t), 0 * t, radius * np.sin(omega * t)], axis=1)), reference_bug=False
    )
    steps = np.full(len(t) - 1, 5)  # velocity of a frame: the chord over the window's steps
    steps[[0, -1]], steps[[1, -2]] = 3, 4
    chord = 2 * radius * np.sin(omega * steps / 60 / 2) / (steps / 60)
    assert features[0] == pytest.approx((chord**2).mean(), rel=1e-9)
    assert features[0] == pytest.approx((radius * omega) ** 2, rel=0.05)
    assert features[2] == pytest.approx(radius * omega**2, rel=0.05)


def test_features_stand_joint_after_joint_as_horizontal_vertical_expenditure():
    joints = np.zeros((30, 24, 3))
    joints[:, 7, 1] = 0.5 * np.arange(30) / 60
    features = kinetic_features(joints, reference_bug=False)
    assert features.shape == (72,)
    assert features[7 * 3 + 1] == pytest.approx(0.25) and np.count_nonzero(features > 1e-12) == 1


def test_the_reference_bug_is_3540_times_the_distance_from_the_origin():
    still = same(np.tile([0.6, 0.0, 0.8], (60, 1)))
    assert kinetic_features(still)[2] == pytest.approx(3540)
    assert kinetic_features(still, reference_bug=False)[2] == 0
    joints = RNG.normal(size=(1, 24, 3)) + 0.02 * np.sin(2 * np.pi * times()[:, None, None])
    np.testing.assert_allclose(
        kinetic_features(joints)[2::3], 3540 * np.linalg.norm(joints, axis=-1).mean(axis=0), rtol=0.01
    )
    np.testing.assert_array_equal(
        np.delete(kinetic_features(joints), slice(2, None, 3)),
        np.delete(kinetic_features(joints, reference_bug=False), slice(2, None, 3)),
    )


def test_place_and_facing_do_not_matter_but_through_the_bug_place_does():
    joints, angle = np.cumsum(0.01 * RNG.normal(size=(60, 24, 3)), axis=0), 1.1
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    features = kinetic_features(joints, reference_bug=False)
    moved = kinetic_features(joints @ turn.T + [2.0, 1.0, -3.0], reference_bug=False)
    np.testing.assert_allclose(moved, features, rtol=1e-8)
    elsewhere = joints + np.array([2.0, 1.0, -3.0])
    assert (kinetic_features(elsewhere)[2::3] > 2 * kinetic_features(joints)[2::3]).all()


def test_other_frame_rates_are_brought_to_60():
    def path(fps):
        t = times(fps=fps)
        return same(np.stack([np.sin(2 * np.pi * t), np.cos(3 * t), 0.2 * t], axis=1))

    for fps in (30.0, 120.0):
        np.testing.assert_allclose(
            kinetic_features(path(fps), fps, reference_bug=False)[:3],
            kinetic_features(path(60.0), reference_bug=False)[:3],
            rtol=0.02,
        )


def test_too_few_frames_are_refused():
    with pytest.raises(MotionBeatError, match=r"kinetic_features: 3 frames at 60 frames per second; .* at least 4"):
        kinetic_features(np.zeros((3, 24, 3)))
