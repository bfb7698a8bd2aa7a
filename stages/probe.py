"""data/features -> metrics/{genre,tagging,instrument,emotion}*: probes of the clip tasks."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.lab import params
from motionbeat.lab.tasks import score_table
from motionbeat.lab.tasks.probe_task import run_probes

FEATURES, METRICS = Path("data/features"), Path("metrics")


def main() -> None:
    settings = params.load()
    for task, result in run_probes(FEATURES, settings.encoders.names, settings.tasks).items():
        score_table.write(METRICS, task, result.scores, result.shown, result.about)


if __name__ == "__main__":
    run(main)
