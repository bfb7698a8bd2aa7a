"""`motionbeat ablate`: train variants over several seeds, and compare them with the default."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.errors import MotionBeatError
from motionbeat.files import check_output_folder

if TYPE_CHECKING:
    from motionbeat.lab.experiments.variant_steps import Planner, Run


def ablate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VARIANT]...", help="Variants or presets; by default all variants of the file."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of corpora, runs and tables.")] = Path(
        "../ablations"
    ),
    corpora: Annotated[str, typer.Option(metavar="SEEDS", help="Seeds of the corpora: 0,1,2")] = "0",
    trainings: Annotated[str, typer.Option(metavar="SEEDS", help="Seeds of trainings on each corpus: 0,1")] = "0",
    jobs: Annotated[int, typer.Option(help="Parallel processes; they may share one GPU.")] = 1,
    threads: Annotated[
        int, typer.Option(help="Threads of torch in each process. The bits of a result depend on it, not on --jobs.")
    ] = 1,
    knobs: Annotated[
        list[str] | None,
        typer.Option(
            "-S", "--set", metavar="PARAM=VALUE", help="For the default and every variant.", show_default=False
        ),
    ] = None,
    variants: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your variants as a YAML file, name: {param: value}.")
    ] = None,
    title: Annotated[str, typer.Option(help="Name of the tables in the output folder.")] = "ablations",
    resamplings: Annotated[int, typer.Option(help="Bootstrap resamplings of the songs, for the intervals.")] = 2000,
    table: Annotated[
        bool, typer.Option("--table", help="Train nothing: write the tables of the finished runs.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print the variants and their params, and exit.")] = False,
) -> None:
    """Train variants of the model over several seeds, and compare each with the default song by song.

    For example, whether SRAL helps, over three corpora with two trainings each:

        motionbeat ablate no-sral --corpora 0,1,2 --trainings 0,1 -o ../sral

    That makes three corpora, trains 12 models and evaluates each on the test
    split. ../sral/ablations.md has the tables, .svg and .png the plot, .csv
    the figures of each song; ../sral/runs has a file per run. The same command
    resumes a stopped run and repeats nothing: a result is kept under its
    params and code. Variants share corpora and tokens where they can.

    Run it from a checkout whose code does not change during the run.
    """
    from motionbeat.lab.experiments import variants as known
    from motionbeat.lab.experiments.variant_steps import Planner

    if jobs < 1 or threads < 1 or resamplings < 1:
        raise MotionBeatError("--jobs, --threads and --resamplings: expected at least 1")
    planner = Planner(threads=threads)
    chosen = known.chosen_variants(names or [], known.read_variants(variants or known.VARIANTS), planner.root)
    if listed:
        for name, overrides in chosen.items():
            print(f"{name}: {', '.join(f'{knob}={value}' for knob, value in overrides.items()) or 'params.yaml'}")
        return
    common = known.assignments(knobs or [])
    check_output_folder(output)
    runs = planner.runs(chosen, common, known.seeds_of(corpora, "--corpora"), known.seeds_of(trainings, "--trainings"))
    try:
        if not table:
            _execute(runs, output, planner, jobs)
    finally:
        about = [
            f"Corpora {corpora}, trainings {trainings}, {threads} thread{'s' * (threads > 1)} each"
            + "".join(f", `{knob}={value}`" for knob, value in common.items())
            + "."
        ]
        _write(runs, output, title, about, resamplings)


def _execute(runs: "list[Run]", output: Path, planner: "Planner", jobs: int) -> None:
    from motionbeat.lab.experiments import side_by_side
    from motionbeat.progress import counted

    todo = side_by_side.missing([run.last for run in runs], output)
    print(f"{len(runs)} runs; {len(todo)} steps to do", file=sys.stderr)
    failed = []
    for ended in counted(side_by_side.execute(todo, output, planner.root, jobs), len(todo), "steps"):
        if ended.failure:
            failed.append(ended)
            print(f"{ended.step.stage.name} {ended.step.key}: {ended.failure}", file=sys.stderr)
    if failed:
        raise MotionBeatError(f"{len(failed)} steps failed, the first by: {failed[0].failure}")


def _write(runs: "list[Run]", output: Path, title: str, about: list[str], resamplings: int) -> None:
    """Write runs/*.json and the tables of the runs that are finished."""
    import pandas as pd

    from motionbeat.files import whole_file, write_json
    from motionbeat.lab.experiments import ablation_report, interval_plot, paired, side_by_side

    finished = [run for run in runs if side_by_side.is_done(run.last, output)]
    print(f"{len(finished)} of {len(runs)} runs are finished", file=sys.stderr)
    if not finished:
        return
    rows = []
    for run in finished:
        figures = side_by_side.figures(run.last, output)
        known = {"variant": run.variant, "corpus": run.corpus, "training": run.training, "key": run.last.key}
        write_json(output / "runs" / f"{run.name}.json", known | {"params": dict(run.overrides), "songs": figures})
        rows.append(paired.as_rows(run.variant, run.corpus, run.training, figures))
    frame = pd.concat(rows, ignore_index=True)
    found = paired.estimates(frame, resamplings, seed=0)
    page = ablation_report.markdown(found, {run.variant: run.overrides for run in runs}, about)
    with whole_file(output / f"{title}.md") as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    frame.to_csv(output / f"{title}.csv", index=False, float_format="%.6g")
    if any(difference for _, difference in found.values()):
        plot = interval_plot.interval_plot(found, ablation_report.RETRIEVAL)
        for suffix in (".svg", ".png"):
            interval_plot.save(plot, output / f"{title}{suffix}")
    print(page)
