"""Mine both kinds of negatives and write their tables."""

from collections.abc import Iterable
from pathlib import Path

from motionbeat.lab import tables
from motionbeat.lab.negatives.jitter_negatives import mine_jitter_negatives
from motionbeat.lab.negatives.tempo_negatives import mine_tempo_negatives
from motionbeat.lab.params import Negatives
from motionbeat.lab.token_tables.token_windows import Tokens


def write_negatives(
    tokens: Tokens, splits: Iterable[str], beats: int, settings: Negatives, folder: Path
) -> dict[str, dict[str, int]]:
    """Write tempo.parquet and jitter.parquet for the windows of some splits; returns the pairs of each kind by
    split.
    """
    splits, counts = list(splits), {}
    for name, schema, mine in (
        ("tempo", tables.TEMPO_NEGATIVES, mine_tempo_negatives),
        ("jitter", tables.JITTER_NEGATIVES, mine_jitter_negatives),
    ):
        counts[name] = dict.fromkeys(splits, 0)
        rows = (row for split in splits for row in mine(tokens, split, beats, settings))
        for split in tables.write_rows(folder / f"{name}.parquet", schema, rows, "split"):
            counts[name][split] += 1
    return counts
