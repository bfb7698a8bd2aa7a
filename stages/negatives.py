"""data/tokens -> data/negatives: tempo and jitter pairs with the numbers that justify each."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params, tables
from motionbeat.lab.negatives.jitter_negatives import mine_jitter_negatives
from motionbeat.lab.negatives.tempo_negatives import mine_tempo_negatives
from motionbeat.lab.token_tables.token_windows import Tokens

# The pairs of the validation split measure the jitter and tempo accuracy; none of them is trained on.
SPLITS = ("train", "val")


def main() -> None:
    settings = params.load()
    tokens = Tokens.load(Path("data/tokens"))
    beats = settings.tokens.window_beats
    with whole_folder(Path("data/negatives")) as folder:
        for name, schema, mine in (
            ("tempo", tables.TEMPO_NEGATIVES, mine_tempo_negatives),
            ("jitter", tables.JITTER_NEGATIVES, mine_jitter_negatives),
        ):
            parts = [mine(tokens, split, beats, settings.negatives) for split in SPLITS]
            columns = {key: parts[0][key] + parts[1][key] for key in parts[0]}
            tables.write(folder / f"{name}.parquet", schema, columns)
            counts = ", ".join(f"{split} {columns['split'].count(split)}" for split in SPLITS)
            print(f"{name} negatives: {counts}")


if __name__ == "__main__":
    run(main)
