"""AIST++ in its official layout, and every way in which it can be wrong."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import aistpp
from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import INDEX

REAL = Path(__file__).parents[3] / "shared" / "data" / "aistpp"
TRAIN, VAL, TEST = "gBR_sBM_cAll_d04_mBR1_ch01", "gHO_sFM_cAll_d19_mHO5_ch03", "gHO_sBM_cAll_d20_mHO5_ch02"
IGNORED, UNLISTED = "gBR_sBM_cAll_d05_mBR1_ch02", "gBR_sBM_cAll_d06_mBR1_ch03"


def motion(**changes):
    values = {
        "smpl_poses": np.zeros((8, 72), np.float32),
        "smpl_trans": np.full((8, 3), 90.0, np.float32),
        "smpl_scaling": np.array([90.0], np.float32),
        "smpl_loss": 1.0,
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def write_motion(path, **changes):
    path.write_bytes(pickle.dumps(motion(**changes)))
    return path


@pytest.fixture
def corpus(tmp_path):
    """A corpus of five clips: one in each split, one ignored, one in no list."""
    for folder in ("motions", "splits", "wav"):
        (tmp_path / folder).mkdir()
    for name in (TRAIN, VAL, TEST, IGNORED, UNLISTED):
        write_motion(tmp_path / "motions" / f"{name}.pkl")
    (tmp_path / "splits" / "crossmodal_train.txt").write_text(f"{TRAIN}\n{IGNORED}")
    (tmp_path / "splits" / "crossmodal_val.txt").write_text(f"{VAL}\n")
    (tmp_path / "splits" / "crossmodal_test.txt").write_text(f"{TEST}\n")
    (tmp_path / "ignore_list.txt").write_text(f"{IGNORED}\n")
    tone = np.sin(np.arange(4000) / 10)
    for song in ("mBR1", "mHO5"):
        soundfile.write(tmp_path / "wav" / f"{song}.wav", tone, 8000)
    return tmp_path


def test_clips_songs_splits_and_what_is_left_out(corpus):
    read = aistpp.read(corpus)
    assert {clip.name: (clip.song, clip.genre, clip.split, clip.offset_s) for clip in read.clips} == {
        TRAIN: ("mBR1", "BR", "train", 0.0),
        VAL: ("mHO5", "HO", "val", 0.0),
        TEST: ("mHO5", "HO", "test", 0.0),
    }
    songs = {song.name: (song.nominal_bpm, song.nominal_beats_per_bar, song.audio.name) for song in read.songs}
    assert songs == {"mBR1": (90.0, 4, "mBR1.wav"), "mHO5": (135.0, 4, "mHO5.wav")}
    assert read.left_out == {"on the ignore list": [IGNORED], "in no split list": [UNLISTED]}


def test_the_meter_of_a_song_is_the_callers(corpus):
    read = aistpp.read(corpus, lambda song: 3 if song == "mBR1" else 4)
    assert {song.name: song.nominal_beats_per_bar for song in read.songs} == {"mBR1": 3, "mHO5": 4}


def test_the_other_official_layout_is_the_same_corpus(corpus):
    expected = [(clip.name, clip.song, clip.split) for clip in aistpp.read(corpus).clips]
    base = corpus / "aist_plusplus_final"
    base.mkdir()
    for folder in ("motions", "splits"):
        (corpus / folder).rename(base / folder)
    (corpus / "ignore_list.txt").rename(base / "splits" / "ignore_list.txt")
    (corpus / "wav").rename(corpus / "music")
    (corpus / "music" / "mBR1.wav").rename(corpus / "music" / "mBR1.mp3")
    read = aistpp.read(corpus)
    assert [(clip.name, clip.song, clip.split) for clip in read.clips] == expected
    assert {song.audio.name for song in read.songs} == {"mBR1.mp3", "mHO5.wav"}


def test_nominal_tempi_are_those_of_aistpp():
    assert [aistpp.nominal_bpm(song) for song in ("mBR0", "mLO5", "mHO0", "mHO3")] == [80.0, 130.0, 110.0, 125.0]
    with pytest.raises(MotionBeatError, match="as mBR0"):
        aistpp.nominal_bpm("song1")


def test_a_motion_stands_where_trans_over_scaling_says(corpus):
    poses, trans = np.random.default_rng(0).normal(size=(8, 72)), np.arange(24.0).reshape(8, 3)
    path = corpus / "motions" / f"{TRAIN}.pkl"
    for shape in ((8, 72), (8, 24, 3)):
        write_motion(path, smpl_poses=poses.reshape(shape), smpl_trans=trans, smpl_scaling=np.array([2.0]))
        read = aistpp.read_motion(path)
        assert read.fps == 60.0 and read.joints.dtype == read.poses.dtype == np.float32
        np.testing.assert_allclose(read.joints[:, 0], trans / 2, atol=1e-6)
        np.testing.assert_allclose(read.poses, poses.reshape(8, 24, 3), atol=1e-6)
        np.testing.assert_allclose(read.joints, forward_kinematics(poses.reshape(8, 24, 3), trans / 2), atol=1e-6)


NAN = np.zeros((8, 72))
NAN[5, 7] = np.nan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"smpl_poses": None}, "has no smpl_poses: use the pickles"),
        ({"smpl_trans": None, "smpl_scaling": None}, "has no smpl_trans, smpl_scaling"),
        (
            {"smpl_poses": np.zeros((8, 66))},
            r"smpl_poses has shape \(8, 66\), which is 22 joints; expected \(frames, 72\)",
        ),
        ({"smpl_poses": np.zeros((8, 23, 3))}, r"smpl_poses has shape \(8, 23, 3\); expected"),
        (
            {"smpl_poses": np.zeros((1, 72)), "smpl_trans": np.zeros((1, 3))},
            "smpl_poses has 1 frames; expected at least 2",
        ),
        ({"smpl_poses": NAN}, "smpl_poses contains NaN or infinity in frame 5: put the clip on the ignore list"),
        ({"smpl_trans": np.full((8, 3), np.inf)}, "smpl_trans contains NaN or infinity in frame 0"),
        ({"smpl_trans": np.zeros((7, 3))}, r"smpl_trans has shape \(7, 3\); expected \(8, 3\)"),
        ({"smpl_scaling": np.zeros(1)}, r"smpl_scaling is \[0.0\]; expected one number above 0"),
        ({"smpl_scaling": np.ones(2)}, "smpl_scaling is .*; expected one number above 0"),
    ],
)
def test_a_wrong_motion_is_refused_by_file_field_and_fix(tmp_path, changes, message):
    path = write_motion(tmp_path / f"{TRAIN}.pkl", **changes)
    with pytest.raises(MotionBeatError, match=rf"{TRAIN}\.pkl:? {message}"):
        aistpp.read_motion(path)


def test_a_missing_or_empty_folder_is_refused_with_the_layout(tmp_path):
    for root, problem in ((tmp_path / "gone", "is not a folder"), (tmp_path, "has no motions")):
        with pytest.raises(MotionBeatError, match=rf"{problem}: expected motions/.*set corpus\.root"):
            aistpp.read(root)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("splits/crossmodal_val.txt", r"crossmodal_val\.txt is missing: unpack splits\.zip"),
        ("ignore_list.txt", r"ignore_list\.txt is missing: download it"),
        (
            "wav/mHO5.wav",
            rf"clip {TEST} and 1 more clips is danced to song mHO5, which has no audio: put it at .*mHO5\.wav",
        ),
        (
            f"motions/{VAL}.pkl",
            rf"crossmodal_val\.txt names {VAL}, but .*{VAL}\.pkl does not exist: unpack it or remove it from",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_fix(corpus, gone, message):
    (corpus / gone).unlink()
    with pytest.raises(MotionBeatError, match=message):
        aistpp.read(corpus)


def test_an_ignored_clip_need_not_be_there(corpus):
    (corpus / "motions" / f"{IGNORED}.pkl").unlink()
    assert len(aistpp.read(corpus).clips) == 3


def test_all_errors_are_shown_together(corpus):
    (corpus / "wav" / "mBR1.wav").unlink()
    (corpus / "motions" / "dance 7.pkl").write_bytes(b"")
    with (corpus / "splits" / "crossmodal_test.txt").open("a") as file:
        file.write(f"{TRAIN}\ngBR_sBM_cAll_d04_mBR9_ch09\n")
    with pytest.raises(MotionBeatError) as refused:
        aistpp.read(corpus)
    message = str(refused.value)
    assert len(message.splitlines()) == 4
    for part in (
        "dance 7.pkl: not named as AIST++",
        f"clip {TRAIN} is on",
        "mBR9_ch09, but",
        "song mBR1, which has no",
    ):
        assert part in message


@pytest.mark.real
class TestRealMotion:
    def test_it_is_a_person_standing_upright_on_two_feet_at_times(self):
        read = aistpp.read_motion(next((REAL / "motions").glob("*.pkl")))
        joints = read.joints
        assert joints.shape == read.poses.shape == (720, 24, 3)
        assert (joints[:, INDEX["head"], 1] > joints[:, INDEX["root"], 1]).mean() > 0.9
        assert (joints[:, INDEX["root"], 1] > joints[:, INDEX["ltoes"], 1]).mean() > 0.9
        assert 0.2 < foot_contacts(joints, 60, 0.3, 0.05).any(axis=1).mean() < 1

    def test_knees_bend_forwards(self):
        joints = aistpp.read_motion(next((REAL / "motions").glob("*.pkl"))).joints
        across = joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]
        forwards = np.cross(across, [0.0, 1.0, 0.0])
        for side in "lr":
            middle = (joints[:, INDEX[side + "hip"]] + joints[:, INDEX[side + "ankle"]]) / 2
            assert ((joints[:, INDEX[side + "knee"]] - middle) * forwards).sum(axis=1).mean() > 0
