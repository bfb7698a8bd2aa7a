"""The truth about a synthetic corpus, as Parquet tables next to it; only tests, ceilings and oracles read them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

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
"""truth_songs.parquet: one row per 16th of a recording of a song, sorted by song and slot."""

CLIPS = _schema(
    {
        "clip": _STRING,
        "song": _STRING,
        "choreography": _STRING,  # the same in every clip
        "context": _DOUBLE,  # corpus.context of the dance
        "slot": _INT,
        "step": _DOUBLE,  # strength of each kind of event, 0 where nothing happens
        "hit": _DOUBLE,
        "bounce": _DOUBLE,
        "step_time_s": _DOUBLE,  # time of this slot's event (also of one that does not happen), lateness included
        "hit_time_s": _DOUBLE,
        "bounce_time_s": _DOUBLE,
    }
)
"""truth_clips.parquet: one row per 16th of a clip, sorted by song, clip and slot."""

CONTACTS = _schema({"clip": _STRING, "time_s": _DOUBLE, "foot": _STRING})
"""truth_contacts.parquet: one row per landing of a foot (left or right), sorted by song, clip and time."""

Columns = Mapping[str, Sequence[Any] | np.ndarray]


@contextmanager
def writing(folder: Path) -> Iterator[tuple[tables.Append, tables.Append, tables.Append]]:
    """Yield functions that add rows to the three tables (songs, clips, contacts), in the order of the calls."""
    parts = (("truth_songs", SONGS), ("truth_clips", CLIPS), ("truth_contacts", CONTACTS))
    with ExitStack() as stack:
        songs, clips, contacts = (
            stack.enter_context(tables.appending(folder / f"{name}.parquet", schema)) for name, schema in parts
        )
        yield songs, clips, contacts


def clip_columns(
    clip: str,
    song: str,
    choreography: str,
    context: float,
    strength: Sequence[Sequence[float]],
    time_s: Sequence[Sequence[float]],
) -> Columns:
    """The rows of a clip in truth_clips.parquet; strength, time_s: one row each for step, hit and bounce."""
    kinds, slots = ("step", "hit", "bounce"), len(strength[0])
    return {
        "clip": [clip] * slots,
        "song": [song] * slots,
        "choreography": [choreography] * slots,
        "context": [context] * slots,
        "slot": list(range(slots)),
        **{kind: list(row) for kind, row in zip(kinds, strength, strict=True)},
        **{f"{kind}_time_s": list(row) for kind, row in zip(kinds, time_s, strict=True)},
    }


def contact_columns(clip: str, landings: Sequence[tuple[float, int]]) -> Columns:
    """The rows of a clip in truth_contacts.parquet; landings: time in s and foot (0 left, 1 right)."""
    return {
        "clip": [clip] * len(landings),
        "time_s": [time for time, _ in landings],
        "foot": [("left", "right")[foot] for _, foot in landings],
    }


def write_dances(folder: Path, clips: Sequence[Columns], contacts: Sequence[Columns]) -> None:
    """Write the truth about the dances only, if that about the songs is unknown; rows in the order given."""
    for name, schema, pieces in (("truth_clips", CLIPS, clips), ("truth_contacts", CONTACTS, contacts)):
        with tables.appending(folder / f"{name}.parquet", schema) as append:
            for piece in pieces:
                append(piece)


def read_songs(folder: Path) -> dict[str, np.ndarray]:
    """truth_songs.parquet of a synthetic corpus, one array per column."""
    return tables.read(folder / "truth_songs.parquet", SONGS)


def read_clips(folder: Path) -> dict[str, np.ndarray]:
    """truth_clips.parquet of a synthetic corpus, one array per column."""
    return tables.read(folder / "truth_clips.parquet", CLIPS)


def read_contacts(folder: Path) -> dict[str, np.ndarray]:
    """truth_contacts.parquet of a synthetic corpus, one array per column."""
    return tables.read(folder / "truth_contacts.parquet", CONTACTS)


def context_of(folder: Path) -> float:
    """The context of the dances of a synthetic corpus."""
    return float(read_clips(folder)["context"][0])
