"""Emomusic is split by set and artist as published, or by a table of one's own; wrong rows are refused together."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled_sets import DATA, hex_split, put, rated_songs, refused, write_ratings

from motionbeat.lab.labelled import emomusic


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    write_ratings(tmp_path, rated_songs())
    return tmp_path


def test_emomusic_clips_are_split_by_set_and_artist_and_labelled_arousal_first(rated: Path) -> None:
    found = emomusic.read(rated)
    assert [(item.name, item.split) for item in found.items] == [("0002", "train"), ("0004", "test"), ("0030", "val")]
    np.testing.assert_array_equal(found.targets("val"), [[4.0, 5.0]])
    assert found.classes == ("arousal", "valence")
    assert found.items[1].group == "zoe" and "MediaEval" in found.split_by


@settings(max_examples=60, deadline=None)
@given(st.text("aAbZ é\u00df19&'\t.", max_size=12))
def test_emomusic_artists_are_split_as_the_published_rule_says(artist: str) -> None:
    assert emomusic.official_split("development", artist) == hex_split(artist)
    assert emomusic.official_split("evaluation", artist) == "test"
    assert emomusic.official_split("development", f" {artist.upper()}! 99 ") == hex_split(artist.upper())


def test_emomusic_annotations_may_lie_at_the_root(tmp_path: Path, rated: Path) -> None:
    for path in list((rated / "annotations").iterdir()):
        path.rename(rated / path.name)
    assert len(emomusic.read(rated).items) == 3
    (rated / "songs_info.csv").unlink()
    assert "songs_info.csv is missing: unpack annotations.tar.gz" in refused(emomusic.read, rated)


def test_emomusic_a_split_of_ones_own_goes_before_the_rule_and_is_named(rated: Path) -> None:
    put(rated / "splits.csv", "song_id,split\n2,test\n30,train\n4,val\n")
    found = emomusic.read(rated)
    assert [item.split for item in found.items] == ["test", "val", "train"] and found.split_by == "splits.csv"
    put(rated / "splits.csv", "song_id,split\n2,holdout\n31,train\n4,val\n4,test\n")
    message = refused(emomusic.read, rated)
    assert "line 2: split 'holdout'" in message and "line 3: song '31' is not in songs_info.csv" in message
    assert "line 5: song 4 occurs twice" in message


def test_emomusic_wrong_rows_are_listed_together(rated: Path) -> None:
    songs = [("2", "A", "development"), ("30", "B", "held out"), ("4", "Z", "evaluation"), ("4", "Z", "evaluation")]
    write_ratings(rated, songs, [[2, 3, 1, 9.5, 1], ["x", 3, 1, 3, 1], [4, "", 1, 3, 1], [5, 3, 1, 3, 1]])
    message = refused(emomusic.read, rated)
    for wrong in (
        "static_annotations.csv line 2: ratings '3' and '9.5'; expected 1 to 9",
        "static_annotations.csv line 3: song_id 'x' is not a number",
        "static_annotations.csv line 4: ratings '' and '3'",
        "songs_info.csv line 3: Mediaeval 2013 set 'held out'",
        "songs_info.csv line 5: song 4 occurs twice",
        "static_annotations.csv: 1 songs are not in songs_info.csv: 5",
    ):
        assert wrong in message


def test_emomusic_refuses_an_empty_split_and_missing_clips(rated: Path) -> None:
    (rated / "clips_45seconds" / "30.mp3").unlink()
    put(rated / "splits.csv", "song_id,split\n2,train\n30,train\n4,test\n")
    message = refused(emomusic.read, rated)
    assert "no clip is in split 'val' of emomusic (splits.csv)" in message and "audio of 1 of 3 clips" in message


@pytest.mark.real
def test_real_ratings_of_two_other_emotion_sets_are_read() -> None:
    deam = DATA / "emotion" / "deam_static_annotations.csv"
    ratings, errors = emomusic.ratings_of(deam, "musicId", "Arousal(mean)", "Valence(mean)", (0, 1))
    assert not errors and len(ratings) == len(deam.read_text().splitlines()) - 1 > 700
    assert np.ptp([arousal for arousal, _ in ratings.values()]) > 0.5


@pytest.mark.real
def test_real_songs_and_ratings_are_read_in_emomusics_layout(tmp_path: Path) -> None:
    songs = json.loads((DATA / "emotion" / "pmemo_static_767.json").read_text())
    rows = [(str(song["id"]), song["artist"], "development") for song in songs]
    write_ratings(tmp_path, rows, [[s["id"], 1 + 8 * s["a"], 1, 1 + 8 * s["v"], 1] for s in songs])
    clips = json.loads((DATA / "emotion" / "pmemo_4clips" / "index.json").read_text())
    for clip in clips:
        audio = (DATA / "emotion" / "pmemo_4clips" / f"{clip['id']}.mp3").read_bytes()
        (tmp_path / "clips_45seconds" / f"{clip['id']}.mp3").write_bytes(audio)
    split = dict(zip((str(clip["id"]) for clip in clips), ("train", "val", "test", "test"), strict=True))
    put(tmp_path / "splits.csv", "song_id,split\n" + "".join(f"{song},{name}\n" for song, name in split.items()))
    found = emomusic.read(tmp_path)
    assert len(found.items) == 4 and len(found.left_out["not named in splits.csv"]) == len(songs) - 4
    by_id = {str(clip["id"]).zfill(4): clip for clip in clips}
    for item in found.items:
        assert item.label == pytest.approx((1 + 8 * by_id[item.name]["a"], 1 + 8 * by_id[item.name]["v"]))
    (tmp_path / "splits.csv").unlink()
    parts = [emomusic.official_split("development", song["artist"]) for song in songs]
    assert 0.1 < parts.count("val") / len(parts) < 0.3
