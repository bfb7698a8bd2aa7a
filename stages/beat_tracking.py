"""GTZAN's beats + frozen frames -> metrics/beat_tracking*: probes beside madmom's and librosa's own beats."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.lab import params
from motionbeat.lab.tasks import score_table
from motionbeat.lab.tasks.beat_tracking_task import run_beat_tracking
from motionbeat.lab.tasks.recognition_sets import BEAT_TASK

METRICS = Path("metrics")


def main() -> None:
    settings = params.load()
    result = run_beat_tracking(settings.encoders, settings.tasks)
    score_table.write(METRICS, BEAT_TASK, result.scores, result.shown, result.about)


if __name__ == "__main__":
    run(main)
