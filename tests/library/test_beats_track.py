"""Trackers find the beats of drums and of real songs, and the beats stage tracks each song once, resumably."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
import soundfile

from motionbeat.beats import madmom_tracker, track
from motionbeat.beats.grid import Beats
from motionbeat.beats.lean_viterbi import LeanViterbi
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.beat_grids import song_beats
from motionbeat.lab.beat_grids.beat_evaluation import compare
from motionbeat.lab.corpora import beats_table
from motionbeat.lab.corpora.song import Song

ROOT = Path(__file__).parents[2]
SHARED = Path(__file__).parents[3] / "shared" / "data"
RATE = 44_100
OPTIONS = attrs.evolve(params.load(ROOT / "params.yaml").beats, tracker="madmom")
LIBROSA = attrs.evolve(OPTIONS, tracker="librosa")


def drums(bpm: float, seconds: float, first_s: float = 0.0, seed: int = 0) -> np.ndarray:
    """Kick on 1 and 3, snare on 2 and 4, hi-hat on every half beat."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(int(seconds * RATE))
    t = np.arange(int(0.2 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.06)
    snare = 0.5 * rng.standard_normal(len(t)) * np.exp(-t / 0.04)
    hat = 0.15 * np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-t / 0.01)
    for half in range(int((seconds - first_s) * bpm / 30)):
        hit = hat + (0 if half % 2 else (snare if half % 4 else kick))
        begin = round((first_s + half * 30 / bpm) * RATE)
        part = hit[: len(audio) - begin]
        audio[begin : begin + len(part)] += 0.5 * part
    return audio.astype(np.float32)


