"""`motionbeat finetune`: fine-tune a model on a folder of songs."""

from pathlib import Path
from typing import Annotated

import typer

from motionbeat.errors import MotionBeatError
from motionbeat.files import check_output_folder


def finetune(
    songs: Annotated[
        Path, typer.Argument(help="Folder with 20 or more audio files; subfolders are read too.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new model.", show_default=False)],
    start: Annotated[
        str, typer.Option("--from", help="Folder of the start model; shipped: the model of the package.")
    ] = "shipped",
    work: Annotated[
        Path | None,
        typer.Option(help="Folder of dances, tokens and checkpoints.", show_default="OUTPUT.work"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training and of the dances.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch. The bits of a model depend on it.")] = 2,
    knobs: Annotated[
        list[str] | None,
        typer.Option("-S", "--set", metavar="PARAM=VALUE", help="A param of params.yaml.", show_default=False),
    ] = None,
) -> None:
    """Fine-tune a model on your own songs; dances are made to them, you need none.

    Beats are tracked (or read from NAME.beats beside NAME.ogg), dances made,
    and training begins with the model of the package. Some songs are held
    out: those of validation choose the epoch, which may be the start model
    itself, and those of test measure what was gained. The new model's card.md
    names the data of both models. The same command resumes a stopped run;
    after a change of songs or params, what depends on it is made again.

    Example: motionbeat finetune my_songs -o my_model
    and then: motionbeat embed song.mp3 --model my_model
    """
    from motionbeat.lab.experiments import fine_tuning
    from motionbeat.lab.experiments.variant_steps import Planner
    from motionbeat.lab.experiments.variants import assignments

    _check_output(output, start)
    work = output.with_name(f"{output.name}.work") if work is None else work
    check_output_folder(output, work, songs)
    check_output_folder(work, songs)
    planner = Planner(threads=threads)
    seeds = {"corpus.seed": seed, "train.seed": seed}
    steps = fine_tuning.plan(planner, songs, start, {**seeds, **assignments(knobs or [])})
    fine_tuning.run(steps, work, planner.root)
    for line in fine_tuning.in_words(fine_tuning.finish(steps, work, output)):
        print(line)
    print(f"{output}: the model; {work} may be deleted")


def _check_output(output: Path, start: str) -> None:
    """Refuse a folder that has other files than a model, since it is replaced, and the folder of the start model."""
    from motionbeat.model.config import ModelConfig
    from motionbeat.model.model_folder import CONFIG_FILE, WEIGHTS_FILE, read_config
    from motionbeat.weights import CARDS

    if not output.exists():
        return
    reason = ""
    if not (output / CONFIG_FILE).is_file():
        reason = f"it has no {CONFIG_FILE}"
    elif others := sorted({path.name for path in output.iterdir()} - {CONFIG_FILE, WEIGHTS_FILE, *CARDS}):
        reason = f"it contains {others[0]}"
    else:
        try:
            ModelConfig.from_dict(read_config(output, "model"), str(output / CONFIG_FILE))
        except MotionBeatError as error:
            reason = str(error)
    if reason:
        raise MotionBeatError(
            f"{output} already exists and is not a model folder ({reason}): name another folder, because this one "
            "would be replaced"
        )
    if Path(start).exists() and output.samefile(start):
        raise MotionBeatError(f"{output} is the start model, which would be replaced: name another folder")
