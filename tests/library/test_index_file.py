"""A library's file is whole, of one model, and follows its folder; what cannot be used is named."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch as torch_file
import torch
from rhythm_songs import load_tiny, pattern_song, swaying

import motionbeat
from motionbeat.errors import MotionBeatError
from motionbeat.search import index_file, nearest, piece_files

pytest_plugins = ("index_fixtures",)

pytestmark = pytest.mark.usefixtures("dance_readers", "steady_beats")


def test_a_saved_index_gives_the_same_answers_and_the_same_bytes(index_model, songs, tmp_path):
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    for name in ("a.mbi", "b.mbi"):
        index.save(tmp_path / name)
    assert (tmp_path / "a.mbi").read_bytes() == (tmp_path / "b.mbi").read_bytes()
    opened = motionbeat.Index.open(tmp_path / "a.mbi", index_model)
    assert opened.pieces == index.pieces and opened.tracker == "librosa"
    query = songs / "song1.wav"
    assert opened.search(like=query) == index.search(like=query)
    assert "song1.wav" not in [match.piece.name for match in opened.search(like=query)], "the query itself"


def test_a_small_library_never_reaches_the_reader_of_faiss(index_model, songs, tmp_path, monkeypatch):
    motionbeat.Index.build(index_model, songs, tracker="librosa").save(tmp_path / "a.mbi")
    header, tensors = index_file.read(tmp_path / "a.mbi")
    tensors["nearest_song"] = np.zeros(100, np.uint8)
    index_file.write(tmp_path / "a.mbi", {name: header[name] for name in ("model", "tracker", "pieces")}, tensors)
    monkeypatch.setattr(nearest, "_faiss", lambda: pytest.fail("faiss was called"))
    assert len(motionbeat.Index.open(tmp_path / "a.mbi", index_model).pieces) == 4


def test_an_index_of_another_model_is_refused(index_model, songs, tmp_path):
    motionbeat.Index.build(index_model, songs, tracker="librosa").save(tmp_path / "a.mbi")
    other = load_tiny(tmp_path / "other", seed=1)
    with pytest.raises(MotionBeatError, match=r"a\.mbi was made by another model .*--model"):
        motionbeat.Index.open(tmp_path / "a.mbi", other)


@pytest.mark.parametrize(
    "damage", ["missing", "folder", "text", "other", "cut", "counts", "nan", "times", "deep", "dtype"]
)
def test_a_file_that_is_no_index_is_refused_by_name(index_model, songs, tmp_path, damage):
    path = tmp_path / "a.mbi"
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    index.save(path)
    if damage == "missing":
        path.unlink()
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "deep":
        safetensors.numpy.save_file({"vectors": np.zeros(1)}, path, metadata={"motionbeat": "[" * 100_000})
    elif damage == "dtype":
        torch_file.save_file({"vectors": torch.zeros(2, 8, dtype=torch.bfloat16)}, path, metadata={"motionbeat": "{}"})
    elif damage == "text":
        path.write_text("no index")
    elif damage == "other":
        path.write_bytes((next(tmp_path.parent.rglob("model.safetensors"), None) or _tiny(tmp_path)).read_bytes())
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-50])
    else:
        header, tensors = index_file.read(path)
        if damage == "counts":
            header["pieces"][0]["windows"] += 1
        else:
            tensors["times" if damage == "times" else "vectors"][0, 0] = np.nan
        index_file.write(path, {name: header[name] for name in ("model", "tracker", "pieces")}, tensors)
    with pytest.raises(MotionBeatError, match=r"a\.mbi"):
        motionbeat.Index.open(path, index_model)


@pytest.mark.parametrize(
    ("field", "value"), [("bpm", 0), ("bpm", "120"), ("bpm", float("inf")), ("name", 5), ("kind", ["song"]), ("no", 1)]
)
def test_a_crafted_record_of_a_piece_is_refused_by_name(index_model, tmp_path, monkeypatch, field, value):
    piece = {"name": "a.wav", "folder": "", "kind": "song", "bpm": 120.0, "beats_per_bar": 4, "windows": 1}
    piece |= {"content": "", "state": "", field: value}
    header = {"model": motionbeat.Index(index_model, "librosa").digest, "tracker": "librosa", "pieces": [piece]}
    tensors = {"vectors": np.zeros((1, index_model.model.config.embedding), np.float16), "times": np.zeros((1, 2))}
    monkeypatch.setattr(index_file, "read", lambda path: (header, tensors))
    with pytest.raises(MotionBeatError, match=rf"a\.mbi: .*{field}"):
        motionbeat.Index.open(tmp_path / "a.mbi", index_model)


@pytest.mark.parametrize("width", [0, 7])
def test_vectors_of_another_width_are_refused_by_name(index_model, songs, tmp_path, width):
    path = tmp_path / "a.mbi"
    motionbeat.Index.build(index_model, songs, tracker="librosa").save(path)
    header, tensors = index_file.read(path)
    tensors["vectors"] = np.ascontiguousarray(tensors["vectors"][:, :width])
    index_file.write(path, {name: header[name] for name in ("model", "tracker", "pieces")}, tensors)
    with pytest.raises(MotionBeatError, match=r"a\.mbi: its vectors"):
        motionbeat.Index.open(path, index_model)


def test_a_folder_that_may_not_be_written_is_named(index_model):
    with pytest.raises(MotionBeatError, match=r"/proc/a\.mbi cannot be written .*--output"):
        motionbeat.Index(index_model, "librosa").save("/proc/a.mbi")


def _tiny(folder: Path) -> Path:
    load_tiny(folder / "tiny")
    return folder / "tiny" / "model.safetensors"


def test_a_write_that_fails_leaves_the_old_index(index_model, songs, tmp_path, monkeypatch):
    path = tmp_path / "a.mbi"
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    index.save(path)
    before = path.read_bytes()

    def full(tensors, target, metadata=None):
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.numpy, "save_file", full)
    with pytest.raises(MotionBeatError, match="No space left"):
        index.save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.glob("*.unfinished")] == []


def test_damaged_bytes_of_the_structure_are_refused():
    pytest.importorskip("faiss")
    with pytest.raises(MotionBeatError, match="damaged"):
        nearest.Nearest.unpack(np.zeros(100, np.uint8))


def test_only_new_and_changed_songs_are_embedded_again(index_model, songs):
    index = motionbeat.Index(index_model, "librosa")
    assert index.update(songs).added == ("song0.wav", "song1.wav", "song2.wav", "song3.wav")
    pattern_song(songs / "song1.wav", 77, beats=20)
    os.utime(songs / "song1.wav", ns=(time.time_ns(), time.time_ns() + 10**9))
    (songs / "song2.wav").unlink()
    pattern_song(songs / "new.wav", 5)
    embedded: list[str] = []
    done = index.update(songs, each=lambda names: embedded.extend(names) or names)
    assert embedded == ["new.wav", "song1.wav"]
    assert (done.added, done.changed, done.removed) == (("new.wav",), ("song1.wav",), ("song2.wav",))
    assert done.kept == ("song0.wav", "song3.wav")
    assert {piece.name: piece.windows for piece in index.pieces}["song1.wav"] == 20 - 8 + 1


def test_a_bad_archive_and_a_file_that_is_gone_are_named_and_the_rest_is_embedded(index_model, songs):
    np.savez(songs / "bad.npz", joints=np.zeros(3))
    whole = (songs / "bad.npz").read_bytes()
    (songs / "bad.npz").write_bytes(whole.replace(b"PK\x01\x02", b"PK\x01\x03"))

    def gone(names):
        (songs / "song3.wav").unlink()
        return names

    done = motionbeat.Index(index_model, "librosa").update(songs, each=gone)
    assert done.added == ("song0.wav", "song1.wav", "song2.wav")
    assert sorted(done.refused) == ["bad.npz", "song3.wav"] and "song3.wav" in done.refused["song3.wav"]


def test_embeddings_beside_the_songs_are_no_dances(songs):
    np.savez(songs / "song0.npz", clip=np.zeros(2), tokens=np.zeros((1, 2)), times=np.zeros(2))
    assert "song0.npz" not in piece_files.pieces_of(songs)


def test_a_dance_without_beats_says_where_to_put_them(index_model, songs):
    swaying(songs / "sway.npz")
    refused = motionbeat.Index(index_model, "librosa").update(songs).refused
    assert list(refused) == ["sway.npz"]
    assert "sway.beats" in refused["sway.npz"] and "--bpm" in refused["sway.npz"]
