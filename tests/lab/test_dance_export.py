"""Dances as files: what is written is read back, by the project's own readers and by a parser of the test's own."""

import pickle
import pickletools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import pickles
from motionbeat.lab.corpora.formats import read_motion
from motionbeat.lab.generator import bvh_writer, dance_files
from motionbeat.lab.generator.dance_gallery import read_gallery, write_gallery
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import JOINTS

FPS = 30.0


def dance(frames=40, seed=0):
    """A dancer whose every joint turns smoothly, the root about the vertical by more than a whole turn."""
    generator = np.random.default_rng(seed)
    times = np.arange(frames) / FPS
    wave = np.sin(2 * np.pi * times[:, None, None] * generator.uniform(0.3, 1.0, (24, 3)) + generator.normal(size=3))
    poses = 0.35 * wave
    poses[:, 0] = Rotation.from_euler("y", 4.7 * times[:, None]).as_rotvec()
    root = np.stack([0.2 * np.sin(times), 0.93 + 0.03 * np.cos(9 * times), 0.3 * times], axis=1)
    joints = forward_kinematics(poses, root)
    contacts = (generator.random((frames, 4)) > 0.5).astype(np.float32)
    return SimpleNamespace(joints=joints, poses=poses.astype(np.float32), contacts=contacts, fps=FPS)


DANCE = dance()


def played(text):
    """Names, positions (T, J, 3) and frame time of a BVH file, by 4 x 4 matrices; End Sites left out."""
    head, body = text.split("MOTION\n")
    names, parents, offsets, channels, stack, ended = [], [], [], [], [], False
    for line in head.split("\n")[1:]:
        word, *rest = line.split() or [""]
        if word in ("ROOT", "JOINT"):
            names.append(rest[0])
            parents.append(stack[-1] if stack else None)
        elif word == "End":
            ended = True
        elif word == "{":
            stack.append(-1 if ended else len(names) - 1)
        elif word == "}":
            stack.pop()
            ended = False
        elif word == "OFFSET" and not ended:
            offsets.append([float(value) for value in rest])
        elif word == "CHANNELS":
            channels.append(rest[1:])
            assert len(rest) == int(rest[0]) + 1
    assert not stack
    count, step, *rows = body.rstrip("\n").split("\n")
    values = np.array([[float(value) for value in row.split()] for row in rows])
    assert count == f"Frames: {len(values)}" and values.shape[1] == sum(map(len, channels))
    placed, column = [], 0
    for parent, offset, kinds in zip(parents, offsets, channels, strict=True):
        local = np.tile(np.eye(4), (len(values), 1, 1))
        local[:, :3, 3] = offset
        for kind in kinds:
            axis = "XYZ".index(kind[0])
            if kind.endswith("position"):
                local[:, axis, 3] = values[:, column]
            else:
                turn = np.tile(np.eye(4), (len(values), 1, 1))
                vector = np.zeros((len(values), 3))
                vector[:, axis] = np.radians(values[:, column])
                turn[:, :3, :3] = Rotation.from_rotvec(vector).as_matrix()
                local = local @ turn
            column += 1
        placed.append(local if parent is None else placed[parent] @ local)
    return names, np.stack([matrix[:, :3, 3] for matrix in placed], axis=1), float(step.removeprefix("Frame Time: "))


def test_forward_kinematics_of_the_bvh_gives_the_joints_of_the_dance():
    names, positions, step = played(bvh_writer.text(DANCE.poses, DANCE.joints[:, 0], FPS))
    order = [names.index(name) for name in bvh_writer.NAMES]
    assert len(names) == len(JOINTS) == 24
    np.testing.assert_allclose(positions[:, order], DANCE.joints, atol=1e-5)
    assert step == pytest.approx(1 / FPS, abs=1e-9)


@pytest.mark.parametrize("off", [0.0, 1e-9, 1e-6, 1e-3, -1e-6])
@pytest.mark.parametrize("side", [1, -1])
def test_near_gimbal_lock_the_angles_are_still_the_rotation(off, side):
    angles = np.radians([[40.0, 90.0 * side, -75.0], [170.0, 90.0 * side, 30.0], [0.0, 90.0 * side, 0.0]])
    angles[:, 1] -= side * off
    poses = Rotation.from_euler(bvh_writer.ORDER, angles).as_rotvec()[:, None]
    found = Rotation.from_euler(bvh_writer.ORDER, bvh_writer.euler_degrees(poses)[:, 0], degrees=True)
    assert (found * Rotation.from_rotvec(poses[:, 0]).inv()).magnitude().max() < 1e-7


def test_angles_do_not_jump_where_a_limb_turns_past_a_half_turn_and_through_the_lock():
    for axis in "xyz":
        steady = np.arange(0, 720, 7.3)[:, None]
        poses = Rotation.from_euler(axis, steady, degrees=True).as_rotvec()[:, None]
        assert np.abs(np.diff(bvh_writer.euler_degrees(poses), axis=0)).max() == pytest.approx(7.3, abs=1e-6)


