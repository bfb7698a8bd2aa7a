"""The corpus `choreographed`: made dances to anyone's songs, of which each depends on itself alone."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve

from motionbeat.beats import Beats
from motionbeat.beats.beats_text import read_beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import beats_table, choreographed
from motionbeat.lab.corpora.manifest import write_corpus
from motionbeat.lab.synthetic import choreographer, dance_events, truth
from motionbeat.lab.synthetic.choreographer_accents import accents_of
from motionbeat.motion.contacts import foot_contacts

RATE = 22_050
SONGS = 7
DEFAULTS = params.load(Path(__file__).parents[2] / "params.yaml")
SETTINGS = evolve(DEFAULTS.corpus, name="choreographed", clip_beats=16, dancers=2, held_out=0.3)
LIBROSA = evolve(DEFAULTS.beats, tracker="librosa")
FREE_SONGS = Path(__file__).parents[3] / "shared" / "data" / "free_songs"


def kick(rng):
    time = np.arange(int(0.2 * RATE)) / RATE
    return np.sin(2 * np.pi * (45 * time + 4 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.07)


def clap(rng):
    time = np.arange(int(0.1 * RATE)) / RATE
    noise = np.convolve(rng.normal(0, 1, len(time)), np.sinc(np.arange(-40, 41) * 0.1) * np.hanning(81), "same")
    return noise * np.cos(2 * np.pi * 4000 * time) * np.exp(-time / 0.02) * np.minimum(time / 0.004, 1) * 0.3


def song(beat_times, meter, seed):
    """Kick on the downbeat, claps on the other beats, a kick midway through some of them, over a quiet hiss."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 3e-4, int((beat_times[-1] + 1) * RATE))
    for number, (time, following) in enumerate(pairwise(beat_times)):
        sounds = [(time, kick(rng) if number % meter == 0 else clap(rng))]
        if (number + seed) % 3 == 1:
            sounds.append(((time + following) / 2, 0.8 * kick(rng)))
        for at, sound in sounds:
            begin = round(at * RATE)
            samples[begin : begin + len(sound)] += 0.5 * sound[: len(samples) - begin]
    return np.clip(samples, -1, 1).astype(np.float32)


def grid(beats, meter, bpm, drift=0.0):
    """Beats that begin at 0.3 s; the tempo changes by the factor 1 + drift from the first to the last."""
    intervals = 60 / bpm / (1 + drift * np.arange(beats) / beats)
    return Beats(0.3 + np.concatenate([[0.0], np.cumsum(intervals[:-1])]), np.arange(beats) % meter + 1, meter)


def write_song(folder, name, beats, seed=0):
    soundfile.write(folder / f"{name}.wav", song(beats.edges(), beats.beats_per_bar, seed), RATE, subtype="PCM_16")
    lines = [f"{time:.6f}\t{position}\n" for time, position in zip(beats.times, beats.positions, strict=True)]
    (folder / f"{name}.beats").write_text("".join(lines))


@pytest.fixture
def songs(tmp_path):
    """Songs in bars of 3, 4, 5 and 7, some of a changing tempo."""
    folder = tmp_path / "songs"
    (folder / "more").mkdir(parents=True)
    for number in range(SONGS):
        meter = (4, 3, 7, 5)[number % 4]
        where = folder / "more" if number % 2 else folder
        write_song(
            where, f"song {number}", grid(18 + 7 * (number % 3), meter, 90 + 8 * number, 0.2 * (number % 2)), number
        )
    return folder


def read(songs, working, trackers=LIBROSA, **changes):
    working.mkdir()
    return choreographed.read(evolve(SETTINGS, songs_root=str(songs), **changes), trackers, working)


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_accents_stand_where_the_drums_do_and_their_times_are_the_onsets_own():
    beats = grid(64, 4, 112, 0.1)
    accents = accents_of(song(beats.edges(), 4, 0), beats)
    edges, kicks = beats.edges(), np.arange(64) % 4 == 0
    low = accents.strength[0].reshape(64, 4) > 0
    assert low[kicks, 0].mean() > 0.95 and low[~kicks, 0].mean() < 0.05
    midway = np.arange(64) % 3 == 1
    assert low[midway, 2].mean() > 0.9 and low[~midway, 2].mean() < 0.05
    back = accents.strength[1].reshape(64, 4) > 0
    assert back[~kicks, 0].mean() > 0.95 and back[:, 1:].mean() < 0.05
    late = accents.time_s[1].reshape(64, 4)[~kicks, 0] - edges[:-1][~kicks]
    assert abs(np.median(late)) < 0.012 and np.ptp(late) < 0.04


