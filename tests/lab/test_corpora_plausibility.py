"""Dances in wrong units, angles, axes and rates are refused by every reader, in words that lead to the right ones."""

import io
import pickle
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from bvh_files import bvh_text, synthetic_dance
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.corpora import aistpp, folder, plausibility
from motionbeat.lab.corpora.formats import Hints, read_motion
from motionbeat.lab.corpora.manifest import Motion
from motionbeat.lab.params import MotionChecks
from motionbeat.lab.render.own_dance import read_files
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import INDEX

ROOT = Path(__file__).parents[2]
FAULTS = ROOT.parent / "shared" / "data" / "faults"
CHECKS = MotionChecks()


@pytest.fixture(scope="module")
def dance() -> tuple[np.ndarray, np.ndarray]:
    """Poses (T, 24, 3) and translation (T, 3) at 60 frames per second."""
    return synthetic_dance(frames=180)


def saved(path: Path, **arrays) -> Path:
    np.savez(path, **arrays)
    return path


def pickled(path: Path, **fields) -> Path:
    path.write_bytes(pickle.dumps(fields))
    return path


def test_the_defaults_are_those_of_params_yaml() -> None:
    assert params.load(ROOT / "params.yaml").corpus.checks == CHECKS


def test_a_made_dance_is_neither_refused_nor_doubted(dance) -> None:
    poses, translation = dance
    motion = Motion(forward_kinematics(poses, translation), poses.astype(np.float32), 60.0)
    assert plausibility.refusals(motion, CHECKS) == [] == plausibility.doubts(motion, CHECKS)


@pytest.mark.parametrize(("times", "says"), [(100, "centimetres"), (1000, "millimetres"), (93.8, "translation by")])
def test_a_translation_in_another_unit_is_refused_with_the_factor(tmp_path, dance, times, says) -> None:
    poses, translation = dance
    path = saved(tmp_path / "a.npz", poses=poses.reshape(-1, 72), trans=translation * times, fps=60.0)
    with pytest.raises(MotionBeatError, match=rf"a\.npz: the root moves at .* m/s .*{says}"):
        read_motion(path)


def test_centimetres_that_the_table_names_are_read(tmp_path, dance) -> None:
    poses, translation = dance
    path = saved(tmp_path / "a.npz", poses=poses.reshape(-1, 72), trans=translation * 100, fps=60.0)
    found = read_motion(path, Hints(unit="cm"))
    np.testing.assert_allclose(found.joints, forward_kinematics(poses, translation), atol=1e-5)


def test_an_aist_scaling_of_one_is_refused_by_the_corpus_and_by_the_folder(tmp_path, dance) -> None:
    poses, translation = dance
    fields = {"smpl_poses": poses.reshape(-1, 72), "smpl_trans": translation * 93.77, "smpl_scaling": np.ones(1)}
    path = pickled(tmp_path / "a.pkl", **fields)
    with pytest.raises(MotionBeatError, match="the root moves at"):
        read_motion(path)
    assert plausibility.refusals(aistpp.read_motion(path), CHECKS)  # what the corpus's writer refuses


def test_degrees_are_refused(tmp_path, dance) -> None:
    poses, translation = dance
    path = saved(tmp_path / "a.npz", poses=np.rad2deg(poses).reshape(-1, 72), trans=translation, fps=60.0)
    with pytest.raises(MotionBeatError, match=r"joint rotations reach .* as angles in degrees do: multiply them by pi"):
        read_motion(path)


def test_a_rate_eight_times_too_high_is_refused_with_one_that_would_do(tmp_path, dance) -> None:
    poses, translation = dance
    path = saved(tmp_path / "a.npz", poses=poses.reshape(-1, 72), trans=translation, fps=480.0)
    with pytest.raises(MotionBeatError, match=r"frame rate \(480\)"):
        read_motion(path)


@pytest.mark.parametrize("name", ["fps", "mocap_framerate", "mocap_frame_rate"])
def test_a_rate_inside_a_pickle_is_followed_and_must_not_be_contradicted(tmp_path, dance, name) -> None:
    poses, translation = dance
    fields = {"smpl_poses": poses[::2].reshape(-1, 72), "smpl_trans": translation[::2] * 90, "smpl_scaling": [90.0]}
    fields["smpl_scaling"] = np.array([90.0])
    path = pickled(tmp_path / "a.pkl", **fields, **{name: 30})
    assert read_motion(path).fps == 30 == aistpp.read_motion(path).fps
    with pytest.raises(MotionBeatError, match=rf"{name} says 30 frames per second, the column fps 60"):
        read_motion(path, Hints(fps=60.0))


