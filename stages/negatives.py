"""data/tokens -> data/negatives: tempo and jitter pairs with the numbers that justify each."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.token_tables.token_windows import Tokens

# The pairs of the validation split measure the jitter and tempo accuracy; none of them is trained on.
SPLITS = ("train", "val")


def main() -> None:
    settings = params.load()
    tokens = Tokens.load(Path("data/tokens"), lists=("onset",))
    with whole_folder(Path("data/negatives")) as folder:
        counts = write_negatives(tokens, SPLITS, settings.tokens.window_beats, settings.negatives, folder)
    for name, by_split in counts.items():
        print(f"{name} negatives: " + ", ".join(f"{split} {count}" for split, count in by_split.items()))


if __name__ == "__main__":
    run(main)
