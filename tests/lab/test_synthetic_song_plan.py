"""Any number of songs: the same ones first, splits that share neither song nor choreography, recordings of one song."""

from collections import Counter

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.corpora.aistpp import aistpp_names, nominal_bpm, read
from motionbeat.lab.negatives.tempo_negatives import song_windows
from motionbeat.lab.synthetic import made_music
from motionbeat.lab.synthetic.plan import SONGS, beats_per_bar, clips, tempo
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.lab.synthetic.song_plan import Wanted, planned
from motionbeat.lab.synthetic.truth import read_clips, read_songs
from motionbeat.lab.synthetic.write_corpus import generate
from motionbeat.lab.token_tables.token_windows import Tokens, Windows

MANY = planned(Wanted("small", songs=480, val_songs=32, test_songs=240, clips_per_song=4, renderings=3))


def _of(planned_clips, split):
    return [clip for clip in planned_clips if clip.split == split]


@pytest.mark.parametrize("size", ["small", "full"])
def test_without_counts_the_corpus_is_what_size_says(size):
    assert planned(Wanted(size)) == clips(size)


def test_each_split_has_as_many_songs_and_dances_as_asked_for():
    for split, count in (("train", 480), ("val", 32), ("test", 240)):
        dances = Counter(tables.work(clip.song) for clip in _of(MANY, split))
        assert len(dances) == count and set(dances.values()) == {4}
    assert len({clip.name for clip in MANY}) == len(MANY) == 4 * 752


def test_a_count_of_one_split_leaves_the_others_as_size_has_them():
    made = planned(Wanted("small", test_songs=64))
    assert [_of(made, split) for split in ("train", "val")] == [_of(clips("small"), s) for s in ("train", "val")]
    assert len({clip.song for clip in _of(made, "test")}) == 64


def test_fewer_songs_or_dances_are_among_those_of_more():
    fewer = planned(Wanted("small", songs=70, val_songs=16, test_songs=64, clips_per_song=2))
    more = planned(Wanted("small", songs=480, val_songs=32, test_songs=240, clips_per_song=4))
    assert set(fewer) < set(more)


def test_no_song_and_no_choreography_is_in_two_splits():
    for identity in (lambda clip: tables.work(clip.song), lambda clip: clip.choreography_id):
        splits = {}
        for clip in MANY:
            splits.setdefault(identity(clip), set()).add(clip.split)
        assert all(len(found) == 1 for found in splits.values())
    assert not {clip.song for clip in MANY} & set(SONGS)


def test_a_choreography_is_danced_to_several_songs_and_a_song_by_several_dancers():
    for split in ("train", "test"):
        own = _of(MANY, split)
        songs = Counter(key for key, _ in {(clip.choreography_id, clip.song) for clip in own})
        dancers = Counter(song for song, _ in {(tables.work(clip.song), clip.dancer) for clip in own})
        assert np.median(list(songs.values())) > 1 and min(dancers.values()) == 3


@pytest.mark.parametrize("count", [16, 64])
def test_neither_genre_nor_tempo_tells_a_test_song_apart(count):
    songs = {clip.song for clip in planned(Wanted("small", test_songs=count)) if clip.split == "test"}
    for facts in (Counter(song[1:3] for song in songs), Counter(tempo(song) for song in songs)):
        assert len(facts) >= 7 and max(facts.values()) <= 2 + count // 5


def test_names_tell_tempo_genre_and_clip_as_those_of_aistpp_do():
    """The reader of AIST++ and the maker of songs agree about every song, the sixty and all others."""
    for song in {*SONGS, *(clip.song for clip in MANY)}:
        assert aistpp_names.is_song(song) and nominal_bpm(song) == tempo(song)
    for clip in MANY:
        name = aistpp_names.parse(clip.name)
        assert (name.genre, name.song, int(name.choreography)) == (clip.song[1:3], clip.song, clip.choreography)
    assert not any(map(aistpp_names.is_song, ("mBR", "mBR60-r", "mbr0", "BR0", "mBR60-1", "mBR0-r1")))


