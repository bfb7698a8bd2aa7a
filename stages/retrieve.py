"""models/motionbeat + data/tokens -> metrics/retrieve*: three protocols, both directions, every row."""

from pathlib import Path

import torch

from motionbeat.errors import run
from motionbeat.lab import params
from motionbeat.lab.tasks import retrieval_task, score_table
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

CORPUS, TOKENS, MODEL, METRICS = Path("data/corpus"), Path("data/tokens"), Path("models/motionbeat"), Path("metrics")


def main() -> None:
    settings = params.load()
    retrieval_task.check_model(settings.encoders, MODEL)
    make_deterministic(settings.retrieve.seed)
    torch.set_num_threads(1)  # heads are so small that a second thread only waits, on a busy machine for minutes
    test = retrieval_task.Test.read(CORPUS, TOKENS)
    scores, about = retrieval_task.run_retrieval(
        DualEncoder.load(MODEL).to(best_device()), test, settings.retrieve, settings.encoders, settings.loss
    )
    score_table.write(METRICS, retrieval_task.TASK, scores, retrieval_task.HEADLINE, about)


if __name__ == "__main__":
    run(main)
