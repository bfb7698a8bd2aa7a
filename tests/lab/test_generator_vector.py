"""Dance vectors: forward kinematics against the skeleton's own, rotations against SciPy, contacts and round trips."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from motionbeat.lab.generator import motion_vector
from motionbeat.motion.feature_blocks import feature_slices
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.motion_features import motion_features
from motionbeat.motion.skeleton import FEET

RNG = np.random.default_rng(0)
POSES, ROOT = RNG.normal(0, 1, (9, 24, 3)), RNG.normal(0, 1, (9, 3))


def matrices(poses):
    return torch.as_tensor(Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape, 3))


def test_forward_kinematics_equal_those_of_the_skeleton():
    ours = motion_vector.joints(torch.as_tensor(ROOT), matrices(POSES))
    np.testing.assert_allclose(ours.numpy(), forward_kinematics(POSES, ROOT), atol=1e-6)


def test_a_batch_of_dances_is_placed_as_each_of_them_alone():
    root, turns = torch.as_tensor(ROOT).view(3, 3, 3), matrices(POSES).view(3, 3, 24, 3, 3)
    together = motion_vector.joints(root, turns)
    assert torch.equal(together[1], motion_vector.joints(root[1], turns[1]))


def test_the_gradient_of_forward_kinematics_is_right():
    root = torch.randn(1, 3, dtype=torch.float64, requires_grad=True)
    turns = matrices(POSES[:1]).requires_grad_()
    assert torch.autograd.gradcheck(motion_vector.joints, (root, turns), fast_mode=True)


def test_a_dance_survives_the_vector():
    vectors = torch.as_tensor(motion_vector.encode(POSES, ROOT))
    contact, root, rotations = motion_vector.decode(vectors)
    assert vectors.shape == (9, motion_vector.WIDTH) and contact.shape == (9, 4)
    np.testing.assert_allclose(root.numpy(), ROOT, atol=1e-6)
    np.testing.assert_allclose(rotations.numpy(), matrices(POSES).numpy(), atol=2e-6)
    back = motion_vector.rotation_vectors(rotations).numpy()
    np.testing.assert_allclose(matrices(back.astype(float)).numpy(), matrices(POSES).numpy(), atol=5e-6)


def test_six_numbers_stand_in_the_order_of_the_project_s_motion_features():
    features = motion_features(forward_kinematics(POSES, ROOT), POSES, 30.0, 0.3, 0.05)
    theirs = features[:, feature_slices(True)["rotations"]][:, 6:]  # the root's are without yaw there
    np.testing.assert_allclose(
        motion_vector.encode(POSES, ROOT)[:, motion_vector.joint_channels(1).start :], theirs, atol=1e-6
    )


def test_any_numbers_decode_to_rotations():
    decoded = motion_vector.decode(torch.as_tensor(RNG.normal(size=(20, motion_vector.WIDTH))))
    product = decoded.rotations @ decoded.rotations.transpose(-1, -2)
    torch.testing.assert_close(product, torch.eye(3, dtype=torch.float64).expand_as(product), atol=1e-9, rtol=0)
    torch.testing.assert_close(torch.linalg.det(decoded.rotations), torch.ones(20, 24, dtype=torch.float64))


def test_a_foot_is_in_contact_while_it_moves_less_than_a_centimetre_a_frame():
    joints = np.zeros((4, 24, 3))
    joints[:, FEET[0], 0] = [0.0, 0.0099, 0.0298, 0.0300]  # steps of 0.99, 1.99 and 0.02 cm
    contacts = motion_vector.foot_contacts(joints)
    np.testing.assert_array_equal(contacts[:, 0], [1, 0, 1, 1])
    assert contacts[:, 1:].all()


def test_made_rotations_are_what_was_decoded_before_and_rotations_stay():
    anything = torch.as_tensor(RNG.normal(size=(20, motion_vector.WIDTH)))
    made = motion_vector.with_rotations(anything)
    torch.testing.assert_close(motion_vector.decode(made).rotations, motion_vector.decode(anything).rotations)
    assert torch.equal(made[:, : motion_vector.ROTATION.start], anything[:, : motion_vector.ROTATION.start])
    torch.testing.assert_close(motion_vector.with_rotations(made), made)


def test_columns_of_rotations_are_completed_to_what_gram_schmidt_makes_of_them():
    vectors = motion_vector.with_rotations(torch.as_tensor(motion_vector.encode(POSES, ROOT)))
    for one, two in zip(motion_vector.decode(vectors), motion_vector.decode(vectors, orthonormal=True), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0)
