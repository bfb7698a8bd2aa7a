"""What the readers of labelled data sets share: broken tables, unknown names and many missing files are refused."""

from pathlib import Path

from labelled_sets import put, rated_songs, refused, write_gtzan, write_ratings

from motionbeat.lab import labelled
from motionbeat.lab.labelled import emomusic, gtzan
from motionbeat.lab.labelled.labelled_set import Item, assemble


def test_a_table_that_is_broken_as_csv_is_refused_by_line(tmp_path: Path) -> None:
    write_ratings(tmp_path, rated_songs())
    path = put(tmp_path / "annotations" / "static_annotations.csv", 'song_id,mean_arousal,mean_valence\n2,3,"4\n')
    assert f"{path} line" in refused(emomusic.read, tmp_path)
    put(path, "song_id,mean_arousal\n2,3\n")
    assert "has no column 'mean_valence', only song_id, mean_arousal" in refused(emomusic.read, tmp_path)
    put(path, "song_id,mean_arousal,mean_valence\n")
    assert "has no rows below its header" in refused(emomusic.read, tmp_path)
    path.write_bytes(b"\xff\xfe\x00bad")
    assert "cannot be read as UTF-8 text" in refused(emomusic.read, tmp_path)


def test_an_unknown_data_set_is_refused_by_name(tmp_path: Path) -> None:
    assert "'fma' is unknown; expected one of gtzan, magnatagatune" in refused(labelled.read, "fma", tmp_path)


def test_beats_are_not_handed_out_as_one_array(tmp_path: Path) -> None:
    assert "read item.label of each" in refused(gtzan.read_beats(write_gtzan(tmp_path)).targets, "train")


def test_many_missing_files_make_one_short_line(tmp_path: Path) -> None:
    items = [Item(f"c{n:03}", tmp_path / f"c{n:03}.wav", "train", "g", 0) for n in range(500)]
    named = {"grouped_by": "x", "split_by": "x", "left_out": {}, "errors": [], "splits": ("train",)}
    message = refused(assemble, tmp_path, "x", "classes", ("a",), items, **named)
    assert message.count("\n") == 0 and "500 of 500" in message and "c002.wav and 497 more" in message
