"""Search finds the piece, the place and the offset."""

import sys

import numpy as np
import pytest
from rhythm_songs import RATE, pattern_song, registered, swaying

import motionbeat
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.search import piece_files
from motionbeat.search.rhythm_windows import Windows, folded, music_windows
from motionbeat.search.stretches import best_stretches, stretch_means

pytest_plugins = ("index_fixtures",)

pytestmark = pytest.mark.usefixtures("dance_readers", "steady_beats")


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


def test_the_same_music_is_found_first_at_its_offset(index_model, songs, tmp_path):
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
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


def test_a_song_at_another_tempo_has_the_same_windows_and_is_left_out_by_tempo_same(index_model, tmp_path):
    grids = {}
    for bpm in (120.0, 90.0):
        path = pattern_song(tmp_path / f"{bpm}.wav", 3, bpm)
        beats = Beats(np.arange(32) * 60 / bpm, np.arange(32) % 4 + 1, 4)
        (grids[bpm],) = music_windows(index_model, path, None, [(1.0, beats)])
    index = motionbeat.Index(index_model, "librosa")
    index.add("slow", grids[90.0])
    assert index.match([grids[120.0]], tempo="same") == []
    (match,) = index.match([grids[120.0]], tempo="any")
    assert match.score > 0.9
    assert match.places[0].speed == pytest.approx(120 / 90, rel=1e-6)


def test_folding_finds_the_song_whose_beats_were_counted_at_double_tempo(index_model, tmp_path):
    path = pattern_song(tmp_path / "song.wav", 5, 100.0, beats=24)
    slow = Beats(np.arange(24) * 0.6, np.arange(24) % 4 + 1, 4)
    grids = music_windows(index_model, path, None, folded(slow))
    assert [grid.speed for grid in grids] == [1.0, 2.0, 0.5, 0.5]
    assert grids[1].bpm == pytest.approx(200.0) and grids[2].bpm == pytest.approx(50.0)
    index = motionbeat.Index(index_model, "librosa")
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


def test_dances_and_songs_find_each_other_with_times(index_model, songs):
    swaying(songs / "sway.npz")
    pattern_song(songs / "sway.wav", 8, beats=24)  # its music, beside it under its name
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    (match,) = index.search(to_dance=songs / "song0.wav")
    assert match.piece.kind == "dance" and match.piece.name == "sway.npz"
    assert 0 <= match.places[0].begin_s < match.places[0].end_s <= 12.1
    found = index.search(dance=songs / "sway.npz", count=3)
    assert len(found) == 3 and {match.piece.kind for match in found} == {"song"}


def test_a_dance_is_the_mean_of_its_windows_at_downbeats_in_embed_motion(index_model, songs):
    """The vectors are those that the library makes of the same beats."""
    swaying(songs / "sway.npz")
    (songs / "sway.beats").write_text("".join(f"{0.5 * beat:.3f}\t{beat % 4 + 1}\n" for beat in range(24)))
    index = motionbeat.Index.build(index_model, songs, tracker="librosa")
    number = [piece.name for piece in index.pieces].index("sway.npz")
    vectors = index._windows[number][0].astype(np.float32)
    motion = piece_files.read_dance(songs / "sway.npz")
    clip = index_model.embed_motion(motion.joints, motion.fps, np.arange(24) * 0.5, np.arange(24) % 4 + 1).clip
    mean = vectors[::4].mean(axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), clip, atol=2e-3)  # float16


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
def test_a_query_that_cannot_be_is_refused(index_model, songs, monkeypatch, options, says):
    pattern_song(songs / "a.wav", 1, beats=10)
    monkeypatch.chdir(songs)
    index = motionbeat.Index(index_model, "librosa")
    with pytest.raises(MotionBeatError, match=says):
        index.search(**options)


def large_index(index_model, monkeypatch, rng) -> tuple[motionbeat.Index, list[np.ndarray]]:
    monkeypatch.setattr("motionbeat.index.EXACT_LIMIT", 500)
    index, pieces = motionbeat.Index(index_model, "librosa"), []
    for number in range(60):
        vectors = unit(rng, 30, 8)
        times = np.stack([np.arange(30) * 0.5, np.arange(30) * 0.5 + 4], axis=1)
        pieces.append(vectors)
        index.add(f"{number:02}", Windows(vectors, times, 100.0 + number, 4))
    return index, pieces


def test_a_large_library_is_searched_by_faiss_as_if_all_were_compared(index_model, monkeypatch, tmp_path):
    pytest.importorskip("faiss")
    index, pieces = large_index(index_model, monkeypatch, np.random.default_rng(0))
    times = np.stack([np.arange(20) * 0.5, np.arange(20) * 0.5 + 4], axis=1)
    query = Windows(pieces[33][5:25], times, 130.0, 4)
    index.save(tmp_path / "large.mbi")
    opened = motionbeat.Index.open(tmp_path / "large.mbi", index_model)
    assert "song" in opened._nearest
    found = opened.match([query], tempo="same", stretch_beats=16)
    place = found[0].places[0]
    assert found[0].piece.name == "33" and place.begin_s - place.query_begin_s == pytest.approx(2.5)
    assert all(abs(np.log(match.piece.bpm / 130)) <= np.log(1.08) for match in found)
    monkeypatch.setattr("motionbeat.index.EXACT_LIMIT", 10**6)
    assert found == index.match([query], tempo="same", stretch_beats=16)


def test_a_large_library_without_faiss_asks_for_the_extra_by_name(index_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index, pieces = large_index(index_model, monkeypatch, np.random.default_rng(0))
    times = np.zeros((20, 2))
    with pytest.raises(MotionBeatError, match=r"pip install 'motionbeat\[search\]'"):
        index.match([Windows(pieces[3][:20], times, 100.0, 4)])


def test_the_reader_of_dances_is_registered_and_there():
    (point,) = registered("motionbeat.readers")
    assert point.name == "dance" and callable(point.load())