@pytest.mark.parametrize("kind", [".npz", ".pkl", ".bvh"])
def test_every_form_is_read_back_by_the_projects_own_reader(tmp_path, kind):
    path = tmp_path / f"dance{kind}"
    dance_files.write(path, DANCE)
    found = read_motion(path)
    every = round(found.fps / FPS)
    assert found.fps == (60 if kind == ".pkl" else 30)
    np.testing.assert_allclose(found.joints[::every], DANCE.joints, atol=1e-4)
    if kind != ".bvh":
        np.testing.assert_allclose(found.poses[::every][:, 1:], DANCE.poses[:, 1:], atol=1e-5)
    dance_files.write(tmp_path / f"again{kind}", DANCE)
    assert path.read_bytes() == (tmp_path / f"again{kind}").read_bytes()


def test_between_two_frames_the_pickle_has_the_rotation_half_way(tmp_path):
    dance_files.write(tmp_path / "dance.pkl", DANCE)
    poses = read_motion(tmp_path / "dance.pkl").poses
    for joint in (0, 5, 18):
        one, two = (Rotation.from_rotvec(DANCE.poses[frames, joint]) for frames in (slice(0, -1), slice(1, None)))
        middle = one * Rotation.from_rotvec(0.5 * (one.inv() * two).as_rotvec())
        found = Rotation.from_rotvec(poses[1::2, joint])
        assert (found * middle.inv()).magnitude().max() < 1e-5


def test_the_pickle_is_aistpps_layout_and_names_nothing_that_an_old_numpy_lacks(tmp_path):
    path = tmp_path / "dance.pkl"
    dance_files.write(path, DANCE)
    arrays = pickles.load_arrays(path)
    frames = 2 * len(DANCE.joints) - 1
    assert {name: array.shape for name, array in arrays.items()} == {
        "smpl_poses": (frames, 72),
        "smpl_trans": (frames, 3),
        "smpl_scaling": (1,),
    }
    named = {argument for opcode, argument, _ in pickletools.genops(path.read_bytes()) if opcode.name == "GLOBAL"}
    assert named == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "_codecs encode"}
    for name, array in pickle.loads(path.read_bytes()).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_the_npz_holds_plain_arrays_only(tmp_path):
    dance_files.write_npz(tmp_path / "dance.npz", DANCE, song="a song")
    with np.load(tmp_path / "dance.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"joints", "poses", "trans", "contacts", "fps", "song"}
        np.testing.assert_array_equal(arrays["trans"], DANCE.joints[:, 0])
        np.testing.assert_array_equal(arrays["contacts"], DANCE.contacts)
        assert arrays["song"] == "a song" and arrays["fps"] == FPS


@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        ("dance.fbx", {}, r"dance\.fbx: give it a name that ends in \.npz, \.pkl, \.bvh"),
        ("dance.npz", {"poses": DANCE.poses[1:]}, r"poses have shape \(39, 24, 3\); expected \(40, 24, 3\)"),
        ("dance.bvh", {"joints": np.full_like(DANCE.joints, np.nan)}, "joints contain NaN"),
        ("dance.pkl", {name: getattr(DANCE, name)[:1] for name in ("joints", "poses", "contacts")}, "1 frames"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path, name, changes, says):
    with pytest.raises(MotionBeatError, match=says):
        dance_files.write(tmp_path / name, SimpleNamespace(**vars(DANCE) | changes))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MotionBeatError, match="cannot be written"):
        dance_files.write(tmp_path / "file" / "dance.bvh", DANCE)


def test_a_gallery_is_read_as_it_was_written_and_in_order(tmp_path):
    other = dance(seed=1)
    write_gallery(tmp_path / "gallery", "motionbeat", {"b": DANCE, "a": other})
    write_gallery(tmp_path / "gallery", "ground_truth", {"b": other}, {"b": 1.5})
    found = read_gallery(tmp_path / "gallery")
    assert [(one.name, one.song, one.offset_s) for one in found] == [
        ("ground_truth", "b", 1.5),
        ("motionbeat", "a", 0.0),
        ("motionbeat", "b", 0.0),
    ]
    np.testing.assert_array_equal(found[2].joints, DANCE.joints)
    assert found[2].fps == FPS
    assert read_gallery(tmp_path / "nothing") == []


def test_a_gallery_with_a_foreign_file_is_refused_by_its_name(tmp_path):
    np.savez(tmp_path / "made.npz", joints=DANCE.joints)
    with pytest.raises(MotionBeatError, match=r"made\.npz has no fps, name, offset_s, song: .*dance"):
        read_gallery(tmp_path)
    (tmp_path / "made.npz").write_text("no archive")
    with pytest.raises(MotionBeatError, match=r"made\.npz is not a complete \.npz"):
        read_gallery(tmp_path)
