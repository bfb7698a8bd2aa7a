"""Claims about the `render` command: clips and files that it reads, what it says, and what it refuses."""

import json
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from drawn_dance import BEATS, POSITIONS, RATE, clicks, dance
from films import SIZE, heard, near, seen

from motionbeat.cli import app as cli
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora.formats import Hints
from motionbeat.lab.corpora.manifest import Clip, Corpus, Motion, Song, write_corpus
from motionbeat.lab.render import drawn_clip, own_dance
from motionbeat.lab.render.scene import BEAT

ROOT = Path(__file__).parents[2]
STANDS = "note: made.npz: the root stays in one place while the body moves: is the translation missing?\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two clips, one of which begins half a second into its song, and beats beside it."""
    folder = tmp_path_factory.mktemp("data")
    soundfile.write(folder / "song.wav", clicks(BEATS + 0.5, 3.0), RATE)
    motion = Motion(dance(), None, 60.0)
    described = [
        Clip(name, "songA", "waltz", split, offset, partial(lambda motion: motion, motion))
        for name, split, offset in (("alpha_1", "train", 0.5), ("alpha_2", "test", 0.0))
    ]
    write_corpus(Corpus([Song("songA", folder / "song.wav")], described), folder / "corpus")
    columns = {
        "song": ["songA"] * 4,
        "beat": [0, 1, 2, 3],
        "time_s": BEATS + 0.5,
        "bar_position": POSITIONS,
        "beats_per_bar": [3] * 4,
    }
    tables.write(folder / "beats" / "beats.parquet", tables.BEATS, columns)
    return folder / "corpus"


def test_music_beats_and_onsets_of_a_clip_begin_where_it_begins_in_its_song(corpus):
    found = drawn_clip.read_clip(corpus, "alpha_1")
    np.testing.assert_allclose(found.beat_times, BEATS)
    np.testing.assert_allclose(found.audio[: 2 * RATE], clicks(BEATS), atol=1e-3)
    times, strengths = found.onsets
    assert times[0] == -0.5 and np.abs(times[np.argsort(strengths)[-4:]][:, None] - BEATS).min(axis=1).max() < 0.03
    assert found.fps == 60 and found.contacts.shape == (120, 4) and found.note == ""


def test_slow_motion_is_brought_to_the_rate_at_which_contacts_are_looked_for(tmp_path):
    np.savez(tmp_path / "slow.npz", joints=dance(2.0, 6.0), fps=6.0)
    soundfile.write(tmp_path / "song.wav", clicks(BEATS), RATE)
    found = own_dance.read_files(tmp_path / "slow.npz", tmp_path / "song.wav", tracker=None)
    assert found.fps == 30 and len(found.joints) == len(found.contacts) == 56 and not len(found.beat_times)


def test_contacts_are_those_that_the_tokens_have():
    tokens = params.load(ROOT / "params.yaml").tokens
    assert (tokens.contact_speed, tokens.contact_height) == (drawn_clip.CONTACT_SPEED, drawn_clip.CONTACT_HEIGHT)
    assert tokens.motion_fps == drawn_clip.LEAST_FPS


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.chdir(tmp_path)

    def command(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionbeat", "render", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_the_command_renders_a_clip_of_a_corpus(run, corpus, tmp_path):
    code, out, err = run("alpha_1", "--corpus", corpus, "--size", SIZE, "--fps", 10, "--sheet")
    assert (code, err) == (0, "")
    assert out == "alpha_1: 20 pictures, 2.0 s -> alpha_1.mp4\nalpha_1: contact sheet -> alpha_1.png\n"
    samples, times = heard(tmp_path / "alpha_1.mp4")
    assert times[np.flatnonzero(np.abs(samples) > 0.2)[0]] == pytest.approx(BEATS[0], abs=0.003)


def test_the_command_lists_every_clip(run, corpus):
    code, out, _ = run("--list", "--corpus", corpus)
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["clip", "song", "genre", "split", "seconds"],
        ["alpha_1", "songA", "waltz", "train", "2.0"],
        ["alpha_2", "songA", "waltz", "test", "2.0"],
    ]


def test_without_beats_the_command_says_so_and_draws_the_rest(run, corpus, tmp_path):
    elsewhere = tmp_path / "copy" / "corpus"
    elsewhere.parent.mkdir()
    elsewhere.symlink_to(corpus)
    code, _, err = run("alpha_2", "--corpus", elsewhere, "--size", SIZE, "--fps", 5, "--seconds", 0.4)
    assert code == 0 and err.startswith("no beats are drawn: ") and "dvc repro beats" in err
    assert len(seen(tmp_path / "alpha_2.mp4")) == 2


def test_a_dance_of_no_corpus_is_rendered_from_its_files(run, tmp_path):
    np.savez(tmp_path / "made.npz", joints=dance(2.0, 30.0), fps=30.0)
    soundfile.write(tmp_path / "song.wav", clicks(np.arange(0.1, 2, 0.5)), RATE)
    words = ["--motion", "made.npz", "--audio", "song.wav", "--size", SIZE, "--fps", 5]
    code, out, err = run(*words, "--tracker", "librosa")
    assert (code, err) == (0, STANDS) and out == "made: 10 pictures, 2.0 s -> made.mp4\n"
    assert near(seen(tmp_path / "made.mp4")[:, 60, 0], BEAT, 90).any()
    assert run(*words, "--tracker", "none")[0] == 0
    assert not near(seen(tmp_path / "made.mp4")[:, 60, 0], BEAT, 90).any()


