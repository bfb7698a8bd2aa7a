"""A folder of one's own: what clips.csv may say, and from there to the manifest."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bvh_files import bvh_text
from own_table import HEADER, refused, write

from motionbeat.errors import MotionBeatError, run
from motionbeat.lab import tables
from motionbeat.lab.corpora import aistpp, dance_with_melody, folder
from motionbeat.lab.corpora.formats import Hints, checks, read_motion
from motionbeat.lab.corpora.manifest import write_corpus

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
pytest_plugins = ("own_folder",)


def test_own_songs_and_dances_in_four_forms_become_the_pipelines_manifest(own, tmp_path):
    minutes = write_corpus(folder.read(own), tmp_path / "out")
    rows = tables.read(tmp_path / "out" / "manifest.parquet", tables.MANIFEST)
    assert rows["clip"].tolist() == ["a", "b", "c", "d"] and minutes == pytest.approx(4 * 3 / 60)
    assert rows["split"].tolist() == ["train", "val", "test", "train"]
    assert rows["offset_s"].tolist() == [0.5, 0.0, 0.0, 1.25]
    assert rows["genre"].tolist() == ["house", "unknown", "waltz", "house"]
    assert rows["has_rotations"].tolist() == [False, False, True, True]
    assert [str(tempo) for tempo in rows["nominal_bpm"]] == ["120.0", "nan", "90.5", "120.0"]
    assert rows["nominal_beats_per_bar"][[0, 2, 3]].tolist() == [4, 3, 4] and np.isnan(rows["nominal_beats_per_bar"][1])
    joints = [np.load(tmp_path / "out" / path)["joints"] for path in rows["motion"]]
    for other in joints[1:]:
        np.testing.assert_allclose(other, joints[0], atol=1e-4)
    assert sorted(path.name for path in (tmp_path / "out" / "audio").iterdir()) == [
        "one.flac",
        "three.flac",
        "two.flac",
    ]


def test_a_table_from_any_spreadsheet_says_the_same(own, tmp_path):
    expected = [(c.name, c.song, c.genre, c.split, c.offset_s) for c in folder.read(own).clips]
    lines = (own / "clips.csv").read_text().splitlines()
    commas = [line.replace(",", ";").replace("0.5", "0,5").replace("1.25", "1,25") for line in lines]
    spellings = [
        (lines, {"newline": "\r\n"}),
        (lines, {"newline": "\r"}),
        (lines, {"encoding": "utf-8-sig"}),
        ([lines[0].upper().replace(",", " , "), *lines[1:]], {}),
        (["# mine", "", *lines[:2], ",,,,,,,,", " ", "#b is next", *lines[2:]], {}),
        ([line + ",,," for line in lines], {}),
        ([",".join(f'"{cell}"' for cell in line.split(",")) for line in lines], {}),
        ([line.replace("motions/", "motions\\") for line in lines], {}),
        ([line.replace("motions/", f"{own}/motions/") for line in lines], {}),
        (commas, {}),
        (commas, {"encoding": "utf-8-sig", "newline": "\r\n"}),
        ([line.replace(",", "\t") for line in lines], {}),
    ]
    for spelling, options in spellings:
        write(own, *spelling, **options)
        corpus = folder.read(own)
        assert [(c.name, c.song, c.genre, c.split, c.offset_s) for c in corpus.clips] == expected
        assert [clip.read().joints.shape for clip in corpus.clips] == [(180, 24, 3)] * 4


def test_the_line_by_which_excel_names_its_separator_is_no_header(own):
    lines = [line.replace(",", ";") for line in (own / "clips.csv").read_text().splitlines()]
    for first in ("sep=;", '"SEP=;"'):
        write(own, first, *lines, newline="\r\n", encoding="utf-8-sig")
        assert [clip.name for clip in folder.read(own).clips] == ["a", "b", "c", "d"]
    write(own, "sep=;", lines[0], lines[1].replace("train", "exam"))
    assert "line 3: split 'exam'" in refused(own)


def test_the_check_asks_about_a_unit_and_an_axis_that_turn_a_sound_dance_into_none(own):
    write(
        own,
        f"{HEADER},unit,up",
        "a,one,motions/a.npz,one.wav,train,cm,",
        "b,two,motions/b.bvh,two.flac,val,,z",
        "c,three,motions/c.pkl,three.wav,test,,y",
    )
    table = f"note: {own}/clips.csv line"
    assert folder.check(own).splitlines()[1:-1] == [
        f"{table} 2, clip a: from ankle to head the body measures 0.0146 m; is the unit (cm) right?",
        f"{table} 3, clip b: the dancer always lies along z: is it y that points up (or the column up)?",
    ]


def test_a_cell_may_hold_the_separator_in_quotes(own):
    (own / "one, with a comma.wav").write_bytes((own / "one.wav").read_bytes())
    text = (own / "clips.csv").read_text().replace("one.wav", '"one, with a comma.wav"')
    (own / "clips.csv").write_text(text)
    assert folder.read(own).songs[0].audio.name == "one, with a comma.wav"


def test_columns_say_what_files_do_not(own):
    write(
        own,
        f"{HEADER},fps,unit,up",
        "a,one,motions/cm.npz,one.wav,train,,cm,",
        "b,two,motions/norate.npz,two.flac,val,59.94,,y",
        "c,three,motions/c.pkl,three.wav,test,30,,",
    )
    a, b, c = (clip.read() for clip in folder.read(own).clips)
    np.testing.assert_allclose(a.joints, b.joints, atol=1e-5)
    assert (a.fps, b.fps, c.fps) == (60.0, 59.94, 30.0)


def test_a_bad_motion_is_named_by_its_line_and_others_are_still_read(own, tmp_path):
    np.savez(own / "motions" / "a.npz", joints=np.zeros((5, 22, 3)), fps=60)
    (own / "motions" / "b.bvh").write_text("HIERARCHY\n")
    with pytest.raises(MotionBeatError) as caught:
        write_corpus(folder.read(own), tmp_path / "out")
    first, second = str(caught.value).split("\n")
    assert "clips.csv line 2, clip a: " in first and "joints has shape (5, 22, 3)" in first
    assert "clips.csv line 3, clip b: " in second and "b.bvh line 1: the file ends without MOTION" in second


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"joints": np.zeros((5, 24, 3)), "fps": 60}, "body measures 0 m, not a human size"),
        ({"joints": np.full((5, 24, 3), np.nan), "fps": 60}, "joints contains NaN or infinity in frame 0"),
        ({"joints": np.zeros((5, 24, 3)), "fps": 0}, "fps is 0; expected 1 to 1000 frames per second"),
        ({"joints": np.ones((5, 24, 3)), "fps": 1 / 60}, "fps is 0.0166667; expected 1 to 1000 frames per second"),
        ({"joints": np.zeros((5, 24, 3))}, "does not say its frame rate: fill the column fps"),
        ({"joints": np.zeros((5, 24, 3)), "poses": np.zeros((4, 24, 3))}, "4 frames of poses for 5 of joints"),
        ({"joints": np.zeros((1, 24, 3)), "fps": 60}, "joints has 1 frames; expected at least 2"),
    ],
)
def test_wrong_joints_are_refused_by_field_and_fix(values, message, tmp_path):
    np.savez(tmp_path / "a.npz", **values)
    with pytest.raises(MotionBeatError, match=rf"a\.npz: .*{message}|a\.npz {message}"):
        read_motion(tmp_path / "a.npz", Hints())


def test_a_dancer_in_camera_coordinates_is_refused_until_y_is_said_to_point_up(own):
    joints = np.load(own / "motions" / "a.npz")["joints"] * [1, -1, -1]
    np.savez(own / "motions" / "a.npz", joints=joints, fps=60)
    with pytest.raises(MotionBeatError, match=r"a\.npz: the dancer's head is below the hips .*joints \* \[1, -1, -1\]"):
        read_motion(own / "motions" / "a.npz")
    motion = read_motion(own / "motions" / "a.npz", Hints(up="y"))
    assert checks.doubts(motion, Hints(up="y")) == [
        "the dancer's head is below the hips throughout; does y point up, not down?"
    ]


def test_the_check_reads_a_folder_to_the_last_motion_and_song(own, monkeypatch, capsys):
    lone = "note: one song in val and in test: retrieval needs several songs; add some"
    assert folder.check(own).split("\n") == [
        f"{own}: 3 songs, 4 clips (2 train, 1 val, 1 test), 0.2 minutes of motion, nothing wrong",
        lone,
    ]
    text = (own / "clips.csv").read_text()
    (own / "clips.csv").write_text(text.replace("1.25", "4.5"))
    note = f"note: {own}/clips.csv line 5, clip d: ends 2.5 s after its song; are its frame rate (60) and offset right?"
    assert folder.check(own).split("\n")[1:] == [note, lone]
    (own / "two.flac").write_bytes(b"no audio")
    text = text.replace("b,two,motions/b.bvh", "b,two,motions/cm.npz")
    (own / "clips.csv").write_text(text.replace("1.25", "9"))
    monkeypatch.setattr(sys, "argv", ["folder", str(own)])
    with pytest.raises(SystemExit, match="1"):
        run(folder.main)
    shown = [line for line in capsys.readouterr().err.splitlines() if "clips.csv" in line]
    assert [line.removeprefix("error: ").partition(f"{own}/clips.csv ")[2].split(": ")[0] for line in shown] == [
        "line 3, song two",
        "line 3, clip b",
        "line 5, clip d",
    ]
    for part in (
        "two.flac cannot be decoded",
        "cm.npz: from ankle to head",
        "offset 9 is after the end of song one, which",
    ):
        assert any(part in line for line in shown)


def test_the_check_is_a_command(tmp_path):
    command = [sys.executable, "-m", "motionbeat.lab.corpora.folder"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 1 and "name one folder: python -m motionbeat.lab.corpora.folder FOLDER" in result.stderr


@pytest.mark.real
def test_real_dances_are_not_doubted(tmp_path):
    """36 ballroom couples and a breaking solo pass every check, and the solo comes back from BVH."""
    pairs = sorted((DATA / "dance_with_melody").glob("DANCE_*"))
    for path in pairs:
        checks.refuse_unlikely(path, dance_with_melody.read_motion(path), Hints())
    (solo,) = (DATA / "aistpp").rglob("g*_ch*.pkl")
    motion = read_motion(solo)
    np.testing.assert_array_equal(motion.joints, aistpp.read_motion(solo).joints)
    (tmp_path / "solo.bvh").write_text(bvh_text(motion.poses.astype(np.float64), motion.joints[:, 0]))
    np.testing.assert_allclose(read_motion(tmp_path / "solo.bvh").joints, motion.joints, atol=1e-4)
    assert len(pairs) == 36
