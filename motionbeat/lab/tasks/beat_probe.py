"""Frames2Beats: a probe on single frames for GTZAN's beats, compared with beat trackers.

The input of the head is one frame of 20 ms, since the protocol allows a probe no context: all information on the pulse
must be in the encoder's state. The head is trained with binary cross-entropy on `beat_tracking.targets`; learning rate,
epoch and head have the smallest loss on validation. Whole tracks are tested. Features and decoding do not use the
annotation. madmom's network and librosa have one row each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.labelled.labelled_set import BeatLabels, Item, LabelledSet
from motionbeat.lab.params import Tasks
from motionbeat.lab.tasks import beat_decoding, probes
from motionbeat.lab.tasks.group_bootstrap import weights_of
from motionbeat.lab.tasks.recognition_sets import OURS, Fold
from motionbeat.lab.tasks.score_table import Score, differences, scored

Beats = NDArray[np.float64]


@frozen(eq=False)
class BeatAnswers:
    """Beat times of each tested track by decoder (`dbn`, `peaks`; a tracker has only `beats`), and the chosen
    probes.
    """

    beats: Mapping[str, list[Beats]]
    probes: tuple[dict[str, Any], ...] = ()


def beats_of(item: Item) -> Beats:
    """The annotated beats of an item, (N,) s."""
    assert isinstance(item.label, BeatLabels)
    return item.label.times


def answers(
    frames: Sequence[NDArray[np.floating]], labelled: LabelledSet, rounds: Sequence[Fold], options: Tasks
) -> BeatAnswers:
    """Train the probes of one encoder and decode every tested track. frames: (T, D) of each item, 20 ms apart."""
    dbn: list[Beats] = []
    peaks: list[Beats] = []
    kept = []
    marks = [
        beat_decoding.targets(beats_of(item), len(rows_of_item))[:, None]
        for item, rows_of_item in zip(labelled.items, frames, strict=True)
    ]
    for part in rounds:
        train, val = (
            (np.concatenate([frames[i] for i in chosen]), np.concatenate([marks[i] for i in chosen]))
            for chosen in (part.train, part.val)
        )
        fitted = [
            probes.fit(name, "beats", 1, train, val, options, batch=options.beat_batch) for name in options.beat_heads
        ]
        probe = min(fitted, key=lambda each: each.loss)
        on_val = [activations(probe, frames[i]) for i in part.val]
        threshold = beat_decoding.best_threshold(on_val, [beats_of(labelled.items[i]) for i in part.val])
        for index in part.test:
            curve = activations(probe, frames[index])
            dbn.append(beat_decoding.by_dbn(curve))
            peaks.append(beat_decoding.by_peaks(curve, threshold))
        chosen_by_val = {"head": probe.name, "learning_rate": probe.learning_rate, "epoch": probe.epoch}
        kept.append(chosen_by_val | {"threshold": threshold})
    return BeatAnswers({"dbn": dbn, "peaks": peaks}, tuple(kept))


def activations(probe: probes.Probe, frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T,): the probe's probability of a beat at each frame, 0..1."""
    return 1 / (1 + np.exp(-probe(frames)[:, 0].astype(np.float64)))


def scores(
    task: str,
    rows: Mapping[str, BeatAnswers],
    durations_s: Sequence[float],
    labelled: LabelledSet,
    rounds: Sequence[Fold],
    options: Tasks,
) -> list[Score]:
    """f1, cmlt, amlt of all rows, 0..1, means over the tested tracks, with intervals over resampled groups.

    durations_s: of each tested track's audio; beats annotated after its end are left out. An encoder's main figures use
    the DBN; those of plain peaks are named f1_peaks and so on. n: tracks with enough beats.
    """
    tested = [labelled.items[i] for part in rounds for i in part.test]
    weights = weights_of([item.group for item in tested], options.bootstrap, options.seed)
    table: list[Score] = []
    resampled: dict[str, dict[str, NDArray[np.floating]]] = {}
    count = 0
    for row, tracked in rows.items():
        resampled[row] = {}
        for decoder, beats in tracked.beats.items():
            of_tracks = np.array(
                [
                    beat_decoding.scores(each, beats_of(item), until)
                    for each, item, until in zip(beats, tested, durations_s, strict=True)
                ]
            )  # (tracks, 3)
            scorable = np.isfinite(of_tracks[:, 0])
            count = int(scorable.sum())
            means = weights[:, scorable] @ of_tracks[scorable] / weights[:, scorable].sum(axis=1, keepdims=True)
            names = [f"{name}_peaks" if decoder == "peaks" else name for name in beat_decoding.METRICS]
            resampled[row] |= {name: means[:, place] for place, name in enumerate(names)}
        table += scored(task, row, resampled[row], count)
    return table + differences(task, OURS, resampled, count)
