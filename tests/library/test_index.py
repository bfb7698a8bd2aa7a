"""Search finds the piece, the place and the offset; the file is whole, and of one model."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch as torch_file
import torch
from rhythm_songs import RATE, load_tiny, pattern_song, registered, swaying

import motionbeat
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.search import index_file, nearest, piece_files
from motionbeat.search.rhythm_windows import Windows, folded, music_windows
from motionbeat.search.stretches import best_stretches, stretch_means


@pytest.fixture(autouse=True)
def _readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece_files, "entry_points", lambda group: registered(group))


@pytest.fixture(autouse=True)
def _beats_of_the_songs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats at 120 BPM from the first sample on: what is tracked is not under test here, and takes long."""

    def tracked(audio, sample_rate=None, tracker="librosa", **options):
        from motionbeat.audio.decode import signal

        seconds = len(signal(audio, sample_rate, RATE)) / RATE
        times = np.arange(0, seconds - 0.2, 60 / options.get("bpm", 120.0))
        return Beats(times, np.arange(len(times)) % 4 + 1, 4)

    monkeypatch.setattr(piece_files, "track", tracked)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(4):
        pattern_song(folder / f"song{number}.wav", number)
    return folder


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 16, 17])
def test_means_along_diagonals_are_those_of_a_plain_loop(length):
    cosine = np.random.default_rng(0).normal(size=(20, 23))
    expected = [
        [np.mean([cosine[i + s, j + s] for s in range(length)]) for j in range(24 - length)] for i in range(21 - length)
    ]
    np.testing.assert_allclose(stretch_means(cosine, length), expected, atol=1e-12)


def test_places_do_not_overlap_and_come_best_first():
    cosine = np.full((6, 30), 0.1)
    for start, value in ((2, 0.9), (20, 0.7)):
        cosine[np.arange(4), start + np.arange(4)] = value
    found = best_stretches(cosine, 4, 3)
    assert [(i, j) for i, j, _ in found[:2]] == [(0, 2), (0, 20)]
    assert [round(score, 6) for _, _, score in found[:2]] == [0.9, 0.7]
    starts = sorted(j for _, j, _ in found)
    assert np.diff(starts).min() >= 4


def test_a_stretch_longer_than_a_piece_is_cut_to_it():
    assert best_stretches(np.eye(3), 50, 1) == [(0, 0, 1.0)]


def test_the_same_music_is_found_first_at_its_offset(model, songs, tmp_path):
    index = motionbeat.Index.build(model, songs, tracker="librosa")
    # song 2 from its 5th beat on, which is 2 s into it
    import soundfile

    wave, _ = soundfile.read(songs / "song2.wav")
    soundfile.write(tmp_path / "cut.wav", wave[2 * RATE :], RATE)
    first, *others = index.search(like=tmp_path / "cut.wav", stretch_beats=16)
    assert first.piece.name == "song2.wav" and first.score > 0.99
    place = first.places[0]
    assert place.begin_s - place.query_begin_s == pytest.approx(2.0)
    assert place.end_s - place.begin_s == pytest.approx(16 * 0.5)
    assert place.speed == pytest.approx(1.0) and len(others) == 3
    assert all(match.score < first.score for match in others)


def test_a_song_at_another_tempo_has_the_same_windows_and_is_left_out_by_tempo_same(model, tmp_path):
    grids = {}
    for bpm in (120.0, 90.0):
        path = pattern_song(tmp_path / f"{bpm}.wav", 3, bpm)
        beats = Beats(np.arange(32) * 60 / bpm, np.arange(32) % 4 + 1, 4)
        (grids[bpm],) = music_windows(model, path, None, [(1.0, beats)])
    index = motionbeat.Index(model, "librosa")
    index.add("slow", grids[90.0])
    assert index.match([grids[120.0]], tempo="same") == []
    (match,) = index.match([grids[120.0]], tempo="any")
    assert match.score > 0.9
    assert match.places[0].speed == pytest.approx(120 / 90, rel=1e-6)


