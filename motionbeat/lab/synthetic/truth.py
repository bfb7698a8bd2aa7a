"""What a data set never has, the truth, as Parquet tables beside the corpus; only tests and the ceiling read them."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from motionbeat.lab import tables

_STRING, _INT, _DOUBLE = pa.string(), pa.int32(), pa.float64()


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


SONGS = _schema(
    {
        "song": _STRING,
        "slot": _INT,  # 16th from the beginning; beat = slot // 4
        "time_s": _DOUBLE,  # on the exact grid
        "bar_position": _INT,  # of the beat, 0 = downbeat
        "beats_per_bar": _INT,
        "low": _DOUBLE,  # accent of each part, 0 or 0.4..1
        "back": _DOUBLE,
        "high": _DOUBLE,
        "kit": _INT,
    }
)
"""truth_songs.parquet: one row a 16th of a song, sorted by song and slot."""

CLIPS = _schema(
    {
        "clip": _STRING,
        "song": _STRING,
        "choreography": _STRING,  # the same wherever it is danced
        "slot": _INT,
        "step": _DOUBLE,  # strength of each kind of event, 0 where nothing happens
        "hit": _DOUBLE,
        "bounce": _DOUBLE,
        "step_time_s": _DOUBLE,  # when the event of this slot happens, or would: lateness included
        "hit_time_s": _DOUBLE,
        "bounce_time_s": _DOUBLE,
    }
)
"""truth_clips.parquet: one row a 16th of a clip, sorted by clip and slot."""

CONTACTS = _schema({"clip": _STRING, "time_s": _DOUBLE, "foot": _STRING})
"""truth_contacts.parquet: one row a landing of a foot (left or right), sorted by clip and time."""

Columns = dict[str, list]


def write(folder: Path, songs: list[Columns], clips: list[Columns], contacts: list[Columns]) -> None:
    """Write the three tables, rows in the order given."""
    parts = (("truth_songs", SONGS, songs), ("truth_clips", CLIPS, clips), ("truth_contacts", CONTACTS, contacts))
    for name, schema, pieces in parts:
        columns = {column: [value for piece in pieces for value in piece[column]] for column in schema.names}
        tables.write(folder / f"{name}.parquet", schema, columns)


def read_songs(folder: Path) -> dict[str, np.ndarray]:
    """truth_songs.parquet of an embedded corpus, one array a column."""
    return tables.read(folder / "truth_songs.parquet", SONGS)


def read_clips(folder: Path) -> dict[str, np.ndarray]:
    """truth_clips.parquet of an embedded corpus, one array a column."""
    return tables.read(folder / "truth_clips.parquet", CLIPS)


def read_contacts(folder: Path) -> dict[str, np.ndarray]:
    """truth_contacts.parquet of an embedded corpus, one array a column."""
    return tables.read(folder / "truth_contacts.parquet", CONTACTS)
