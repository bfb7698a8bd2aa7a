"""data/tokens + data/negatives -> models/motionbeat. Needs torch, numpy, pyarrow and no audio or motion package.

Runs without DVC too: python -m stages train, beside params.yaml, data/tokens and data/negatives. A killed run is
gone on with by the same command. Several GPUs: torchrun --nproc-per-node 4 -m stages train.
"""

from pathlib import Path

from motionbeat import params
from motionbeat.errors import run
from motionbeat.files import cache_folder, whole_folder, write_json
from motionbeat.model.config import ModelConfig
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.params import Params
from motionbeat.tasks.validation import Validation
from motionbeat.tokens.windows import Tokens
from motionbeat.training.batches import Batches
from motionbeat.training.checkpoint import Checkpoint, key
from motionbeat.training.history import History
from motionbeat.training.loop import train
from motionbeat.training.ranks import Ranks

TOKENS, NEGATIVES, MODEL = Path("data/tokens"), Path("data/negatives"), Path("models/motionbeat")


def main() -> None:
    settings = params.load()
    tokens = Tokens.load(TOKENS)
    make_deterministic(settings.train.seed)
    device = best_device()
    ranks = Ranks.join()
    beats = settings.tokens.window_beats
    batches, validation = (Batches(tokens, NEGATIVES, split, beats, device) for split in ("train", "val"))
    model = new_model(tokens, settings).to(device)
    if ranks.first:
        print(
            f"{sum(p.numel() for p in model.parameters()):,} parameters on {device}, {len(batches.windows):,} windows"
        )
    # outside of DVC's outputs, which DVC deletes before a run
    inputs = [path for folder in (TOKENS, NEGATIVES) for path in folder.iterdir()]
    checkpoint = Checkpoint(cache_folder() / "training" / f"{key(settings, inputs, device)}.safetensors")
    history = train(model, batches, Validation(tokens, validation), settings.train, settings.loss, checkpoint, ranks)
    if ranks.first:
        _write(model, history)
        checkpoint.remove()
    ranks.leave()


def _write(model: DualEncoder, history: History) -> None:
    with whole_folder(MODEL) as folder:
        model.cpu().save(folder)
    history.write(Path("metrics/train_history.csv"))
    write_json(Path("metrics/train.json"), summary(model, history.best_epoch, len(history.rows), history.best))


def new_model(tokens: Tokens, settings: Params) -> DualEncoder:
    """A freshly initialised model for these tokens, with their training statistics."""
    model = DualEncoder(ModelConfig.of(settings.model, tokens.layout))
    model.set_statistics(**tokens.statistics)
    return model


def summary(model: DualEncoder, best_epoch: int, epochs: int, best: dict[str, float]) -> dict[str, float]:
    return {
        **best,
        **model.alphas(),
        "best_epoch": best_epoch,
        "epochs": epochs,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


if __name__ == "__main__":
    run(main)