def test_text_and_other_fields_beside_the_arrays_do_not_matter(tmp_path, dance) -> None:
    poses, translation = dance
    fields = {"smpl_poses": poses.reshape(-1, 72), "smpl_trans": translation, "smpl_scaling": np.ones(1)}
    path = pickled(tmp_path / "a.pkl", **fields, gender="neutral", notes=["a", None], names=np.array(["x"]))
    np.testing.assert_allclose(read_motion(path).joints, forward_kinematics(poses, translation), atol=1e-6)


def test_what_edge_writes_is_read_upright_at_thirty_frames(tmp_path, dance) -> None:
    poses, translation = dance[0][::2].copy(), dance[1][::2]
    joints = forward_kinematics(poses, translation)
    z_up = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # y up to z up
    poses[:, 0] = (Rotation.from_matrix(z_up) * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    fields = {"smpl_poses": poses.reshape(-1, 72).astype(np.float32), "smpl_trans": (translation @ z_up.T)}
    path = pickled(tmp_path / "edge.pkl", **fields, full_pose=(joints @ z_up.T).astype(np.float32))
    found = read_motion(path)
    assert found.fps == 30
    np.testing.assert_allclose(found.joints, joints, atol=1e-4)
    with pytest.raises(MotionBeatError, match=r"edge\.pkl is a dance generated by EDGE .* corpus\.name = folder"):
        aistpp.read_motion(path)


def six_numbers(poses: np.ndarray) -> np.ndarray:
    """(T, 52, 3, 3) rotation matrices of an SMPL-H body without fingers."""
    matrices = np.tile(np.eye(3), (len(poses), 52, 1, 1))
    matrices[:, :22] = Rotation.from_rotvec(poses[:, :22].reshape(-1, 3)).as_matrix().reshape(-1, 22, 3, 3)
    return matrices


@pytest.mark.parametrize(
    ("form", "says"), [("rows", None), ("interleaved", "first two columns"), ("transposed", "knees bend backwards")]
)
def test_six_numbers_of_a_rotation_in_another_order_are_refused(tmp_path, dance, form, says) -> None:
    matrices = six_numbers(dance[0])
    six = {
        "rows": matrices[..., :2, :],
        "interleaved": matrices[..., :2],
        "transposed": matrices[..., :2].swapaxes(-1, -2),
    }[form]
    table = np.concatenate([dance[1], six.reshape(len(six), -1)], axis=1)
    np.save(tmp_path / "a.npy", table.astype(np.float32))
    if says is None:
        read_motion(tmp_path / "a.npy", Hints(fps=60.0))
        return
    with pytest.raises(MotionBeatError, match=says):
        read_motion(tmp_path / "a.npy", Hints(fps=60.0))


def test_fingers_that_were_not_recorded_count_as_straight_and_a_knee_is_named(tmp_path, dance) -> None:
    table = np.concatenate([dance[1], six_numbers(dance[0])[..., :2, :].reshape(len(dance[1]), -1)], axis=1)
    without = table.copy()
    without[:, 3 + 22 * 6 :] = 0
    np.save(tmp_path / "a.npy", without)
    np.save(tmp_path / "whole.npy", table)
    whole = read_motion(tmp_path / "whole.npy", Hints(fps=60.0))
    np.testing.assert_allclose(read_motion(tmp_path / "a.npy", Hints(fps=60.0)).joints, whole.joints, atol=1e-6)
    table[7, 3 + 4 * 6 : 3 + 5 * 6] = 0
    np.save(tmp_path / "b.npy", table)
    with pytest.raises(MotionBeatError, match="lknee has no rotation in frame 7 and in 1 of 180 frames"):
        read_motion(tmp_path / "b.npy", Hints(fps=60.0))


@pytest.mark.parametrize(
    ("frame_time", "fps"),
    [("0.0167", 60), ("0.0417", 24), ("0.033367", 30 / 1.001), ("0.016683", 60 / 1.001), ("0.0083", 120), ("0.04", 25)],
)
def test_a_rounded_frame_time_is_the_whole_rate_it_can_mean(tmp_path, dance, frame_time, fps) -> None:
    text = bvh_text(*(part[:40] for part in dance))
    head, _, rest = text.partition("Frame Time:")
    (tmp_path / "a.bvh").write_text(f"{head}Frame Time: {frame_time}\n{rest.partition(chr(10))[2]}")
    try:
        assert read_motion(tmp_path / "a.bvh").fps == pytest.approx(fps, rel=1e-9)
    except MotionBeatError as error:  # 120 makes of these frames a dance that is too fast, and says the rate
        assert f"({fps:g})" in str(error)


@pytest.mark.parametrize("frames", [slice(50, 51), slice(50, 52)])
def test_frames_that_jump_are_doubted_by_number(dance, frames) -> None:
    joints = forward_kinematics(*dance)
    joints[frames] += 3.0
    assert any(
        "jumps at" in doubt and "frame 50" in doubt for doubt in plausibility.doubts(Motion(joints, None, 60.0), CHECKS)
    )


def test_frames_that_repeat_are_doubted_and_a_still_is_refused(dance) -> None:
    joints = forward_kinematics(*dance)
    doubled = Motion(np.repeat(joints, 2, axis=0), None, 120.0)
    assert any("at 60 frames per second none would" in doubt for doubt in plausibility.doubts(doubled, CHECKS))
    still = Motion(np.repeat(joints[:1], 100, axis=0), None, 60.0)
    assert any("repeat the previous one" in wrong for wrong in plausibility.refusals(still, CHECKS))


def test_a_file_named_with_parted_accents_is_found(tmp_path) -> None:
    composed, parted = (unicodedata.normalize(form, "été.wav") for form in ("NFC", "NFD"))
    for on_disk, in_cell in ((parted, composed), (composed, parted)):
        (tmp_path / on_disk).write_bytes(b"x")
        assert folder._path(tmp_path, in_cell).is_file()
        (tmp_path / on_disk).unlink()


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("aist_scaling_set_to_1.pkl", "the root moves at"),
        ("smpl_trans_cm.npz", "centimetres"),
        ("smpl_degrees.npz", "as angles in degrees"),
    ],
)
def test_the_real_implausible_dances_are_refused(name: str, says: str) -> None:
    with pytest.raises(MotionBeatError, match=says):
        read_motion(FAULTS / name)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "fps"),
    [
        ("aist_with_own_fps_30.pkl", 30),
        ("aist_with_text_field.pkl", 60),
        ("edge_output.pkl", 30),
        ("frame_time_0.0167.bvh", 60),
        ("six_channels_relative_positions.bvh", 30),
        ("head_is_end_site.bvh", 30),
    ],
)
def test_the_real_faulty_dances_are_read_at_their_rate_as_people(name: str, fps: float) -> None:
    motion = read_motion(FAULTS / name)
    assert motion.fps == fps
    assert 0.7 < plausibility.leg_length(motion.joints) < 0.9
    assert 0.6 < np.median(motion.joints[:, 15, 1] - motion.joints[:, 7:9, 1].min(axis=1)) < 1.7


