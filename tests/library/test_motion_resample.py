"""Resampling: exact times, exact polynomials, and that turning the dancer first or last is the same."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionbeat.motion.resample import resample, resample_poses

RNG = np.random.default_rng(1)


def yaw(angles):
    return Rotation.from_rotvec(np.multiply.outer(angles, [0.0, 1.0, 0.0]))


def test_half_the_rate_is_every_other_frame():
    joints = RNG.normal(size=(21, 24, 3)).astype(np.float32)
    np.testing.assert_allclose(resample(joints, 60.0, 30.0), joints[::2], atol=1e-6)


def test_the_same_rate_changes_nothing():
    joints = RNG.normal(size=(10, 24, 3)).astype(np.float32)
    np.testing.assert_array_equal(resample(joints, 29.97, 29.97), joints)
    poses = Rotation.random(20, rng=RNG).as_rotvec().reshape(10, 2, 3)
    np.testing.assert_allclose(resample_poses(poses, 30.0, 30.0), poses, atol=1e-6)


@pytest.mark.parametrize(("fps", "target"), [(5.9, 30.0), (17.3, 30.0), (60.0, 25.0), (30.0, 60.0), (24.0, 23.976)])
def test_frame_i_lies_at_i_over_the_rate_within_the_clip(fps, target):
    times = np.arange(50) / fps
    result = resample(times[:, None], fps, target)[:, 0]
    np.testing.assert_allclose(result, np.arange(len(result)) / target, atol=1e-5)
    assert result[-1] <= times[-1] + 1e-6 < result[-1] + 1 / target + 2e-6


def test_parabolas_are_met_exactly_inside_the_clip():
    fps = 10.0
    times = np.arange(40) / fps
    result = resample((3 * times**2 - times)[:, None], fps, 30.0)[:, 0]
    new = np.arange(len(result)) / 30.0
    inside = (new > 1 / fps) & (new < times[-1] - 1 / fps)
    np.testing.assert_allclose(result[inside], (3 * new**2 - new)[inside], atol=1e-4)


def test_turning_and_moving_the_dancer_commutes_with_resampling():
    joints, turn = RNG.normal(size=(15, 24, 3)), Rotation.random(rng=RNG).as_matrix()
    moved = resample(joints @ turn.T + [1.0, 2.0, 3.0], 6.1, 30.0)
    np.testing.assert_allclose(moved, resample(joints, 6.1, 30.0) @ turn.T + [1.0, 2.0, 3.0], atol=1e-5)


def test_a_foot_that_stands_still_for_five_frames_stands_still_between_the_inner_three():
    joints = np.zeros((9, 1, 3))
    joints[:2] = 1.0
    joints[7:] = -1.0
    between = resample(joints, 10.0, 100.0)[30:51]
    np.testing.assert_array_equal(between, np.zeros_like(between))


def test_a_steady_turn_stays_steady_even_through_half_a_turn():
    angles = np.arange(30) * 0.3
    poses = yaw(angles).as_rotvec()[:, None]
    result = resample_poses(poses, 10.0, 30.0)
    expected = yaw(np.arange(len(result)) * 0.1)
    assert np.max((Rotation.from_rotvec(result[:, 0]) * expected.inv()).magnitude()) < 1e-5


def test_joints_and_poses_get_the_same_number_of_frames():
    for fps in (5.9, 24.0, 29.97, 60.0):
        joints, poses = np.zeros((31, 24, 3)), np.zeros((31, 24, 3))
        assert len(resample(joints, fps, 30.0)) == len(resample_poses(poses, fps, 30.0))
