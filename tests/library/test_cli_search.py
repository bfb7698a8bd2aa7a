"""`motionbeat index`, `search`, `beats`, `doctor`, --version and completion: what they print and how they refuse."""

import json
import subprocess
import sys
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from rhythm_songs import pattern_song, registered, swaying, tiny_model
from typer.main import get_command

import motionbeat
from motionbeat.beats.beats_text import read_beats
from motionbeat.cli import app as cli
from motionbeat.cli import extras, health
from motionbeat.errors import MotionBeatError
from motionbeat.index import Index
from motionbeat.search import piece_files

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number in range(3):
        pattern_song(folder / f"song{number}.wav", number)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    monkeypatch.setattr(piece_files, "entry_points", lambda group: registered(group))

    def command(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionbeat", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@pytest.fixture(scope="module")
def library(tmp_path_factory, model, songs) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.mbi"
    index = motionbeat.Index.build(motionbeat.load(model), songs, tracker="librosa")
    index.save(path)
    return path


def test_a_folder_is_indexed_once_and_then_only_what_is_new(run, model, songs, tmp_path):
    path = tmp_path / "library.mbi"
    words = ("index", songs, "-o", path, "--model", model)
    code, out, _ = run(*words, "--tracker", "librosa")
    assert code == 0 and "3 songs, 0 dances" in out and "3 added, 0 changed, 0 kept" in out
    code, out, _ = run(*words, "--json")
    record = json.loads(out)
    assert code == 0 and record["kept"] == ["song0.wav", "song1.wav", "song2.wav"] and record["added"] == []
    assert record["tracker"] == "librosa"
    other = tmp_path / "more"
    other.mkdir()
    pattern_song(other / "other.wav", 9, beats=12)
    code, _, err = run("index", other, "-o", path, "--model", model)
    assert code == 1 and "--add" in err and err.count("\n") == 1
    code, out, _ = run("index", other, "-o", path, "--model", model, "--add")
    assert code == 0 and "4 songs" in out
    code, _, err = run(*words, "--add", "--tracker", "madmom")
    assert code == 1 and "librosa" in err and "--tracker" in err


def test_a_broken_song_is_named_and_the_others_are_indexed(run, model, tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    pattern_song(folder / "good.wav", 1, beats=12)
    (folder / "broken.mp3").write_bytes(b"no audio")
    code, out, err = run("index", folder, "-o", tmp_path / "l.mbi", "--model", model, "--tracker", "librosa")
    assert code == 1 and "1 songs" in out
    assert "broken.mp3 cannot be decoded" in err and err.endswith("1 files were not embedded\n")


def test_names_are_printed_without_their_control_characters(run, model, songs, tmp_path):
    folder, bad = tmp_path / "songs", "a\x1b[2J\x9b\udcff.wav"
    folder.mkdir()
    pattern_song(folder / "red\x1b[31m.wav", 1, beats=12)
    (folder / bad).write_bytes(b"no audio")
    words = ("index", folder, "-o", tmp_path / "l.mbi", "--model", model, "--tracker", "librosa")
    code, out, err = run(*words)
    assert code == 1 and "1 songs" in out and r"a\x1b[2J\x9b\udcff.wav" in err and "\x1b" not in err
    code, out, _ = run(*words, "--json")
    assert out.isascii() and bad in json.loads(out)["refused"]
    words = ("--like", songs / "song0.wav", "--model", model, "--tempo", "any")
    code, out, _ = run("search", tmp_path / "l.mbi", *words)
    assert code == 0 and r"red\x1b[31m.wav" in out and "\x1b" not in out


def test_a_stopped_run_keeps_its_first_songs(run, model, songs, tmp_path, monkeypatch):
    whole = Index.update

    def stopped(self, folder, *, done, **options):
        def once():
            done()
            raise MotionBeatError("stopped")

        return whole(self, folder, done=once, **options)

    path = tmp_path / "l.mbi"
    monkeypatch.setattr(Index, "update", stopped)
    assert run("index", songs, "-o", path, "--model", model, "--tracker", "librosa")[0] == 1
    assert [piece.name for piece in Index.open(path, motionbeat.load(model)).pieces] == ["song0.wav"]


def test_a_folder_as_the_library_is_called_one(run, model, songs, tmp_path):
    code, _, err = run("index", songs, "-o", tmp_path, "--model", model)
    assert code == 1 and f"{tmp_path} is a folder" in err


def test_search_prints_a_table_or_json(run, model, songs, library):
    words = ("search", library, "--like", songs / "song0.wav", "--model", model, "--tempo", "any")
    code, out, err = run(*words)
    lines = out.splitlines()
    assert (code, err) == (0, "") and lines[0].split()[:3] == ["score", "BPM", "speed"]
    assert [line.split()[-1] for line in lines[1:]] != [] and all(line.endswith(".wav") for line in lines[1:])
    code, out, _ = run(*words, "--json", "--places", "2")
    records = json.loads(out)
    assert {record["name"] for record in records} == {"song1.wav", "song2.wav"}
    assert records[0]["score"] >= records[1]["score"]
    assert all(len(record["places"]) <= 2 and record["places"][0]["fits_s"][0] >= 0 for record in records)


def test_songs_for_a_dance_by_its_tempo(run, model, library, tmp_path):
    dance = swaying(tmp_path / "sway.npz")
    code, _, err = run("search", library, "--dance", dance, "--model", model)
    assert code == 1 and "--bpm" in err and "sway.beats" in err
    words = ("search", library, "--dance", dance, "--model", model, "--bpm", "120", "--tempo", "any", "--json")
    code, out, err = run(*words)
    assert (code, err) == (0, "") and len(json.loads(out)) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name one query"),
        (("song.wav",), "name one query: --like SONG"),
        (("--like", "a.wav", "--dance", "b.bvh"), "name one query"),
        (("--like", "missing.wav"), "missing.wav does not exist"),
        (("--like", "missing.wav", "--tolerance", "2"), "--tolerance 2: give a number between 0 and 1"),
        (("--to-dance", "SONG"), "holds no dance"),
        (("--like", "SONG", "--music", "SONG"), "--music only works with --dance"),
        (("--dance", "SONG", "--music", "SONG", "--bpm", "120"), "--music and --bpm both give the beats"),
        (("--like", "SONG", "--bpm", "1e300", "--model", "missing"), "give a number from 20 to 400"),
    ],
)
def test_a_query_that_cannot_be_is_refused_in_one_line(run, model, songs, library, words, says):
    words = tuple(songs / "song0.wav" if word == "SONG" else word for word in words)
    code, out, err = run("search", library, "--model", model, *words)
    assert (code, out) == (1, "") and says in err and err.count("\n") == 1