def test_an_empty_archive_of_numbers_is_no_crash(tmp_path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, joints=np.zeros((5, 24, 3)), fps=60.0)
    (tmp_path / "zero.npz").write_bytes(buffer.getvalue())
    with pytest.raises(MotionBeatError, match="not a human size"):
        read_motion(tmp_path / "zero.npz")


def doubts_of(poses, translation, fps=60.0) -> str:
    found = plausibility.doubts(Motion(forward_kinematics(poses, translation), None, fps), CHECKS)
    return " | ".join(found)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda poses, trans: (poses, 0.05 * trans), "the feet slide.*Times 1[0-9] they would stand"),
        (lambda poses, trans: (poses, 0 * trans), "the root stays in one place"),
        (lambda poses, trans: (poses, trans[:, [0, 2, 1]] * [1, -1, 1]), "does the translation have z up"),
        (lambda poses, trans: (poses, trans, 6.0), r"is the frame rate \(6\) right"),
        (lambda poses, trans: (poses, trans, 150.0), r"is the frame rate \(150\) right"),
        (lambda poses, trans: (np.deg2rad(poses), trans), "are the rotations in their unit"),
        (lambda poses, trans: (np.concatenate([poses[:, :1], 0 * poses[:, 1:]], 1), trans), "the pose never changes"),
    ],
)
def test_units_axes_and_rates_that_fit_limits_but_not_the_feet_are_doubted(dance, fault, says) -> None:
    assert re.search(says, doubts_of(*fault(*dance)))


def test_a_hand_that_stays_behind_is_doubted(dance) -> None:
    joints = forward_kinematics(*dance)
    joints[:, INDEX["lhand"]] = joints[0, INDEX["lhand"]]
    doubts = plausibility.doubts(Motion(joints, None, 60.0), CHECKS)
    assert any("the bone to lhand changes its length" in doubt for doubt in doubts)


def test_the_column_unit_is_advised_only_where_it_helps(tmp_path, dance) -> None:
    poses, translation = dance
    (tmp_path / "a.bvh").write_text(bvh_text(poses, 100 * translation))
    with pytest.raises(MotionBeatError, match="as if it were in centimetres, or correct"):
        read_motion(tmp_path / "a.bvh")


def test_a_dance_on_the_command_line_is_doubted_too(tmp_path, dance) -> None:
    poses, translation = dance
    path = saved(tmp_path / "a.npz", joints=forward_kinematics(poses, 0 * translation), fps=60.0)
    assert "a.npz: the root stays in one place" in read_files(path, None).note
