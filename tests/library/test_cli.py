"""The `motionbeat` command: what it writes, and how it refuses."""

import errno
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve
from conftest import LAYOUT

from motionbeat.cli import app as cli
from motionbeat.inference import load
from motionbeat.lab import params
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    settings = evolve(params.load(ROOT / "params.yaml").model, width=16, heads=2, embedding=8, layers=1)
    DualEncoder(ModelConfig.of(settings, LAYOUT)).save(folder)
    return folder


@pytest.fixture
def song(tmp_path: Path) -> Path:
    tone = 0.5 * np.sin(np.arange(22_050) * 0.2) * (np.arange(22_050) % 11_025 < 4_000)
    soundfile.write(tmp_path / "song.wav", tone, 22_050)
    return tmp_path / "song.wav"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def command(*words: str | Path, name: str = "embed") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionbeat", name, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_a_song_gives_three_arrays_beside_it_that_are_the_librarys(run, model, song):
    code, out, err = run(song, "--model", model, "--mode", "grid")
    assert (code, err) == (0, "") and out == f"{song}: 50 frames over 1.0 s -> {song.with_suffix('.npz')}\n"
    expected = load(model).embed_audio(song, mode="grid")
    with np.load(song.with_suffix(".npz")) as arrays:
        assert set(arrays) == {"clip", "tokens", "times", "made_by"}
        for name in ("clip", "tokens", "times"):
            np.testing.assert_array_equal(arrays[name], getattr(expected, name))


def test_one_broken_song_does_not_keep_the_others_from_being_embedded(run, model, song, tmp_path):
    (tmp_path / "broken.mp3").write_bytes(b"no audio")
    output = tmp_path / "new" / "folder"
    code, out, err = run(tmp_path / "broken.mp3", song, "--model", model, "--mode", "grid", "-o", output)
    assert code == 1 and out.count("\n") == 1
    assert err.splitlines()[0].startswith(f"error: {tmp_path / 'broken.mp3'} cannot be decoded")
    assert err.splitlines()[1:] == ["1 of 2 songs were not embedded"]
    assert [path.name for path in output.iterdir()] == ["song.npz"]


def test_an_output_that_ends_in_npz_is_the_file_of_one_song_and_is_refused_for_two(run, model, song, tmp_path):
    grid = ("--model", model, "--mode", "grid", "-o", tmp_path / "new" / "out.npz")
    assert run(song, *grid)[0] == 0
    assert (tmp_path / "new" / "out.npz").is_file() and not song.with_suffix(".npz").exists()
    other = shutil.copy(song, tmp_path / "other.wav")
    code, out, err = run(song, other, *grid)
    assert (code, out) == (1, "") and "out.npz is one file, but there are 2 songs: name a folder" in err


def test_songs_of_a_folder_keep_their_places_and_are_skipped_until_something_changes(run, model, song, tmp_path):
    music, output = tmp_path / "music", tmp_path / "output"
    (music / "live").mkdir(parents=True)
    for place in ("a.wav", "live/a.wav"):
        shutil.copyfile(song, music / place)
        os.utime(music / place, (1e9, 1e9))
    words = (music, "--model", model, "--mode", "grid", "--json", "-o", output)

    def statuses(*more: str | Path) -> list[str]:
        code, out, err = run(*words, *more)
        assert (code, err) == (0, "")
        found = [json.loads(line) for line in out.splitlines()]
        assert {line["output"] for line in found} == {str(output / "a.npz"), str(output / "live" / "a.npz")}
        assert all(line["tokens"] == 50 and line["seconds"] == pytest.approx(0.99) for line in found)
        return sorted(line["status"] for line in found)

    assert statuses() == ["embedded", "embedded"]
    assert statuses() == ["skipped", "skipped"]
    assert statuses("--again") == ["embedded", "embedded"]
    os.utime(music / "a.wav", (4e9, 4e9))
    assert statuses() == ["skipped", "skipped"]  # a clock that was wrong decides nothing
    samples, rate = soundfile.read(song)
    soundfile.write(music / "a.wav", samples[::-1], rate)
    os.utime(music / "a.wav", (1e9, 1e9))  # another song, older than its embedding
    assert statuses() == ["embedded", "skipped"]
    other = tmp_path / "other model"
    changed = load(model).model
    with torch.no_grad():
        changed.mel_mean += 1
    changed.save(other)
    assert statuses() == ["skipped", "skipped"]
    assert statuses("--model", other) == ["embedded", "embedded"]


