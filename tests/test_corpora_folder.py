"""A folder of one's own: what clips.csv may say, everything that it may say wrongly, and from there to the manifest."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bvh_files import bvh_text, embedded_dance

from motionbeat import tables
from motionbeat.corpora import aistpp, dance_with_melody, folder
from motionbeat.corpora.formats import Hints, checks, read_motion
from motionbeat.corpora.manifest import write_corpus
from motionbeat.corpora.synthetic import music, plan
from motionbeat.corpora.synthetic.rhythm import rhythm
from motionbeat.errors import MotionBeatError, run
from motionbeat.motion.kinematics import forward_kinematics

HEADER = "clip,song,motion,audio,split"
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of one dance in every form and three songs, without a table."""
    root = tmp_path_factory.mktemp("own")
    poses, translation = embedded_dance(frames=180)
    joints = forward_kinematics(poses, translation)
    (root / "motions").mkdir()
    np.savez(root / "motions" / "a.npz", joints=joints, fps=60)
    np.savez(root / "motions" / "cm.npz", joints=joints * 100, fps=60)
    np.savez(root / "motions" / "norate.npz", joints=joints)
    (root / "motions" / "b.bvh").write_text(bvh_text(poses, translation))
    (root / "motions" / "c.pkl").write_bytes(
        pickle.dumps({"smpl_poses": poses.reshape(-1, 72), "smpl_trans": translation, "smpl_scaling": np.ones(1)})
    )
    np.savez(root / "motions" / "d.npz", poses=poses.reshape(-1, 72), trans=translation, mocap_framerate=60.0)
    song = plan.clips("small")[5].song
    samples = music.render(0, song, rhythm(0, song, [4]))[: 5 * 44_100]
    for number, name in enumerate(("one.wav", "two.flac", "three.wav")):
        soundfile.write(root / name, np.roll(samples, 1000 * number), 44_100)
    return root


@pytest.fixture
def own(files, tmp_path):
    """A sound corpus: three songs, one in each split, four dances in four forms."""
    root = tmp_path / "own"
    shutil.copytree(files, root)
    write(
        root,
        "clip,song,motion,audio,split,offset,genre,bpm,beats_per_bar",
        "a,one,motions/a.npz,one.wav,train,0.5,house,120,4",
        "b,two,motions/b.bvh,two.flac,val,,,,",
        "c,three,motions/c.pkl,three.wav,test,0,waltz,90.5,3",
        "d,one,motions/d.npz,one.wav,train,1.25,house,120,4",
    )
    return root


def write(root, *lines, newline="\n", encoding="utf-8"):
    (root / "clips.csv").write_bytes((newline.join(lines) + newline).encode(encoding))


def refused(root):
    with pytest.raises(MotionBeatError) as caught:
        folder.read(root)
    return str(caught.value)


