"""Whether songs that search finds are similar in rhythm: python -m benchmarks.alike --gtzan FOLDER --model FOLDER

FOLDER holds genres/GENRE/GENRE.000NN.* and beats/gtzan_GENRE_000NN.beats (seconds and place in the bar). Each clip is a
query for the nearest others. They are evaluated by data independent of the model: annotated beats, and onsets.

tempo: share of neighbours whose tempo is within 8 % after folding double and half. octaves: mean folded difference.
grid: F-measure (70 ms) of the two beat lists at the best offset in time and the best of single, double, half tempo.
accents: correlation of onset strength on quarter beats over the 32 beats that agree best at one offset (from -1 to 1).
genre: share of neighbours of the same genre. Intervals: 95 %, bootstrap over query songs, the same draws for all rows.
docs/search.md says how to read it.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray

import motionbeat
from benchmarks.arguments import count
from motionbeat.audio.decode import load
from motionbeat.audio.mel import SAMPLE_RATE, log_mel
from motionbeat.beats import Beats
from motionbeat.beats.beats_text import read_beats
from motionbeat.errors import MotionBeatError, run
from motionbeat.index import Tempo
from motionbeat.inference import MotionBeat
from motionbeat.lab.tasks import group_bootstrap
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.progress import counted
from motionbeat.search.piece_files import beats_of_song
from motionbeat.search.rhythm_windows import Windows, folded, music_windows
from motionbeat.search.stretches import best_stretches
from motionbeat.tokens.signals import onset_tokens

Array = NDArray[np.float64]
MEASURES = ("tempo", "octaves", "grid", "accents", "genre")
STRETCH_BEATS = 32
_NEAR = math.log2(1.08)
_TOLERANCE_S = 0.07
_RESAMPLINGS = 2000


@frozen(eq=False)
class AnnotatedClip:
    """name, genre and file of a clip; annotated beats inside its audio."""

    name: str
    genre: str
    path: Path
    beats: Beats


def clips_of(folder: Path) -> list[AnnotatedClip]:
    """The clips of a GTZAN folder, or of a part of it, with annotated beats.

    Raises `MotionBeatError` if there are none.
    """
    clips = []
    for path in sorted(folder.glob("genres/*/*.*")):
        genre, number = path.parent.name, path.stem.rpartition(".")[2]
        annotated = folder / "beats" / f"gtzan_{genre}_{number}.beats"
        if not annotated.is_file():
            continue
        seconds = len(load(path, SAMPLE_RATE)) / SAMPLE_RATE
        beats = read_beats(annotated)
        inside = beats.times < seconds - 0.1
        if inside.sum() >= 8:
            clips.append(
                AnnotatedClip(
                    path.stem, genre, path, Beats(beats.times[inside], beats.positions[inside], beats.beats_per_bar)
                )
            )
    if len(clips) < 3:
        raise MotionBeatError(f"{folder} has {len(clips)} clips with beats: give genres/*/* and beats/*.beats of GTZAN")
    return clips


def folded_octaves(first: float, second: float) -> float:
    """Difference of two tempi in octaves after folding double and half: 0 to 1/2."""
    octaves = math.log2(first / second)
    return abs(octaves - round(octaves)) if abs(octaves) < 1.5 else abs(octaves) - 1


def grid_agreement(first: Array, second: Array) -> float:
    """F-measure (70 ms) of two lists of beats at the best offset and the best of single, double and half tempo.

    Offsets: those that put the middle beat of one list on a beat of the other; what lies outside of the time that
    both then share does not count, which must be half of the shorter list's at least.
    """
    twice = np.sort(np.concatenate([second, (second[:-1] + second[1:]) / 2]))
    others = [other for other in (second, twice, second[::2], second[1::2]) if len(other) >= 2]
    return max(float(_f_measures(first, other, first - other[len(other) // 2]).max()) for other in others)


def _f_measures(first: Array, other: Array, shifts: Array) -> Array:
    """F-measure of `other` + each shift with `first` over the time that both share, 0 where that is too short.

    The nearest beat is the match, as beats are further apart than twice the tolerance: mir_eval's value.
    """
    moved = other + shifts[:, None]  # (shifts, n)
    begin = np.maximum(first[0], moved[:, 0]) - _TOLERANCE_S
    end = np.minimum(first[-1], moved[:, -1]) + _TOLERANCE_S
    inside = (moved >= begin[:, None]) & (moved <= end[:, None])
    after = np.clip(np.searchsorted(first, moved), 1, len(first) - 1)
    near = np.where(first[after] - moved < moved - first[after - 1], first[after], first[after - 1])
    hit = inside & (abs(near - moved) <= _TOLERANCE_S) & (near >= begin[:, None]) & (near <= end[:, None])
    mine = np.searchsorted(first, end, "right") - np.searchsorted(first, begin)
    score = 2 * hit.sum(axis=1) / np.maximum(mine + inside.sum(axis=1), 1)
    return np.where(end - begin < min(np.ptp(first), np.ptp(other)) / 2, 0.0, score)


def accent_windows(clip: AnnotatedClip, model: MotionBeat) -> NDArray[np.float32]:
    """(n, K * S) onset strength of K beats on quarter beats, from each beat on; mean 0 and length 1."""
    mel = log_mel(load(clip.path, SAMPLE_RATE), SAMPLE_RATE, model.layout.mel_bands)
    onset = onset_tokens(mel, clip.beats.edges(), model.layout)  # (beats, S)
    size = min(model.layout.window_beats, len(onset))
    rows = np.arange(len(onset) - size + 1)[:, None] + np.arange(size)
    windows = onset[rows].reshape(len(rows), -1)
    windows = windows - windows.mean(axis=1, keepdims=True)
    padded = np.zeros((len(windows), model.layout.window_beats * onset.shape[1]), np.float32)
    padded[:, : windows.shape[1]] = windows / np.maximum(np.linalg.norm(windows, axis=1, keepdims=True), 1e-9)
    return padded


def judged(clips: Sequence[AnnotatedClip], accents: Array) -> dict[str, Array]:
    """Measure -> (n, n) for every pair; accents: (n, n) from `stretch_scores`."""
    n = len(clips)
    values = {name: np.full((n, n), np.nan) for name in MEASURES}
    for a in counted(range(n), n, "pairs"):
        for b in range(a):
            octaves = folded_octaves(clips[a].beats.bpm, clips[b].beats.bpm)
            of_pair = {
                "octaves": octaves,
                "tempo": float(octaves <= _NEAR),
                "grid": grid_agreement(clips[a].beats.times, clips[b].beats.times),
                "genre": float(clips[a].genre == clips[b].genre),
            }
            for name, value in of_pair.items():
                values[name][a, b] = values[name][b, a] = value
    return values | {"accents": accents}


def stretch_scores(windows: Sequence[NDArray[np.floating]], length: int) -> Array:
    """(n, n) mean cosine of the best stretch of each pair, NaN on the diagonal."""
    scores = np.full((len(windows), len(windows)), np.nan)
    for a, mine in enumerate(windows):
        for b, theirs in enumerate(windows[:a]):
            scores[a, b] = scores[b, a] = best_stretches(mine @ theirs.T, length, 1)[0][2]
    return scores


def search_scores(model: MotionBeat, grids: Mapping[str, Sequence[Windows]], tempo: Tempo) -> Array:
    """(n, n) scores of `Index.match`; songs that it does not return are -inf, the query itself is NaN."""
    index = motionbeat.Index(model, "librosa")  # no tracking here: the beats are given
    for name, each in grids.items():
        index.add(name, each[0], content=name)
    number = {name: place for place, name in enumerate(grids)}
    scores = np.full((len(grids), len(grids)), -np.inf)
    np.fill_diagonal(scores, np.nan)
    for name, each in grids.items():
        found = index.match(
            each,
            count=len(grids),
            tempo=tempo,
            stretch_beats=STRETCH_BEATS,
            leave_out=name,
            places=1,
        )
        for match in found:
            scores[number[name], number[match.piece.name]] = match.score
    return scores


def of_nearest(scores: Array, values: Mapping[str, Array], nearest: int) -> dict[str, Array]:
    """Measure -> (n,) mean over the nearest of each query; NaN where search gives none."""
    found = {name: np.full(len(scores), np.nan) for name in values}
    for a, row in enumerate(scores):
        order = [b for b in np.argsort(-np.where(np.isnan(row), -np.inf, row), kind="stable") if np.isfinite(row[b])]
        for name, value in values.items():
            if order:
                found[name][a] = value[a, order[:nearest]].mean()
    return found


def interval(values: Array) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval over songs, the same draws for every row; songs without a neighbour left out."""
    known = np.isfinite(values)
    weights = group_bootstrap.draws(np.arange(len(values)), _RESAMPLINGS, seed=0)[:, known]
    bounds = group_bootstrap.interval(group_bootstrap.weighted_mean(values[known], weights))
    return (float(values[known].mean()), *bounds) if bounds else (math.nan, math.nan, math.nan)


