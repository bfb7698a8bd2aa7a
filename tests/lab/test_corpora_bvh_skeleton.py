"""BVH: every naming finds its joints, absent ones are put where they belong, and unit, axis and sides are noticed."""

from pathlib import Path

import numpy as np
import pytest
from bvh_files import GOOD, MIXAMO, NAMINGS, bvh_text, named, written
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import Hints, bvh_skeleton, read_motion
from motionbeat.lab.corpora.formats.bvh_names import side_and_part
from motionbeat.lab.corpora.formats.bvh_tree import Joint
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import INDEX, JOINTS, PARENTS

pytest_plugins = ("bvh_fixtures",)


@pytest.mark.parametrize("naming", NAMINGS)
def test_joints_are_found_by_the_names_of_every_known_skeleton(naming, danced, tmp_path):
    poses, translation, joints = danced
    text = bvh_text(poses, translation, naming=NAMINGS[naming])
    np.testing.assert_allclose(read_motion(written(tmp_path / "a.bvh", text)).joints, joints, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LHipJoint", ("l", "hipjoint")),
        ("rShldr", ("r", "shldr")),
        ("LUArm", ("l", "uarm")),
        ("RFArm", ("r", "farm")),
        ("mixamorig1:RightUpLeg", ("r", "upleg")),
        ("Character1_LeftForeArm", ("l", "forearm")),
        ("lefthand", ("l", "hand")),
        ("rinshoulder", ("r", "inshoulder")),
        ("Bip001 R Toe0", ("r", "toe0")),
        ("LowerBack", ("", "lowerback")),
        ("Root", ("", "root")),
        ("Ribs", ("", "ribs")),
        ("leg", ("", "leg")),
    ],
)
def test_a_name_says_side_and_part(name, expected):
    assert side_and_part(name) == expected


@pytest.mark.parametrize("unit", [1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45])
def test_the_unit_is_the_one_in_which_the_body_has_human_size(unit, danced, tmp_path):
    poses, translation, joints = danced
    path = written(tmp_path / "a.bvh", bvh_text(poses, translation, unit=unit))
    np.testing.assert_allclose(read_motion(path).joints, joints, atol=1e-4)


def test_the_unit_column_is_not_doubted_and_no_human_size_is_refused(danced, tmp_path):
    poses, translation, joints = danced
    path = written(tmp_path / "a.bvh", bvh_text(poses, translation, unit=0.16))
    with pytest.raises(
        MotionBeatError, match="not a human size in m, cm, mm or inch: give the unit in the column unit"
    ):
        read_motion(path)
    np.testing.assert_allclose(read_motion(path, Hints(unit="cm")).joints, joints / 16, atol=1e-4)


def spread(found, expected, joint):
    """How far a joint is from where it should be, in most frames at most (90 %)."""
    return np.percentile(np.linalg.norm(found[:, INDEX[joint]] - expected[:, INDEX[joint]], axis=-1), 90)


def test_joints_that_a_skeleton_lacks_are_put_between_their_neighbours(tmp_path):
    """Standing still: interpolation is right to a centimetre or two; the joints that exist stay exact."""
    poses, translation = np.zeros((4, 24, 3)), np.tile([0.0, 0.9, 0.0], (4, 1))
    joints = forward_kinematics(poses, translation)
    absent = ("lhand", "rhand", "ltoes", "rtoes")
    path = written(tmp_path / "a.bvh", bvh_text(poses, translation, leave_out=absent, ends=np.zeros(3)))
    motion = read_motion(path)
    kept = [INDEX[name] for name in JOINTS if name not in absent]
    np.testing.assert_allclose(motion.joints[:, kept], joints[:, kept], atol=1e-5)
    assert max(spread(motion.joints, joints, name) for name in absent) < 0.045


def lean(joints, drop, merged):
    """The BVH joints and positions of SMPL joints without some, whose children hang on what is left."""
    keep = [i for i, name in enumerate(JOINTS) if name not in drop]
    parents = []
    for i in keep:
        parent = PARENTS[i]
        while parent >= 0 and parent not in keep:
            parent = PARENTS[parent]
        parents.append(keep.index(parent) if parent >= 0 else -1)
    names = [merged.get(JOINTS[i], named(MIXAMO, JOINTS[i])) for i in keep]
    tree = [Joint(name, parent, (0.0, 0.0, 0.0), ()) for name, parent in zip(names, parents, strict=True)]
    return tree, joints[:, keep].astype(np.float64)


def test_motoricas_two_spine_joints_become_three(danced):
    _, _, joints = danced
    tree, places = lean(joints, ("spine",), {"chest": "Spine1"})
    found = bvh_skeleton.smpl_joints(Path("a.bvh"), tree, places).joints
    assert max(spread(found, joints, name) for name in ("belly", "spine", "chest")) < 0.06
    others = [i for i, name in enumerate(JOINTS) if name not in ("belly", "spine", "chest")]
    np.testing.assert_allclose(found[:, others], joints[:, others], atol=1e-6)


