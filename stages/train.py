"""data/tokens + data/negatives -> models/motionbeat. Needs torch, numpy, pyarrow and no audio or motion package.

Runs without DVC too: python stages/train.py, in a folder that holds params.yaml, data/tokens and data/negatives.
"""

from pathlib import Path

import torch

from motionbeat import params
from motionbeat.errors import run
from motionbeat.files import whole_folder, write_json
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.params import Params
from motionbeat.tasks.validation import Validation
from motionbeat.tokens.windows import Tokens
from motionbeat.training.batches import Batches
from motionbeat.training.loop import make_deterministic, train, training_device

TOKENS, NEGATIVES, MODEL = Path("data/tokens"), Path("data/negatives"), Path("models/motionbeat")


def main() -> None:
    settings = params.load()
    tokens = Tokens.load(TOKENS)
    make_deterministic(settings.train.seed)
    device = training_device()
    beats = settings.tokens.window_beats
    batches, validation = (Batches(tokens, NEGATIVES, split, beats, device) for split in ("train", "val"))
    model = new_model(tokens, settings).to(device)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters on {device}, {len(batches.windows):,} windows")
    history = train(model, batches, Validation(tokens, validation), settings.train, settings.loss)
    with whole_folder(MODEL) as folder:
        model.cpu().save(folder)
        tokens.layout.write(folder / "tokens.json")
    history.write(Path("metrics/train_history.csv"))
    write_json(Path("metrics/train.json"), summary(model, history.best_epoch, len(history.rows), history.best))


def new_model(tokens: Tokens, settings: Params) -> DualEncoder:
    """A freshly initialised model for these tokens, with their training statistics."""
    layout = tokens.layout
    model = DualEncoder(
        ModelConfig.of(
            settings.model,
            audio_bands=layout.mel_bands,
            motion_width=layout.motion_width,
            rotation_start=layout.rotation_start,
            subbeats=layout.subbeats,
            window_beats=layout.window_beats,
        )
    )
    model.set_statistics(**{name: torch.as_tensor(values) for name, values in tokens.statistics.items()})
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
