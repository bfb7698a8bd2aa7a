"""BVH: the hierarchy moves as SciPy's rotations say, every naming finds its joints, every broken file its message."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionbeat.corpora.formats import Hints, bvh_parser, bvh_skeleton, read_motion
from motionbeat.corpora.formats.bvh import Joint
from motionbeat.corpora.formats.bvh_names import side_and_part
from motionbeat.corpora.synthetic import plan
from motionbeat.corpora.synthetic.dance import dance
from motionbeat.corpora.synthetic.rhythm import rhythm
from motionbeat.errors import MotionBeatError
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import INDEX, JOINTS, PARENTS, REST_OFFSETS

FPS = 60

# fmt: off
SPINE = {"root": "Hips", "belly": "Spine", "spine": "Spine1", "chest": "Spine2", "neck": "Neck", "head": "Head"}
MIXAMO = SPINE | {
    "hip": "LeftUpLeg", "knee": "LeftLeg", "ankle": "LeftFoot", "toes": "LeftToeBase", "inshoulder": "LeftShoulder",
    "shoulder": "LeftArm", "elbow": "LeftForeArm", "wrist": "LeftHand", "hand": "LeftHandMiddle1",
}
BIOVISION = SPINE | {
    "belly": "Chest", "spine": "Chest2", "chest": "Chest3", "hip": "LeftHip", "knee": "LeftKnee", "ankle": "LeftAnkle",
    "toes": "LeftToe", "inshoulder": "LeftCollar", "shoulder": "LeftShoulder", "elbow": "LeftElbow",
    "wrist": "LeftWrist", "hand": "LeftHand",
}
BIPED = {name: f"Bip01 {part}" for name, part in (SPINE | {
    "root": "Pelvis", "hip": "L Thigh", "knee": "L Calf", "ankle": "L Foot", "toes": "L Toe0",
    "inshoulder": "L Clavicle", "shoulder": "L UpperArm", "elbow": "L Forearm", "wrist": "L Hand", "hand": "L Finger2",
}).items()}
UNREAL = {
    "root": "pelvis", "belly": "spine_01", "spine": "spine_02", "chest": "spine_03", "neck": "neck_01", "head": "head",
    "hip": "thigh_l", "knee": "calf_l", "ankle": "foot_l", "toes": "ball_l", "inshoulder": "clavicle_l",
    "shoulder": "upperarm_l", "elbow": "lowerarm_l", "wrist": "hand_l", "hand": "middle_01_l",
}
SMPL = {
    "root": "Pelvis", "belly": "Spine1", "spine": "Spine2", "chest": "Spine3", "neck": "Neck", "head": "Head",
    "hip": "L_Hip", "knee": "L_Knee", "ankle": "L_Ankle", "toes": "L_Foot", "inshoulder": "L_Collar",
    "shoulder": "L_Shoulder", "elbow": "L_Elbow", "wrist": "L_Wrist", "hand": "L_Hand",
}
POSER = {
    "root": "hip", "belly": "abdomen", "spine": "waist", "chest": "chest", "neck": "neck", "head": "head",
    "hip": "lThigh", "knee": "lShin", "ankle": "lFoot", "toes": "lToe", "inshoulder": "lCollar", "shoulder": "lShldr",
    "elbow": "lForeArm", "wrist": "lHand", "hand": "lMid1",
}
OPTITRACK = {
    "root": "Hip", "belly": "Ab", "spine": "Waist", "chest": "Chest", "neck": "Neck", "head": "Head", "hip": "LThigh",
    "knee": "LShin", "ankle": "LFoot", "toes": "LToe", "inshoulder": "LShoulder", "shoulder": "LUArm",
    "elbow": "LFArm", "wrist": "LHand", "hand": "LMiddle1",
}
ROKOKO = MIXAMO | {"hip": "LeftThigh", "knee": "LeftShin", "toes": "LeftToe"}
# fmt: on
NAMINGS = {
    "Mixamo": MIXAMO,
    "mixamorig": {name: f"mixamorig:{joint}" for name, joint in MIXAMO.items()},
    "prefixed": {name: f"Model_{joint}" for name, joint in MIXAMO.items()},
    "Biovision": BIOVISION,
    "biped": BIPED,
    "Unreal": UNREAL,
    "SMPL": SMPL,
    "Poser": POSER,
    "OptiTrack": OPTITRACK,
    "Rokoko": ROKOKO,
}


def named(naming, joint):
    """The name of a SMPL joint in a naming; the right side as the left."""
    if joint in naming:
        return naming[joint]
    name = naming[joint[1:]]
    if joint[0] == "l":
        return name
    sides = {"Left": "Right", "L": "R", "l": "r", "_l": "_r"}
    return re.sub(r"Left|\bL(?=[ _A-Z])|\bl(?=[A-Z])|_l$", lambda found: sides[found[0]], name)


def embedded_dance(number=5, frames=None):
    """Poses (T, 24, 3) and translation (T, 3) m of a dance of the embedded corpus."""
    clip = plan.clips("small")[number]
    danced = dance(0, clip, rhythm(0, clip.song, [4]))
    poses = danced.poses.reshape(-1, 24, 3)[:frames].astype(np.float64)
    return poses, danced.translation[:frames].astype(np.float64) / danced.scaling


def bvh_text(poses, translation, naming=MIXAMO, order="ZXY", unit=0.01, fps=FPS, leave_out=(), ends=None):
    """A BVH file of SMPL poses (T, 24, 3); leaves of the tree end in an End Site of `ends` (3,), file units."""
    left = [i for i, name in enumerate(JOINTS) if name not in leave_out]
    offsets = {i: REST_OFFSETS[i].copy() for i in left}
    angles = Rotation.from_rotvec(poses.reshape(-1, 3)).as_euler(order, degrees=True).reshape(-1, 24, 3)
    lines, columns = ["HIERARCHY"], []

    def write(joint, depth):
        pad, root = "\t" * depth, joint == 0
        children = [i for i in left if PARENTS[i] == joint]
        channels = ["Xposition", "Yposition", "Zposition"] * root + [f"{axis}rotation" for axis in order]
        lines.append(f"{pad}{'ROOT' if root else 'JOINT'} {named(naming, JOINTS[joint])}")
        lines.append(f"{pad}{{")
        lines.append(f"{pad}\tOFFSET {' '.join(f'{x / unit:.8f}' for x in offsets[joint])}")
        lines.append(f"{pad}\tCHANNELS {len(channels)} {' '.join(channels)}")
        columns.extend([*(translation.T / unit if root else ()), *angles[:, joint].T])
        for child in children:
            write(child, depth + 1)
        if not children:
            end = np.array([0.0, 5.0, 0.0]) if ends is None else ends
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {' '.join(map(str, end))}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    write(0, 0)
    lines += ["MOTION", f"Frames: {len(poses)}", f"Frame Time: {1 / fps:.6f}"]
    lines += [" ".join(f"{x:.8f}" for x in row) for row in np.stack(columns, axis=1)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def danced():
    poses, translation = embedded_dance(frames=240)
    return poses, translation, forward_kinematics(poses, translation)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("order", ["ZXY", "ZYX", "XYZ", "YXZ", "XZY", "YZX"])
def test_a_dance_comes_back_from_every_order_of_rotations(order, danced, tmp_path):
    poses, translation, joints = danced
    motion = read_motion(written(tmp_path / "a.bvh", bvh_text(poses, translation, order=order)))
    np.testing.assert_allclose(motion.joints, joints, atol=1e-5)
    assert motion.fps == FPS and motion.poses is None and motion.joints.dtype == np.float32


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
    with pytest.raises(MotionBeatError, match="no human size in m, cm, mm or inch: say the unit in the column unit"):
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


def test_positions_are_products_of_rotations_and_position_channels_replace_offsets(tmp_path):
    text = """HIERARCHY
