"""SMPL, SMPL-H, SMPL-X, FineDance and AIOZ-GDANCE: the same dance out of each, as smplx itself moves it."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from smplx.joint_names import JOINT_NAMES, SMPLH_JOINT_NAMES
from smplx.lbs import batch_rigid_transform

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import formats
from motionbeat.lab.corpora.formats import Hints
from motionbeat.lab.params import MotionChecks
from motionbeat.motion.kinematics import forward_kinematics, rest_joints
from motionbeat.motion.skeleton import PARENTS

# The dances here are rotations drawn at random, faster than any person: what is claimed is where joints come to stand.
ANYTHING = MotionChecks(root_speed=1e9, root_height=1e9, joint_speed=1e9, floor_drift=1e9, knee_cosine=-1.0)
read_motion = partial(formats.read_motion, limits=ANYTHING)
FRAMES = 12
MIDDLE = [JOINT_NAMES.index(f"{side}_middle1") for side in ("left", "right")]
# The tree of SMPL-X: the body's 22 joints, jaw and eyes on the head, five fingers of three joints on each wrist.
FINGERS = [
    wrist if joint % 3 == 0 else 25 + 15 * hand + joint - 1 for hand, wrist in ((0, 20), (1, 21)) for joint in range(15)
]
SMPLX_PARENTS = [*PARENTS[:22], 15, 15, 15, *FINGERS]


@pytest.fixture(scope="module")
def dance():
    """A person who stands about, gestures and grasps: 55 rotations (T, 55, 3) and a translation (T, 3)."""
    rng = np.random.default_rng(3)
    poses = rng.normal(0, 0.15, (FRAMES, 55, 3))
    poses[:, 0] = [0.0, 0.5, 0.0]
    return poses, rng.normal(0, 0.3, (FRAMES, 3)) + np.array([0.0, 0.9, 0.0])


def smpl(poses):
    return np.concatenate([poses[:, :22], poses[:, MIDDLE]], axis=1)


def save(path, **arrays):
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


def amass(path, dance, **changes):
    poses, translation = dance
    values = {"poses": poses.reshape(FRAMES, -1), "trans": translation, "mocap_frame_rate": 120.0, "gender": "neutral"}
    return save(path, **(values | {"betas": np.zeros(16)} | changes))


def test_body_joints_are_where_smplx_puts_them_on_the_whole_tree(dance, tmp_path):
    poses, translation = dance
    rest = np.concatenate([rest_joints()[:22], np.random.default_rng(0).normal(size=(33, 3))])
    rest[MIDDLE] = rest_joints()[22:]
    rotations = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(FRAMES, 55, 3, 3)
    expected, _ = batch_rigid_transform(
        torch.as_tensor(rotations), torch.as_tensor(rest).expand(FRAMES, -1, -1), torch.tensor(SMPLX_PARENTS)
    )
    expected = expected.numpy() + translation[:, None]
    motion = read_motion(amass(tmp_path / "a.npz", dance))
    np.testing.assert_allclose(motion.joints, expected[:, [*range(22), *MIDDLE]], atol=1e-6)
    assert motion.fps == 120.0 and motion.poses.dtype == np.float32


def test_the_hands_are_the_middle_knuckles_and_the_rest_are_the_same_joints(dance, tmp_path):
    motion = read_motion(amass(tmp_path / "a.npz", dance))
    np.testing.assert_allclose(motion.poses, smpl(dance[0]), atol=1e-6)
    assert [JOINT_NAMES[i] for i in MIDDLE] == ["left_middle1", "right_middle1"]
    assert JOINT_NAMES[:22] == SMPLH_JOINT_NAMES[:22]


def test_every_form_of_the_parameters_is_one_dance(dance, tmp_path):
    poses, translation = dance
    expected = read_motion(amass(tmp_path / "x.npz", dance))
    smplh = np.concatenate([poses[:, :22], poses[:, 25:]], axis=1)
    parts = {"poses": None, "trans": None, "transl": translation, "global_orient": poses[:, 0]}
    hands = {
        "left_hand_pose": poses[:, 25:40].reshape(FRAMES, 45),
        "right_hand_pose": poses[:, 40:].reshape(FRAMES, 45),
    }
    forms = {
        "smplh": {"poses": smplh.reshape(FRAMES, 156)},
        "smplh in three axes": {"poses": smplh},
        "smpl": {"poses": smpl(poses).reshape(FRAMES, 72)},
        "parts": parts | hands | {"body_pose": poses[:, 1:22].reshape(FRAMES, 63)},
        "parts in three axes": parts | hands | {"body_pose": poses[:, 1:22]},
        "smpl parts": parts | {"body_pose": smpl(poses)[:, 1:].reshape(FRAMES, 69)},
        "other names": parts
        | hands
        | {"global_orient": None, "root_orient": poses[:, 0], "pose_body": poses[:, 1:22].reshape(FRAMES, 63)},
    }
    for name, changes in forms.items():
        motion = read_motion(amass(tmp_path / "a.npz", dance, **changes))
        np.testing.assert_allclose(motion.poses, expected.poses, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(motion.joints, expected.joints, atol=1e-6, err_msg=name)


def test_objects_beside_the_parameters_are_left_alone(dance, tmp_path):
    """AMASS keeps the names of its markers in arrays of objects."""
    motion = read_motion(amass(tmp_path / "a.npz", dance, labels=np.array([["ARIEL"], None], object)))
    np.testing.assert_array_equal(motion.joints, read_motion(amass(tmp_path / "b.npz", dance)).joints)


def test_without_fingers_the_hands_do_not_turn(dance, tmp_path):
    poses, translation = dance
    motion = read_motion(amass(tmp_path / "a.npz", dance, poses=poses[:, :22].reshape(FRAMES, 66)))
    assert not motion.poses[:, 22:].any() and motion.poses[:, 21].any()
    parts = save(tmp_path / "b.npz", body_pose=poses[:, 1:22], global_orient=poses[:, 0], trans=translation, fps=30)
    np.testing.assert_array_equal(read_motion(parts).poses, motion.poses)


def test_z_up_data_is_turned_with_its_root_orientation(dance, tmp_path):
    poses, translation = dance
    expected = read_motion(amass(tmp_path / "y.npz", dance))
    up = Rotation.from_euler("x", 90, degrees=True)
    turned = poses.copy()
    turned[:, 0] = (up * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    path = amass(tmp_path / "z.npz", (turned, up.apply(translation)))
    with pytest.raises(MotionBeatError, match=r"z\.npz: the dancer lies along z.*give z in the column up"):
        read_motion(path)
    motion = read_motion(path, Hints(up="z"))
    np.testing.assert_allclose(motion.joints, expected.joints, atol=1e-5)
    np.testing.assert_allclose(motion.poses, expected.poses, atol=1e-5)
    rebuilt = forward_kinematics(motion.poses, motion.joints[:, 0])
    np.testing.assert_allclose(rebuilt, motion.joints, atol=1e-5)


def finedance(poses, translation, contacts=False):
    smplh = np.concatenate([poses[:, :22], poses[:, 25:]], axis=1)
    rows = Rotation.from_rotvec(smplh.reshape(-1, 3)).as_matrix()[:, :2].reshape(len(poses), 312)
    front = [np.ones((len(poses), 4))] if contacts else []
    return np.concatenate([*front, translation, rows], axis=1)


@pytest.mark.parametrize("contacts", [False, True])
def test_finedance_is_read_at_30_frames_a_second(contacts, dance, tmp_path):
    np.save(tmp_path / "a.npy", finedance(*dance, contacts))
    motion, expected = read_motion(tmp_path / "a.npy"), read_motion(amass(tmp_path / "x.npz", dance))
    np.testing.assert_allclose(motion.joints, expected.joints, atol=1e-5)
    np.testing.assert_allclose(motion.poses, expected.poses, atol=1e-5)
    assert motion.fps == 30.0 and read_motion(tmp_path / "a.npy", Hints(fps=60.0)).fps == 60.0


@pytest.mark.parametrize("contacts", [False, True])
def test_finedance_without_fingers_is_read(contacts, dance, tmp_path):
    values = finedance(*dance, contacts)
    np.save(tmp_path / "a.npy", values[:, : 139 if contacts else 135])
    np.testing.assert_allclose(read_motion(tmp_path / "a.npy").poses[:, :22], dance[0][:, :22], atol=1e-5)


def test_a_translation_behind_the_rotations_is_named_with_the_way_to_move_it(dance, tmp_path):
    values = finedance(*dance)
    np.save(tmp_path / "a.npy", np.roll(values, -3, axis=1))
    with pytest.raises(MotionBeatError, match=r"the translation is not in front.*numpy\.roll\(array, 3, axis=1\)"):
        read_motion(tmp_path / "a.npy")


def test_six_numbers_that_drifted_are_made_a_rotation_again(dance, tmp_path):
    values = finedance(*dance)
    values[:, 3:] *= 1.3
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_allclose(read_motion(tmp_path / "a.npy").poses, smpl(dance[0]), atol=1e-5)
    values[4, 3 + 6 * 7 : 3 + 6 * 8] = 0
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(MotionBeatError, match="lankle has no rotation in frame 4"):
        read_motion(tmp_path / "a.npy")


def gdance(path, dance, persons=3, **changes):
    poses, translation = dance
    values = {
        "smpl_poses": np.stack([smpl(poses).reshape(FRAMES, 72)] * persons),
        "root_trans": np.stack([translation + np.array([i, 0.0, 0.0]) for i in range(persons)]),
        "meta": {"orig_start": 0, "orig_end": FRAMES, "name": "sequence"},
    }
    path.write_bytes(pickle.dumps(values | changes))
    return path


def test_a_dancer_of_a_group_is_read_by_number(dance, tmp_path):
    path = gdance(tmp_path / "a.pkl", dance)
    expected = read_motion(amass(tmp_path / "x.npz", dance))
    for person in (0, 2):
        motion = read_motion(path, Hints(person=person, fps=30.0))
        np.testing.assert_allclose(motion.joints, expected.joints + np.array([person, 0.0, 0.0]), atol=1e-5)
        np.testing.assert_allclose(motion.poses, expected.poses, atol=1e-5)
        assert motion.fps == 30.0


@pytest.mark.parametrize(
    ("hints", "changes", "message"),
    [
        (Hints(fps=30.0), {}, r"has 3 dancers; give 0 to 2 in the column person"),
        (Hints(fps=30.0, person=3), {}, "has 3 dancers; give 0 to 2 in the column person"),
        (Hints(person=0), {}, "does not say its frame rate: fill the column fps"),
        (Hints(fps=30.0, person=0), {"smpl_poses": np.zeros((3, 9, 72))}, r"root_trans \(3, 12, 3\); expected"),
        (Hints(fps=30.0, person=0), {"root_trans": np.full((3, FRAMES, 3), np.nan)}, "root_trans contains NaN"),
    ],
)
def test_a_wrong_group_is_refused_by_field_and_fix(hints, changes, message, dance, tmp_path):
    with pytest.raises(MotionBeatError, match=rf"a\.pkl.*{message}"):
        read_motion(gdance(tmp_path / "a.pkl", dance, **changes), hints)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"poses": np.zeros((FRAMES, 63))}, r"poses has shape \(12, 63\); expected \(frames, 165\) of SMPL-X"),
        ({"poses": np.zeros(165)}, r"poses has shape \(165,\); expected"),
        ({"poses": np.zeros((1, 165))}, "poses has 1 frames; expected at least 2"),
        ({"poses": np.full((FRAMES, 165), np.inf)}, "poses contains NaN or infinity in frame 0"),
        ({"trans": np.full((FRAMES, 3), 1e30)}, r"trans reaches 1e\+30, which is not a place or angle"),
        ({"poses": np.full((FRAMES, 165), "1")}, "poses has shape .*of <U1; expected"),
        ({"trans": None}, "has no trans or transl: add it, or give joints"),
        ({"trans": np.zeros((FRAMES - 1, 3))}, "11 frames of trans for 12 of poses"),
        ({"mocap_frame_rate": None}, "does not say its frame rate: fill the column fps"),
        ({"mocap_frame_rate": 0.0}, "mocap_frame_rate is 0; expected 1 to 1000 frames per second"),
        ({"mocap_frame_rate": [30.0, 30.0]}, r"mocap_frame_rate has shape \(2,\) of float64; expected one number"),
        ({"poses": None, "global_orient": np.zeros((FRAMES, 3))}, "has no body_pose or pose_body"),
        ({"poses": None, "body_pose": np.zeros((FRAMES, 63))}, "has no global_orient or root_orient"),
        (
            {"poses": None, "global_orient": np.zeros((FRAMES, 3)), "body_pose": np.zeros((9, 63))},
            "12 frames of root orientation, but body_pose 9",
        ),
        (
            {
                "poses": None,
                "global_orient": np.zeros((FRAMES, 3)),
                "body_pose": np.zeros((FRAMES, 63)),
                "left_hand_pose": np.zeros((FRAMES, 12)),
            },
            "left_hand_pose has 12 numbers per frame; expected 45.*without PCA",
        ),
        ({"poses": np.array([None] * FRAMES)}, "contains Python objects, which are not loaded"),
        ({"trans": np.tile([0.0, 90.0, 0.0], (FRAMES, 1)), "mocap_frame_rate": 30.0}, None),
    ],
)
def test_wrong_parameters_are_refused_by_file_field_and_fix(changes, message, dance, tmp_path):
    path = amass(tmp_path / "a.npz", dance, **changes)
    if message is None:
        assert read_motion(path, Hints(unit="cm")).joints[:, 0, 1] == pytest.approx(0.9, abs=1e-5)
        return
    with pytest.raises(MotionBeatError, match=rf"a\.npz.*{message}"):
        read_motion(path)


def test_a_rate_that_two_sources_state_differently_is_refused(dance, tmp_path):
    path = amass(tmp_path / "a.npz", dance)
    assert read_motion(path, Hints(fps=120.0)).fps == 120.0
    with pytest.raises(MotionBeatError, match="mocap_frame_rate says 120 frames per second, the column fps 30"):
        read_motion(path, Hints(fps=30.0))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.npz", b"", "is not a complete .npz file"),
        ("a.npz", b"PK\x03\x04 cut", "is not a complete .npz file"),
        ("a.npy", b"\x93NUMPY", "cannot be read"),
        ("a.npy", pickle.dumps([1, 2]), "contains Python objects, which are not loaded"),
        ("a.pkl", b"no pickle", "is not a complete pickle"),
        ("a.fbx", b"", "is not of a known kind: give .npz"),
    ],
)
def test_files_that_are_not_what_their_name_says_are_refused(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MotionBeatError, match=message):
        read_motion(tmp_path / name)


@pytest.mark.parametrize("ending", ["npz", "pkl", "bvh"])
def test_a_motion_of_more_frames_than_fit_into_memory_is_refused(ending, tmp_path):
    """In bytes they are no more than other files have: one byte may be a number."""
    path, still = tmp_path / f"a.{ending}", np.zeros((220_001, 72), np.int8)
    if ending == "npz":
        np.savez_compressed(path, joints=still, fps=60.0)
    elif ending == "pkl":
        path.write_bytes(pickle.dumps({"smpl_poses": still, "smpl_trans": still[:, :3], "smpl_scaling": 1.0}))
    else:
        head = "HIERARCHY\nROOT hips\n{\nOFFSET 0 0 0\nCHANNELS 1 Yposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
        path.write_text(head + "MOTION\nFrames: 2\nFrame Time: 0.02\n" + "0\n" * (len(still) - 12))
    with pytest.raises(MotionBeatError, match=r"22000[1-9] frames, more than are read at once"):
        read_motion(path)


def test_other_arrays_are_refused_by_what_they_hold(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 263)))
    with pytest.raises(MotionBeatError, match=r"a\.npy has shape \(5, 263\); expected FineDance's \(frames, 315\)"):
        read_motion(tmp_path / "a.npy")
    with pytest.raises(MotionBeatError, match=r"a\.npz has xyz, fps: give joints \(frames, 24, 3\)"):
        read_motion(save(tmp_path / "a.npz", xyz=np.zeros(3), fps=30))
    with pytest.raises(MotionBeatError, match="does not exist: check the column motion"):
        read_motion(tmp_path / "gone.npz")