@pytest.mark.parametrize("content", ["dance", "cut short"])
def test_an_npz_that_embed_did_not_write_is_kept_and_the_other_songs_are_embedded(run, model, song, tmp_path, content):
    np.savez(song.with_suffix(".npz"), joints=np.zeros((9, 24, 3)))
    if content == "cut short":
        song.with_suffix(".npz").write_bytes(song.with_suffix(".npz").read_bytes()[:300])
    kept = song.with_suffix(".npz").read_bytes()
    other = Path(shutil.copy(song, tmp_path / "other.wav"))
    code, out, err = run(song, other, "--model", model, "--mode", "grid", "--again")
    assert code == 1 and out.startswith(f"{other}: 50 frames")
    assert err.startswith(f"error: {song.with_suffix('.npz')} is not an .npz that embed wrote")
    assert err.splitlines()[0].endswith("give -o FOLDER or move it") and err.count("\n") == 2
    assert song.with_suffix(".npz").read_bytes() == kept


def _no_entry(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", "song.wav")


@pytest.mark.parametrize("reader", ["motionbeat.cli.embed_files.made_from", "motionbeat.inference.song_tokens"])
def test_a_song_that_may_not_be_read_ends_in_a_line(run, model, song, monkeypatch, reader):
    monkeypatch.setattr(reader, _no_entry)
    code, out, err = run(song, "--model", model, "--mode", "grid")
    assert (code, out) == (1, "") and re.match(r"error: \S*song\.wav.*Permission denied", err)


def test_an_output_that_is_the_song_or_a_folder_is_refused_before_any_work(run, song, tmp_path, monkeypatch):
    monkeypatch.setattr("motionbeat.beats.track", _no_entry)
    (tmp_path / "link.wav").symlink_to(song)
    for output, says in (
        (tmp_path / "link.wav", "is an input"),
        (tmp_path, "is a folder"),
        (song / "x", "cannot be wr"),
    ):
        code, _, err = run(song, "-o", output, name="beats")
        assert code == 1 and err.startswith(f"error: {output} {says}")


@pytest.mark.parametrize(
    "words",
    [
        *("songs {}/new", "finetune songs -o {}/new", "ablate -o {}/new", "embed song.wav -o {}/new"),
        *(
            "index . -o {}/new.mbi",
            "export-onnx -o {}/a.onnx",
            "beats song.wav -o {}/beats",
            "dance song.wav -o {}/a.npz",
        ),
        "render x -o {}/a.mp4",
    ],
)
@pytest.mark.parametrize("place", ["a file", "a folder of the kernel"])
def test_a_place_where_nothing_can_be_written_is_named_before_any_work(run, song, monkeypatch, words, place):
    monkeypatch.chdir(song.parent)
    monkeypatch.setenv("PATH", "")  # apt and ffmpeg would be work
    (song.parent / "songs").mkdir()
    monkeypatch.setattr("motionbeat.audio.decode.decode", _no_entry)
    name, *rest = words.format(song if place == "a file" else "/proc").split()
    code, _, err = run(*rest, name=name)
    assert code == 1 and "cannot be written" in err.splitlines()[-1]


def test_songs_in_a_folder_that_may_not_be_written_are_not_embedded_in_vain(run, song, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", _no_entry)
    code, _, err = run(song)
    assert code == 1 and err.startswith(f"error: {song.parent} cannot be written")


def test_a_folder_that_is_input_and_output_is_refused(run, song):
    for name, words in (
        ("songs", ("--exclude", song.parent)),
        ("finetune", ("-o", song.parent / "x", "--work", song.parent)),
    ):
        code, _, err = run(song.parent, *words, name=name)
        assert code == 1 and f"{song.parent} is an input" in err


@pytest.mark.parametrize("words", ["dance x --hold nan", "render --start nan", "search x --bpm nan"])
def test_an_option_that_is_no_finite_number_is_refused(run, words):
    command, *rest, value = words.split()
    code, out, err = run(*rest, value, name=command)
    assert (code, out) == (1, "") and err.endswith(f"{value}: give a finite number\n")


@pytest.mark.parametrize("limit", ["inf", "1e300", "-1"])
def test_a_limit_of_the_cache_beyond_any_disk_is_wrong_use(run, limit):
    code, out, err = run("--limit", limit, name="cache")
    assert (code, out) == (2, "") and "--limit" in err and "than or equal to" in err


def test_a_refused_song_is_a_line_of_json_too(run, model, tmp_path):
    (tmp_path / "broken.mp3").write_bytes(b"no audio")
    code, out, _ = run(tmp_path / "broken.mp3", "--model", model, "--mode", "grid", "--json")
    assert code == 1
    line = json.loads(out)
    assert line["status"] == "refused" and "cannot be decoded" in line["error"]


def test_the_tempo_is_of_the_median_interval(run, model, tmp_path):
    clicks = np.zeros(20 * 22_050)
    for time in np.arange(5.0, 19.9, 60 / 140):  # silence before the first beat is no slower music
        clicks[round(time * 22_050) :][:300] = 0.8 * np.exp(-np.arange(300) / 60)[: len(clicks) - round(time * 22_050)]
    soundfile.write(tmp_path / "clicks.wav", clicks, 22_050)
    code, out, _ = run(tmp_path / "clicks.wav", "--model", model, "--tracker", "librosa")
    assert code == 0
    bpm = float(out.split(" BPM")[0].split()[-1])
    with np.load(tmp_path / "clicks.npz") as arrays:
        assert bpm == pytest.approx(60 / np.median(np.diff(arrays["times"])), abs=0.05)
    assert min(abs(bpm / 140 - ratio) for ratio in (0.5, 1, 2)) < 0.04


def test_a_tracker_has_no_use_in_grid_mode(run, model, song):
    code, _, err = run(song, "--model", model, "--mode", "grid", "--tracker", "librosa")
    assert code == 1 and "--tracker librosa with --mode grid" in err


def test_two_songs_of_one_name_are_refused_before_any_work(run, model, song, tmp_path):
    code, out, err = run(song, tmp_path / "song.mp3", "--model", tmp_path / "no model")
    assert (code, out) == (1, "")
    assert err == (
        f"error: {song} and {tmp_path / 'song.mp3'} would both be written to {tmp_path / 'song.npz'}: "
        "embed them into different folders with --output\n"
    )


def test_an_output_that_cannot_be_a_folder_is_refused(run, model, song, tmp_path):
    code, _, err = run(song, "--model", model, "--mode", "grid", "-o", song)
    assert code == 1 and err.startswith(f"error: {song} cannot be written")
    assert err.endswith("name another with --output\n") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "config.json is missing: name the folder of a trained model with --model, or train one"),
        ("{", "is not JSON"),
        ("[]", "has no settings: use the config.json that training wrote"),
        ('{"model_type": "bert"}', "unknown key model_type; missing key centre, "),
        ("changed", "tensor audio_encoder."),
    ],
)
def test_a_folder_that_holds_no_model_is_refused_in_one_line(run, model, song, tmp_path, config, says):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    if config == "changed":
        config = json.dumps(json.loads((model / "config.json").read_text()) | {"layers": 2})
    if config is not None:
        (folder / "config.json").write_text(config)
    code, out, err = run(song, "--model", folder)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert err.startswith(f"error: {folder}") and says in err
    assert not song.with_suffix(".npz").exists()