def test_beats_are_written_as_the_tools_of_the_field_read_them(run, songs, tmp_path):
    song, texts = songs / "song1.wav", {}
    for form in ("table", "mir_eval", "sonic-visualiser", "sonic-visualiser-bars"):
        path = tmp_path / form
        code, out, err = run("beats", song, "--tracker", "librosa", "--format", form, "-o", path)
        assert code == 0 and "beats" in out and "no downbeats" in err
        texts[form] = path
    code, out, _ = run("beats", song, "--tracker", "librosa", "--json")
    record = json.loads(out)
    times, positions = np.array(record["times"]), record["positions"]
    assert code == 0 and len(times) > 20 and record["downbeats_tracked"] is False
    np.testing.assert_allclose(mir_eval.io.load_events(str(texts["mir_eval"])), times)
    read, labels = mir_eval.io.load_labeled_events(str(texts["sonic-visualiser"]), delimiter="\t")
    np.testing.assert_allclose(read, times)
    assert [int(label.split(".")[1]) for label in labels] == positions
    bars, _ = mir_eval.io.load_labeled_events(str(texts["sonic-visualiser-bars"]), delimiter="\t")
    np.testing.assert_allclose(bars, times[np.array(positions) == 1])
    again = read_beats(texts["table"])
    np.testing.assert_allclose(again.times, times)
    assert again.positions.tolist() == positions


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"motionbeat {motionbeat.__version__}\n", "")


def test_exit_statuses_and_completion_are_documented(run):
    code, out, _ = run("--help")
    assert code == 0 and "Exit status" in out and "--install-completion" in out


def test_every_command_shows_an_example_in_its_help():
    group = get_command(cli.app)
    commands = group.commands  # type: ignore[attr-defined]
    assert {"beats", "doctor", "embed", "index", "search"} <= set(commands)
    assert [name for name, command in commands.items() if "xample" not in (command.help or "")] == []
    # they write files, serve a page, or print what a shell takes
    without = {"embed", "ablate", "dance", "demo", "export-onnx", "finetune", "preset", "render", "songs"}
    for name in commands.keys() - without:
        assert "--json" in {flag for option in commands[name].params for flag in option.opts}