def test_an_accent_between_the_lines_of_the_grid_keeps_its_time():
    """A clap 20 ms behind each line is danced to there, not on the line."""
    beats = grid(32, 4, 100)
    shifted = Beats(beats.times - 0.02, beats.positions, 4)
    samples = song(beats.edges(), 4, 0)
    on, behind = (accents_of(samples, each) for each in (beats, shifted))
    both = (on.strength[1] > 0) & (behind.strength[1] > 0)
    assert both.sum() > 20
    np.testing.assert_allclose(on.time_s[1][both], behind.time_s[1][both], atol=1e-6)


@pytest.mark.parametrize(("meter", "drift"), [(3, 0.0), (4, 0.25), (7, -0.2)])
def test_feet_land_at_the_kicks_whatever_the_meter_and_the_tempo_changes(meter, drift):
    beats = grid(42, meter, 105, drift)
    accents = accents_of(song(beats.edges(), meter, 1), beats)
    landings, joints = [], []
    for one in choreographer.choreograph(0, "digest", beats, accents, 64, 4):
        assert one.beats == 42
        landings += [one.offset_s + time for time, _ in one.dance.landings]
        joints.append(len(one.dance.poses))
    assert set(joints) == {round((beats.edges()[-1] - 0.3) * 60)}
    kicks = accents.time_s[0][accents.strength[0] > 0]
    nearest = np.abs(np.subtract.outer(landings, kicks)).min(axis=1)
    assert np.mean(nearest < 0.07) > 0.7  # the others are steps without a cause
    marked = np.abs(np.subtract.outer(kicks, landings)).min(axis=1) < 0.07
    assert marked.mean() > 1 - (1 - dance_events.RELIABILITY) ** 2


def test_landings_of_the_truth_are_where_the_captured_feet_begin_to_stand(songs, tmp_path):
    corpus = read(songs, tmp_path / "out")
    contacts = truth.read_contacts(tmp_path / "out" / "choreographed")
    found = []
    for clip in corpus.clips[::5]:
        stands = foot_contacts(clip.read().joints.astype(float), 60.0, 0.3, 0.05)
        pulses = np.flatnonzero(np.diff(stands.any(axis=1).astype(int)) == 1) / 60
        pulses = (
            np.sort(np.concatenate([np.flatnonzero(np.diff(stands[:, c].astype(int)) == 1) for c in range(4)])) / 60
        )
        told = contacts["time_s"][contacts["clip"] == clip.name]
        found += np.abs(np.subtract.outer(told[told < len(stands) / 60 - 0.2], pulses)).min(axis=1).tolist()
    assert np.mean(np.array(found) < 0.1) > 0.85


def test_clips_lie_side_by_side_and_short_rests_are_left_over():
    assert choreographer.pieces(150, 64) == [(0, 64), (64, 64), (128, 22)]
    assert choreographer.pieces(130, 64) == [(0, 64), (64, 64)]
    assert choreographer.pieces(12, 64) == []
    assert choreographer.pieces(12, 8) == [(0, 8)]


def test_the_bytes_depend_on_neither_workers_nor_cache_nor_the_other_songs(songs, tmp_path, monkeypatch):
    write_corpus(read(songs, tmp_path / "one"), tmp_path / "one" / "corpus")
    monkeypatch.setenv("MOTIONBEAT_WORKERS", "2")
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "other cache"))
    write_corpus(read(songs, tmp_path / "two"), tmp_path / "two" / "corpus")
    assert everything(tmp_path / "one") == everything(tmp_path / "two")

    alone = tmp_path / "alone"
    shutil.copytree(songs, alone)
    before = read(songs, tmp_path / "three")
    write_song(alone, "new", grid(24, 4, 77), 99)
    (alone / "more" / "song 3.wav").rename(alone / "renamed.wav")
    (alone / "more" / "song 3.beats").rename(alone / "renamed.beats")
    after = read(alone, tmp_path / "four")
    named = {clip.name.replace("more_song_3", "renamed"): clip for clip in before.clips}
    same = {clip.name: clip for clip in after.clips if clip.song != "new"}
    assert named.keys() == same.keys() and len(after.clips) > len(before.clips)
    for name, clip in named.items():
        assert (clip.split, clip.offset_s) == (same[name].split, same[name].offset_s)
        np.testing.assert_array_equal(clip.read().joints, same[name].read().joints)


