"""Songs2Model: fine-tune a model on a folder of songs, with the stages of the pipeline in a folder outside of DVC."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_json, whole_folder
from motionbeat.lab import params
from motionbeat.lab.corpora.choreographed import audio_files
from motionbeat.lab.experiments import side_by_side
from motionbeat.lab.experiments.evaluate_variant import Songs, evaluate
from motionbeat.lab.experiments.variant_steps import Planner, Step
from motionbeat.lab.experiments.variants import Overrides, with_overrides
from motionbeat.lab.params import presets
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.start_model import OF_THE_PACKAGE, knobs_of, start_folder
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

PRESET = "finetune"
_HELD_OUT = 0.15
"""Share of the songs in val, and in test."""


@frozen
class FineTuned:
    """A fine-tuned model. trained: metrics/train.json. before, after: `evaluate_variant.evaluate` of the test songs."""

    trained: Mapping[str, Any]
    before: Mapping[str, Songs]
    after: Mapping[str, Songs]


def held_out(songs: int) -> int:
    """The number of songs in val, and also in test: at least two, but one if there are fewer than 8 songs."""
    return max(round(_HELD_OUT * songs), 1 if songs < 8 else 2)


def plan(planner: Planner, songs: Path, start_from: str, knobs: Overrides) -> dict[str, Step]:
    """The steps of the stages, by name: params of the preset `finetune`, the start model's settings, then `knobs`."""
    chosen = presets.overrides(PRESET, planner.root / presets.FOLDER, planner.root / presets.PARAMS)
    count = held_out(len(audio_files(songs)))
    chosen |= {"corpus.songs_root": str(songs.resolve()), "corpus.held_out_songs": count}
    chosen |= {"train.start_from": start_from if start_from == OF_THE_PACKAGE else str(Path(start_from).resolve())}
    chosen |= knobs_of(start_from)
    return planner.steps(with_overrides(planner.values, {**chosen, **knobs}, "-S"))


def run(steps: Mapping[str, Step], work: Path, root: Path) -> None:
    """Run the stages up to the training that are not done; their output goes to this process's output."""
    for ended in side_by_side.execute(side_by_side.missing([steps["train"]], work), work, root, 1, shown=True):
        print(f"{ended.step.stage.name}: {ended.seconds:.0f} s", flush=True)
        if ended.failure:
            raise MotionBeatError(f"{ended.step.stage.name} failed: {ended.failure}")


def finish(steps: Mapping[str, Step], work: Path, output: Path) -> FineTuned:
    """Copy the model to `output`, and evaluate it and its start model on the test songs, which training did not use."""
    folder = steps["train"].folder(work)
    settings = params.load(folder / "params.yaml")
    make_deterministic(0)
    device, tokens = best_device(), Tokens.load(folder / "data/tokens")
    assert settings.train.start_from is not None
    models = start_folder(settings.train.start_from), folder / "models/motionbeat"
    with whole_folder(output) as unfinished:
        shutil.copytree(models[1], unfinished, dirs_exist_ok=True)
    before, after = (evaluate(DualEncoder.load(model).to(device), tokens, settings, device) for model in models)
    return FineTuned(read_json(folder / "metrics/train.json", "delete its folder"), before, after)


def in_words(tuned: FineTuned) -> Sequence[str]:
    """Lines with the effect of fine-tuning on the held-out songs."""
    trained, songs = tuned.trained, len(tuned.after["r1_music_to_motion"])
    shown = (
        ("music to motion R@10", "r10_music_to_motion", "{:.1f} %"),
        ("motion to music R@10", "r10_motion_to_music", "{:.1f} %"),
        ("music to motion NLL", "nll_music_to_motion", "{:.3f} nats"),
        ("motion to music NLL", "nll_motion_to_music", "{:.3f} nats"),
    )
    lines = [f"Retrieval, start model -> fine-tuned model (epoch {trained['best_epoch']} of {trained['epochs']}):"]
    validation, test = [], []
    for title, name, form in shown:
        pair = trained[f"start_val_{name}"], trained[f"val_{name}"]
        validation.append(f"{title} {' -> '.join(form.format(value) for value in pair)}")
        pair = mean(tuned.before[name]), mean(tuned.after[name])
        test.append(f"{title} {' -> '.join(form.format(value) for value in pair)}")
    lines.append(f"validation songs, which chose the epoch: {'; '.join(validation)}")
    lines.append(f"test songs ({songs}), which were not used to choose: {'; '.join(test)}")
    if not trained["best_epoch"]:
        lines.append("No epoch was better than the start model, so the result is the start model: more songs may help.")
    return lines


def mean(songs: Songs) -> float:
    """The mean over all windows of the songs."""
    return sum(value * count for value, count in songs.values()) / sum(count for _, count in songs.values())
