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
    """Write tempo.parquet and jitter.parquet of the windows of some splits; pairs of each kind by split."""
    splits, counts = list(splits), {}
    for name, schema, mine in (
        ("tempo", tables.TEMPO_NEGATIVES, mine_tempo_negatives),
        ("jitter", tables.JITTER_NEGATIVES, mine_jitter_negatives),
    ):
        parts = [mine(tokens, split, beats, settings) for split in splits]
        columns = {key: [value for part in parts for value in part[key]] for key in schema.names}
        tables.write(folder / f"{name}.parquet", schema, columns)
        counts[name] = {split: columns["split"].count(split) for split in splits}
    return counts
