"""Dance with Melody: layout, splits, and that its dancers are people with left and right as SMPL has them."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.ndimage import gaussian_filter1d

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import dance_with_melody
from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.motion_features import heading
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import INDEX

REAL = Path(__file__).parents[3] / "shared" / "data" / "dance_with_melody"
NAMES = [f"DANCE_{style}_{i}" for style in "CRWT" for i in range(1, 11)]


def write_pair(folder, frames=10, start=50, end=100, **changes):
    folder.mkdir(parents=True)
    soundfile.write(folder / "audio.mp3", np.sin(np.arange(44_100) / 20), 8_000)
    rng = np.random.default_rng(0)
    values = {"length": frames, "center": rng.normal(size=(frames, 3)), "skeletons": rng.normal(size=(frames, 23, 3))}
    values = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in (values | changes).items()}
    (folder / "skeletons.json").write_text(json.dumps(values))
    (folder / "config.json").write_text(json.dumps({"start_position": start, "end_position": end}))
    return folder


@pytest.fixture
def corpus(tmp_path):
    for name in NAMES:
        write_pair(tmp_path / name)
    return tmp_path


def test_rate_and_start_follow_from_the_span_of_music(tmp_path):
    for name in ("DANCE_W_1", "DANCE_T_2", "DANCE_C_3"):
        write_pair(tmp_path / name)
    read = dance_with_melody.read(tmp_path)
    assert [(c.name, c.song, c.genre, c.offset_s) for c in read.clips] == [
        ("DANCE_C_3", "DANCE_C_3", "cha-cha", 2.0),
        ("DANCE_T_2", "DANCE_T_2", "tango", 2.0),
        ("DANCE_W_1", "DANCE_W_1", "waltz", 2.0),
    ]
    assert all(song.nominal_bpm is None and song.nominal_beats_per_bar is None for song in read.songs)
    motion = read.clips[0].read()
    assert motion.fps == 10 / 2 and motion.joints.shape == (10, 24, 3) and motion.poses is None


def test_every_joint_is_a_mean_of_points_with_weights_that_add_up_to_one():
    points, center = np.tile([10.0, 20.0, -30.0], (2, 23, 1)), np.tile([100.0, 0.0, 50.0], (2, 1))
    joints = dance_with_melody.smpl_joints(points, center)
    np.testing.assert_allclose(joints, np.tile([1.1, 0.2, -0.2], (2, 24, 1)), atol=1e-6)


def test_a_drifting_floor_is_levelled_and_steps_are_kept():
    fps, frames = 20.0, 600
    times = np.arange(frames) / fps
    joints = np.ones((frames, 24, 3))
    lift = 0.2 * np.clip(np.sin(2 * np.pi * times), 0, None)
    joints[:, INDEX["ltoes"], 1] = lift
    joints[:, INDEX["rtoes"], 1] = 0.2 * np.clip(-np.sin(2 * np.pi * times), 0, None)
    drift = np.interp(times, [0, 10, 14, 30], [0.0, 0.0, 0.3, 0.5])
    drifting = joints + drift[:, None, None] * [0.0, 1.0, 0.0]
    np.testing.assert_allclose(dance_with_melody.on_level_floor(joints, fps), joints, atol=1e-6)
    np.testing.assert_allclose(dance_with_melody.on_level_floor(drifting, fps), joints, atol=0.06)


def test_without_a_list_choreographies_are_dealt_out_by_their_names(corpus):
    clips = dance_with_melody.read(corpus).clips
    of = {clip.name: clip.split for clip in clips}
    assert of["DANCE_C_2"] == of["DANCE_C_4"] and of["DANCE_R_2"] == of["DANCE_R_8"]
    counts = [list(of.values()).count(split) for split in ("train", "val", "test")]
    assert sum(counts) == 40 and counts[0] >= 26 and min(counts[1:]) >= 5
    again = dance_with_melody.read(corpus)
    assert {clip.name: clip.split for clip in again.clips} == of


def test_the_list_decides_the_test_clips_and_shared_choreographies_stay_together(corpus):
    rows = [{"id": name, "split": "val" if name in ("DANCE_C_4", "DANCE_W_1") else "train"} for name in NAMES[:-1]]
    (corpus / "checked.json").write_text(json.dumps(rows))
    read = dance_with_melody.read(corpus)
    of = {clip.name: clip.split for clip in read.clips}
    assert {name for name, split in of.items() if split == "test"} == {"DANCE_C_2", "DANCE_C_4", "DANCE_W_1"}
    assert of["DANCE_R_2"] == of["DANCE_R_8"]
    assert 4 <= list(of.values()).count("val") <= 7
    assert read.left_out == {"not named in checked.json": [NAMES[-1]]}


def test_a_missing_or_empty_folder_is_refused(tmp_path):
    for root in (tmp_path / "gone", tmp_path):
        with pytest.raises(MotionBeatError, match=r"has no folders DANCE_.*set corpus\.root"):
            dance_with_melody.read(root)


def test_everything_wrong_in_the_folders_is_shown_together(corpus):
    (corpus / "DANCE_C_1" / "audio.mp3").unlink()
    (corpus / "DANCE_C_2" / "config.json").unlink()
    (corpus / "DANCE_C_3" / "config.json").write_text('{"start_position": 9, "end_position": 9}')
    (corpus / "DANCE_X_1").mkdir()
    rows = [{"id": name, "split": "train"} for name in [*NAMES, "DANCE_C_99"]]
    (corpus / "checked.json").write_text(json.dumps(rows))
    with pytest.raises(MotionBeatError) as refused:
        dance_with_melody.read(corpus)
    for part in (
        "clip DANCE_C_1 has no song: put audio.mp3",
        "config.json is missing",
        "start_position and end_position are [9, 9]; expected 0 <= start < end",
        "DANCE_X_1: not named DANCE_",
        "checked.json names DANCE_C_99, but",
    ):
        assert part in str(refused.value)
    (corpus / "checked.json").write_text('[{"id": "DANCE_C_1", "split": "exam"}]')
    with pytest.raises(MotionBeatError, match=r"checked\.json: expected a list"):
        dance_with_melody.read(corpus)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skeletons": np.zeros((10, 22, 3))}, r"skeletons has shape \(10, 22, 3\); expected \(frames, 23, 3\)"),
        ({"skeletons": None}, "skeletons"),
        ({"skeletons": [[1, 2], [3]]}, "skeletons is missing or uneven"),
        ({"center": np.zeros((9, 3))}, "10 frames of skeletons and 9 of center"),
        ({"center": np.full((10, 3), np.nan)}, "center contains NaN or infinity in frame 0"),
        (
            {"skeletons": np.zeros((1, 23, 3)), "center": np.zeros((1, 3))},
            "skeletons has 1 frames; expected at least 2",
        ),
    ],
)
def test_a_wrong_motion_is_refused_by_file_field_and_fix(tmp_path, changes, message):
    folder = write_pair(tmp_path / "DANCE_C_1", **changes)
    with pytest.raises(MotionBeatError, match=rf"skeletons\.json: {message}"):
        dance_with_melody.read_motion(folder)


def test_a_motion_file_cut_short_is_refused(tmp_path):
    path = write_pair(tmp_path / "DANCE_C_1") / "skeletons.json"
    path.write_text(path.read_text()[:-100])
    with pytest.raises(MotionBeatError, match=r"skeletons\.json is not JSON"):
        dance_with_melody.read_motion(path.parent)


@pytest.mark.real
class TestRealDances:
    @pytest.fixture(params=["DANCE_C_2", "DANCE_R_4", "DANCE_W_1"])
    def motion(self, request):
        return dance_with_melody.read_motion(REAL / request.param)

    def test_dancers_face_where_their_knees_and_toes_point(self, motion):
        joints, yaw = motion.joints, heading(motion.joints)
        forwards = np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=1)
        for side in "lr":
            hip, knee, ankle, toes = (joints[:, INDEX[side + part]] for part in ("hip", "knee", "ankle", "toes"))
            assert ((knee - (hip + ankle) / 2) * forwards).sum(axis=1).mean() > 0.02
            assert ((toes - ankle) * forwards).sum(axis=1).mean() > 0.05

    def test_bodies_are_of_human_size_and_stand_on_the_floor(self, motion):
        joints = resample(motion.joints, motion.fps, 30.0)
        for a, b, low, high in (
            ("lhip", "lknee", 0.35, 0.6),
            ("rknee", "rankle", 0.28, 0.5),
            ("lshoulder", "lelbow", 0.2, 0.4),
            ("relbow", "rwrist", 0.18, 0.32),
            ("lwrist", "lhand", 0.05, 0.13),
            ("rwrist", "rhand", 0.05, 0.13),
            ("neck", "head", 0.08, 0.25),
        ):
            assert low < np.linalg.norm(joints[:, INDEX[a]] - joints[:, INDEX[b]], axis=-1).mean() < high, (a, b)
        chain = joints[:, [INDEX[name] for name in ("root", "belly", "spine", "chest", "neck", "head")], 1]
        assert (np.diff(chain.mean(axis=0)) > 0.02).all()
        toes = joints[:, [INDEX["ltoes"], INDEX["rtoes"]], 1].min(axis=1)
        assert np.abs(toes).max() < 0.12 and np.percentile(np.abs(toes), 90) < 0.02
        assert foot_contacts(joints, 30.0, 0.3, 0.05).any(axis=1).mean() > 0.5

    def test_the_pelvis_is_rigid_and_the_hips_hang_below_the_root(self, motion):
        hips = motion.joints[:, [INDEX["lhip"], INDEX["rhip"]]] - motion.joints[:, :1]
        assert (np.linalg.norm(hips, axis=-1).std(axis=0) < 0.01).all()
        assert -0.1 < hips[..., 1].mean() < -0.05
        assert 0.1 < np.linalg.norm(hips[:, 0] - hips[:, 1], axis=-1).mean() < 0.16

    def test_in_cha_cha_and_rumba_both_break_forwards_on_the_left_and_backwards_on_the_right(self):
        """The one check of left and right that a mirrored dancer would fail: 30 and 40 breaks, without exception."""
        left_in_front = {"forwards": [], "backwards": []}
        for folder in sorted(REAL.glob("DANCE_[CR]_*")):
            joints = dance_with_melody.read_motion(folder).joints.astype(float)
            across = (joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]) * [1, 0, 1]
            ahead = np.cross(across / np.linalg.norm(across, axis=1, keepdims=True), [0, 1, 0])
            center = np.asarray(json.loads((folder / "skeletons.json").read_text())["center"]) * [0.01, 0.01, -0.01]
            per_frame = gaussian_filter1d(np.gradient(center, axis=0), 1.5, axis=0)
            speed = (per_frame * ahead).sum(axis=1)
            left = ((joints[:, INDEX["lankle"]] - joints[:, INDEX["rankle"]]) * ahead).sum(axis=1)
            yaw = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
            turning = np.abs(gaussian_filter1d(np.gradient(yaw), 2))
            for t in range(8, len(speed) - 8):
                if turning[t - 5 : t + 6].max() > 0.06 or abs(left[t]) < 0.25:
                    continue
                for way, towards in (("forwards", speed), ("backwards", -speed)):
                    turned = towards[t] > 0 >= towards[t + 1]
                    if turned and towards[t - 5 : t].max() > 0.012 and towards[t + 1 : t + 7].min() < -0.012:
                        left_in_front[way].append(left[t] > 0)
        assert len(left_in_front["forwards"]) == 30 and all(left_in_front["forwards"])
        assert len(left_in_front["backwards"]) == 40 and all(left_in_front["backwards"])

    def test_the_whole_folder_is_read(self):
        read = dance_with_melody.read(REAL)
        splits = [clip.split for clip in read.clips]
        assert len(read.clips) == len(read.songs) == 36
        assert splits.count("test") == 6 and splits.count("val") == 4