def test_own_songs_and_dances_in_four_forms_become_the_pipelines_manifest(own, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
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
        f"{table} 2, clip a: from ankle to head joint the body measures 0.0146 m; is the unit (cm) right?",
        f"{table} 3, clip b: the dancer lies on the floor throughout; does z (the column up) point up in the file?",
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


def test_ten_different_errors_are_shown_together_by_line(own):
    (own / "empty.wav").write_bytes(b"")
    write(
        own,
        f"{HEADER},offset,bpm,beats_per_bar,fps,unit,up,person",
        "a,one,motions/a.npz,one.wav,train,,,,,,,",
        "b,two,motions/b.bvh,two.flac,exam,,,,,,,",
        "c,three,motions/c.pkl,three.wav,test,1:30,,,,,,",
        "",
        "d,,motions/d.npz,one.wav,val,,,,,,,",
        "e,one,motions/gone.npz,one.wav,train,-1,,,,,,",
        "f,one,motions/a.fbx,one.wav,train,,,,,,,",
        "g,one,motions/a.npz,one.m4a,train,,120,,,,,",
        "h,one,motions/a.npz,one.wav,train,,120,3.5,zero,feet,x,-1",
        "../i,one,motions/a.npz,empty.wav,train,,,,,,,",
        "j,one,motions/a.npz",
        'k,one,"motions/a.npz,one.wav,train,,,,,,,',
    )
    lines = refused(own).split("\n")
    table = own / "clips.csv"
    assert lines == [
        f"{table} line 3: split 'exam'; expected train, val or test",
        f"{table} line 4: offset '1:30'; expected a number of at least 0",
        f"{table} line 6: the cell song is empty",
        f"{table} line 7: offset '-1'; expected a number of at least 0",
        f"{table} line 8: motion motions/a.fbx is of no known kind: convert it to .npz, .pkl, .bvh or .npy",
        f"{table} line 9: bpm and beats_per_bar go together: fill both or neither",
        f"{table} line 10: beats_per_bar '3.5'; expected a whole number of at least 1",
        f"{table} line 10: fps 'zero'; expected a number of at least 1",
        f"{table} line 10: person '-1'; expected a whole number of at least 0",
        f"{table} line 10: up 'x'; expected y or z",
        f"{table} line 10: unit 'feet'; expected m, cm, mm or inch",
        f"{table} line 11: clip '../i' cannot name a file: use letters, digits, '_', '-' and '.'",
        f"{table} line 12: 3 cells for 12 columns: put a cell with a separator in it in quotes",
        f"{table} line 13: a quote is opened and not closed: write quotes inside a quoted cell twice",
    ]


def test_files_that_are_missing_empty_or_of_other_kinds_are_named(own):
    (own / "empty.wav").write_bytes(b"")
    write(
        own,
        HEADER,
        "a,one,motions/gone.npz,one.wav,train",
        "b,two,motions/b.bvh,empty.wav,val",
        "c,three,motions,three.m4a,test",
    )
    assert refused(own).split("\n") == [
        f"{own}/clips.csv line 2: motion {own}/motions/gone.npz does not exist: put it there or correct the cell",
        f"{own}/clips.csv line 3: audio {own}/empty.wav is an empty file: copy it again",
        f"{own}/clips.csv line 4: motion motions is of no known kind: convert it to .npz, .pkl, .bvh or .npy",
        f"{own}/clips.csv line 4: audio three.m4a is of no known kind: convert it to .wav, .flac, .mp3, .ogg, .opus, "
        ".aif, .aiff or .au",
    ]


def test_lines_that_contradict_each_other_are_named_together(own):
    write(
        own,
        f"{HEADER},bpm,beats_per_bar",
        "a,one,motions/a.npz,one.wav,train,120,4",
        "a,one,motions/d.npz,one.wav,val,120,4",
        "A,two,motions/b.bvh,two.flac,val,,",
        "c,three,motions/c.pkl,three.wav,test,,",
        "e,three,motions/c.pkl,two.flac,test,90,3",
        "f,four,motions/c.pkl,./three.wav,train,,",
    )
    lines = refused(own).split("\n")
    table = f"{own}/clips.csv lines"
    assert sorted(lines) == sorted(
        [
            f"{table} 2, 3: the clip a stands twice: give each its own name",
            f"{table} 2, 3, 4: clips A and a would be one file on Windows and macOS: rename one",
            f"{table} 2, 3: song one has several splits: the same music in two splits would be known before the test: "
            "keep a song in one",
            f"{table} 5, 6: song three has several audio files: give one recording a song",
            f"{table} 5, 6: song three has several tempi or meters: give it the same in every line",
            f"{table} 4, 6: audio two.flac stands in two songs: give it one name",
            f"{table} 5, 7: audio three.wav stands in two songs: give it one name",
            f"{table} 5, 6, 7: motion motions/c.pkl stands in two splits: keep a dance in one",
        ]
    )


def test_a_corpus_needs_clips_in_every_split(own):
    text = (own / "clips.csv").read_text()
    (own / "clips.csv").write_text(text.replace(",val,", ",train,"))
    assert "no clip is in val: the pipeline learns from train, chooses the model by val and reports test" in refused(
        own
    )
    (own / "clips.csv").write_text(text.replace(",val,", ",test,").replace(",train,", ",test,"))
    assert "no clip is in train or val" in refused(own) and "no corpus is needed: motionbeat embed" in refused(own)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "clips.csv is empty: write the columns clip,song,motion,audio,split and a line for each clip"),
        (b"# nothing\n\n,,,\n", "clips.csv is empty"),
        (HEADER.encode(), "clips.csv has columns but no clips"),
        (b"clip,song,motion,audio\n", "line 1: the column split is missing; expected clip, song, motion, audio, split"),
        (f"{HEADER},Ofset\n".encode(), r"line 1: unknown column 'ofset' \(did you mean offset\?\); expected"),
        (f"\n{HEADER},zzz,clip\n".encode(), "line 2: the column clip stands twice; unknown column 'zzz'; expected"),
        (f"{HEADER},,offset\n".encode(), "line 1: unknown column ''"),
        (f"{HEADER}\n".encode("utf-16"), r'clips.csv is UTF-16 text: save it as "CSV UTF-8" \(Excel\)'),
        (f"{HEADER}\na,caf\u00e9,a.npz,b.wav,train".encode("latin-1"), "line 2: not UTF-8 text: save it as"),
        (b"PK\x03\x04\x00\x00", "clips.csv is no text: save the table as CSV, not as a workbook"),
        (b'clip,"song\n', "line 1: a quote is opened and not closed"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_fix(text, message, tmp_path):
    (tmp_path / "clips.csv").write_bytes(text)
    with pytest.raises(MotionBeatError, match=message):
        folder.read(tmp_path)


def test_a_folder_or_table_that_is_missing_is_refused(tmp_path):
    assert "gone is no folder: set corpus.root in params.yaml" in refused(tmp_path / "gone")
    assert "clips.csv is missing: write it, or set corpus.root" in refused(tmp_path)


def test_a_bad_motion_is_named_by_its_line_and_others_are_still_read(own, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "1")
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
        ({"joints": np.zeros((5, 24, 3)), "fps": 60}, "body measures 0 m, no human size"),
        ({"joints": np.full((5, 24, 3), np.nan), "fps": 60}, "joints holds NaN or infinity in frame 0"),
        ({"joints": np.zeros((5, 24, 3)), "fps": 0}, "fps is 0; expected frames a second, 1 to 1000"),
        ({"joints": np.ones((5, 24, 3)), "fps": 1 / 60}, "fps is 0.0166667; expected frames a second, 1 to 1000"),
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
    lone = "note: one song in val and in test: retrieval has nothing to tell apart; give it several"
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
    for part in ("two.flac cannot be decoded", "cm.npz: from ankle to head", "offset 9 lies beyond song one, which"):
        assert any(part in line for line in shown)


def test_the_check_is_a_command(tmp_path):
    command = [sys.executable, "-m", "motionbeat.corpora.folder"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 1 and "name one folder: python -m motionbeat.corpora.folder FOLDER" in result.stderr


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="the real motions of ../shared/data are not here")
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


@pytest.mark.parametrize(
    ("motion", "hints", "message"),
    [
        ("c.pkl", Hints(unit="cm"), "has its own scale, smpl_scaling: empty the column unit"),
        ("c.pkl", Hints(person=0), "holds one person: empty the column person"),
        ("b.bvh", Hints(person=0), "holds one person: empty the column person"),
    ],
)
def test_a_column_that_a_form_has_no_use_for_is_refused(motion, hints, message, files):
    with pytest.raises(MotionBeatError, match=message):
        read_motion(files / "motions" / motion, hints)