def test_doctor_tells_what_is_there_and_fails_on_problems(run, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "cache"))
    code, out, _ = run("doctor", "--model", model, "--json")
    findings = {(finding["topic"], finding["name"]): finding for finding in json.loads(out)}
    assert code == 0 and findings["model", str(model)]["state"] == "ok"
    assert findings["installed", "motionbeat"]["detail"].startswith(motionbeat.__version__)
    assert "CC BY-NC-SA" in findings["licence", "madmom"]["detail"]
    for name in ("items", "firefox"):
        (tmp_path / "cache" / name).mkdir(parents=True)
        (tmp_path / "cache" / name / "entry.npz").write_bytes(b"half")
    code, out, _ = run("doctor", "--model", model)
    assert code == 1 and "1 files, such as" in out and "entry.npz: delete them" in out and "firefox" not in out


def test_doctor_counts_data_sets_that_params_name(tmp_path):
    (tmp_path / "params.yaml").write_text(
        "corpus: {name: aistpp, root: aist}\ntasks: {folds: 5, gtzan: {root: gtzan}, nsynth: {root: standins/nsynth}}\n"
    )
    (tmp_path / "aist" / "motions").mkdir(parents=True)
    (tmp_path / "aist" / "motions" / "gBR.pkl").touch()
    states = {finding.name: finding for finding in health.data_sets(tmp_path / "params.yaml")}
    assert states["aistpp"].state == "note" and "1 of 1,408 .pkl" in states["aistpp"].detail
    assert states["gtzan"].state == "problem" and "missing" in states["gtzan"].detail
    assert "stand-in" in states["nsynth"].detail


@pytest.mark.slow
def test_doctor_names_the_stages_that_dvc_would_run(tmp_path):
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text("stages:\n  first:\n    cmd: echo 1 > out\n    outs: [out]\n")
    (finding,) = health.pipeline(tmp_path)
    assert finding.detail == "would run 1 stages: first"
    assert not (tmp_path / "out").exists()
    subprocess.run([*dvc, "repro", "-q"], cwd=tmp_path, check=True)
    (finding,) = health.pipeline(tmp_path)
    assert finding.state == "ok" and "up to date" in finding.detail


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("madmom", "motionbeat[pipeline]"),
        ("pyarrow.parquet", "motionbeat[pipeline]"),
        ("ruamel.yaml", "motionbeat[pipeline]"),
        ("sklearn", "motionbeat[pipeline]"),
        ("av", "motionbeat[video]"),
        ("PIL", "motionbeat[video]"),
        ("transformers", "motionbeat[baselines]"),
    ],
)
def test_a_missing_module_names_the_extra_that_brings_it(module, line):
    assert line in extras.extra_of(module)


LIGHT = """
import sys
for name in ({barred}).split():
    sys.modules[name] = None
from motionbeat.search import piece_files
from importlib.metadata import EntryPoint
reader = EntryPoint("dance", "motionbeat.lab.corpora.formats:read_motion", "motionbeat.readers")
piece_files.entry_points = lambda group: [reader]
from motionbeat.cli import app as cli
sys.argv = ["motionbeat", *{words!r}]
cli.main()
"""
BARRED = (
    "dvc pyarrow pandas ruamel ruamel.yaml cattrs jinja2 matplotlib smplx roma requests mir_eval madmom faiss "
    "av PIL transformers tensorboard filelock"
)


def light(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    script = LIGHT.format(barred=repr(BARRED), words=words)
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "extra"),
    [
        (["--version"], 0, ""),
        (["doctor"], 0, ""),
        (["beats", "SONG", "--tracker", "librosa"], 0, ""),
        (["beats", "SONG", "--tracker", "madmom"], 1, "motionbeat[pipeline]"),
        (["index", "SONGS", "--model", "MODEL"], 0, ""),
        (["search", "LIBRARY", "--like", "SONG", "--model", "MODEL", "--tempo", "any"], 0, ""),
        (["search", "LIBRARY", "--dance", "DANCE", "--model", "MODEL", "--bpm", "120"], 1, "motionbeat[pipeline]"),
        (["dance", "SONG", "-o", "x.npz"], 1, ""),
        (["render", "--list"], 1, "motionbeat[pipeline]"),
        (["preset"], 1, "motionbeat[pipeline]"),
        (["ablate"], 1, "motionbeat[pipeline]"),
    ],
)
def test_a_light_install_never_ends_in_a_traceback(words, code, extra, model, songs, library, tmp_path):
    dance = swaying(tmp_path / "sway.npz")
    named = {"SONG": songs / "song0.wav", "SONGS": songs, "MODEL": model, "LIBRARY": library, "DANCE": dance}
    done = light([str(named.get(word, word)) for word in words], tmp_path)
    assert "Traceback" not in done.stderr and done.returncode == code, done.stderr
    assert extra in done.stderr.replace("\n", " ")
    assert code == 0 or done.stderr.startswith("error: ")