def test_folding_finds_the_song_whose_beats_were_counted_at_double_tempo(model, tmp_path):
    path = pattern_song(tmp_path / "song.wav", 5, 100.0, beats=24)
    slow = Beats(np.arange(24) * 0.6, np.arange(24) % 4 + 1, 4)
    grids = music_windows(model, path, None, folded(slow))
    assert [grid.speed for grid in grids] == [1.0, 2.0, 0.5, 0.5]
    assert grids[1].bpm == pytest.approx(200.0) and grids[2].bpm == pytest.approx(50.0)
    index = motionbeat.Index(model, "librosa")
    index.add("double", grids[1])
    assert index.match(grids, tempo="same") == []
    (match,) = index.match(grids, tempo="folded")
    assert match.score > 0.99 and match.places[0].beats == 2.0


def test_half_tempo_keeps_every_second_beat_and_double_puts_one_between():
    beats = Beats(np.arange(9) * 0.5, (np.arange(9) + 2) % 4 + 1, 4)  # the first downbeat is beat 2
    _, (_, twice), (_, half), (_, other) = folded(beats)
    np.testing.assert_allclose(twice.times, np.arange(17) * 0.25)
    assert twice.positions[4] == 1, "a downbeat stays one"
    np.testing.assert_allclose(half.times, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(other.times, [0.5, 1.5, 2.5, 3.5])
    assert half.positions[1] == 1 and half.positions[0] == 4


def test_a_saved_index_gives_the_same_answers_and_the_same_bytes(model, songs, tmp_path):
    index = motionbeat.Index.build(model, songs, tracker="librosa")
    for name in ("a.mbi", "b.mbi"):
        index.save(tmp_path / name)
    assert (tmp_path / "a.mbi").read_bytes() == (tmp_path / "b.mbi").read_bytes()
    opened = motionbeat.Index.open(tmp_path / "a.mbi", model)
    assert opened.pieces == index.pieces and opened.tracker == "librosa"
    query = songs / "song1.wav"
    assert opened.search(like=query) == index.search(like=query)
    assert "song1.wav" not in [match.piece.name for match in opened.search(like=query)], "the query itself"


def test_only_new_and_changed_songs_are_embedded_again(model, songs):
    index = motionbeat.Index(model, "librosa")
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


def test_a_small_library_never_reaches_the_reader_of_faiss(model, songs, tmp_path, monkeypatch):
    motionbeat.Index.build(model, songs, tracker="librosa").save(tmp_path / "a.mbi")
    header, tensors = index_file.read(tmp_path / "a.mbi")
    tensors["nearest_song"] = np.zeros(100, np.uint8)
    index_file.write(tmp_path / "a.mbi", {name: header[name] for name in ("model", "tracker", "pieces")}, tensors)
    monkeypatch.setattr(nearest, "_faiss", lambda: pytest.fail("faiss was called"))
    assert len(motionbeat.Index.open(tmp_path / "a.mbi", model).pieces) == 4


def test_a_bad_archive_and_a_file_that_is_gone_are_named_and_the_rest_is_embedded(model, songs):
    np.savez(songs / "bad.npz", joints=np.zeros(3))
    whole = (songs / "bad.npz").read_bytes()
    (songs / "bad.npz").write_bytes(whole.replace(b"PK\x01\x02", b"PK\x01\x03"))

    def gone(names):
        (songs / "song3.wav").unlink()
        return names

    done = motionbeat.Index(model, "librosa").update(songs, each=gone)
    assert done.added == ("song0.wav", "song1.wav", "song2.wav")
    assert sorted(done.refused) == ["bad.npz", "song3.wav"] and "song3.wav" in done.refused["song3.wav"]


def test_an_index_of_another_model_is_refused(model, songs, tmp_path):
    motionbeat.Index.build(model, songs, tracker="librosa").save(tmp_path / "a.mbi")
    other = load_tiny(tmp_path / "other", seed=1)
    with pytest.raises(MotionBeatError, match=r"a\.mbi was made by another model .*--model"):
        motionbeat.Index.open(tmp_path / "a.mbi", other)


@pytest.mark.parametrize(
    "damage", ["missing", "folder", "text", "other", "cut", "counts", "nan", "times", "deep", "dtype"]
)
def test_a_file_that_is_no_index_is_refused_by_name(model, songs, tmp_path, damage):
    path = tmp_path / "a.mbi"
    index = motionbeat.Index.build(model, songs, tracker="librosa")
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
        motionbeat.Index.open(path, model)


@pytest.mark.parametrize(
    ("field", "value"), [("bpm", 0), ("bpm", "120"), ("bpm", float("inf")), ("name", 5), ("kind", ["song"]), ("no", 1)]
)
def test_a_crafted_record_of_a_piece_is_refused_by_name(model, tmp_path, monkeypatch, field, value):
    piece = {"name": "a.wav", "folder": "", "kind": "song", "bpm": 120.0, "beats_per_bar": 4, "windows": 1}
    piece |= {"content": "", "state": "", field: value}
    header = {"model": motionbeat.Index(model, "librosa").digest, "tracker": "librosa", "pieces": [piece]}
    tensors = {"vectors": np.zeros((1, model.model.config.embedding), np.float16), "times": np.zeros((1, 2))}
    monkeypatch.setattr(index_file, "read", lambda path: (header, tensors))
    with pytest.raises(MotionBeatError, match=rf"a\.mbi: .*{field}"):
        motionbeat.Index.open(tmp_path / "a.mbi", model)


@pytest.mark.parametrize("width", [0, 7])
def test_vectors_of_another_width_are_refused_by_name(model, songs, tmp_path, width):
    path = tmp_path / "a.mbi"
    motionbeat.Index.build(model, songs, tracker="librosa").save(path)
    header, tensors = index_file.read(path)
    tensors["vectors"] = np.ascontiguousarray(tensors["vectors"][:, :width])
    index_file.write(path, {name: header[name] for name in ("model", "tracker", "pieces")}, tensors)
    with pytest.raises(MotionBeatError, match=r"a\.mbi: its vectors"):
        motionbeat.Index.open(path, model)


def test_a_folder_that_may_not_be_written_is_named(model):
    with pytest.raises(MotionBeatError, match=r"/proc/a\.mbi cannot be written .*--output"):
        motionbeat.Index(model, "librosa").save("/proc/a.mbi")


def _tiny(folder: Path) -> Path:
    load_tiny(folder / "tiny")
    return folder / "tiny" / "model.safetensors"


def test_a_write_that_fails_leaves_the_old_index(model, songs, tmp_path, monkeypatch):
    path = tmp_path / "a.mbi"
    index = motionbeat.Index.build(model, songs, tracker="librosa")
    index.save(path)
    before = path.read_bytes()

    def full(tensors, target, metadata=None):
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.numpy, "save_file", full)
    with pytest.raises(MotionBeatError, match="No space left"):
        index.save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.glob("*.unfinished")] == []