ROOT a {
  OFFSET 9 9 9
  CHANNELS 6 Xposition Zrotation Yposition Xrotation Zposition Yrotation
  JOINT b
  {
    OFFSET 1 2 3
    CHANNELS 4 Yposition Xrotation Yrotation Zrotation
    JOINT fixed { OFFSET 0 4 0
      CHANNELS 0
      End Site { OFFSET 0 0 5 } } } }
MOTION
Frames: 2
Frame Time: 0.5
10 30 20 40 30 50 7 60 70 80
1 -30 2 -40 3 -50 8 -60 -70 -80
"""
    read = bvh_parser.read(written(tmp_path / "a.bvh", text))
    assert [(joint.name, joint.parent) for joint in read.joints] == [("a", -1), ("b", 0), ("fixed", 1), ("End Site", 2)]
    for frame, sign in ((0, 1), (1, -1)):
        root = Rotation.from_euler("ZXY", [sign * 30, sign * 40, sign * 50], degrees=True).as_matrix()
        bend = Rotation.from_euler("XYZ", [sign * 60, sign * 70, sign * 80], degrees=True).as_matrix()
        a = np.array([[10, 20, 30], [1, 2, 3]][frame])
        b = a + root @ [1, 7 + frame, 3]
        fixed = b + root @ bend @ [0, 4, 0]
        end = fixed + root @ bend @ [0, 0, 5]
        np.testing.assert_allclose(read.positions()[frame], [a, b, fixed, end], atol=1e-12)


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("0.033333", None, 30.0),
        ("0.0333333", None, 30.0),
        ("0.0333", None, 30.0),
        ("3.33333e-02", None, 30.0),
        ("0.008333", None, 120.0),
        ("0.016667", None, 60.0),
        ("0.016683", None, 60 / 1.001),
        ("0.04", None, 25.0),
        ("0.02", None, 50.0),
        ("0.04", 24, 24.0),
        ("0.02", 60, 60.0),
        ("0.0140000", None, 1 / 0.014),
    ],
)
def test_frame_time_says_the_usual_rate_that_it_was_rounded_from(text, given, expected, danced, tmp_path):
    poses, translation, _ = danced
    content = bvh_text(poses[:3], translation[:3]).replace("Frame Time: 0.016667", f"Frame Time: {text}")
    assert read_motion(written(tmp_path / "a.bvh", content), Hints(fps=given)).fps == pytest.approx(expected, rel=1e-12)


def test_spelling_that_differs_between_exporters_is_read(danced, tmp_path):
    poses, translation, joints = danced
    text = bvh_text(poses[:5], translation[:5]).replace("rotation", "Rotation").replace("\t", "  ")
    text = (
        text.replace("HIERARCHY", "\ufeffHierarchy").replace("Frames: ", "frames:\t").replace("\n", "\r\n") + "\r\n\r\n"
    )
    path = tmp_path / "a.bvh"
    path.write_bytes(text.encode())
    np.testing.assert_allclose(read_motion(path).joints, joints[:5], atol=1e-5)


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


GOOD = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 3 Xposition Yposition Zposition
  JOINT Spine
  {
    OFFSET 0 1 0
    CHANNELS 1 Zrotation
    End Site
    {
      OFFSET 0 1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
1 2 3 4
5 6 7 8
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    }\n  }\n}\nMOTION", "    }\n  }\nMOTION", "line 15: MOTION begins before the block of Hips is closed"),
        ("MOTION\n", "}\nMOTION\n", r"line 16: a \} that closes nothing"),
        (GOOD[GOOD.index("MOTION") :], "", "line 15: the file ends without MOTION"),
        ("Frames: 2\n", "", "line 17: 'Frame Time: 0.04'; expected Frames: and their number"),
        ("Frame Time: 0.04\n", "", "line 18: '1 2 3 4'; expected Frame Time: and seconds"),
        ("Frames: 2\nFrame Time: 0.04\n1 2 3 4\n5 6 7 8\n", "", "line 16: the file ends before its frames"),
        ("Frames: 2", "Frames: two", "line 17: Frames: two; expected a whole number"),
        ("Frames: 2", "Frames: 1", "line 17: Frames: 1; expected a whole number of at least 2"),
        ("Frames: 2", "Frames: 3", "Frames says 3, but 2 follow: export it again if it is cut short"),
        ("5 6 7 8\n", "5 6 7 8\n5 6 7 8\n", "Frames says 2, but 3 follow"),
        ("0.04", "0,04", "line 18: Frame Time: 0,04; expected seconds above 0, with a decimal point"),
        ("0.04", "0", "line 18: Frame Time: 0; expected seconds above 0"),
        ("5 6 7 8", "5 6 7", "line 20: frame 1 has 3 values, the hierarchy 4 channels"),
        ("5 6 7 8", "5 6 7 8 9", "line 20: frame 1 has 5 values"),
        ("5 6 7 8", "5 6,5 7 8", "line 20: '6,5' is no number"),
        ("5 6 7 8", "5 6 -1.#IND 8", "line 20: '-1.#IND' is no number"),
        ("5 6 7 8", "5 6 7 nan", "line 20: Spine holds nan in frame 1, which is no place"),
        ("5 6 7 8", "5 6 7e30 8", r"line 20: Hips holds 7e\+30 in frame 1, which is no place"),
        ("JOINT Spine", "JOINT Hips", "line 6: a second joint Hips"),
        ("JOINT Spine", "JOINT", "line 6: a JOINT without a name"),
        ("JOINT Spine", "BONE Spine", "line 6: 'BONE' is no word of a BVH hierarchy"),
        ("JOINT Spine\n  {", "JOINT Spine", "line 7: OFFSET where the block of Spine should open"),
        ("MOTION", "ROOT Other\n{\n}\nMOTION", "line 16: a second ROOT: export one character a file"),
        ("ROOT Hips", "JOINT Hips", "line 2: JOINT outside the ROOT's block"),
        ("OFFSET 0 1 0\n    C", "OFFSET 0 1\n    C", "line 8: OFFSET 0 1; expected three numbers"),
        ("OFFSET 0 1 0\n    C", "OFFSET 0 nan 0\n    C", "line 8: OFFSET 0 nan 0; expected three numbers"),
        ("OFFSET 0 1 0\n    C", "C", "line 13: Spine has no OFFSET"),
        ("CHANNELS 1 Zrotation", "", "line 14: joint Spine has no CHANNELS: write CHANNELS 0"),
        ("CHANNELS 1 Zrotation", "CHANNELS 2 Zrotation", "line 9: CHANNELS 2 Zrotation; expected their number"),
        ("CHANNELS 1 Zrotation", "CHANNELS 1 Wrotation", "line 9: CHANNELS 1 Wrotation; expected their number"),
        ("CHANNELS 1 Zrotation", "CHANNELS 2 Zrotation Zrotation", "line 9: Spine lists a channel twice"),
        ("CHANNELS 1 Zrotation", "CHANNELS 1 Zrotation\nOFFSET 1 1 1", "line 10: Spine has a second OFFSET"),
        ("End Site\n    {", "End Site\n    {\nCHANNELS 0", "line 12: an End Site with CHANNELS"),
        ("HIERARCHY", "OFFSET 0 0 0", "line 1: OFFSET outside any joint"),
        (GOOD[: GOOD.index("MOTION")], "", "line 1: MOTION without a hierarchy"),
        (GOOD, "PK\x03\x04", "line 1: .* is no word of a BVH hierarchy"),
        (GOOD, "", "line 0: the file ends without MOTION"),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(old, new, message, tmp_path):
    assert old in GOOD
    with pytest.raises(MotionBeatError, match=rf"a\.bvh.*{message}"):
        bvh_parser.read(written(tmp_path / "a.bvh", GOOD.replace(old, new, 1)))


def test_every_cut_of_a_file_is_refused_and_nothing_else_raised(danced, tmp_path):
    poses, translation, _ = danced
    data = bvh_text(poses[:3], translation[:3]).encode()
    bvh_parser.read(written(tmp_path / "whole.bvh", data.decode()))
    last = data.rstrip().rfind(b" ")
    for size in [*range(0, last, 97), last]:
        (tmp_path / "a.bvh").write_bytes(data[:size])
        with pytest.raises(MotionBeatError, match=r"a\.bvh"):
            bvh_parser.read(tmp_path / "a.bvh")


def test_other_text_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.bvh").write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(MotionBeatError, match="no UTF-8 text: export it as plain BVH"):
        bvh_parser.read(tmp_path / "a.bvh")
    with pytest.raises(MotionBeatError, match=r"cannot be read \(No such file"):
        bvh_parser.read(tmp_path / "b.bvh")


def test_a_skeleton_without_limbs_is_refused_by_what_is_missing(tmp_path):
    with pytest.raises(
        MotionBeatError, match=r"no joint was found for left shoulder.*left hip.*head; the file has Hips"
    ):
        read_motion(written(tmp_path / "a.bvh", GOOD))


@pytest.mark.parametrize(
    ("time", "hints", "message"),
    [
        ("0.016667", Hints(fps=30), "is 60 frames a second, the column fps says 30"),
        ("0.033", Hints(), "is rounded too coarsely to know the rate"),
        ("0.03", Hints(), "is rounded too coarsely to know the rate"),
    ],
)
def test_a_rate_that_is_not_said_is_refused(time, hints, message, danced, tmp_path):
    poses, translation, _ = danced
    content = bvh_text(poses[:3], translation[:3]).replace("Frame Time: 0.016667", f"Frame Time: {time}")
    path = written(tmp_path / "a.bvh", content)
    with pytest.raises(MotionBeatError, match=message):
        read_motion(path, hints)
