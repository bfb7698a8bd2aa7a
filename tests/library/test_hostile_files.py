"""Files that may not be read, long names, and models of strangers: named, passed over or refused."""

import errno
import json
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rhythm_songs import RATE, pattern_song
from safetensors.numpy import load_file, save_file

import motionbeat
from motionbeat.audio import decode, mixing_down
from motionbeat.audio.song_files import songs_in
from motionbeat.cli import app as cli
from motionbeat.errors import MotionBeatError
from motionbeat.files import LARGEST_SMALL_TEXT
from motionbeat.index import Index
from motionbeat.lab import params
from motionbeat.search import piece_files

pytest_plugins = ("index_fixtures",)

pytestmark = pytest.mark.usefixtures("dance_readers", "steady_beats")


def test_what_is_no_readable_file_is_named_and_the_rest_is_indexed(index_model, songs, monkeypatch):
    (songs / "broken link.wav").symlink_to("nowhere.wav")
    (songs / "itself.wav").symlink_to("itself.wav")
    os.mkfifo(songs / "pipe.wav")
    (songs / "device.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        monkeypatch.chdir(songs)  # a socket's path is short
        bound.bind("socket.wav")
    (songs / "folder.wav").mkdir()
    whole = Path.open

    def failing(path, *words, **options):
        if path.name == "song1.wav":
            raise OSError(errno.EIO, "Input/output error")
        return whole(path, *words, **options)

    monkeypatch.setattr(Path, "open", failing)
    done = Index(index_model, "librosa").update(songs)
    names = ["broken link.wav", "device.wav", "itself.wav", "pipe.wav", "socket.wav", "song1.wav"]
    assert sorted(done.refused) == names and done.added == ("song0.wav", "song2.wav", "song3.wav")
    assert all(name in reason for name, reason in done.refused.items())
    assert {path.name for path in songs_in(songs)} >= set(names), "embed names them, too"


def test_songs_of_a_folder_that_cannot_be_listed_stay_and_it_is_named(index_model, songs, monkeypatch):
    (songs / "inner").mkdir()
    pattern_song(songs / "inner" / "song.wav", 5)
    index = Index(index_model, "librosa")
    index.update(songs)
    whole = os.scandir

    def locked(path="."):
        if str(path).endswith("inner"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(os, "scandir", locked)
    monkeypatch.setattr(os, "listdir", locked)
    (songs / "song0.wav").unlink()
    done = index.update(songs)
    assert done.removed == ("song0.wav",) and "inner/song.wav" in {piece.name for piece in index.pieces}
    assert "inner cannot be read (Permission denied)" in done.refused["inner"]


def test_a_run_that_is_interrupted_keeps_what_is_done(index_model, songs, tmp_path, monkeypatch, capsys):
    whole = piece_files.content_of

    def interrupted(path):
        if path.name == "song2.wav":
            os.kill(os.getpid(), 15)
        return whole(path)

    monkeypatch.setattr(piece_files, "content_of", interrupted)
    library, folder = tmp_path / "library" / "l.mbi", tmp_path / "model"
    index_model.model.save(folder)
    words = ("index", songs, "-o", library, "--model", folder, "--tracker", "librosa")
    monkeypatch.setattr(sys, "argv", ["motionbeat", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 130 and said[-1].startswith(f"error: interrupted: {library} keeps 2 songs")
    assert [path.name for path in library.parent.iterdir()] == ["l.mbi"]
    assert [piece.name for piece in Index.open(library, index_model).pieces] == ["song0.wav", "song1.wav"]


def test_a_query_starts_where_it_is_told_to(index_model, songs):
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    for match in index.search(like=songs / "song1.wav", start_s=4.2, stretch_beats=10, places=3):
        assert all(place.query_begin_s >= 4.2 for place in match.places)
    with pytest.raises(MotionBeatError, match=r"start at 400 s, but its last window begins at 12\.\d s"):
        index.search(like=songs / "song1.wav", start_s=400.0)


def test_a_song_whose_name_is_no_utf8_is_read(tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    os.rename(pattern_song(tmp_path / "a.wav", 1), name)
    assert len(decode.load(name, RATE)) == 16 * RATE


def test_a_song_is_the_same_in_blocks_of_any_size_and_has_a_bound(tmp_path, monkeypatch):
    wave = np.random.default_rng(0).normal(size=(3 * RATE, 2)).astype(np.float32) / 10
    for kind in ("wav", "flac", "mp3", "ogg"):
        soundfile.write(tmp_path / f"a.{kind}", wave, RATE)
        found = []
        for block in (1000, RATE, 2**20):
            monkeypatch.setattr(decode, "BLOCK", block)
            found.append(decode.decode(tmp_path / f"a.{kind}").samples)
        assert all(np.array_equal(each, found[0]) for each in found)
    assert np.array_equal(found[0], soundfile.read(tmp_path / "a.ogg", dtype="float32")[0].mean(axis=1))
    assert 4 * mixing_down.most_frames(48_000) * (1 + RATE / 48_000) < 2**31 < 2 * 3600 * 48_000 * 8
    assert mixing_down.most_frames(48_000) >= 2 * 3600 * 48_000
    monkeypatch.setattr(mixing_down, "_MOST_FLOATS", RATE)
    with pytest.raises(MotionBeatError, match=r"a\.wav holds more than .* minutes"):
        decode.decode(tmp_path / "a.wav")


@pytest.fixture
def stranger(index_model, tmp_path) -> Path:
    index_model.model.save(tmp_path / "stranger")
    return tmp_path / "stranger"


@pytest.mark.parametrize("load", [motionbeat.load, motionbeat.MotionBeat.from_pretrained], ids=["load", "hub"])
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.json", b"[" * 100_000, "is not JSON"),
        ("config.json", b"[" + b"1," * LARGEST_SMALL_TEXT + b"1]", "more than such a file has"),
        ("README.md", b"a" * (LARGEST_SMALL_TEXT + 1), "more than a card has"),
    ],
    ids=["deep", "large", "card"],
)
def test_texts_of_a_strangers_model_are_bounded(stranger, load, name, content, says):
    (stranger / name).write_bytes(content)
    with pytest.raises(MotionBeatError, match=f"{name} .*{says}"):
        load(stranger)


def test_a_thousand_layers_are_refused_before_they_are_built(stranger):
    config = json.loads((stranger / "config.json").read_text())
    (stranger / "config.json").write_text(json.dumps(config | {"layers": 1000}))
    with pytest.raises(MotionBeatError, match="layers = 1000"):
        motionbeat.load(stranger)


def test_weights_that_give_nan_are_found_when_they_do(stranger, songs):
    tensors = load_file(stranger / "model.safetensors")
    huge = {name: np.full_like(tensor, 1e38) for name, tensor in tensors.items()}
    save_file(huge, stranger / "model.safetensors")
    absurd = motionbeat.load(stranger)
    with pytest.raises(MotionBeatError, match="NaN or infinity"):
        absurd.embed_audio(songs / "song0.wav", mode="grid")
    assert "NaN or infinity" in Index(absurd, "librosa").update(songs).refused["song0.wav"]


def test_a_whole_number_that_no_array_holds_is_refused(tmp_path):
    text = (Path(__file__).parents[2] / "params.yaml").read_text().replace("subbeats: 8", f"subbeats: {'9' * 200}")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(MotionBeatError, match=r"tokens\.subbeats"):
        params.load(tmp_path / "params.yaml")