def test_a_dance_without_music_is_shown_silent(run, tmp_path):
    np.savez(tmp_path / "made.npz", joints=dance(2.0, 30.0), fps=30.0)
    words = ["--motion", "made.npz", "--size", SIZE, "--fps", 5]
    assert run(*words) == (0, "made: 10 pictures, 2.0 s -> made.mp4\n", STANDS)
    assert not near(seen(tmp_path / "made.mp4")[:, 60, 0], BEAT, 90).any()
    code, _, err = run(*words, "--beats", "beats")
    assert code == 1 and "give the music by --audio" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["alpha_3"], "clip alpha_3: no such clip in .*; the nearest names are alpha_[12], alpha_[12]; list all by"),
        (["zzzz"], r"clip zzzz: no such clip in [^;]*; list all by `motionbeat render --list`"),
        (["alpha_1", "--corpus", "gone"], "gone/manifest.parquet is missing: run `dvc repro corpus`"),
        (["alpha_1", "--beats", "gone"], "gone/beats.parquet is missing"),
        ([], "no dance is named: give a CLIP"),
        (["alpha_1", "--motion", "m.npz"], "both clip alpha_1 and --motion m.npz"),
        (["alpha_1", "--audio", "a.wav"], "only work with --motion"),
        (["--motion", "m.npz"], "m.npz is missing"),
        (["--motion", "m.npz", "--audio", "a.wav"], "m.npz is missing"),
        (["alpha_1", "--unit", "cm"], "only work with --motion"),
        (["--motion", "m.npz", "--audio", "a.wav", "--up", "x"], "--up 'x'; expected y or z"),
        (["--motion", "m.npz", "--audio", "a.wav", "--unit", "feet"], "--unit 'feet'; expected one of m, cm"),
        (["--motion", "gone.npz", "--size", 721], "size = 721: give an even number"),
        (["alpha_1", "--start", 9], "lasts 2.00 s, is in this part; begin at 0 s or later, before its end"),
        (["alpha_1", "-o", "a.avi"], r"a name that ends in \.mp4"),
    ],
)
def test_the_command_refuses_in_one_line_with_the_fix(run, corpus, words, says):
    code, out, err = run(*([] if "--corpus" in words else ["--corpus", corpus]), *words)
    assert (code, out) == (1, "") and err.startswith("error: ") and err.count("\n") == 1
    assert re.search(says, err), err


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"steps": np.zeros((9, 24, 3))}, r"has steps: give joints \(frames, 24, 3\) and fps"),
        ({"joints": np.zeros((9, 22, 3))}, r"joints has shape \(9, 22, 3\)"),
        ({"joints": np.full((9, 24, 3), np.inf)}, "NaN or infinity"),
        ({"joints": np.zeros((9, 24, 3)), "fps": -1}, "fps is -1"),
        ({"joints": np.zeros((9, 24, 3)), "fps": 25.0}, "says 25 frames per second, the column fps 60: .*--motion-fps"),
        ({"joints": np.array([{}], object)}, "contains Python objects, which are not loaded"),
    ],
)
def test_a_motion_file_is_refused_by_name_and_never_unpickled(tmp_path, arrays, says):
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(MotionBeatError, match=says) as refused:
        own_dance.read_files(tmp_path / "m.npz", tmp_path / "a.wav", Hints(fps=60.0))
    assert str(tmp_path / "m.npz") in str(refused.value)
    (tmp_path / "m.npz").write_text(json.dumps({"joints": []}))
    with pytest.raises(MotionBeatError, match=r"is not a complete \.npz file"):
        own_dance.read_files(tmp_path / "m.npz", tmp_path / "a.wav", Hints(fps=60.0))


def test_a_dance_of_no_corpus_may_be_of_any_form_and_is_doubted_as_in_a_table(run, tmp_path):
    z_up = dance()[..., [0, 2, 1]] * [1, -1, 1]
    np.savez(tmp_path / "z.npz", joints=z_up * 100)
    soundfile.write(tmp_path / "song.wav", clicks(BEATS), RATE)
    words = ["--motion", "z.npz", "--audio", "song.wav", "--tracker", "none", "--size", SIZE, "--fps", 5]
    told: list[str | int] = []
    for option, value, missing in (
        ("--motion-fps", 60, "does not say its frame rate"),
        ("--unit", "cm", "not a human size"),
        ("--up", "z", "lies along z"),
    ):
        code, _, err = run(*words, *told)
        assert code == 1 and missing in err and option in err and err.count("\n") == 1
        told += [option, value]
    assert run(*words, *told)[0] == 0 and len(seen(tmp_path / "z.mp4")) == 10
    found = own_dance.read_files(tmp_path / "z.npz", tmp_path / "song.wav", Hints(60.0, "z", "cm"), tracker=None)
    np.testing.assert_allclose(found.joints, dance(), atol=1e-5)