def test_dances_and_songs_find_each_other_with_times(model, songs):
    swaying(songs / "sway.npz")
    pattern_song(songs / "sway.wav", 8, beats=24)  # its music, beside it under its name
    index = motionbeat.Index.build(model, songs, tracker="librosa")
    (match,) = index.search(to_dance=songs / "song0.wav")
    assert match.piece.kind == "dance" and match.piece.name == "sway.npz"
    assert 0 <= match.places[0].begin_s < match.places[0].end_s <= 12.1
    found = index.search(dance=songs / "sway.npz", count=3)
    assert len(found) == 3 and {match.piece.kind for match in found} == {"song"}


def test_a_dance_is_the_mean_of_its_windows_at_downbeats_in_embed_motion(model, songs):
    """The vectors are those that the library makes of the same beats."""
    swaying(songs / "sway.npz")
    (songs / "sway.beats").write_text("".join(f"{0.5 * beat:.3f}\t{beat % 4 + 1}\n" for beat in range(24)))
    index = motionbeat.Index.build(model, songs, tracker="librosa")
    number = [piece.name for piece in index.pieces].index("sway.npz")
    vectors = index._windows[number][0].astype(np.float32)
    motion = piece_files.read_dance(songs / "sway.npz")
    clip = model.embed_motion(motion.joints, motion.fps, np.arange(24) * 0.5, np.arange(24) % 4 + 1).clip
    mean = vectors[::4].mean(axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), clip, atol=2e-3)  # float16


