"""How close the dances of a corpus are to the beats of its music, compared with chance: python -m
benchmarks.corpus_alignment

Reads a corpus and its beats as the stages corpus and beats write them. Beat alignment by its three definitions
(`motionbeat.dance.alignment`), of every clip with the beats of its song and with circular shifts of them; the mean over
songs of the difference from chance, with a 95 % bootstrap interval over the songs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.dance.alignment import DEFINITIONS, BeatAlignment, beat_alignment_against_chance
from motionbeat.errors import run
from motionbeat.lab import tables
from motionbeat.lab.corpora.beats_table import beats_grids
from motionbeat.parallel import in_parallel

_RESAMPLINGS, _SEED = 1000, 0


@frozen
class Row:
    """A definition's figures: means over songs; low and high bound the excess over chance."""

    definition: str
    value: float
    chance: float
    excess: float
    low: float
    high: float
    z: float  # mean of the clips
    songs: int
    clips: int


def measure(corpus: Path, beats: Path, most: int | None = None) -> list[Row]:
    """One row per definition, for all clips or for the first `most` of each song."""
    manifest, grids = (
        tables.read(corpus / "manifest.parquet", tables.MANIFEST),
        beats_grids(tables.read(beats, tables.BEATS)),
    )
    taken: list[tuple[str, Path, float, NDArray[np.float64]]] = []
    for song, motion, fps, offset in zip(*(manifest[k] for k in ("song", "motion", "fps", "offset_s")), strict=True):
        if most is None or sum(name == song for name, *_ in taken) < most:
            taken.append((str(song), corpus / str(motion), float(fps), grids[str(song)].times - offset))
    found = list(in_parallel(_aligned, [clip[1:] for clip in taken], "clips"))
    return [row(name, [clip[0] for clip in taken], [clip[name] for clip in found]) for name in DEFINITIONS]


def _aligned(motion: Path, fps: float, beats: NDArray[np.float64]) -> dict[str, BeatAlignment]:
    with np.load(motion, allow_pickle=False) as arrays:
        joints = arrays["joints"]
    return {name: beat_alignment_against_chance(joints, fps, beats, name) for name in DEFINITIONS}


def row(definition: str, songs: list[str], scores: list[BeatAlignment]) -> Row:
    """The figures of a definition from each clip's song and score."""
    each = np.array([[score.value, score.chance] for score in scores])
    means = np.array([each[[name == song for name in songs]].mean(axis=0) for song in sorted(set(songs))])
    drawn = np.random.default_rng(_SEED).integers(0, len(means), (_RESAMPLINGS, len(means)))
    excess = means[:, 0] - means[:, 1]
    low, high = np.percentile(excess[drawn].mean(axis=1), [2.5, 97.5])
    value, chance = means.mean(axis=0)
    z = float(np.mean([score.z for score in scores]))
    return Row(
        definition,
        float(value),
        float(chance),
        float(excess.mean()),
        float(low),
        float(high),
        z,
        len(means),
        len(scores),
    )


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| definition | value | chance | excess [95 %] | z of a clip | songs | clips |", "|" + " --- |" * 7]
    for r in rows:
        excess = f"{r.excess:+.3f} [{r.low:+.3f}, {r.high:+.3f}]"
        lines.append(
            f"| {r.definition} | {r.value:.3f} | {r.chance:.3f} | {excess} | {r.z:.2f} | {r.songs} | {r.clips} |"
        )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("data/corpus"))
    parser.add_argument("--beats", type=Path, default=Path("data/beats/beats.parquet"))
    parser.add_argument("--clips", type=int, help="clips of each song; all without it")
    arguments = parser.parse_args(given)
    print(table(measure(arguments.corpus, arguments.beats, arguments.clips)))


if __name__ == "__main__":
    run(main)
