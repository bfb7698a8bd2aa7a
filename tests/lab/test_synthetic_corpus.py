"""The synthetic corpus as a whole: AIST++'s form, the same bytes every time, and a ceiling that is not an accident."""

import hashlib

import numpy as np
import pytest
import soundfile

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.pickles import load_arrays
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.ceiling import ceilings, event_log_likelihood
from motionbeat.lab.synthetic.plan import SONGS, clips, tempo
from motionbeat.lab.synthetic.write_corpus import generate

FEW = [clip for clip in clips("small") if clip.song in ("mPO5", "mLH5", "mBR0")]


def _bytes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "synthetic"
    generate(folder, FEW, 0, [4])
    return folder


def test_a_clip_is_the_same_bytes_in_any_order_and_company(corpus, tmp_path, monkeypatch):
    fewer = [clip for clip in FEW if clip.song != "mBR0"][::-1][:5]
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "2")
    generate(tmp_path / "again", fewer, 0, [4])
    first, again = _bytes(corpus), _bytes(tmp_path / "again")
    shared = [name for name in again if name.startswith(("motions", "wav"))]
    assert len(shared) == 7
    assert all(first[name] == again[name] for name in shared)


def test_another_seed_makes_another_corpus(corpus, tmp_path):
    generate(tmp_path / "other", FEW[-1:], 1, [4])
    first, other = _bytes(corpus), _bytes(tmp_path / "other")
    name = f"motions/{FEW[-1].name}.pkl"
    assert first[name] != other[name]


def test_files_have_the_form_of_aistpp(corpus):
    names = {path.stem for path in (corpus / "motions").glob("*.pkl")}
    lists = (corpus / "splits" / f"crossmodal_{split}.txt" for split in ("train", "val", "test"))
    assert names == {name for path in lists for name in path.read_text().split()}
    for clip in FEW:
        motion = load_arrays(corpus / "motions" / f"{clip.name}.pkl")
        frames = round(clip.beats * 60 / tempo(clip.song) * 60)
        assert motion["smpl_poses"].shape == (frames, 72) and motion["smpl_poses"].dtype == np.float32
        assert motion["smpl_trans"].shape == (frames, 3) and motion["smpl_scaling"].shape == (1,)
        assert all(np.isfinite(values).all() for values in motion.values())
        wave = soundfile.info(corpus / "wav" / f"{clip.song}.wav")
        assert (wave.samplerate, wave.channels, wave.subtype) == (44100, 1, "PCM_16")
    ignored = (corpus / "ignore_list.txt").read_text().split()
    assert ignored and set(ignored) <= names


def test_truth_tells_beats_bars_and_landings(corpus):
    songs, danced, contacts = truth.read_songs(corpus), truth.read_clips(corpus), truth.read_contacts(corpus)
    assert (np.bincount(np.unique(songs["song"], return_inverse=True)[1]) == 256).all()
    mine = songs["song"] == "mPO5"
    assert np.allclose(np.diff(songs["time_s"][mine]), 60 / 130 / 4)
    assert (songs["bar_position"][mine] == np.arange(256) // 4 % 4).all()
    assert set(danced["clip"]) == {clip.name for clip in FEW} == set(contacts["clip"])


def test_small_and_full_have_the_sizes_and_the_split_they_promise():
    small, full = clips("small"), clips("full")
    assert [len({clip.song for clip in small if clip.split == s}) for s in ("train", "val", "test")] == [30, 8, 8]
    assert [sum(clip.split == s for clip in full) for s in ("train", "val", "test", "")] == [980, 20, 20, 388]
    assert {clip.song for clip in full} == set(SONGS) and len({clip.name for clip in full}) == 1408
    assert sum(clip.split == "train" and clip.situation == "FM" for clip in full) == 180
    for planned in (small, full):
        trained = {clip.song for clip in planned if clip.split == "train"}
        assert not trained & {clip.song for clip in planned if clip.split in ("val", "test")}
    for split in ("val", "test"):
        songs = {clip.song for clip in small if clip.split == split}
        for fact in ([tempo(song) for song in songs], [song[1:3] for song in songs]):
            assert all(fact.count(value) > 1 for value in fact), "tempo or genre alone would tell a song apart"


def test_the_ceiling_finds_the_right_window_far_above_chance(corpus):
    test = [clip for clip in FEW if clip.split == "test"]
    windows = {clip: np.arange(13) * 4 * 60 / tempo(clip.song) for clip in test}
    motion = [(clip.name, start) for clip in test for start in windows[clip]]
    gallery = [(song, start) for song in ("mLH5", "mPO5") for start in np.arange(13) * 4 * 60 / tempo(song)]
    right = [gallery.index((clip.song, start)) for clip in test for start in windows[clip]]
    scores = event_log_likelihood(corpus, motion, gallery, 16)
    assert scores.shape == (len(motion), 26) and np.isfinite(scores).all()
    both = ceilings(corpus, motion, gallery, 16)
    assert list(both) == ["ceiling_additive", "ceiling_full"] and np.array_equal(both["ceiling_full"], scores)
    assert np.abs(both["ceiling_additive"] - scores).max() < 2e-3, "without context there is no gap"
    best = scores.argmax(axis=1)
    assert np.mean(best == right) > 0.5
    assert np.mean(best // 13 == np.array(right) // 13) > 0.97


def test_wrong_input_is_refused_with_its_name(corpus, tmp_path):
    with pytest.raises(MotionBeatError, match=r"corpus\.size"):
        clips("huge")
    with pytest.raises(MotionBeatError, match=r"corpus\.meters"):
        generate(tmp_path / "x", FEW, 0, [1])
    with pytest.raises(MotionBeatError, match="mXX9"):
        event_log_likelihood(corpus, [(FEW[0].name, 0.0)], [("mXX9", 0.0)], 16)
    assert not (tmp_path / "x").exists()
