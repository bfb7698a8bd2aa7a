"""Which clip of AIST++ is in which split: the official lists, and a validation set with songs of its own."""

from collections import Counter
from pathlib import Path

import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.aistpp import aistpp_names
from motionbeat.lab.corpora.aistpp.aistpp_splits import (
    IGNORED,
    OFFICIAL_VAL,
    SEEN_DANCE,
    UNLISTED,
    deal,
    held_out_songs,
)
from motionbeat.lab.synthetic.plan import SONGS, clips

REAL = Path(__file__).parents[3] / "shared" / "data" / "aistpp" / "splits"
TEST_SONGS = ["mLH4", "mKR2", "mBR0", "mLO2", "mJB5", "mWA0", "mJS3", "mMH3", "mHO5", "mPO1"]
TRAIN_SONGS = [song for song in SONGS if song not in TEST_SONGS]


def songs_of(clip_names):
    return {aistpp_names.parse(name).song for name in clip_names}


def dances_of(clip_names):
    return {aistpp_names.parse(name).dance for name in clip_names}


def in_split(dealt, split):
    return [name for name, of in dealt.split_of.items() if of == split]


def clip(song, choreography, situation="BM", dancer=1):
    return f"g{song[1:3]}_s{situation}_cAll_d{dancer:02d}_{song}_ch{choreography:02d}"


class TestHeldOutSongs:
    def test_one_a_genre_at_the_tempi_of_the_test_songs(self):
        chosen = held_out_songs(TRAIN_SONGS, TEST_SONGS)
        assert chosen == ["mBR2", "mHO0", "mJB0", "mJS0", "mKR1", "mLH2", "mLO3", "mMH4", "mPO5", "mWA5"]
        tempi, wanted = (sorted(map(aistpp_names.nominal_bpm, songs)) for songs in (chosen, TEST_SONGS))
        assert [abs(a - b) for a, b in zip(tempi, wanted, strict=True)] == [0] * 9 + [5]

    def test_the_order_of_the_lists_does_not_matter(self):
        assert held_out_songs(TRAIN_SONGS[::-1], TEST_SONGS[::-1]) == held_out_songs(TRAIN_SONGS, TEST_SONGS)

    def test_a_genre_keeps_its_only_song(self):
        assert held_out_songs(["mBR0", "mBR1", "mPO3"], ["mBR2"]) == ["mBR1"]

    def test_tempi_are_wanted_again_where_test_has_fewer_songs_than_genres(self):
        train = [f"m{genre}{i}" for genre in ("BR", "JB", "JS") for i in range(1, 4)]
        assert held_out_songs(train, ["mPO2"]) == ["mBR2", "mJB2", "mJS2"]


LISTS = {
    "train": [clip("mBR0", 3), clip("mBR1", 3), clip("mBR1", 11, "FM"), clip("mBR2", 12, "FM")],
    "val": [clip("mBR5", 1)],
    "test": [clip("mBR5", 2)],
}
FREE = [clip("mBR1", 1), clip("mBR1", 2), clip("mBR0", 1), clip("mBR1", 4)]  # on no list
ALL = [*LISTS["train"], *LISTS["val"], *LISTS["test"], *FREE]


class TestDeal:
    def test_the_official_split_is_the_lists_less_the_ignored(self):
        dealt = deal(LISTS, [clip("mBR0", 3)], ALL, "official")
        assert in_split(dealt, "train") == LISTS["train"][1:]
        assert (in_split(dealt, "val"), in_split(dealt, "test")) == (LISTS["val"], LISTS["test"])
        assert dealt.left_out == {IGNORED: [clip("mBR0", 3)], UNLISTED: sorted(FREE)}

    def test_what_is_danced_to_a_held_out_song_and_to_no_other_is_validation(self):
        lists = LISTS | {"test": [clip("mBR1", 2)], "val": [clip("mBR1", 1)]}
        lists["train"] = [clip("mBR0", 3), clip("mBR2", 3), clip("mBR2", 11, "FM"), clip("mBR3", 12, "FM")]
        free = [clip("mBR0", n) for n in (1, 2, 4)] + [clip("mBR3", 5)]
        found = [name for of in lists.values() for name in of] + free
        dealt = deal(lists, [clip("mBR0", 4)], found, "held_out")  # wanted: 90 BPM; mBR0 (80) before mBR2 (100)
        assert in_split(dealt, "val") == [clip("mBR0", 1)]
        assert in_split(dealt, "train") == lists["train"][1:]
        assert dealt.left_out == {
            IGNORED: [clip("mBR0", 4)],
            UNLISTED: [clip("mBR3", 5)],
            OFFICIAL_VAL: lists["val"],
            SEEN_DANCE: [clip("mBR0", 2), clip("mBR0", 3)],
        }
        assert sum(map(len, dealt.left_out.values())) + len(dealt.split_of) == len(found)

    def test_nothing_changes_where_validation_has_songs_of_its_own(self):
        lists = LISTS | {"val": [clip("mBR4", 1)]}
        assert deal(lists, [], ALL, "held_out") == deal(lists, [], ALL, "official")

    def test_a_corpus_with_nothing_to_hold_out_is_refused_with_the_way_out(self):
        lists = {"train": [clip("mBR0", 3)], "val": [clip("mBR5", 1)], "test": [clip("mBR5", 2)]}
        with pytest.raises(MotionBeatError, match=r"set corpus\.validation to official"):
            deal(lists, [], [], "held_out")


