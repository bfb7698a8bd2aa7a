"""The card of a model: what it was trained on and under which licences, its settings, figures and limits.

It is card.md in the model's folder. The card of a fine-tuned model includes the card of its start model, so that it has
the data and licences of both.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict

from motionbeat import __version__
from motionbeat.files import read_text
from motionbeat.lab import params
from motionbeat.lab.params.shipped import shipped
from motionbeat.lab.training.start_model import start_folder

CARD_FILE = "card.md"
SONGS_FILE = "songs.csv"
"""The list that `motionbeat songs` writes: package, licence and digest of each song."""


def card(
    settings: params.Params, how: str, figures: Iterable[str], limits: str, songs: Path | None = None
) -> Iterator[str]:
    """The lines of a card. how: sentences about the training; songs: songs.csv, for the licences of the music."""
    yield f"# A model of motionbeat {__version__}"
    yield ""
    yield how
    yield ""
    yield "## Data"
    yield from data(settings, songs)
    yield ""
    yield "## Settings"
    changed = list(differences(asdict(settings), asdict(params.load(shipped("params.yaml")))))
    yield "Those of params.yaml" + (", but for:" if changed else ".")
    yield from (f"- `{key}`: {value}" for key, value in changed)
    yield ""
    yield "## Figures"
    yield from figures
    yield ""
    yield "## Limits"
    yield limits or "None stated."
    if settings.train.start_from is not None:
        yield ""
        yield "## The model that it was fine-tuned from"
        yield from _start_card(start_folder(settings.train.start_from) / CARD_FILE)


def fine_tuned(settings: params.Params, trained: Mapping[str, Any]) -> str:
    """The card of a model that the train stage has fine-tuned. trained: the content of metrics/train.json."""
    listed = Path(settings.corpus.songs_root) / SONGS_FILE
    songs = listed if "choreographed" in settings.corpus.names and listed.is_file() else None
    names = [name.removeprefix("start_") for name in trained if name.startswith(("start_val_", "start_score"))]
    figures = [f"- {name}: {trained[f'start_{name}']:.3f} before, {trained[name]:.3f} after" for name in names]
    how = f"Fine-tuned with seed {settings.train.seed}; epoch {trained['best_epoch']} of {trained['epochs']} was kept."
    limits = "Only evaluated on the validation split of its own data."
    return "\n".join(card(settings, how, ["On the validation split:", "", *figures], limits, songs)) + "\n"


def data(settings: params.Params, songs: Path | None) -> Iterator[str]:
    """The training data of the model, and its licences."""
    corpus = settings.corpus
    for name in corpus.names:
        if name == "synthetic":
            yield f"{corpus.songs or corpus.size} songs and their dances, made by this project from seed {corpus.seed}."
            yield "No recording, no captured motion, and no data under the licence of others."
        else:
            yield f"Corpus `{name}`, beats by {settings.beats.tracker}."
    if songs is None:
        if corpus.names != ["synthetic"]:
            yield "The licences of its music and dances are those of your files; they are unknown here."
        return
    with songs.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["excluded"]]
    yield "Dances were made by this project; the music comes from these packages of the Debian distribution:"
    yield ""
    yield "| package | songs | minutes | licence |"
    yield "| --- | --- | --- | --- |"
    for package in sorted({row["package"] for row in rows}):
        of_package = [row for row in rows if row["package"] == package]
        minutes = sum(float(row["seconds"]) for row in of_package) / 60
        licences = "; ".join(sorted({row["licence"] for row in of_package}))
        yield f"| {package} | {len(of_package)} | {minutes:.0f} | {licences} |"


def differences(values: Any, others: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of the settings that differ, with their values; folders are left out, since they depend on the
    machine.
    """
    for name, value in values.items():
        dotted, other = f"{key}{name}", others[name]
        if isinstance(value, dict) and isinstance(other, dict) and other:
            yield from differences(value, other, f"{dotted}.")
        elif value != other and dotted not in ("corpus.root", "corpus.songs_root", "train.start_from"):
            yield dotted, value


def _start_card(path: Path) -> Iterator[str]:
    """The lines of the start model's card, with headings two levels lower."""
    if not path.is_file():
        yield "It had no card: its training data and licence are unknown."
        return
    text = read_text(path, "use the card.md that came with the model")
    yield from re.sub(r"^#", "###", text.rstrip(), flags=re.MULTILINE).splitlines()
