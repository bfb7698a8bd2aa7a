"""The task beat tracking: every encoder's probe on single frames, and the beats of madmom and librosa."""

import soundfile

from motionbeat.beats import librosa_tracker
from motionbeat.lab.encoders.feature_cache import FRAME_S, Features, compute
from motionbeat.lab.labelled.labelled_set import LabelledSet
from motionbeat.lab.params import Encoders, Tasks
from motionbeat.lab.tasks import beat_probe
from motionbeat.lab.tasks.beat_probe import BeatAnswers
from motionbeat.lab.tasks.probe_task import TaskResult
from motionbeat.lab.tasks.recognition_sets import BEAT_HEADLINE, BEAT_TASK, Fold, about, open_set, parts
from motionbeat.lab.tasks.tracker_rows import TRACKERS, track
from motionbeat.parallel import in_parallel


def run_beat_tracking(encoders: Encoders, options: Tasks) -> TaskResult:
    """Scores of every encoder of `encoders.names` and of both trackers on GTZAN's beats."""
    labelled = open_set("gtzan", options, beats=True)
    rounds = parts(labelled, options.gtzan.split, options.folds, options.seed)
    audio = [item.audio for item in labelled.items]
    tested = [audio[i] for part in rounds for i in part.test]
    features = {name: compute(name, encoders, audio, frames=True) for name in encoders.names}
    librosa_tracker.compile_once()
    asked = [(name, path) for name in TRACKERS for path in tested]
    tracked = list(in_parallel(track, asked, "songs tracked"))
    probed = in_parallel(_answers, [(inputs, labelled, rounds, options) for inputs in features.values()], "beat probes")
    rows: dict[str, BeatAnswers] = dict(zip(features, probed, strict=True))
    kept = {row: list(tracked.probes) for row, tracked in rows.items()}
    for place, name in enumerate(TRACKERS):
        rows[name] = BeatAnswers({"beats": tracked[place * len(tested) : (place + 1) * len(tested)]})
    durations_s = [soundfile.info(path).duration for path in tested]
    scores = beat_probe.scores(BEAT_TASK, rows, durations_s, labelled, rounds, options)
    facts = about(labelled, rounds, options) | {"test": scores[0].n, "frame_ms": round(1000 * FRAME_S), "probes": kept}
    return TaskResult(scores, BEAT_HEADLINE, facts)


def _answers(inputs: list[Features], labelled: LabelledSet, rounds: list[Fold], options: Tasks) -> BeatAnswers:
    """One encoder's beats of the tested tracks."""
    return beat_probe.answers([of_track.frames() for of_track in inputs], labelled, rounds, options)