def test_the_small_synthetic_corpus_keeps_its_own_validation_songs():
    lists = {split: [clip.name for clip in clips("small") if clip.split == split] for split in ("train", "val", "test")}
    found = [clip.name for clip in clips("small")]
    assert deal(lists, [], found, "held_out") == deal(lists, [], found, "official")


def test_in_the_full_synthetic_corpus_no_song_and_no_dance_is_in_two_splits():
    planned = clips("full")
    lists = {split: [clip.name for clip in planned if clip.split == split] for split in ("train", "val", "test")}
    dealt = deal(lists, [clip.name for clip in planned if clip.broken], [clip.name for clip in planned], "held_out")
    assert_disjoint(dealt)
    assert len(in_split(dealt, "val")) >= 20 and len(in_split(dealt, "test")) == 20


def assert_disjoint(dealt):
    parts = [in_split(dealt, split) for split in ("train", "val", "test")]
    for of in (songs_of, dances_of):
        counts = Counter(thing for part in parts for thing in of(part))
        assert max(counts.values()) == 1, of.__name__


@pytest.mark.real
class TestOfficialLists:
    @pytest.fixture
    def lists(self):
        """The official lists; the validation list, which is not in the folder, as metrics have it: 20 clips on the
        songs of the test list, here in choreography 1."""
        train, test = (REAL / f"crossmodal_{split}.txt" for split in ("train", "test"))
        lists = {"train": train.read_text().split(), "test": test.read_text().split()}
        return lists | {"val": [name.replace("_ch02", "_ch01") for name in lists["test"]]}

    @pytest.fixture
    def ignored(self):
        return (REAL / "ignore_list.txt").read_text().split()

    def test_they_have_the_published_counts(self, lists, ignored):
        assert [len(lists["train"]), len(lists["test"]), len(ignored)] == [980, 20, 45]
        parsed = [aistpp_names.parse(name) for name in lists["train"]]
        assert Counter(name.situation for name in parsed) == {"BM": 800, "FM": 180}
        assert songs_of(lists["test"]) == set(TEST_SONGS) and songs_of(lists["train"]) == set(TRAIN_SONGS)
        dealt = deal(lists, ignored, [], "official")
        assert len(in_split(dealt, "train")) == 952 and len(in_split(dealt, "test")) == 20

    def test_they_keep_the_dances_of_training_and_test_apart(self, lists):
        assert not dances_of(lists["train"]) & dances_of(lists["test"])

    def test_held_out_validation_shares_no_song_and_no_dance_with_training_or_test(self, lists, ignored):
        basic = [name for name in map(aistpp_names.parse, lists["train"]) if name.situation == "BM"]
        pairs = {(name.dancer, name.song, name.genre) for name in basic}
        unlisted = [f"g{genre}_sBM_cAll_d{dancer}_{song}_ch01" for dancer, song, genre in sorted(pairs)]
        found = sorted({*lists["train"], *lists["val"], *lists["test"], *unlisted})
        dealt = deal(lists, ignored, found, "held_out")
        assert_disjoint(dealt)
        val = Counter(aistpp_names.parse(name).situation for name in in_split(dealt, "val"))
        assert val == {"FM": 29, "BM": 19}  # of 20 in choreography 1, the ignore list names one
        assert len(in_split(dealt, "train")) == 952 - 186 == 766
        assert len(songs_of(in_split(dealt, "val"))) == 10
        seen = [name for name in dealt.left_out[SEEN_DANCE] if name in lists["train"]]
        assert len(seen) == 157 and dealt.left_out[OFFICIAL_VAL] == sorted(set(lists["val"]) - set(ignored))
