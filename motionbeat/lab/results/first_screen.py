"""The first screen of the report: training and test data, the main figures, and a film."""

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.results.dance_films import Film, Gallery
from motionbeat.lab.results.printed_tables import decimal, interval
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks.retrieval_rows import CHANCE, MODEL

Columns = dict[str, NDArray[Any]]
_R1 = {
    "win.music_to_motion": "Finds the dance to a song",
    "win.motion_to_music": "Finds the song to a dance",
}


@frozen
class KeyFigure:
    """A figure between chance and ceiling.

    `places`: positions of value, low, high, chance and ceiling, in percent of the scale; None if unknown. `unit`: text
    after the number.
    """

    title: str
    measure: str
    value: str
    unit: str
    interval: str
    chance: str
    ceiling: str
    chance_is: str
    ceiling_is: str
    places: dict[str, float | None]


def summary(results: ResultsTable, manifest: Columns, corpus: str) -> str:
    """One sentence: the training data and the test data."""
    trained, tested = _size(manifest, "train"), _size(manifest, "test")
    weights = results.value("train", "model", "parameters")
    size = "" if weights is None else f" ({weights / 1e6:.1f} million weights)"
    return (
        f"An audio and a motion encoder{size}, trained on {trained} of {corpus}, and tested on {tested} that were not "
        "used in training."
    )


def _size(manifest: Columns, split: str) -> str:
    in_split = manifest["split"] == split
    songs, clips = len(np.unique(manifest["song"][in_split].astype(str))), int(in_split.sum())
    return f"{clips:,} dance{'s' * (clips != 1)} to {songs:,} song{'s' * (songs != 1)}"


def key_figures(results: ResultsTable) -> list[KeyFigure]:
    """R@1 in both directions, and beats from single frozen frames, or tempo accuracy if the beat task was not run.

    R@1 of the model and of the ceiling are not normalised; the full table has both forms.
    """
    figures = [_recall(results, task, title) for task, title in _R1.items()]
    beats = results.score("beat_tracking", "motionbeat", "f1")
    if beats is not None and beats.value is not None:
        untrained, tracker = (results.value("beat_tracking", row, "f1") for row in ("random", "madmom"))
        standin = " (stand-in recordings)" if results.about["beat_tracking"]["standin"] else ""
        figures.append(
            _figure(
                "Recognises beats from single frames",
                f"beat F1{standin}",
                (beats.value, beats.low, beats.high),
                (untrained, "untrained"),
                (tracker, "madmom"),
                (1.0, 2, ""),
            )
        )
    elif (tempo := results.value("train", "model", "tempo_accuracy")) is not None:
        figures.append(
            _figure(
                "Distinguishes songs of one tempo",
                "validation pairs",
                (100 * tempo, None, None),
                (50.0, "chance"),
                (100.0, "ceiling"),
                (100.0, 1, " %"),
            )
        )
    return figures


def _recall(results: ResultsTable, task: str, title: str) -> KeyFigure:
    score = results.score(task, MODEL, "r1")
    assert score is not None and score.value is not None  # every run has its model's row
    chance, ceiling = (results.value(task, row, "r1") for row in (CHANCE, "ceiling"))
    sizes = results.about["retrieve"]["sizes"]["win"][task.removeprefix("win.")]
    return _figure(
        title,
        f"R@1, first of {sizes['gallery']:,} windows",
        (score.value, score.low, score.high),
        (chance, "chance"),
        (ceiling, "ceiling"),
        (100.0, 1, " %"),
    )


def _figure(
    title: str,
    measure: str,
    value: tuple[float, float | None, float | None],
    chance: tuple[float | None, str],
    ceiling: tuple[float | None, str],
    scale: tuple[float, int, str],
) -> KeyFigure:
    """value: with its interval; chance, ceiling: with their names; scale: the greatest value, decimals and the unit."""
    most, digits, unit = scale
    middle, low, high = value
    numbers = {"value": middle, "low": low, "high": high, "chance": chance[0], "ceiling": ceiling[0]}
    bounds = "" if low is None or high is None else interval((low, high), digits)
    chance_text, ceiling_text = ("unknown" if x is None else decimal(x, digits) for x in (chance[0], ceiling[0]))
    places = {
        name: None if number is None else round(min(max(100 * number / most, 0.0), 100.0), 2)
        for name, number in numbers.items()
    }
    return KeyFigure(
        title,
        measure,
        decimal(middle, digits),
        unit,
        bounds,
        chance_text,
        ceiling_text,
        chance[1],
        ceiling[1],
        places,
    )


def first_film(gallery: Gallery) -> tuple[str, Film] | None:
    """Song and film of the first dance by our generator, or else of the first dance; None without dances."""
    films = [(song, film) for song, of_song in gallery.songs for film in of_song]
    ours = [(song, film) for song, film in films if film.title.startswith("MotionBeat")]
    return next(iter(ours or films), None)