def test_help_says_what_comes_out_and_where(run):
    code, out, _ = run("--help")
    assert code == 0
    for word in ("SONG.npz", "clip", "tokens", "times", "--model", "--output", "grid", "Example"):
        assert word in out
    plain = " ".join(out.replace("│", " ").split())
    assert "the model that comes with the package" in plain


def test_an_unknown_mode_is_refused_with_those_there_are(run, song):
    code, out, err = run(song, "--mode", "frames")
    assert code == 2 and out == "" and all(word in err for word in ("--mode", "frames", "beats", "grid"))


def test_a_preset_is_printed_as_flags_and_written_with_comments_kept(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    assert run("without-sral", name="preset") == (0, "-S loss.alpha=0.0\n", "")
    assert run("without-sral", "--write", name="preset") == (0, "", "loss.alpha: 0.2 -> 0.0\n")
    assert "alpha: 0.0 # weight of SRAL" in (tmp_path / "params.yaml").read_text()
    assert all(name in run(name="preset")[1] for name in ("paper", "paper-size", "tiny"))
    code, out, error = run("Without-sarl", name="preset")
    assert (code, out) == (1, "--preset-refused\n"), "a flag that dvc exp run has not, so that it does not train"
    assert "did you mean without-sral" in error
    assert run("without-sarl", "--write", name="preset")[:2] == (1, "")
