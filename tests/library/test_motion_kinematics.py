"""Forward kinematics against a recursion over SciPy rotations, and smplx; velocities in closed form."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from smplx import lbs

from motionbeat.motion.kinematics import forward_kinematics, rest_joints, velocity
from motionbeat.motion.skeleton import FEET, INDEX, JOINTS, PARENTS, REST_OFFSETS

RNG = np.random.default_rng(0)


def chained(poses, translation):
    """Joint positions by walking the tree from the root, one frame and joint at a time."""
    joints = np.empty_like(poses)
    for t, pose in enumerate(poses):
        turn = [Rotation.from_rotvec(pose[0])]
        joints[t, 0] = translation[t]
        for j in range(1, 24):
            parent = PARENTS[j]
            joints[t, j] = joints[t, parent] + turn[parent].apply(REST_OFFSETS[j])
            turn.append(turn[parent] * Rotation.from_rotvec(pose[j]))
    return joints


def test_joints_equal_a_walk_over_the_tree_with_scipy_rotations():
    poses, translation = RNG.normal(0, 1, (7, 24, 3)), RNG.normal(0, 1, (7, 3))
    np.testing.assert_allclose(forward_kinematics(poses, translation), chained(poses, translation), atol=1e-6)


def test_joints_are_those_of_smplx_to_the_last_bit_of_float32():
    poses = RNG.normal(0, 1, (9, 24, 3)) * (RNG.random((9, 24, 1)) < 0.8)
    turned = lbs.batch_rodrigues(torch.as_tensor(poses.reshape(-1, 3))).reshape(-1, 24, 3, 3)
    rest = torch.as_tensor(rest_joints()).expand(9, -1, -1)
    joints, _ = lbs.batch_rigid_transform(turned, rest, torch.tensor(PARENTS))
    np.testing.assert_allclose(forward_kinematics(poses, np.zeros((9, 3))), joints.numpy(), rtol=1e-7, atol=1e-9)


def test_zero_pose_is_the_rest_body_with_left_on_plus_x_and_toes_towards_plus_z():
    joints = forward_kinematics(np.zeros((1, 24, 3)), np.zeros((1, 3)))[0]
    np.testing.assert_allclose(joints, rest_joints(), atol=1e-6)
    for name in JOINTS:
        if name.startswith("l"):
            assert joints[INDEX[name], 0] > 0 > joints[INDEX["r" + name[1:]], 0]
    assert joints[INDEX["ltoes"], 2] > joints[INDEX["lankle"], 2] + 0.1
    assert joints[INDEX["head"], 1] > joints[INDEX["root"], 1] > joints[INDEX["lknee"], 1] > joints[INDEX["lankle"], 1]


def test_a_body_is_about_as_tall_as_a_person():
    rest = rest_joints()
    assert 1.4 < rest[INDEX["head"], 1] - rest[INDEX["ltoes"], 1] < 1.8
    assert [JOINTS[j] for j in FEET] == ["lankle", "rankle", "ltoes", "rtoes"]


def test_bones_keep_their_length_in_every_pose():
    joints = forward_kinematics(RNG.normal(0, 2, (20, 24, 3)), np.zeros((20, 3)))
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, PARENTS[1:]], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(REST_OFFSETS[1:], axis=-1)[None].repeat(20, 0), atol=1e-6)


@pytest.mark.parametrize("frames", [0, 1, 4097])
def test_any_number_of_frames_goes_through(frames):
    poses = np.zeros((frames, 24, 3), np.float32)
    poses.setflags(write=False)
    assert forward_kinematics(poses, np.zeros((frames, 3))).shape == (frames, 24, 3)


def test_velocity_of_even_movement_is_the_same_at_every_frame_rate():
    for fps in (5.9, 30.0, 60.0):
        times = np.arange(20) / fps
        np.testing.assert_allclose(velocity(times[:, None] * [3.0, -2.0], fps), np.tile([3.0, -2.0], (20, 1)))
    np.testing.assert_array_equal(velocity(np.ones((1, 2)), 30.0), np.zeros((1, 2)))
