"""GTZAN is read as its lists and folders say and its beats by line; what is left out is named, mistakes are listed."""

from pathlib import Path

import numpy as np
import pytest
from labelled_sets import DATA, put, refused, write_gtzan

from motionbeat.lab.labelled import gtzan
from motionbeat.lab.labelled.labelled_set import UNSPLIT


@pytest.fixture
def gtzan_root(tmp_path: Path) -> Path:
    return write_gtzan(tmp_path)


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
    for wrong in ("'polka' is not one of", "my song.wav: not named", "blues.00000 is also there as blues.00000.au"):
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
        ("0.5\t1\nsoon\t2\n", "line 2: 'soon 2' is not a time"),
        ("0.5\t1\n-1\t2\n", "line 2: '-1 2' is not a time"),
        ("0.5\t1\n1.0\t0\n", "line 2: '1.0 0' is not a time"),
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


@pytest.mark.real
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
