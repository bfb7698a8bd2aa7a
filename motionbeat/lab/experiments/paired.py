"""Variants against the default: differences paired by song, with intervals over songs and over seeds.

Two variants of one corpus and training seed rank the same windows, so the difficulty of a song or corpus cancels in
their difference. The interval over songs covers the choice of songs, given these trainings; the interval over seeds
covers other corpora and trainings.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.experiments.variants import DEFAULT
from motionbeat.lab.tasks.group_bootstrap import ratio_interval

CONFIDENCE = 0.95
COLUMNS = ("variant", "corpus", "training", "measure", "song", "value", "n")
Figures = Mapping[str, Mapping[str, list[float]]]
"""{measure: {song: [mean, n]}}"""


@frozen
class Estimate:
    """A mean, its 95 % interval over songs, and over seeds; a bound is None if there is only one song or seed."""

    mean: float
    low: float | None
    high: float | None
    seed_low: float | None
    seed_high: float | None
    by_seed: tuple[float, ...]


def as_rows(variant: str, corpus: int, training: int, figures: Figures) -> pd.DataFrame:
    """The figures of one run as rows of `COLUMNS`."""
    rows = [
        (variant, corpus, training, measure, song, mean, n)
        for measure, songs in figures.items()
        for song, (mean, n) in songs.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def estimates(
    rows: pd.DataFrame, resamplings: int, seed: int
) -> dict[tuple[str, str], tuple[Estimate, Estimate | None]]:
    """{(variant, measure): (its mean, its difference from the default)}; no difference for the default itself.

    rows: of `COLUMNS`. Songs of different corpora are different songs. A difference uses the songs that both have.
    """
    keys = ["measure", "corpus", "training", "song"]
    base = rows[rows.variant == DEFAULT].set_index(keys)["value"].rename("base")
    joined = rows.join(base, on=keys)
    by_measure = {}
    for (variant, measure), part in joined.groupby(["variant", "measure"], sort=False):
        both = part.dropna(subset="base")
        difference = None
        if variant != DEFAULT and len(both):
            difference = _estimate(both.assign(value=both["value"] - both["base"]), resamplings, seed)
        by_measure[str(variant), str(measure)] = _estimate(part, resamplings, seed), difference
    return by_measure


def _estimate(rows: pd.DataFrame, resamplings: int, seed: int) -> Estimate:
    rows = rows.assign(total=rows["value"] * rows["n"])
    songs = rows.groupby(["corpus", "song"])[["total", "n"]].sum()
    seeds = rows.groupby(["corpus", "training"])[["total", "n"]].sum()
    by_seed = (seeds["total"] / seeds["n"]).to_numpy()
    mean = float(songs["total"].sum() / songs["n"].sum())
    low, high = ratio_interval(songs["total"].to_numpy(), songs["n"].to_numpy(), resamplings, seed) or (None, None)
    seed_low, seed_high = t_interval(by_seed) or (None, None)
    return Estimate(mean, low, high, seed_low, seed_high, tuple(by_seed.tolist()))


def t_interval(values: NDArray[np.floating]) -> tuple[float, float] | None:
    """Student's t interval of a mean, mean +- t(n - 1) * s / sqrt(n); None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1)) / n**0.5
    return float(values.mean()) - half, float(values.mean()) + half
