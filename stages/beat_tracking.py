"""GTZAN's beats + frozen frames -> metrics/beat_tracking.json: probes beside madmom's and librosa's own beats."""

from pathlib import Path

import joblib
import soundfile

from motionbeat.beats import librosa_tracker
from motionbeat.errors import run
from motionbeat.files import workers, write_json
from motionbeat.lab import params
from motionbeat.lab.encoders.feature_cache import Features, compute
from motionbeat.lab.labelled.labelled_set import LabelledSet
from motionbeat.lab.tasks import beat_probe
from motionbeat.lab.tasks.recognition_sets import BEAT_TASK, Part, open_set, parts
from motionbeat.progress import counted

METRICS = Path("metrics")


def main() -> None:
    settings = params.load()
    tasks, encoders = settings.tasks, settings.encoders
    labelled = open_set("gtzan", tasks, beats=True)
    rounds = parts(labelled, tasks.gtzan.split, tasks.folds, tasks.seed)
    audio = [item.audio for item in labelled.items]
    tested = [audio[i] for part in rounds for i in part.test]
    features = {name: compute(name, encoders, audio, frames=True) for name in encoders.names}
    librosa_tracker.compile_once()
    work = joblib.Parallel(n_jobs=workers(), return_as="generator")
    calls = [joblib.delayed(beat_probe.track)(name, path) for name in beat_probe.TRACKERS for path in tested]
    calls += [joblib.delayed(answer)(found, labelled, rounds, tasks) for found in features.values()]
    done = list(counted(work(calls), len(calls), "trackers and beat probes"))
    rows = dict(zip(features, done[len(calls) - len(features) :], strict=True))
    for place, name in enumerate(beat_probe.TRACKERS):
        rows[name] = beat_probe.Tracked({"beats": done[place * len(tested) : (place + 1) * len(tested)]})
    durations_s = [soundfile.info(path).duration for path in tested]
    metrics, intervals = beat_probe.report(rows, durations_s, labelled, rounds, tasks)
    write_json(METRICS / f"{BEAT_TASK}.json", metrics)
    write_json(METRICS / f"{BEAT_TASK}_intervals.json", intervals)


def answer(found: list[Features], labelled: LabelledSet, rounds: list[Part], tasks: params.Tasks) -> beat_probe.Tracked:
    """One encoder's beats of the tested tracks."""
    return beat_probe.answers([each.frames() for each in found], labelled, rounds, tasks)


if __name__ == "__main__":
    run(main)