def test_a_skeleton_without_collars_or_neck_gets_them(danced):
    _, _, joints = danced
    tree, places = lean(joints, ("linshoulder", "rinshoulder", "neck", "belly"), {})
    found = bvh_skeleton.smpl_joints(Path("a.bvh"), tree, places).joints
    assert max(spread(found, joints, name) for name in ("linshoulder", "rinshoulder", "neck")) < 0.1


def test_cmus_joints_of_no_length_do_not_count():
    """LHipJoint and LowerBack stand where their parents do; Neck1 stands between neck and head."""
    rest = {"Hips": (-1, "root"), "LHipJoint": (0, "root"), "LeftUpLeg": (1, "lhip"), "LeftLeg": (2, "lknee")}
    rest |= {"LeftFoot": (3, "lankle"), "LeftToeBase": (4, "ltoes"), "RHipJoint": (0, "root")}
    rest |= {"RightUpLeg": (6, "rhip"), "RightLeg": (7, "rknee"), "RightFoot": (8, "rankle")}
    rest |= {"RightToeBase": (9, "rtoes"), "LowerBack": (0, "root"), "Spine": (11, "belly"), "Spine1": (12, "chest")}
    rest |= {"Neck": (13, "neck"), "Neck1": (14, "neck"), "Head": (15, "head"), "LeftShoulder": (13, "linshoulder")}
    rest |= {"LeftArm": (17, "lshoulder"), "LeftForeArm": (18, "lelbow"), "LeftHand": (19, "lwrist")}
    rest |= {"LeftFingerBase": (20, "lwrist"), "LeftHandIndex1": (21, "lhand"), "LThumb": (20, "lwrist")}
    rest |= {"RightShoulder": (13, "rinshoulder"), "RightArm": (24, "rshoulder"), "RightForeArm": (25, "relbow")}
    rest |= {"RightHand": (26, "rwrist"), "RightFingerBase": (27, "rwrist"), "RightHandIndex1": (28, "rhand")}
    joints = forward_kinematics(np.zeros((3, 24, 3)), np.zeros((3, 3))).astype(np.float64)
    tree = [Joint(name, parent, (0.0, 0.0, 0.0), ()) for name, (parent, _) in rest.items()]
    places = np.stack([joints[:, INDEX[name]] for _, name in rest.values()], axis=1)
    mapped = bvh_skeleton.smpl_joints(Path("a.bvh"), tree, places)
    assert mapped.toes
    measured = [i for i, name in enumerate(JOINTS) if name not in ("belly", "spine", "chest", "lhand", "rhand")]
    np.testing.assert_allclose(mapped.joints[:, measured], joints[:, measured], atol=1e-6)
    assert max(spread(mapped.joints, joints, name) for name in ("lhand", "rhand")) < 0.01
    assert max(spread(mapped.joints, joints, name) for name in ("belly", "spine", "chest")) < 0.04


def test_toes_are_guessed_ahead_where_a_foot_has_no_end(danced):
    _, _, joints = danced
    tree, places = lean(joints, ("ltoes", "rtoes"), {})
    mapped = bvh_skeleton.smpl_joints(Path("a.bvh"), tree, places)
    assert not mapped.toes
    feet = [mapped.joints[:, INDEX[f"{s}toes"]] - mapped.joints[:, INDEX[f"{s}ankle"]] for s in "lr"]
    real = [joints[:, INDEX[f"{s}toes"]] - joints[:, INDEX[f"{s}ankle"]] for s in "lr"]
    for guess, truth in zip(feet, real, strict=True):
        cosine = (guess * truth).sum(axis=1) / np.linalg.norm(guess, axis=1) / np.linalg.norm(truth, axis=1)
        assert np.median(cosine) > 0.6
        np.testing.assert_allclose(np.linalg.norm(guess, axis=1), 0.14, atol=0.02)


def test_z_up_data_is_noticed_and_turned_by_the_column(danced, tmp_path):
    poses, translation, joints = danced
    up = Rotation.from_euler("x", 90, degrees=True)
    turned = poses.copy()
    turned[:, 0] = (up * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    path = written(tmp_path / "a.bvh", bvh_text(turned, up.apply(translation)))
    with pytest.raises(MotionBeatError, match="lies along z, as in data whose z axis points up: give z in the column"):
        read_motion(path)
    np.testing.assert_allclose(read_motion(path, Hints(up="z")).joints, joints, atol=1e-5)
    assert np.ptp(read_motion(path, Hints(up="y")).joints[..., 2]) > 1.3


def test_exchanged_sides_are_noticed_by_the_feet(danced, tmp_path):
    poses, translation, _ = danced
    text = bvh_text(poses, translation)
    swapped = text.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
    with pytest.raises(MotionBeatError, match="toes point backwards, so left and right are exchanged"):
        read_motion(written(tmp_path / "a.bvh", swapped))


def test_a_skeleton_without_limbs_is_refused_by_what_is_missing(tmp_path):
    with pytest.raises(
        MotionBeatError, match=r"no joint was found for left shoulder.*left hip.*head; the file has Hips"
    ):
        read_motion(written(tmp_path / "a.bvh", GOOD))
