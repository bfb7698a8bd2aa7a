"""Motion features: what they must not depend on, and closed forms of what they say."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionbeat.motion.feature_blocks import FEATURE_BLOCKS, feature_slices, mirrored_features
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.motion_features import heading, joint_events, kinetic_energy, motion_features
from motionbeat.motion.skeleton import MIRRORED

FPS = 30.0


def yaw(angles):
    return Rotation.from_rotvec(np.multiply.outer(angles, [0.0, 1.0, 0.0]))


@pytest.fixture(scope="module")
def dance():
    """Poses and root: smooth swinging of every joint, turning and travelling, well away from singular poses."""
    rng = np.random.default_rng(2)
    times = np.arange(90) / FPS
    waves = np.sin(2 * np.pi * (times[:, None, None] * rng.uniform(0.3, 1.5, (24, 3)) + rng.uniform(size=(24, 3))))
    poses = waves * rng.uniform(0, 0.5, (24, 3))
    poses[:, 0] = (yaw(2.5 * times) * Rotation.from_rotvec(0.4 * waves[:, 0])).as_rotvec()
    root = np.stack([0.4 * times, 0.9 + 0.05 * np.sin(6 * times), 0.3 * np.cos(times)], axis=1)
    return poses, root


def features(poses, root, with_poses=True):
    return motion_features(forward_kinematics(poses, root), poses if with_poses else None, FPS, 0.3, 0.05)


def test_the_mirrored_features_are_those_of_the_mirrored_dance(dance):
    """The mirror image of a pose: joints exchanged, axis-angle vectors reflected as the pseudovectors that they are."""
    poses, root = dance
    joints = forward_kinematics(poses, root)
    flipped = joints[:, list(MIRRORED)] * [-1, 1, 1]
    turned = poses[:, list(MIRRORED)] * [1, -1, -1]
    expected = motion_features(flipped, turned, FPS, 0.3, 0.05)
    order, sign = mirrored_features(has_rotations=True)
    assert sorted(order) == list(range(296))
    np.testing.assert_allclose(motion_features(joints, poses, FPS, 0.3, 0.05)[:, order] * sign, expected, atol=2e-4)
    order, sign = mirrored_features(has_rotations=False, has_events=True)
    events = feature_slices(False, True)["events"]
    both = np.concatenate([joint_events(joints, FPS)[:, order[events] - events.start], joint_events(flipped, FPS)])
    np.testing.assert_allclose(*np.split(both, 2), atol=1e-4)
    assert (sign[events] == 1).all()


def test_joint_events_tell_where_a_movement_starts_and_stops():
    """A joint at rest, then 1 s of rising speed, then 1 s of falling: closed forms of speed and its changes."""
    times = np.arange(181) / 60
    speed = np.clip(np.minimum(times - 1, 3 - times), 0, None)  # m/s: 0, up at 1 m/s^2, down at 1 m/s^2
    joints = np.zeros((181, 24, 3))
    joints[:, 5] = np.outer(np.cumsum(speed) / 60, [0.6, 0.0, 0.8])
    found = joint_events(joints, 60.0)
    assert found.shape == (181, 72) and found.dtype == np.float32
    inside = slice(70, 110)
    np.testing.assert_allclose(found[inside, 5], speed[inside], atol=0.01)
    np.testing.assert_allclose(found[70:110, 24 + 5], 1.0, atol=0.02)
    np.testing.assert_allclose(found[130:170, 48 + 5], 1.0, atol=0.02)
    assert not found[70:110, 48 + 5].any() and not found[130:170, 24 + 5].any()
    assert not np.delete(found, [5, 29, 53], axis=1).any()


def test_blocks_fill_the_features_and_rotations_come_last(dance):
    both, joints_only = features(*dance), features(*dance, with_poses=False)
    assert both.shape == (90, 296) and joints_only.shape == (90, 152)
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both[:, :152], joints_only)
    for has_rotations, width in ((True, 296), (False, 152)):
        slices = list(feature_slices(has_rotations).values())
        assert [s.start for s in slices] == [0, *[s.stop for s in slices[:-1]]] and slices[-1].stop == width
    assert list(FEATURE_BLOCKS)[-1] == "rotations"


@pytest.mark.parametrize("angle", [0.7, 2.0, -2.9, np.pi])
def test_features_ignore_turning_about_the_vertical_and_moving_on_the_floor(dance, angle):
    poses, root = dance
    turn = yaw(angle)
    turned = poses.copy()
    turned[:, 0] = (turn * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    place = np.array([3.0, 0.0, -2.0])
    np.testing.assert_allclose(features(turned, turn.apply(root) + place), features(poses, root), atol=2e-4)


def test_tilting_the_dancer_changes_the_features(dance):
    poses, root = dance
    tilted = poses.copy()
    tilted[:, 0] = (Rotation.from_rotvec([0.5, 0, 0]) * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    assert np.abs(features(tilted, root) - features(poses, root)).max() > 0.1


def test_heading_is_the_yaw_of_the_body_and_turns_to_the_left_are_positive():
    angles = np.linspace(0, 3 * np.pi, 60)
    poses = np.zeros((60, 24, 3))
    poses[:, 0] = yaw(angles).as_rotvec()
    joints = forward_kinematics(poses, np.zeros((60, 3)))
    offset = heading(joints)[0]
    assert abs(offset) < 0.02
    np.testing.assert_allclose(heading(joints) - offset, angles, atol=1e-5)
    yaw_rate = motion_features(joints, None, FPS, 0.3, 0.05)[:, feature_slices(False)["yaw_rate"]]
    np.testing.assert_allclose(yaw_rate, (angles[1] - angles[0]) * FPS, rtol=1e-4)


def test_root_velocity_is_in_the_dancers_own_frame():
    poses = np.zeros((20, 24, 3))
    poses[:, 0] = [0, np.pi / 2, 0]
    walking = np.arange(20)[:, None] / FPS * [1.5, 0.0, 0.0]
    part = features(poses, walking)[:, feature_slices(True)["root_velocity"]]
    np.testing.assert_allclose(part, np.tile([0.0, 0.0, 1.5], (20, 1)), atol=0.03)


def test_velocities_are_the_same_at_twice_the_frame_rate():
    def at(fps):
        times = np.arange(int(2 * fps)) / fps
        poses = np.zeros((len(times), 24, 3))
        poses[:, 16, 2] = np.sin(3 * times)
        return motion_features(forward_kinematics(poses, np.zeros((len(times), 3))), None, fps, 0.3, 0.05)

    part = feature_slices(False)["velocities"]
    np.testing.assert_allclose(at(120.0)[2:-2:2, part], at(60.0)[1:-1, part], atol=6e-3)
    assert np.abs(at(60.0)[:, part]).max() > 1.0


def test_rotations_are_the_first_two_columns_and_the_roots_has_no_yaw(dance):
    poses, root = dance
    six = features(poses, root)[:, feature_slices(True)["rotations"]].reshape(-1, 24, 2, 3)
    matrices = Rotation.from_rotvec(poses[:, 5]).as_matrix()
    np.testing.assert_allclose(six[:, 5], matrices[:, :, :2].swapaxes(1, 2), atol=1e-6)
    np.testing.assert_allclose(
        np.einsum("tjc,tkc->tjk", six[:, 0], six[:, 0]), np.tile(np.eye(2), (90, 1, 1)), atol=1e-5
    )
    upright = poses.copy()
    upright[:, :] = 0
    upright[:, 0] = yaw(np.linspace(0, 5, 90)).as_rotvec()
    six = features(upright, root)[:, feature_slices(True)["rotations"]].reshape(-1, 24, 6)
    np.testing.assert_allclose(six[:, 0], np.tile([1, 0, 0, 0, 1, 0], (90, 1)), atol=0.02)


def test_a_dancer_on_the_side_keeps_the_heading_of_the_frames_around():
    poses = np.zeros((30, 24, 3))
    poses[10:20, 0] = [0, 0, np.pi / 2]
    headings = heading(forward_kinematics(poses, np.zeros((30, 3))))
    np.testing.assert_allclose(headings, 0.0, atol=0.02)


@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize("pose", ["still", "point", "upside down", "on the side"])
def test_features_of_still_and_degenerate_bodies_are_finite(frames, pose):
    poses = np.zeros((frames, 24, 3))
    poses[:, 0] = {"upside down": [np.pi, 0, 0], "on the side": [0, 0, np.pi / 2]}.get(pose, [0, 0, 0])
    joints = np.zeros((frames, 24, 3)) if pose == "point" else forward_kinematics(poses, np.zeros((frames, 3)))
    result = motion_features(joints, poses, FPS, 0.3, 0.05)
    assert np.isfinite(result).all()
    assert not result[:, feature_slices(True)["velocities"]].any()
    assert not kinetic_energy(joints, FPS).any()


def test_kinetic_energy_adds_squared_speeds_over_joints():
    joints = np.zeros((40, 24, 3))
    times = np.arange(40) / FPS
    joints[:, 3, 0], joints[:, 8, 2] = 2 * times, -3 * times
    np.testing.assert_allclose(kinetic_energy(joints, FPS), 4 + 9)