def test_a_dance_without_beats_says_where_to_put_them(model, songs):
    swaying(songs / "sway.npz")
    refused = motionbeat.Index(model, "librosa").update(songs).refused
    assert list(refused) == ["sway.npz"]
    assert "sway.beats" in refused["sway.npz"] and "--bpm" in refused["sway.npz"]


def test_embeddings_beside_the_songs_are_no_dances(songs):
    np.savez(songs / "song0.npz", clip=np.zeros(2), tokens=np.zeros((1, 2)), times=np.zeros(2))
    assert "song0.npz" not in piece_files.pieces_of(songs)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "exactly one"),
        ({"like": "a.wav", "dance": "b.npz"}, "exactly one"),
        ({"like": "a.wav", "tempo": "near"}, "tempo = 'near'"),
        ({"like": "a.wav", "count": 0}, "at least 1"),
        ({"dance": np.zeros((5, 24, 3))}, "needs fps and the beats"),
        ({"dance": np.zeros((5, 23, 3)), "fps": 30.0, "beats": Beats([0, 1], [1, 2], 4)}, r"\(5, 23, 3\)"),
    ],
)
def test_a_query_that_cannot_be_is_refused(model, songs, monkeypatch, options, says):
    pattern_song(songs / "a.wav", 1, beats=10)
    monkeypatch.chdir(songs)
    index = motionbeat.Index(model, "librosa")
    with pytest.raises(MotionBeatError, match=says):
        index.search(**options)


def large_index(model, monkeypatch, rng) -> tuple[motionbeat.Index, list[np.ndarray]]:
    monkeypatch.setattr("motionbeat.index.EXACT_LIMIT", 500)
    index, pieces = motionbeat.Index(model, "librosa"), []
    for number in range(60):
        vectors = unit(rng, 30, 8)
        times = np.stack([np.arange(30) * 0.5, np.arange(30) * 0.5 + 4], axis=1)
        pieces.append(vectors)
        index.add(f"{number:02}", Windows(vectors, times, 100.0 + number, 4))
    return index, pieces


def test_a_large_library_is_searched_by_faiss_as_if_all_were_compared(model, monkeypatch, tmp_path):
    pytest.importorskip("faiss")
    index, pieces = large_index(model, monkeypatch, np.random.default_rng(0))
    times = np.stack([np.arange(20) * 0.5, np.arange(20) * 0.5 + 4], axis=1)
    query = Windows(pieces[33][5:25], times, 130.0, 4)
    index.save(tmp_path / "large.mbi")
    opened = motionbeat.Index.open(tmp_path / "large.mbi", model)
    assert "song" in opened._nearest
    found = opened.match([query], tempo="same", stretch_beats=16)
    place = found[0].places[0]
    assert found[0].piece.name == "33" and place.begin_s - place.query_begin_s == pytest.approx(2.5)
    assert all(abs(np.log(match.piece.bpm / 130)) <= np.log(1.08) for match in found)
    monkeypatch.setattr("motionbeat.index.EXACT_LIMIT", 10**6)
    assert found == index.match([query], tempo="same", stretch_beats=16)


def test_a_large_library_without_faiss_asks_for_the_extra_by_name(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index, pieces = large_index(model, monkeypatch, np.random.default_rng(0))
    times = np.zeros((20, 2))
    with pytest.raises(MotionBeatError, match=r"pip install 'motionbeat\[search\]'"):
        index.match([Windows(pieces[3][:20], times, 100.0, 4)])


def test_damaged_bytes_of_the_structure_are_refused():
    pytest.importorskip("faiss")
    with pytest.raises(MotionBeatError, match="damaged"):
        nearest.Nearest.unpack(np.zeros(100, np.uint8))


def test_the_reader_of_dances_is_registered_and_there():
    (point,) = registered("motionbeat.readers")
    assert point.name == "dance" and callable(point.load())
