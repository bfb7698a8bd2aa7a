"""data/tokens + models/motionbeat -> a JSON file: the scores of a model on each song of the test split.

`python -m motionbeat.lab.experiments.evaluate_variant OUTPUT.json`, run in the folder of params.yaml, like a stage.

Retrieval is WIN (`motionbeat.lab.tasks.window_protocol`) with all test songs in the gallery; accuracies are over
negatives mined from the test split, and agreement is that of the rhythm heads. Each figure is a mean over the windows
of a song, stored with their number, so that variants can be compared song by song.
Axes: n dance windows, m music windows, g the gallery.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab import params
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.tasks.retrieval_rows import cosine
from motionbeat.lab.tasks.rhythm_agreement import Curves, agreement, correlation_beyond, rhythm_curves
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.retrieval import CUTOFFS, log_likelihoods, ranks

Songs = dict[str, list[float]]
"""{song: [mean over its windows, number of windows]}"""


def main() -> None:
    settings = params.load()
    make_deterministic(0)
    device = best_device()
    model = DualEncoder.load(Path("models/motionbeat")).to(device)
    tokens = Tokens.load(Path("data/tokens"))
    write_json(Path(sys.argv[1]), evaluate(model, tokens, settings, device))


def evaluate(model: DualEncoder, tokens: Tokens, settings: params.Params, device: torch.device) -> dict[str, Songs]:
    """{measure: {song: [mean, n]}} on the test split. Raises `MotionBeatError` if it has no window."""
    beats = settings.tokens.window_beats
    with TemporaryDirectory() as folder:
        write_negatives(tokens, ("test",), beats, settings.negatives, Path(folder))
        batches = Batches(tokens, Path(folder), "test", beats, device)
    validation = Validation(tokens, batches, settings.loss.temperature)
    if not len(validation.index):
        raise MotionBeatError(f"no test clip has {beats} beats from a downbeat: lower tokens.window_beats")
    compared = validation.compare(model)
    song = batches.windows.song[validation.index]
    music = batches.windows.audio_row[validation.index]
    similarity = cosine(compared.motion, compared.audio)  # (n, n)
    measures = retrieval_by_song(similarity, music, song, settings.loss.temperature)
    measures |= {
        name: by_song(np.ma.masked_invalid(wins).mean(1).filled(np.nan), song)
        for name, wins in (
            ("tempo_accuracy", compared.tempo),
            ("tempo_accuracy_same_phase", np.where(compared.tempo_same_phase, compared.tempo, np.nan)),
            ("jitter_accuracy", compared.jitter),
        )
        if wins.size and np.isfinite(wins).any()
    }
    return measures | agreement_by_song(rhythm_curves(model, batches, validation.index), song)


def retrieval_by_song(
    similarity: NDArray[np.floating], music: NDArray[np.integer], song: NDArray[Any], temperature: float
) -> dict[str, Songs]:
    """R@1 and R@10 (percent) and the gallery's negative log-likelihood (nats), both directions.

    similarity: (n, n), dance windows by the music of each dance window; music: (n,), equal for windows with the same
    music, which is in the gallery once; song: (n,).
    """
    _, first, music_of = np.unique(music, return_index=True, return_inverse=True)
    similarity = similarity[:, first]  # (n, m)
    relevant = music_of[:, None] == np.arange(len(first))
    measures = {}
    for direction, ranked, answers, queries in (
        ("music_to_motion", similarity.T, relevant.T, song[first]),
        ("motion_to_music", similarity, relevant, song),
    ):
        rank = ranks(ranked, answers)
        for name in ("r1", "r10"):
            measures[f"{name}_{direction}"] = by_song(100.0 * (rank <= CUTOFFS[name]), queries)
        measures[f"nll_{direction}"] = by_song(-log_likelihoods(ranked, answers, temperature), queries)
    return measures


def agreement_by_song(curves: Curves, song: NDArray[Any]) -> dict[str, Songs]:
    """Agreement of the heads' curves with the detected ones (`rhythm_agreement`)."""
    predicted, detected = curves.predicted, curves.detected
    measures = {
        "onset_to_contact_beyond": by_song(correlation_beyond(predicted.onset, detected.contact, song), song),
        "contact_to_onset_beyond": by_song(correlation_beyond(predicted.contact, detected.onset, song), song),
        "onset_own_beyond": by_song(correlation_beyond(predicted.onset, detected.onset, song), song),
        "contact_own_beyond": by_song(correlation_beyond(predicted.contact, detected.contact, song), song),
    }
    for name in np.unique(song).tolist():
        here = curves.take(song == name)
        figures = agreement(*here, np.zeros(len(here.bar_position), int))
        for key in ("accent_to_energy_emd", "energy_to_accent_emd", "accent_own_emd", "energy_own_emd"):
            if f"agreement_{key}" in figures:
                measures.setdefault(key, {})[name] = [figures[f"agreement_{key}"], float(len(here.bar_position))]
    return measures


def by_song(values: NDArray[np.floating], song: NDArray[Any]) -> Songs:
    """The mean of the finite values of each song, and their number; songs without finite values are left out."""
    finite = np.isfinite(values)
    names, group = np.unique(song[finite], return_inverse=True)
    count = np.bincount(group, minlength=len(names))
    mean = np.bincount(group, values[finite], minlength=len(names)) / count
    return {name: [float(m), float(n)] for name, m, n in zip(names.tolist(), mean, count, strict=True)}


if __name__ == "__main__":
    run(main)