def hum() -> np.ndarray:
    """A tone that swells and fades: nothing begins in it."""
    t = np.arange(5 * RATE) / RATE
    return 0.2 * np.sin(1000 * t) * np.minimum(t, t[::-1]) / t[-1]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three songs of drums, two clips each; the third declares no tempo."""
    folder = tmp_path_factory.mktemp("corpus")
    rows: dict[str, list] = {name: [] for name in tables.MANIFEST.names}
    for number, bpm in enumerate((100.0, 120.0, 140.0)):
        soundfile.write(folder / f"song{number}.flac", drums(bpm, 8.0, seed=number), RATE)
        for clip in range(2):
            rows["clip"].append(f"clip{number}{clip}")
            rows["song"].append(f"song{number}")
            rows["audio"].append(f"song{number}.flac")
            rows["nominal_bpm"].append(None if number == 2 else bpm)
            rows["nominal_beats_per_bar"].append(None if number == 2 else 4)
    plain = {"genre": "x", "split": "train", "fps": 60.0, "frames": 240, "duration_s": 4.0, "offset_s": 0.0}
    plain |= {"has_rotations": False, "motion": "none.npz"}
    rows |= {name: [value] * 6 for name, value in plain.items()}
    tables.write(folder / "manifest.parquet", tables.MANIFEST, rows)
    return folder


def of(corpus: Path) -> list[Song]:
    return song_beats.songs_of(tables.read(corpus / "manifest.parquet", tables.MANIFEST), corpus)


@pytest.mark.parametrize("tracker", ["madmom", "librosa"])
def test_a_tracker_finds_the_beats_of_drums_where_they_sound(tracker: str) -> None:
    bpm, first = 112.0, 0.213
    audio = drums(bpm, 10.0, first)
    truth = np.arange(first, 10.0, 60 / bpm)
    found = track(audio, RATE, tracker, **({"beats_per_bar": 4} if tracker == "madmom" else {}))
    assert found.beats_per_bar == 4
    assert found.bpm == pytest.approx(bpm, rel=0.01)
    error = np.array([found.times[np.abs(found.times - time).argmin()] - time for time in truth[1:-1]])
    assert np.abs(error).max() < 0.05
    assert abs(np.median(error)) < 0.02
    assert found.downbeats is (tracker == "madmom")


def test_nominal_listens_to_nothing_and_counts_from_0() -> None:
    found = track(drums(97.0, 8.0), RATE, "nominal", bpm=120.0, beats_per_bar=3)
    np.testing.assert_allclose(found.times, np.arange(16) * 0.5)
    assert found.positions[:4].tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tracker": "sonic"}, "give one of madmom, librosa, nominal"),
        ({"tracker": "nominal"}, "give bpm= and beats_per_bar="),
        ({"tracker": "nominal", "bpm": 120.0}, "one meter"),
        ({"tracker": "madmom", "bpm": 120.0}, "leave it out"),
        ({"tracker": "madmom", "min_bpm": 200.0, "max_bpm": 100.0}, "min_bpm < max_bpm"),
        ({"beats_per_bar": ()}, "beats_per_bar"),
        ({"beats_per_bar": (0,)}, "beats_per_bar"),
    ],
)
def test_contradicting_options_are_refused_before_any_work(options: dict, says: str) -> None:
    with pytest.raises(MotionBeatError, match=says):
        track(np.ones(10), RATE, **options)


@pytest.mark.parametrize("tracker", ["madmom", "librosa"])
def test_music_without_beats_is_refused_by_name(tmp_path: Path, tracker: str) -> None:
    soundfile.write(tmp_path / "hum.wav", hum(), RATE)
    with pytest.raises(MotionBeatError, match=rf"hum\.wav: {tracker} finds (no|1) beat"):
        track(tmp_path / "hum.wav", tracker=tracker)


def test_without_madmom_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "madmom", None)
    madmom_tracker._processors.cache_clear()
    with pytest.raises(MotionBeatError, match=r"pip install motionbeat\[pipeline\]"):
        track(drums(120, 2.0), RATE)


def test_tracking_in_little_memory_finds_what_madmom_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    madmom = madmom_tracker._madmom()
    audio = np.concatenate([drums(97, 4.0), hum()[: 2 * RATE], drums(140, 3.0)]).astype(np.float32)
    network, _ = madmom_tracker._processors((3, 4), 55.0, 215.0)
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    whole = network(madmom.audio.signal.Signal(samples, sample_rate=RATE, num_channels=1))
    monkeypatch.setattr(madmom_tracker, "_FRAMES_AT_ONCE", 130)
    np.testing.assert_array_equal(madmom_tracker._activations(network, audio), whole)
    rng = np.random.default_rng(0)
    noise = rng.uniform(-0.9, 0.9, 441 * 262).astype(np.float32)  # the last piece has two frames
    (spectra, *_), samples = network.processors, np.round(noise * 32768).astype(np.int16)
    pieces = madmom_tracker._activations(SimpleNamespace(processors=[spectra]), noise)
    np.testing.assert_array_equal(
        pieces, spectra(madmom.audio.signal.Signal(samples, sample_rate=RATE, num_channels=1))
    )
    unclear = rng.random((400, 2)) ** 8 / 2
    decoder = madmom.features.downbeats.DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)
    for activations in (whole, unclear, np.round(unclear, 1), np.zeros((50, 2)), np.ones((50, 2)), unclear[:1]):
        for model in decoder.hmms:
            with madmom_tracker._quiet():
                path, log_probability = model.viterbi(activations)
                found, its = LeanViterbi(model).viterbi(activations)
            np.testing.assert_array_equal(found, path)
            assert its == log_probability or np.isnan(its)


def test_each_song_is_tracked_once_however_many_clips_it_has(corpus: Path) -> None:
    listed = of(corpus)
    assert [song.name for song in listed] == ["song0", "song1", "song2"]
    assert [song.nominal_bpm for song in listed] == [100.0, 120.0, None]
    assert song_beats.truth(listed[2], 8.0) is None


def test_clips_that_disagree_about_their_song_are_refused(corpus: Path) -> None:
    manifest = tables.read(corpus / "manifest.parquet", tables.MANIFEST)
    manifest["audio"] = np.array([*manifest["audio"][:5], "other.flac"], object)
    with pytest.raises(MotionBeatError, match=r"clip clip21 .* song2"):
        song_beats.songs_of(manifest, corpus)


def test_beats_are_the_same_for_any_number_of_workers_and_from_the_cache(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = attrs.evolve(OPTIONS, max_bpm=160.0)  # these drums at 100 BPM are also good ones at 200
    columns = []
    for cache, workers in (("one", "1"), ("two", "2"), ("two", "1")):
        monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / cache))
        monkeypatch.setenv("MOTIONBEAT_WORKERS", workers)
        found = song_beats.track_all(of(corpus), options)
        grids = {name: one.beats.extended(one.duration_s) for name, one in found.items()}
        columns.append(beats_table.beats_columns(grids))
    assert columns[0] == columns[1] == columns[2]
    tables.write(tmp_path / "beats.parquet", tables.BEATS, columns[0])
    rows = tables.read(tmp_path / "beats.parquet", tables.BEATS)
    assert set(rows["bar_position"]) <= {0, 1, 2, 3}
    for song in of(corpus)[:2]:
        truth = song_beats.truth(song, 8.0)
        assert truth is not None
        assert compare(grids[song.name], truth)["f_measure"] >= 0.95


def test_a_second_run_tracks_only_what_changed(
    corpus: Path, tmp_path: Path, cache_of_test: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked: list[str] = []
    plain = song_beats._track

    def spy(song: Song, *options: Any) -> song_beats.Tracked:
        tracked.append(song.name)
        return plain(song, *options)

    monkeypatch.setattr(song_beats, "_track", spy)
    song_beats.track_all(of(corpus)[:2], LIBROSA)
    song_beats.track_all(of(corpus), LIBROSA)
    assert tracked == ["song0", "song1", "song2"]
    changed = attrs.evolve(of(corpus)[0], audio=tmp_path / "new.flac")
    soundfile.write(changed.audio, drums(90, 8.0), RATE)
    song_beats.track_all([changed, *of(corpus)[1:]], LIBROSA)
    assert tracked == ["song0", "song1", "song2", "song0"]
    song_beats.track_all([changed], attrs.evolve(LIBROSA, min_bpm=70.0))
    assert len(tracked) == 4
    entries = list(cache_of_test.rglob("*.kept"))
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-1])
    song_beats.track_all(of(corpus), LIBROSA)  # damaged entries are set aside and made again
    assert (
        tracked[4:] == ["song0", "song1", "song2"]
        and len(entries) == 4
        and len(list(cache_of_test.rglob("*.damaged"))) == 3
    )


def test_all_songs_without_beats_are_listed_together(corpus: Path, tmp_path: Path, cache_of_test: Path) -> None:
    soundfile.write(tmp_path / "hum.wav", hum(), RATE)
    bad = [Song("hum", tmp_path / "hum.wav"), Song("lost", tmp_path / "lost.wav")]
    with pytest.raises(MotionBeatError, match=r"(?s)2 of 3 songs.*hum: .*finds.*lost: .*does not exist"):
        song_beats.track_all([of(corpus)[0], *bad], LIBROSA)
    assert len(list(cache_of_test.rglob("*.kept"))) == 1


def test_nominal_refuses_a_song_that_declares_no_tempo(corpus: Path) -> None:
    options = attrs.evolve(OPTIONS, tracker="nominal")
    with pytest.raises(MotionBeatError, match=r"no nominal tempo and meter for song2; set beats\.tracker"):
        song_beats.track_all(of(corpus), options)
    found = song_beats.track_all(of(corpus)[:2], options)
    np.testing.assert_allclose(found["song1"].beats.times, np.arange(16) * 0.5)


@pytest.mark.real
@pytest.mark.parametrize(("genre", "number"), [("country", "00001"), ("reggae", "00003")])
def test_madmom_follows_a_real_song(genre: str, number: str) -> None:
    rows = np.loadtxt(SHARED / "gtzan" / "beats" / f"gtzan_{genre}_{number}.beats")
    found = track(SHARED / "gtzan" / "genres" / genre / f"{genre}.{number}.flac")
    rows = rows[rows[:, 0] <= found.times[-1] + 0.3]
    truth = Beats.from_positions(rows[:, 0], rows[:, 1])
    assert compare(found, truth)["f_measure"] > 0.85
    assert found.beats_per_bar == truth.beats_per_bar
