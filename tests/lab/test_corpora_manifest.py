"""Writing a corpus: whole, the same from any number of workers, or refused with all that is wrong."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import manifest
from motionbeat.lab.corpora.manifest import Clip, Corpus, Motion, Song
from motionbeat.lab.corpora.read_corpus import read_corpus
from motionbeat.lab.params import MotionChecks

REPOSITORY = Path(__file__).parents[2]

ANYTHING = MotionChecks(root_speed=1e9, root_height=1e9, joint_speed=1e9, floor_drift=1e9, knee_cosine=-1.0)
"""The joints here are drawn at random, faster than any person: what is claimed is what is written of them."""
write_corpus = partial(manifest.write_corpus, checks=ANYTHING)


def dance(frames, fps, rotations, shift=0.0):
    rng = np.random.default_rng(frames)
    joints, poses = rng.normal(size=(2, frames, 24, 3)).astype(np.float32)
    return Motion(joints + np.float32(shift), poses if rotations else None, fps)


@pytest.fixture
def corpus(tmp_path):
    audio = tmp_path / "audio"
    audio.mkdir()
    times = np.arange(2 * 22_050) / 22_050
    soundfile.write(audio / "a.wav", np.stack([0.5 * np.sin(440 * 2 * np.pi * times), 0 * times], 1), 22_050)
    soundfile.write(audio / "b.flac", 0.3 * np.sin(220 * 2 * np.pi * times), 22_050)
    songs = [Song("b", audio / "b.flac"), Song("a", audio / "a.wav", 120.0, 4), Song("unused", audio / "gone.wav")]
    clips = [
        Clip("two", "b", "rumba", "test", 0.5, partial(dance, 20, 17.5, False)),
        Clip("one", "a", "house", "train", 0.0, partial(dance, 30, 60.0, True)),
        Clip("three", "b", "rumba", "val", 0.0, partial(dance, 12, 30.0, False)),
    ]
    return Corpus(songs, clips)


def replaced(corpus, which, /, **changes):
    return evolve(corpus, clips=[evolve(clip, **changes) if clip.name == which else clip for clip in corpus.clips])


def test_the_manifest_says_what_was_written(corpus, tmp_path):
    minutes = write_corpus(corpus, tmp_path / "out")
    rows = tables.read(tmp_path / "out" / "manifest.parquet", tables.MANIFEST)
    assert list(rows["clip"]) == ["one", "three", "two"]
    assert list(rows["split"]) == ["train", "val", "test"]
    assert list(rows["frames"]) == [30, 12, 20] and list(rows["has_rotations"]) == [True, False, False]
    np.testing.assert_allclose(rows["duration_s"], [0.5, 0.4, 20 / 17.5])
    assert rows["nominal_bpm"][0] == 120.0 and np.isnan(rows["nominal_bpm"][1])
    assert minutes == pytest.approx(rows["duration_s"].sum() / 60)
    for clip, motion, audio in zip(rows["clip"], rows["motion"], rows["audio"], strict=True):
        expected = next(c for c in corpus.clips if c.name == clip).read()
        with np.load(tmp_path / "out" / motion, allow_pickle=False) as arrays:
            np.testing.assert_allclose(arrays["joints"], expected.joints, rtol=0, atol=5.1e-6)  # to 0.01 mm
            assert ("poses" in arrays) == (expected.poses is not None)
        assert (tmp_path / "out" / audio).is_file()


def test_songs_become_mono_44100_hz_16_bit_and_undanced_ones_are_not_written(corpus, tmp_path):
    write_corpus(corpus, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / "audio").iterdir()) == ["a.flac", "b.flac"]
    info = soundfile.info(tmp_path / "out" / "audio" / "a.flac")
    assert (info.channels, info.samplerate, info.subtype, info.frames) == (1, 44_100, "PCM_16", 88_200)
    samples, _ = soundfile.read(tmp_path / "out" / "audio" / "a.flac")
    expected = 0.25 * np.sin(440 * 2 * np.pi * np.arange(88_200) / 44_100)
    np.testing.assert_allclose(samples[2_000:-2_000], expected[2_000:-2_000], atol=2e-4)


def test_the_bytes_do_not_depend_on_the_number_of_workers(corpus, tmp_path, monkeypatch):
    for workers in ("1", "2"):
        monkeypatch.setenv("MOTIONBEAT_WORKERS", workers)
        write_corpus(corpus, tmp_path / workers)
    files = sorted(p.relative_to(tmp_path / "1") for p in (tmp_path / "1").rglob("*") if p.is_file())
    assert len(files) == 6
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def bad_motion(kind):
    motion = dance(10, 30.0, True)
    if kind == "nan":
        motion.joints[4, 3, 1] = np.nan
    changes = {
        "nan": {},
        "joints": {"joints": motion.joints[:, :22]},
        "poses": {"poses": motion.poses[:9]},
        "short": {"joints": motion.joints[:1], "poses": None},
        "rate": {"fps": 0.0},
    }
    return evolve(motion, **changes[kind])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "joints contain NaN or infinity in frame 4: repair or leave out the clip"),
        ("joints", r"joints of shape \(10, 22, 3\): give \(frames, 24, 3\)"),
        ("poses", "9 frames of poses for 10 of joints"),
        ("short", "1 frames: give at least 2"),
        ("rate", "0.0 frames per second"),
    ],
)
def test_a_wrong_motion_is_refused_by_clip_and_fix(corpus, tmp_path, kind, message):
    with pytest.raises(MotionBeatError, match=f"clip one: {message}"):
        write_corpus(replaced(corpus, "one", read=partial(bad_motion, kind)), tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"song": "c"}, "clip one is danced to song c, which the corpus does not have: add its audio"),
        ({"split": "exam"}, "clip one is in split 'exam': put it into train, val or test"),
        ({"offset_s": -1.0}, r"clip one begins -1\.0 s into its song"),
        ({"offset_s": 2.5}, r"clip one begins 2\.50 s into a, a song of 2\.00 s: give the whole song"),
        ({"name": "two"}, "clip two is in the corpus twice"),
        ({"name": "../one"}, "cannot name a file"),
    ],
)
def test_an_inconsistent_corpus_is_refused(corpus, tmp_path, changes, message):
    with pytest.raises(MotionBeatError, match=message):
        write_corpus(replaced(corpus, "one", **changes), tmp_path / "out")


def test_an_empty_corpus_says_what_was_left_out(tmp_path):
    with pytest.raises(MotionBeatError, match=r"no clips: 2 left out \(in no split list\): check corpus\.root"):
        write_corpus(Corpus([], [], {"in no split list": ["x", "y"]}), tmp_path / "out")


def test_all_errors_of_a_corpus_are_shown_together_up_to_a_number(corpus, tmp_path):
    corpus.songs[0].audio.write_bytes(b"no audio")
    bad = replaced(replaced(corpus, "one", read=partial(bad_motion, "nan")), "two", read=partial(bad_motion, "short"))
    with pytest.raises(MotionBeatError) as refused:
        write_corpus(bad, tmp_path / "out")
    assert len(str(refused.value).splitlines()) == 3
    assert all(part in str(refused.value) for part in ("b.flac", "clip one: ", "clip two: "))
    lost = [Clip(f"clip{i}", "nowhere", "x", "train", 0.0, partial(dance, 5, 30.0, False)) for i in range(50)]
    with pytest.raises(MotionBeatError) as refused:
        write_corpus(evolve(corpus, clips=lost), tmp_path / "out2")
    assert str(refused.value).splitlines()[-1] == "... and 30 more errors like these"


DEFAULTS = params.load(REPOSITORY / "params.yaml")


def settings(**changes):
    return evolve(DEFAULTS.corpus, **changes)


@pytest.mark.parametrize("name", ["aistpp", "dance_with_melody"])
def test_a_corpus_is_read_from_the_folder_that_params_name(tmp_path, name):
    with pytest.raises(MotionBeatError, match=r"elsewhere .*set corpus\.root in params\.yaml"):
        read_corpus(settings(name=name, root=str(tmp_path / "elsewhere")), tmp_path, DEFAULTS.beats)


def test_a_refused_corpus_leaves_the_last_one_as_it_was_and_nothing_half_written(tmp_path):
    text = (REPOSITORY / "params.yaml").read_text().replace("name: synthetic", "name: aistpp")
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "data" / "corpus").mkdir(parents=True)
    (tmp_path / "data" / "corpus" / "manifest.parquet").write_text("the last one")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    script = [sys.executable, str(REPOSITORY / "stages" / "corpus.py")]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/raw is not a folder: expected motions/")
    files = [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()]
    assert sorted(files) == ["data/corpus/manifest.parquet", "params.yaml"]