def table(rows: Mapping[str, Mapping[str, Array]]) -> list[str]:
    """The figures as markdown."""
    lines = ["| neighbours by | songs | " + " | ".join(MEASURES) + " |", "| --- " * (2 + len(MEASURES)) + "|"]
    for row, values in rows.items():
        cells = ["{:.2f} [{:.2f}, {:.2f}]".format(*interval(values[name])) for name in MEASURES]
        answered = np.isfinite(values["octaves"]).sum()
        lines.append(f"| {row} | {answered} | " + " | ".join(cells) + " |")
    return lines


def measure(clips: Sequence[AnnotatedClip], model: MotionBeat, nearest: int, tracker: str | None) -> list[str]:
    """The table for the clips of a folder. tracker: for the beats in search; None: annotated beats."""
    torch.manual_seed(0)
    untrained = MotionBeat(DualEncoder(model.model.config))
    state = {k: v for k, v in model.model.state_dict().items() if k.endswith(("_mean", "_std"))}
    untrained.model.load_state_dict(state, strict=False)
    length = STRETCH_BEATS - model.layout.window_beats + 1
    accents = stretch_scores([accent_windows(clip, model) for clip in clips], max(1, length))
    values = judged(clips, accents)
    grids: dict[str, dict[str, list[Windows]]] = {"model": {}, "untrained": {}}
    for clip in counted(clips, len(clips), "embedding"):
        beats = clip.beats if tracker is None else beats_of_song(clip.path, None, tracker)
        for name, each in (("model", model), ("untrained", untrained)):
            grids[name][clip.name] = music_windows(each, clip.path, None, folded(beats))
    clip_vectors = [windows[0].vectors.mean(axis=0) for windows in grids["model"].values()]
    units = np.stack([vector / np.linalg.norm(vector) for vector in clip_vectors])
    by_clip = (units @ units.T).astype(float)
    np.fill_diagonal(by_clip, np.nan)
    everyone = {name: np.nanmean(value, axis=1) for name, value in values.items()}
    rankings = {
        "tempo alone": -values["octaves"],
        "accents alone": accents,
        "model, mean of windows": by_clip,
        "model, --tempo any": search_scores(model, grids["model"], "any"),
        "model, --tempo folded": search_scores(model, grids["model"], "folded"),
        "untrained, --tempo any": search_scores(untrained, grids["untrained"], "any"),
        "untrained, --tempo folded": search_scores(untrained, grids["untrained"], "folded"),
    }
    rows = {"chance (all pairs)": everyone}
    rows |= {name: of_nearest(scores, values, nearest) for name, scores in rankings.items()}
    return table(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alike", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--gtzan", type=Path, required=True, help="folder with genres/ and beats/ of GTZAN, or a part of it"
    )
    parser.add_argument("--model", type=Path, default=Path("models/motionbeat"), help="folder of the model")
    parser.add_argument("--nearest", type=count, default=5, help="neighbours of each song that count (5)")
    parser.add_argument("--tracker", choices=("madmom", "librosa"), help="beats of the search; without it annotated")
    chosen = parser.parse_args(arguments)
    clips = clips_of(chosen.gtzan)
    lines = measure(clips, motionbeat.load(chosen.model), chosen.nearest, chosen.tracker)
    print(f"{len(clips)} clips, {chosen.nearest} nearest, beats {chosen.tracker or 'annotated'}\n")
    print("\n".join(lines))


if __name__ == "__main__":
    run(main)
