"""A folder of one's own: everything that clips.csv may say wrongly is refused by line and fix."""

import pytest
from own_table import HEADER, refused, write

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import folder
from motionbeat.lab.corpora.formats import Hints, read_motion

pytest_plugins = ("own_folder",)


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
        "g,one,motions/a.npz,one.wma,train,,120,,,,,",
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
        f"{table} line 8: motion motions/a.fbx is not of a known kind: convert it to .npz, .pkl, .bvh or .npy",
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
        "c,three,motions,three.wma,test",
    )
    assert refused(own).split("\n") == [
        f"{own}/clips.csv line 2: motion {own}/motions/gone.npz does not exist: put it there or correct the cell",
        f"{own}/clips.csv line 3: audio {own}/empty.wav is an empty file: copy it again",
        f"{own}/clips.csv line 4: motion motions is not of a known kind: convert it to .npz, .pkl, .bvh or .npy",
        f"{own}/clips.csv line 4: audio three.wma is not of a known kind: convert it to .wav, .flac, .ogg, .oga, "
        ".opus, .mp3, .m4a, .aac, .au, .aif, .aiff, .m4b, .mp4, .mov, .webm or .mkv",
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
            f"{table} 2, 3: the clip a occurs twice: give each clip its own name",
            f"{table} 2, 3, 4: clips A and a would be one file on Windows and macOS: rename one",
            f"{table} 2, 3: song one has several splits: a test song must not be in training: "
            "keep each song in one split",
            f"{table} 5, 6: song three has several audio files: give one recording a song",
            f"{table} 5, 6: song three has several tempi or meters: give it the same in every line",
            f"{table} 4, 6: audio two.flac is used for two songs: give it one name",
            f"{table} 5, 7: audio three.wav is used for two songs: give it one name",
            f"{table} 5, 6, 7: motion motions/c.pkl is used for two splits: keep a dance in one",
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
        (f"\n{HEADER},zzz,clip\n".encode(), "line 2: the column clip occurs twice; unknown column 'zzz'; expected"),
        (f"{HEADER},,offset\n".encode(), "line 1: unknown column ''"),
        (f"{HEADER}\n".encode("utf-16"), r'clips.csv is UTF-16 text: save it as "CSV UTF-8" \(Excel\)'),
        (f"{HEADER}\na,caf\u00e9,a.npz,b.wav,train".encode("latin-1"), "line 2: not UTF-8 text: save it as"),
        (b"PK\x03\x04\x00\x00", "clips.csv is not text: save the table as CSV, not as a workbook"),
        (b'clip,"song\n', "line 1: a quote is opened and not closed"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_fix(text, message, tmp_path):
    (tmp_path / "clips.csv").write_bytes(text)
    with pytest.raises(MotionBeatError, match=message):
        folder.read(tmp_path)


def test_a_folder_or_table_that_is_missing_is_refused(tmp_path):
    assert "gone is not a folder: set corpus.root in params.yaml" in refused(tmp_path / "gone")
    assert "clips.csv is missing: write it, or set corpus.root" in refused(tmp_path)


@pytest.mark.parametrize(
    ("motion", "hints", "message"),
    [
        ("c.pkl", Hints(unit="cm"), "has its own scale, smpl_scaling: empty the column unit"),
        ("c.pkl", Hints(person=0), "has one person: empty the column person"),
        ("b.bvh", Hints(person=0), "has one person: empty the column person"),
    ],
)
def test_a_column_that_a_form_has_no_use_for_is_refused(motion, hints, message, files):
    with pytest.raises(MotionBeatError, match=message):
        read_motion(files / "motions" / motion, hints)
