"""data/tokens + data/negatives -> models/motionbeat. Needs torch, numpy, pyarrow and no audio or motion package.

Runs without DVC too: python -m stages train, beside params.yaml, data/tokens and data/negatives. A killed run is
gone on with by the same command. Several GPUs: torchrun --nproc-per-node 4 -m stages train.
Several machines: the same, with the same data on each and MOTIONBEAT_CACHE a folder that all share.

Samples a second, seconds by part of a step and the peak of memory are written to logs/train/speed.json, not to
metrics/train.json: they differ from run to run, and DVC's outputs do not. It lies in the folder that trained, for a
queued experiment in DVC's copy, which is deleted with it; benchmarks.training_step measures them by preset.
"""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import cache_folder, whole_folder, write_json
from motionbeat.lab import params
from motionbeat.lab.params import Params
from motionbeat.lab.tasks.rhythm_agreement import rhythm_agreement
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.checkpoint import Checkpoint, key
from motionbeat.lab.training.event_log import tensorboard
from motionbeat.lab.training.history import History
from motionbeat.lab.training.loop import train
from motionbeat.lab.training.objective import TERMS
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.stopwatch import Stopwatch
from motionbeat.model.compiled import compile_encoders
from motionbeat.model.config import ModelConfig
from motionbeat.model.device import best_device, chosen_precision, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

TOKENS, NEGATIVES, MODEL = Path("data/tokens"), Path("data/negatives"), Path("models/motionbeat")
LOGS = Path("logs/train")


def main() -> None:
    settings = params.load()
    tokens = Tokens.load(TOKENS, lattices=settings.train.lattice_share > 0)
    make_deterministic(settings.train.seed)
    device = best_device()
    precision = chosen_precision(settings.train.precision, device)
    ranks = Ranks.join()
    beats = settings.tokens.window_beats
    batches, validation = (Batches(tokens, NEGATIVES, split, beats, device) for split in ("train", "val"))
    model = new_model(tokens, settings).to(device)
    if settings.train.compile:
        compile_encoders(model, device)
    observe = tensorboard(LOGS / "events") if settings.train.log == "tensorboard" and ranks.first else None
    if ranks.first:
        print(
            f"{sum(p.numel() for p in model.parameters()):,} parameters on {device} in {precision}, "
            f"{len(batches.windows):,} windows"
        )
        if share := settings.train.lattice_share:
            print(
                f"on lattices: {share * batches.on_lattices:.0%} of each epoch: train.lattice_share {share:g}, "
                f"and a window on a lattice fits into {batches.on_lattices:.0%} of the clips"
            )
        if observe:
            print(f"watch it: tensorboard --logdir {LOGS / 'events'}")
    # outside of DVC's outputs, which DVC deletes before a run
    inputs = [path for folder in (TOKENS, NEGATIVES) for path in folder.iterdir()]
    run_key = key(settings, inputs, device, ranks.count)
    ranks.check_same(
        run_key[:12],
        "params, data, code, torch, device or precision, of which these are digests",
        "Start all from the same commit, params.yaml, data/tokens and data/negatives, on machines of one kind",
    )
    checkpoint = Checkpoint(cache_folder() / "training" / f"{run_key}.safetensors")
    validate, watch = Validation(tokens, validation, settings.loss.temperature), Stopwatch(device)
    history = train(
        model, batches, validate, settings.train, settings.loss, checkpoint, ranks, watch=watch, observe=observe
    )
    if ranks.first:
        agreement = rhythm_agreement(model, validation, validate.index)
        _write(model, history, agreement)
        speed = {**watch.figures(), "device": device.type, "precision": precision, "compile": settings.train.compile}
        write_json(LOGS / "speed.json", speed)
        checkpoint.remove()
        print(f"history: metrics/train_history.csv, figures: metrics/train.json, speed: {LOGS / 'speed.json'}")
    ranks.leave()


def _write(model: DualEncoder, history: History, agreement: dict[str, float]) -> None:
    with whole_folder(MODEL) as folder:
        model.cpu().save(folder)
    history.write(Path("metrics/train_history.csv"))
    write_json(Path("metrics/train.json"), summary(model, history) | agreement)


def new_model(tokens: Tokens, settings: Params) -> DualEncoder:
    """A freshly initialised model for these tokens, with their training statistics."""
    model = DualEncoder(ModelConfig.of(settings.model, tokens.layout))
    model.set_statistics(**tokens.statistics)
    return model


def summary(model: DualEncoder, history: History) -> dict[str, float]:
    """The best validation, the losses of its epoch by term, and the alphas."""
    return {
        **history.best,
        **{name if name == "loss" else f"loss_{name}": history.best_row[name] for name in TERMS},
        **model.alphas(),
        "best_epoch": history.best_epoch,
        "epochs": len(history.rows),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


if __name__ == "__main__":
    run(main)