def test_one_new_song_costs_one_song(songs, tmp_path, monkeypatch):
    read(songs, tmp_path / "one")
    danced = []
    original = choreographed.accents_of
    monkeypatch.setattr(choreographed, "accents_of", lambda *given: danced.append(1) or original(*given))
    read(songs, tmp_path / "two")
    assert not danced
    write_song(songs, "new", grid(24, 4, 77), 99)
    read(songs, tmp_path / "three")
    assert len(danced) == 1


def test_a_song_is_in_one_split_and_the_shares_are_as_asked_for(songs, tmp_path):
    corpus = read(songs, tmp_path / "out")
    for song_name in {clip.song for clip in corpus.clips}:
        assert len({clip.split for clip in corpus.clips if clip.song == song_name}) == 1
    many = [choreographed.split_of(f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}", 0.15) for n in range(1, 4000)]
    assert [
        abs(many.count(split) / len(many) - part) < 0.02
        for split, part in zip(("train", "val", "test"), (0.7, 0.15, 0.15), strict=True)
    ] == [True] * 3


def test_so_many_songs_are_held_out_as_asked_for_and_a_new_song_moves_at_most_two():
    digests = {f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}" for n in range(1, 12)}
    few = evolve(SETTINGS, held_out_songs=3)
    before = choreographed.splits_of(digests, few)
    assert [list(before.values()).count(split) for split in ("test", "val", "train")] == [3, 3, 5]
    for new in ("0000", "5000", "ffff"):
        after = choreographed.splits_of(digests | {new}, few)
        assert sum(after[digest] != split for digest, split in before.items()) <= 2


def test_every_clip_of_a_song_has_several_dancers_with_choreographies_of_their_own(songs, tmp_path):
    corpus = read(songs, tmp_path / "out", dancers=3)
    rows = truth.read_clips(tmp_path / "out" / "choreographed")
    for name in {clip.song for clip in corpus.clips}:
        offsets = [clip.offset_s for clip in corpus.clips if clip.song == name]
        assert all(offsets.count(offset) == 3 for offset in offsets)
        assert len(set(rows["choreography"][rows["song"] == name].tolist())) >= 3


def test_what_has_no_pulse_is_named_and_left_out(songs, tmp_path):
    rng = np.random.default_rng(0)
    time = np.arange(20 * RATE) / RATE
    syllables = np.zeros(len(time))
    for at in np.cumsum(rng.gamma(2.0, 0.11, 85)):  # as irregular as those of speech
        syllables += np.exp(-(((time - at) / 0.05) ** 2)) * rng.uniform(0.3, 1)
    babble = syllables * np.convolve(rng.normal(0, 0.2, len(time)), np.hanning(30) / 15, "same")
    left = {
        "silence": np.zeros(len(time)),
        "speech": np.clip(babble, -1, 1),
        "hiss": rng.normal(0, 0.1, len(time)),
    }
    for name, samples in left.items():
        soundfile.write(songs / f"{name}.wav", samples, RATE)
    write_song(songs, "short", grid(9, 4, 120))
    (songs / "text.mp3").write_text("not audio")
    shutil.copy(songs / "song 0.wav", songs / "the same again.wav")
    corpus = read(songs, tmp_path / "out")
    assert len(corpus.songs) == SONGS
    reasons = {name: reason for reason, names in corpus.left_out.items() for name in names}
    assert reasons == {
        "silence": choreographed.UNUSABLE,
        "text": choreographed.UNUSABLE,
        "speech": choreographed.UNSTEADY,
        "hiss": choreographed.UNSTEADY,
        "short": choreographed.SHORT,
        "the_same_again": choreographed.TWICE,
    }
    listed = (tmp_path / "out" / "choreographed" / "left_out.csv").read_text().splitlines()
    assert len(listed) == 7 and all(str(tmp_path) not in line for line in listed)


def test_a_song_without_a_beats_file_is_tracked_and_danced_to(tmp_path):
    (tmp_path / "songs").mkdir()
    grids = {f"song{number}": grid(40, 4, 100 + 5 * number) for number in range(SONGS)}
    for number, (name, beats) in enumerate(grids.items()):
        write_song(tmp_path / "songs", name, beats, number)
        (tmp_path / "songs" / f"{name}.beats").unlink()
    corpus = read(tmp_path / "songs", tmp_path / "out", dancers=1)
    assert {clip.song for clip in corpus.clips} == set(grids) and not corpus.left_out
    tracked = beats_table.beats_grids(tables.read(tmp_path / "out" / "beats.parquet", tables.BEATS))
    for clip in corpus.clips:
        assert np.abs(tracked[clip.song].times - clip.offset_s).min() < 1e-9


def test_the_beats_that_were_danced_to_stand_beside_the_corpus(songs, tmp_path):
    read(songs, tmp_path / "out")
    grids = beats_table.beats_grids(tables.read(tmp_path / "out" / "beats.parquet", tables.BEATS))
    expected = read_beats(songs / "more" / "song 3.beats")
    assert grids["more_song_3"].beats_per_bar == 5
    np.testing.assert_array_equal(grids["more_song_3"].times, expected.times)
    np.testing.assert_array_equal(grids["more_song_3"].positions, expected.positions)


@pytest.mark.parametrize("kind", ["m4a", "aac", "oga"])
def test_songs_of_every_kind_that_embed_takes_are_danced_to(songs, tmp_path, kind):
    path = songs / "song 0.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    path.unlink()
    if kind == "oga":
        soundfile.write(path.with_suffix(".oga"), samples, rate, format="OGG")
    else:
        av = pytest.importorskip("av")
        with av.open(str(path.with_suffix(f".{kind}")), "w") as container:
            stream = container.add_stream("aac", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            container.mux([*stream.encode(frame), *stream.encode(None)])
    (songs / "._song 9.mp3").write_bytes(b"what macOS writes beside a file")
    corpus = read(songs, tmp_path / "out", dancers=1)
    assert len(corpus.songs) == SONGS and not corpus.left_out


def test_wrong_folders_and_beats_are_refused_by_name_and_fix(songs, tmp_path):
    with pytest.raises(MotionBeatError, match=r"gone is not a folder: set corpus\.songs_root"):
        read(tmp_path / "gone", tmp_path / "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MotionBeatError, match=r"holds no audio .*set corpus\.songs_root"):
        read(tmp_path / "empty", tmp_path / "b")
    with pytest.raises(MotionBeatError, match=r"songs is in val.*corpus\.held_out = 0"):
        read(songs, tmp_path / "c", held_out=0.0)
    (songs / "song 0.beats").unlink()
    with pytest.raises(MotionBeatError, match=r"no nominal tempo: set beats\.tracker .*song 0\.beats beside it"):
        read(songs, tmp_path / "d", evolve(LIBROSA, tracker="nominal"))
    (songs / "song 0.beats").write_text("0.5 1\nsoon\n")
    with pytest.raises(MotionBeatError, match=r"song 0\.beats line 2: 'soon'; give seconds"):
        read(songs, tmp_path / "e")


def test_beats_are_read_with_and_without_places_in_the_bar(tmp_path):
    file = tmp_path / "a.beats"
    file.write_text("# by hand\n0.5, 3\n1.0, 1\n1.5, 2\n2.0, 3\n2.5, 1\n")
    beats = read_beats(file)
    assert beats.beats_per_bar == 3 and beats.positions.tolist() == [3, 1, 2, 3, 1]
    file.write_text("0.5;1\n1.0;2\n1.5;1\n")
    assert read_beats(file).beats_per_bar == 2
    file.write_text("0.5\n1.0\n\n1.5\n")
    assert read_beats(file).positions.tolist() == [1, 2, 3] and not read_beats(file).downbeats
    for text, wrong in (("0.5 1\n1.0\n", "line 2"), ("0.5\n", "has 1 beats"), ("1\n0.5\n", "do not increase")):
        file.write_text(text)
        with pytest.raises(MotionBeatError, match=f"a.beats.*{wrong}"):
            read_beats(file)


@pytest.mark.real
def test_real_songs_have_a_pulse_that_returns():
    from motionbeat.audio import decode

    for path in sorted(FREE_SONGS.glob("*.ogg")):
        beats = read_beats(path.with_suffix(".beats"))
        assert accents_of(decode.load(path, RATE), beats).pulse > choreographed.CLEAREST_NOISE