def test_only_songs_of_this_corpus_have_recordings():
    assert [tables.work(song) for song in ("mBR60-r1", "mBR60", "mBR0", "my song-r2", "mBR0-r1")] == [
        *("mBR60", "mBR60", "mBR0", "my song-r2", "mBR0-r1")
    ]


def test_recordings_of_a_song_share_its_rhythm_and_not_its_sound():
    songs = ("mBR60", "mBR60-r1", "mBR60-r2")
    first, *others = (rhythm(0, song, [3, 4]) for song in songs)
    assert all(np.array_equal(first.accents, other.accents) for other in others)
    assert {tempo(song) for song in songs} == {80.0} and len({beats_per_bar(song, [3, 4]) for song in songs}) == 1
    sounds = [made_music.timbre(0, song) for song in songs]
    assert len({(sound.kit, sound.harmony.key, sound.mix.slope) for sound in sounds}) == 3
    waves = [made_music.render(0, song, first).astype(float) for song in songs[:2]]
    assert len(waves[0]) == len(waves[1]) and abs(np.corrcoef(*waves)[0, 1]) < 0.5


def test_every_recording_of_a_training_song_is_danced_to_and_no_other_song_has_any():
    recordings = Counter(tables.work(song) for song in {clip.song for clip in MANY})
    trained = {tables.work(clip.song) for clip in _of(MANY, "train")}
    assert all(count == (3 if song in trained else 1) for song, count in recordings.items())


def test_windows_of_two_recordings_are_of_one_song_to_the_mining_of_negatives():
    beats = 2
    names = np.array(["mBR60"] * 2 + ["mBR60-r1"] * 2 + ["mBR61"] * 2, object)
    audio = {
        "song": names,
        "duration_s": np.full(6, 0.5),
        "bar_position": np.tile([0, 1], 3),
        "beats_per_bar": np.full(6, 4),
        "onset": np.random.default_rng(0).random((6, 4)),
    }
    rows = np.array([0, 2, 4])
    windows = Windows(names[rows], names[rows], np.zeros(3, int), rows, rows, beats)
    music, _ = song_windows(Tokens(audio, {}, {}, None), windows)
    assert music.song[0] == music.song[1] != music.song[2]


def test_the_corpus_is_read_as_aistpp_and_its_bytes_do_not_depend_on_how_many_there_are(tmp_path, monkeypatch):
    few = [clip for clip in MANY if clip.song in ("mBR60", "mBR60-r1", "mLO9002")]
    generate(tmp_path / "few", few, 0, [4], 1.0)
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path / "other cache"))
    generate(tmp_path / "one", [few[-1]], 0, [4], 1.0)
    again = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.[wp][ak][vl]")]
    assert len(again) == 2
    assert all((tmp_path / "few" / path).read_bytes() == (tmp_path / "one" / path).read_bytes() for path in again)
    found = read(tmp_path / "few", validation="held_out")
    assert {clip.name: (clip.song, clip.split, clip.genre) for clip in found.clips} == {
        clip.name: (clip.song, clip.split, clip.song[1:3]) for clip in few
    }
    assert {song.name: song.nominal_bpm for song in found.songs} == {clip.song: tempo(clip.song) for clip in few}
    songs, danced = read_songs(tmp_path / "few"), read_clips(tmp_path / "few")
    assert set(songs["song"]) == {clip.song for clip in few}
    assert list(dict.fromkeys(danced["clip"])) == [c.name for c in sorted(few, key=lambda c: (c.song, c.name))]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("huge"), r"corpus\.size"),
        (Wanted("small", songs=5, clips_per_song=21), r"corpus\.clips_per_song = 21"),
        (Wanted("small", songs=5, clips_per_song=2, renderings=3), r"corpus\.renderings = 3"),
        (Wanted("small", songs=20_000), "20000 songs"),
    ],
)
def test_what_cannot_be_planned_is_refused(wanted, said):
    with pytest.raises(MotionBeatError, match=said):
        planned(wanted)
