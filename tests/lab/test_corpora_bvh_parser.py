"""BVH: the hierarchy moves as SciPy's rotations say, and every broken file is refused by the line that is wrong."""

import numpy as np
import pytest
from bvh_files import FPS, GOOD, bvh_text, written
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import Hints, bvh_parser, read_motion

pytest_plugins = ("bvh_fixtures",)


@pytest.mark.parametrize("order", ["ZXY", "ZYX", "XYZ", "YXZ", "XZY", "YZX"])
def test_a_dance_comes_back_from_every_order_of_rotations(order, danced, tmp_path):
    poses, translation, joints = danced
    motion = read_motion(written(tmp_path / "a.bvh", bvh_text(poses, translation, order=order)))
    np.testing.assert_allclose(motion.joints, joints, atol=1e-5)
    assert motion.fps == FPS and motion.poses is None and motion.joints.dtype == np.float32


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
        ("0.0166", None, 60.0),
        ("0.0416", None, 24.0),
        ("0.0667", None, 15.0),
        ("0.025", None, 40.0),
    ],
)
def test_frame_time_says_the_usual_rate_that_it_was_rounded_from(text, given, expected, danced, tmp_path):
    poses, translation, _ = danced
    content = bvh_text(poses[:3], translation[:3]).replace("Frame Time: 0.016667", f"Frame Time: {text}")
    assert read_motion(written(tmp_path / "a.bvh", content), Hints(fps=given)).fps == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("time", "hints", "message"),
    [
        ("0.016667", Hints(fps=30), "is 60 frames per second, the column fps says 30"),
        ("0.033", Hints(), "is rounded too coarsely to derive the rate"),
        ("0.03", Hints(), "is rounded too coarsely to derive the rate"),
    ],
)
def test_a_rate_that_is_not_said_is_refused(time, hints, message, danced, tmp_path):
    poses, translation, _ = danced
    content = bvh_text(poses[:3], translation[:3]).replace("Frame Time: 0.016667", f"Frame Time: {time}")
    path = written(tmp_path / "a.bvh", content)
    with pytest.raises(MotionBeatError, match=message):
        read_motion(path, hints)


def test_spelling_that_differs_between_exporters_is_read(danced, tmp_path):
    poses, translation, joints = danced
    text = bvh_text(poses[:5], translation[:5]).replace("rotation", "Rotation").replace("\t", "  ")
    text = (
        text.replace("HIERARCHY", "\ufeffHierarchy").replace("Frames: ", "frames:\t").replace("\n", "\r\n") + "\r\n\r\n"
    )
    path = tmp_path / "a.bvh"
    path.write_bytes(text.encode())
    np.testing.assert_allclose(read_motion(path).joints, joints[:5], atol=1e-5)


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
        ("Frames: 2", "Frames: 3", "Frames says 3, but 2 follow: export it again if it is truncated"),
        ("5 6 7 8\n", "5 6 7 8\n5 6 7 8\n", "Frames says 2, but 3 follow"),
        ("0.04", "0,04", "line 18: Frame Time: 0,04; expected seconds above 0, with a decimal point"),
        ("0.04", "0", "line 18: Frame Time: 0; expected seconds above 0"),
        ("5 6 7 8", "5 6 7", "line 20: frame 1 has 3 values, the hierarchy 4 channels"),
        ("5 6 7 8", "5 6 7 8 9", "line 20: frame 1 has 5 values"),
        ("5 6 7 8", "5 6,5 7 8", "line 20: '6,5' is not a number"),
        ("5 6 7 8", "5 6 -1.#IND 8", "line 20: '-1.#IND' is not a number"),
        ("5 6 7 8", "5 6 7 nan", "line 20: Spine has nan in frame 1, which is not a place"),
        ("5 6 7 8", "5 6 7e30 8", r"line 20: Hips has 7e\+30 in frame 1, which is not a place"),
        ("JOINT Spine", "JOINT Hips", "line 6: a second joint Hips"),
        ("JOINT Spine", "JOINT", "line 6: a JOINT without a name"),
        ("JOINT Spine", "BONE Spine", "line 6: 'BONE' is not a word of a BVH hierarchy"),
        ("JOINT Spine\n  {", "JOINT Spine", "line 7: OFFSET where the block of Spine should open"),
        ("MOTION", "ROOT Other\n{\n}\nMOTION", "line 16: a second ROOT: export one character per file"),
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
        (GOOD, "PK\x03\x04", "line 1: .* is not a word of a BVH hierarchy"),
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
    with pytest.raises(MotionBeatError, match=r"cannot be read as UTF-8 text .* export it as plain BVH"):
        bvh_parser.read(tmp_path / "a.bvh")
    with pytest.raises(MotionBeatError, match=r"b\.bvh is missing"):
        bvh_parser.read(tmp_path / "b.bvh")
