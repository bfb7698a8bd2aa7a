"""data/tokens + data/negatives -> models/motionbeat. Needs torch, numpy, pyarrow and no audio or motion package.

Runs without DVC too: python -m stages train, beside params.yaml, data/tokens and data/negatives. After a kill the same
command resumes the training. Several GPUs: torchrun --nproc-per-node 4 -m stages train.
Several machines: the same, with the same data on each and MOTIONBEAT_CACHE a folder that all share.

Samples a second, seconds by part of a step and the peak of memory are written to logs/train/speed.json, not to
metrics/train.json: they differ from run to run, and DVC's outputs do not. It lies in the folder that trained, for a
queued experiment in DVC's copy, which is deleted with it; benchmarks.training_step measures them by preset.
"""

from pathlib import Path

from motionbeat.errors import MotionBeatError, run
from motionbeat.files import whole_folder, write_json
from motionbeat.lab import params
from motionbeat.lab.tasks.rhythm_agreement import rhythm_agreement
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.event_log import tensorboard
from motionbeat.lab.training.loop import encoder_key, new_encoders, train
from motionbeat.lab.training.model_card import CARD_FILE, fine_tuned
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.lab.training.start_model import start_files, start_folder, start_model
from motionbeat.lab.training.stopwatch import Stopwatch
from motionbeat.model.compiled import compile_encoders
from motionbeat.model.device import best_device, chosen_precision, make_deterministic

TOKENS, NEGATIVES, MODEL = Path("data/tokens"), Path("data/negatives"), Path("models/motionbeat")
LOGS, METRICS = Path("logs/train"), Path("metrics")


def main() -> None:
    settings = params.load()
    wanted = settings.train
    make_deterministic(wanted.seed)
    ranks, device = Ranks.init(), best_device()
    precision = chosen_precision(wanted.precision, device)
    tokens = Tokens.load(TOKENS, lattices=wanted.lattice_share > 0)
    beats = settings.tokens.window_beats
    batches, validation = (Batches(tokens, NEGATIVES, split, beats, device) for split in ("train", "val"))
    start = wanted.start_from
    if start is not None and start_folder(start).resolve() == MODEL.resolve():
        raise MotionBeatError(f"train.start_from = {start}, which this stage replaces: copy that model elsewhere first")
    model = new_encoders(tokens, settings.model) if start is None else start_model(start, tokens, settings.model)
    model.to(device)
    if wanted.compile:
        compile_encoders(model, device)
    observe = tensorboard(LOGS / "events") if wanted.log == "tensorboard" and ranks.is_main else None
    data = [path for folder in (TOKENS, NEGATIVES) for path in folder.iterdir()] + start_files(start)
    checkpoint = Checkpoint.of_run("training", encoder_key(settings, data, device, ranks.count), ranks)
    if ranks.is_main:
        size = sum(weight.numel() for weight in model.parameters())
        print(f"{size:,} parameters on {device} in {precision}; {batches.described(wanted.lattice_share)}")
    validate, watch = Validation(tokens, validation, settings.loss.temperature), Stopwatch(device)
    history = train(model, batches, validate, wanted, settings.loss, checkpoint, ranks, watch=watch, observe=observe)
    if ranks.is_main:
        agreement = rhythm_agreement(model, validation, validate.index)
        figures = history.summary(model) | agreement
        with whole_folder(MODEL) as folder:
            model.cpu().save(folder)
            if start is not None:
                (folder / CARD_FILE).write_text(fine_tuned(settings, figures), encoding="utf-8")
        history.write(METRICS / "train_history.csv")
        write_json(METRICS / "train.json", figures)
        write_json(METRICS / "validation.json", history.headline())
        speed = {**watch.figures(), "device": device.type, "precision": precision, "compile": wanted.compile}
        write_json(LOGS / "speed.json", speed)
        checkpoint.remove()
        print(f"{METRICS}/train_history.csv: history; {METRICS}/train.json: figures; {LOGS}/speed.json: speed")
    ranks.leave()


if __name__ == "__main__":
    run(main)
