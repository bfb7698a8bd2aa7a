"""The readers of GTZAN, MagnaTagATune, NSynth and Emomusic: official layouts, protocol splits, refused mistakes."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbeat.audio import decode
from motionbeat.corpora import downstream
from motionbeat.corpora.downstream import emomusic, gtzan, magnatagatune, nsynth
from motionbeat.corpora.downstream.sets import UNSPLIT, Item, assemble
from motionbeat.errors import MotionBeatError

LISTED = {"train": ["blues.00029", "jazz.00054", "rock.00001"], "valid": ["blues.00000"], "test": ["rock.00010"]}


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(read, *arguments, **named) -> str:
    with pytest.raises(MotionBeatError) as error:
        read(*arguments, **named)
    return str(error.value)


# GTZAN


@pytest.fixture
def gtzan_root(tmp_path: Path) -> Path:
    """Five listed clips (one of them the broken one), one on no list, with beats."""
    for name, clips in LISTED.items():
        put(tmp_path / f"{name}_filtered.txt", "".join(f"{clip.split('.')[0]}/{clip}.wav\n" for clip in clips))
    for clip in [*(clip for clips in LISTED.values() for clip in clips), "pop.00015"]:
        genre, number = clip.split(".")
        put(tmp_path / "genres" / genre / f"{clip}.au")
        put(tmp_path / "beats" / f"gtzan_{genre}_{number}.beats", "0.5\t3\n1.0\t4\n1.5\t1\n")
    return tmp_path


def test_gtzan_clips_get_the_split_of_the_filtered_lists_and_the_genre_of_their_folder(gtzan_root: Path) -> None:
    found = gtzan.read(gtzan_root)
    assert [(item.name, item.split, found.classes[item.label]) for item in found.items] == [
        ("blues.00000", "val", "blues"),
        ("blues.00029", "train", "blues"),
        ("rock.00001", "train", "rock"),
        ("rock.00010", "test", "rock"),
    ]
    assert found.targets("train").tolist() == [0, 9]
    assert found.items[0].audio == gtzan_root / "genres" / "blues" / "blues.00000.au"


def test_gtzan_says_which_clips_it_leaves_out_and_why(gtzan_root: Path) -> None:
    assert gtzan.read(gtzan_root).left_out == {
        "broken audio": ["jazz.00054"],
        "on none of the fault-filtered lists": ["pop.00015"],
    }


def test_gtzan_without_lists_is_unsplit_and_does_not_need_them(gtzan_root: Path) -> None:
    for name in gtzan.LISTS.values():
        (gtzan_root / name).unlink()
    found = gtzan.read(gtzan_root, lists=False)
    assert len(found.of(UNSPLIT)) == len(found.items) == 5
    message = refused(gtzan.read, gtzan_root)
    assert "train_filtered.txt, valid_filtered.txt, test_filtered.txt" in message and "music_dataset_split" in message


def test_gtzan_counts_listed_clips_without_audio_and_names_some(gtzan_root: Path) -> None:
    (gtzan_root / "genres" / "rock" / "rock.00001.au").unlink()
    (gtzan_root / "genres" / "rock" / "rock.00010.au").write_bytes(b"")
    message = refused(gtzan.read, gtzan_root)
    assert "audio of 1 of 4 clips is missing" in message and "rock.00001.au" in message
    assert "audio of 1 of 4 clips is empty" in message and "rock.00010.au" in message


def test_gtzan_wrong_files_are_listed_together(gtzan_root: Path) -> None:
    put(gtzan_root / "genres" / "polka" / "polka.00000.au")
    put(gtzan_root / "genres" / "rock" / "my song.wav")
    put(gtzan_root / "genres" / "blues" / "blues.00000.wav")
    put(gtzan_root / "test_filtered.txt", "rock/rock.00010.wav\nblues/blues.00000.wav\nblues/rock.00002.wav\n")
    message = refused(gtzan.read, gtzan_root)
    for wrong in ("'polka' is none of", "my song.wav: not named", "blues.00000 is also there as blues.00000.au"):
        assert wrong in message
    assert "test_filtered.txt line 2: blues.00000 is already on the list of val" in message
    assert "test_filtered.txt line 3: 'blues/rock.00002.wav'" in message


def test_gtzan_beats_have_times_and_positions_or_times_only(gtzan_root: Path) -> None:
    put(gtzan_root / "beats" / "gtzan_rock_00001.beats", "0.25\n0.75\n")
    found = {item.name: item.label for item in gtzan.read_beats(gtzan_root).items}
    np.testing.assert_array_equal(found["blues.00000"].times, [0.5, 1.0, 1.5])
    np.testing.assert_array_equal(found["blues.00000"].positions, [3, 4, 1])
    np.testing.assert_array_equal(found["rock.00001"].times, [0.25, 0.75])
    assert found["rock.00001"].positions is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.5\t1\n0.4\t2\n", "line 2: 0.4 s is not after 0.5 s"),
        ("0.5\t1\nsoon\t2\n", "line 2: 'soon 2' is no time"),
        ("0.5\t1\n-1\t2\n", "line 2: '-1 2' is no time"),
        ("0.5\t1\n1.0\t0\n", "line 2: '1.0 0' is no time"),
        ("0.5\t1\n1.0\n", "some lines have a position and some have none"),
        ("0.5\t1\n", "has 1 beats"),
        ("", "has 0 beats"),
    ],
)
def test_gtzan_refuses_corrupt_beat_files_by_line(gtzan_root: Path, text: str, said: str) -> None:
    path = put(gtzan_root / "beats" / "gtzan_rock_00001.beats", text)
    message = refused(gtzan.read_beats, gtzan_root)
    assert said in message and str(path) in message


def test_gtzan_only_the_clip_known_to_have_no_beats_may_lack_them(gtzan_root: Path) -> None:
    put(gtzan_root / "genres" / "reggae" / "reggae.00086.au")
    found = gtzan.read_beats(gtzan_root, lists=False)
    assert found.left_out["no beat annotation exists"] == ["reggae.00086"]
    (gtzan_root / "beats" / "gtzan_rock_00001.beats").unlink()
    assert "1 clips have no beats (gtzan_<genre>_<number>.beats): rock.00001" in refused(gtzan.read_beats, gtzan_root)


# MagnaTagATune


def write_tags(root: Path, rows: list[tuple[str, str, list[int]]], tags: list[str]) -> Path:
    lines = ["\t".join(f'"{value}"' for value in ("clip_id", *tags, "mp3_path"))]
    lines += ["\t".join(f'"{value}"' for value in (clip, *marks, path)) for clip, path, marks in rows]
    for _, path, _ in rows:
        put(root / path)
    return put(root / "annotations_final.csv", "\n".join(lines) + "\n")


TAG_NAMES = [f"tag {number}" for number in range(60)]
PATHS = ["0/a-b-01-c-0-29.mp3", "0/a-b-01-c-29-58.mp3", "b/d-1-2.mp3", "c/e-1-2.mp3", "d/f-1-2.mp3", "f/g-1-2.mp3"]


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    """Six clips; tag i is given to more clips the larger i is, tags 0 to 9 to none."""
    rows = [(str(n), path, [int(t >= 10 + 9 * n) for t in range(60)]) for n, path in enumerate(PATHS)]
    write_tags(tmp_path, rows, TAG_NAMES)
    return tmp_path


def test_magnatagatune_takes_the_50_most_frequent_tags_ties_in_the_order_of_the_table(tagged: Path) -> None:
    found = magnatagatune.read(tagged)
    expected = [t for n in range(5, -1, -1) for t in range(10 + 9 * n, 60 if n == 5 else 19 + 9 * n)]
    assert found.classes == tuple(TAG_NAMES[t] for t in expected)
    assert found.targets("train").shape == (3, 50) and found.targets("train")[0].all()


def test_magnatagatune_splits_by_folder_and_groups_by_track(tagged: Path) -> None:
    found = magnatagatune.read(tagged)
    assert [item.split for item in found.items] == ["train", "train", "train", "val", "test", "test"]
    assert found.items[0].group == found.items[1].group == "0/a-b-01-c"
    assert len({item.group for item in found.items}) == 5


def test_magnatagatune_can_leave_out_clips_without_any_of_the_tags_and_always_the_broken_ones(tagged: Path) -> None:
    rows = [(str(n), path, [int(t >= 10 + 9 * n) for t in range(60)]) for n, path in enumerate(PATHS)]
    rows += [("90", "e/none-0-29.mp3", [0] * 60), ("35644", "e/broken-0-29.mp3", [1] * 50 + [0] * 10)]
    write_tags(tagged, rows, TAG_NAMES)
    kept, dropped = magnatagatune.read(tagged), magnatagatune.read(tagged, untagged=False)
    assert len(kept.items) == 7 and len(dropped.items) == 6
    assert kept.left_out == {"broken audio": ["e/broken-0-29"]}
    assert dropped.left_out["none of the 50 tags"] == ["e/none-0-29"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("9", "g/x-1-2.mp3", [0] * 60), "line 3: mp3_path 'g/x-1-2.mp3' is not in a folder 0 to f"),
        (("9", "0/../../x.mp3", [0] * 60), "line 3: mp3_path '0/../../x.mp3'"),
        (("9", "0/x-1-2.mp3", [2] * 60), "line 3: tag 'tag 0' is '2'; expected 0 or 1"),
        (("9", "0/x-1-2.mp3", [0] * 59), "line 3: 61 values for 62 columns"),
    ],
)
def test_magnatagatune_refuses_wrong_lines_of_its_table(tmp_path: Path, row, said: str) -> None:
    first = ("1", PATHS[0], [1] * 60)
    path = tmp_path / "annotations_final.csv"
    lines = ["\t".join(("clip_id", *TAG_NAMES, "mp3_path"))]
    lines += ["\t".join((clip, *map(str, marks), where)) for clip, where, marks in (first, row)]
    put(path, "\n".join(lines) + "\n")
    message = refused(magnatagatune.read, tmp_path)
    assert said in message and str(path) in message


def test_magnatagatune_refuses_too_few_tags_and_missing_clips_and_clips_twice(tagged: Path) -> None:
    (tagged / PATHS[2]).unlink()
    assert "audio of 1 of 6 clips is missing" in refused(magnatagatune.read, tagged)
    rows = [("1", PATHS[0], [1] * 60), ("2", PATHS[0], [1] * 60)]
    write_tags(tagged, rows, TAG_NAMES)
    assert "clip 0/a-b-01-c-0-29 stands there twice" in refused(magnatagatune.read, tagged)
    write_tags(tagged, [("1", PATHS[0], [1] * 40 + [0] * 20)], TAG_NAMES)
    assert "only 40 tags are given to any clip; the task needs 50" in refused(magnatagatune.read, tagged)


# NSynth


def write_notes(root: Path, split: str, notes: dict[str, tuple[str, str]]) -> None:
    """notes: name -> (instrument, family)."""
    rows = {
        name: {"instrument_str": instrument, "instrument_family_str": family, "pitch": 60}
        for name, (instrument, family) in notes.items()
    }
    put(root / f"nsynth-{split}" / "examples.json", json.dumps(rows))
    for name in notes:
        put(root / f"nsynth-{split}" / "audio" / f"{name}.wav")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    write_notes(
        tmp_path, "train", {"a-060-100": ("a", "bass"), "a-061-100": ("a", "bass"), "b-060-025": ("b", "vocal")}
    )
    write_notes(tmp_path, "valid", {"c-060-100": ("c", "reed")})
    write_notes(tmp_path, "test", {"d-060-100": ("d", "mallet")})
    return tmp_path


def test_nsynth_notes_have_their_folders_split_their_family_and_their_instrument_as_group(notes: Path) -> None:
    found = nsynth.read(notes)
    assert [item.split for item in found.items] == ["train", "train", "train", "val", "test"]
    assert [found.classes[label] for label in found.targets("train")] == ["bass", "bass", "vocal"]
    assert [item.group for item in found.items] == ["a", "a", "b", "c", "d"]
    assert len(found.classes) == 11


def test_nsynth_can_be_read_in_part_but_only_when_asked_to(notes: Path) -> None:
    (notes / "nsynth-train" / "examples.json").unlink()
    (notes / "nsynth-valid" / "examples.json").unlink()
    message = refused(nsynth.read, notes)
    assert "nsynth-train/examples.json is missing" in message and "nsynth-valid/examples.json is missing" in message
    assert len(nsynth.read(notes, splits=("test",)).items) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no notes"),
        ('{"c": {"instrument_str": "c"}}', "note c: no instrument_str and instrument_family_str"),
        ('{"c": {"instrument_str": "c", "instrument_family_str": "kazoo"}}', "'kazoo' is none of bass, brass"),
        (
            '{"c": {"instrument_str": "c", "instrument_family_str": "reed", "instrument_family": 0}}',
            "instrument_family is 0, but reed is number 7",
        ),
        ('{"c": {}, "c": {}}', "has 'c' twice"),
    ],
)
def test_nsynth_refuses_wrong_metadata(notes: Path, text: str, said: str) -> None:
    path = put(notes / "nsynth-valid" / "examples.json", text)
    message = refused(nsynth.read, notes)
    assert said in message and str(path) in message


def test_nsynth_counts_missing_notes_and_refuses_a_note_in_two_splits(notes: Path) -> None:
    (notes / "nsynth-train" / "audio" / "a-061-100.wav").unlink()
    write_notes(notes, "test", {"a-060-100": ("a", "bass")})
    message = refused(nsynth.read, notes)
    assert "audio of 1 of 5 clips is missing" in message and "clip a-060-100 stands there twice" in message


# Emomusic

SONGS = [
    ("2", "Aphex", "development"),
    ("3", "Beck & Co.", "development"),
    ("10", "Zoe", "evaluation"),
    ("1000", "Mum", "development"),
]


def hex_split(artist: str) -> str:
    """The rule in another notation: the hexadecimal digest as one number, modulo 10."""
    name = " ".join(re.sub(r"[^a-z\s]", "", artist.lower()).split())
    return "val" if int(hashlib.sha1(name.encode()).hexdigest(), 16) % 10 in (8, 9) else "train"


def write_ratings(root: Path, songs=SONGS, ratings=None, folder: str = "annotations") -> None:
    info = [["song_id", "file_name", "Artist", "Song title", "Mediaeval 2013 set"]]
    info += [[song, f"{song}.mp3", f"\t{artist}", "x", part] for song, artist, part in songs]
    rated = [["song_id", "mean_arousal", "std_arousal", "mean_valence", "std_valence"]]
    rated += ratings or [[song, 3 + n, 1, 6 - n, 1] for n, (song, *_) in enumerate(songs)]
    for name, rows in (("songs_info", info), ("static_annotations", rated)):
        put(root / folder / f"{name}.csv")
        with (root / folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    for song, *_ in songs:
        put(root / "clips_45seconds" / f"{song}.mp3")


@pytest.fixture
def artists() -> dict[str, str]:
    """A training and a validation artist, found by the rule's other notation."""
    names = [f"Band {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    return {split: next(name for name in names if hex_split(name) == split) for split in ("train", "val")}


@pytest.fixture
def rated(tmp_path: Path, artists: dict[str, str]) -> Path:
    songs = [("2", artists["train"], "development"), ("30", artists["val"], "development"), ("4", "Zoe", "evaluation")]
    write_ratings(tmp_path, songs)
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
    assert "line 5: song 4 stands there twice" in message


def test_emomusic_wrong_rows_are_listed_together(rated: Path) -> None:
    songs = [("2", "A", "development"), ("30", "B", "held out"), ("4", "Z", "evaluation"), ("4", "Z", "evaluation")]
    write_ratings(rated, songs, [[2, 3, 1, 9.5, 1], ["x", 3, 1, 3, 1], [4, "", 1, 3, 1], [5, 3, 1, 3, 1]])
    message = refused(emomusic.read, rated)
    for wrong in (
        "static_annotations.csv line 2: ratings '3' and '9.5'; expected 1 to 9",
        "static_annotations.csv line 3: song_id 'x' is no number",
        "static_annotations.csv line 4: ratings '' and '3'",
        "songs_info.csv line 3: Mediaeval 2013 set 'held out'",
        "songs_info.csv line 5: song 4 stands there twice",
        "static_annotations.csv: 1 songs are not in songs_info.csv: 5",
    ):
        assert wrong in message


def test_emomusic_refuses_an_empty_split_and_missing_clips(rated: Path) -> None:
    (rated / "clips_45seconds" / "30.mp3").unlink()
    put(rated / "splits.csv", "song_id,split\n2,train\n30,train\n4,test\n")
    message = refused(emomusic.read, rated)
    assert "no clip is in split 'val' of emomusic (splits.csv)" in message and "audio of 1 of 3 clips" in message


# What they share


def test_a_table_that_is_broken_as_csv_is_refused_by_line(rated: Path) -> None:
    path = put(rated / "annotations" / "static_annotations.csv", 'song_id,mean_arousal,mean_valence\n2,3,"4\n')
    assert f"{path} line" in refused(emomusic.read, rated)
    put(path, "song_id,mean_arousal\n2,3\n")
    assert "has no column 'mean_valence', only song_id, mean_arousal" in refused(emomusic.read, rated)
    put(path, "song_id,mean_arousal,mean_valence\n")
    assert "has no rows below its header" in refused(emomusic.read, rated)
    path.write_bytes(b"\xff\xfe\x00bad")
    assert "cannot be read as text" in refused(emomusic.read, rated)


def test_an_unknown_data_set_is_refused_by_name(tmp_path: Path) -> None:
    assert "'fma' is unknown; expected one of gtzan, magnatagatune" in refused(downstream.read, "fma", tmp_path)


def test_beats_are_not_handed_out_as_one_array(gtzan_root: Path) -> None:
    assert "read item.label of each" in refused(gtzan.read_beats(gtzan_root).targets, "train")


def test_many_missing_files_make_one_short_line(tmp_path: Path) -> None:
    items = [Item(f"c{n:03}", tmp_path / f"c{n:03}.wav", "train", "g", 0) for n in range(500)]
    named = {"grouped_by": "x", "split_by": "x", "left_out": {}, "errors": [], "splits": ("train",)}
    message = refused(assemble, tmp_path, "x", "classes", ("a",), items, **named)
    assert message.count("\n") == 0 and "500 of 500" in message and "c002.wav and 497 more" in message


# Real data

DATA = Path(__file__).parents[2] / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings of ../shared/data are not here")


@pytest.mark.real
@real
def test_real_gtzan_clips_and_all_999_beat_files_are_read() -> None:
    genres, beats = gtzan.read(DATA / "gtzan", lists=False), gtzan.read_beats(DATA / "gtzan", lists=False)
    assert np.bincount(genres.targets(UNSPLIT)).tolist() == [7] * 10
    assert [item.name for item in beats.items] == [item.name for item in genres.items]
    files = sorted((DATA / "gtzan" / "beats").glob("*.beats"))
    labels = {path.stem: gtzan.beats_of(path) for path in files}
    assert len(labels) == 999 and "gtzan_reggae_00086" not in labels
    uncounted = [name for name, label in labels.items() if label.positions is None]
    assert uncounted == [f"gtzan_jazz_000{number}" for number in ("03", "09", "10", "14", "18", "20")]
    tempi = [60 / np.median(np.diff(label.times)) for label in labels.values()]
    assert min(tempi) > 30 and max(tempi) < 400


@pytest.mark.real
@real
def test_real_nsynth_notes_are_read() -> None:
    found = nsynth.read(DATA / "nsynth", splits=("test",))
    assert len(found.items) == 45
    assert all(item.name.startswith(found.classes[item.label] + "_") for item in found.items)
    assert all(item.name.startswith(item.group) for item in found.items)


@pytest.mark.real
@real
def test_real_magnatagatune_labels_come_through_the_table(tmp_path: Path) -> None:
    lists = DATA / "magnatagatune" / "split"
    tags = (lists / "top50_tags.txt").read_text().split()
    names = {split: json.loads((lists / f"{split}_list.json").read_text()) for split in ("train", "valid", "test")}
    for split, expected in (("train", "train"), ("valid", "val"), ("test", "test")):
        assert {magnatagatune.split_of(name[0]) for name in names[split]} == {expected}
    marks = {split: np.load(lists / f"y_{split}_pub.npy").astype(int) for split in ("valid", "test")}
    rows = [("1", names["train"][0].replace(".npy", ".mp3"), [0] * 50)]
    for split in ("valid", "test"):
        paths = [name.replace(".npy", ".mp3") for name in names[split]]
        rows += [
            (str(len(rows) + n), path, list(row)) for n, (path, row) in enumerate(zip(paths, marks[split], strict=True))
        ]
    write_tags(tmp_path, rows, tags)
    found = magnatagatune.read(tmp_path)
    assert [len(found.of(split)) for split in ("train", "val", "test")] == [1, 1529, 4332]
    order = [tags.index(name) for name in found.classes]
    by_name = dict(zip(names["test"], marks["test"], strict=True))
    for item in found.of("test")[::97]:
        np.testing.assert_array_equal(item.label, by_name[f"{item.name}.npy"][order])
    assert found.classes[0] == "guitar"
    assert len({item.group for item in found.items}) < len(found.items) / 3
    clip = next((DATA / "magnatagatune").glob("joram-*.mp3"))
    listed = next(item for item in found.items if item.audio.name == clip.name)
    assert listed.group.endswith("/joram-moments_of_clarity-08-solipsism")
    assert len(decode.load(clip, 16_000)) / 16_000 == pytest.approx(29.1, abs=0.2)


@pytest.mark.real
@real
def test_real_ratings_of_two_other_emotion_sets_are_read() -> None:
    deam = DATA / "emotion" / "deam_static_annotations.csv"
    ratings, errors = emomusic.ratings_of(deam, "musicId", "Arousal(mean)", "Valence(mean)", (0, 1))
    assert not errors and len(ratings) == len(deam.read_text().splitlines()) - 1 > 700
    assert np.ptp([arousal for arousal, _ in ratings.values()]) > 0.5


@pytest.mark.real
@real
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
