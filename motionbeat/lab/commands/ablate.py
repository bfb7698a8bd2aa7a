"""`motionbeat ablate`: the variants of the paper's tables as DVC experiments, and their figures."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.errors import MotionBeatError

if TYPE_CHECKING:
    from motionbeat.lab.results.experiment_queue import Wanted

_CODE = ("motionbeat", "stages", "presets")


def ablate(
    table: Annotated[
        int, typer.Option(help="1: without ECL (two readings), without SRAL. 3: BEP and CGA, each alone and neither.")
    ],
    seeds: Annotated[int, typer.Option(help="So many seeds, from 0.")] = 3,
    show: Annotated[bool, typer.Option("--show", help="Print the table of what has run, and queue nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands that would queue, and end.")] = False,
    knobs: Annotated[
        list[str] | None,
        typer.Option(
            "-S", "--set", metavar="KNOB=VALUE", help="For every experiment: -S train.epochs=40", show_default=False
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="With --show: write a page, FILE.html.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="With --show: write the tables to FILE.md.")] = None,
    revision: Annotated[
        str, typer.Option("--rev", help="With --show: the commit from which the experiments were queued.")
    ] = "HEAD",
) -> None:
    """Queue the variants of the paper's Table 1 or 3 as DVC experiments, or show what they came to.

    motionbeat ablate --table 3, then dvc queue start -j 1, then motionbeat ablate --table 3 --show. A seed sets
    train.seed and, on the embedded corpus, corpus.seed: each seed is another corpus. What is queued or done already
    is not queued again.
    """
    if show and (dry_run or knobs):
        raise MotionBeatError("--show reads what has run: leave --dry-run and -S away")
    if not show and (output or markdown or revision != "HEAD"):
        raise MotionBeatError("--output, --markdown and --rev go with --show")
    if show:
        _show(table, seeds, revision, output, markdown)
    else:
        _queue(table, seeds, knobs or [], dry_run)


def _queue(table: int, seeds: int, knobs: list[str], dry_run: bool) -> None:
    from motionbeat.lab.results import experiment_queue, experiments

    experiments.check_project()
    needed = experiment_queue.wanted(table, seeds, experiment_queue.overrides(knobs))
    if root := next(filter(None, map(experiment_queue.relative_root, needed)), None):
        raise MotionBeatError(
            f"corpus.root = {root}: the queue runs in other folders; give it whole: "
            f"-S corpus.root={Path(root).resolve()}"
        )
    _check_untracked()
    todo, there = experiment_queue.missing(needed, experiments.read())
    for name in experiment_queue.idle(needed):
        print(f"warning: {name} is the same as full, since params.yaml has its knobs already", file=sys.stderr)
    if there:
        print(f"{len(there)} of {len(needed)} are there already: {', '.join(there)}", file=sys.stderr)
    for item in todo:
        if dry_run:
            print(shlex.join(["dvc", *item.command]))
            continue
        experiments.dvc(*item.command)
        print(f"queued {item.name}", file=sys.stderr, flush=True)
    _what_next(table, seeds, needed, len(todo), dry_run)


def _check_untracked() -> None:
    from motionbeat.lab.results import experiments

    lost = experiments.git("ls-files", "--others", "--exclude-standard", "--", *_CODE).split()
    if lost:
        raise MotionBeatError(
            f"git does not know {', '.join(lost[:3])}{' ...' if len(lost) > 3 else ''}, and DVC's queue leaves out "
            "what git does not know: git add it, or move it away"
        )
    if experiments.git("status", "--porcelain", "--untracked-files=no").strip():
        print("note: the experiments start from your files as they are now, uncommitted changes too", file=sys.stderr)


def _what_next(table: int, seeds: int, needed: "list[Wanted]", todo: int, dry_run: bool) -> None:
    embedded = any("corpus.seed" in item.flags for item in needed)
    each = "another corpus and another training" if embedded else "another training on the same corpus"
    print(f"{seeds} seed{'s' * (seeds > 1)}; each is {each}.", file=sys.stderr)
    if dry_run:
        return
    if todo:
        print(
            f"{todo} experiments queued. About how long: {todo} times training and what follows it"
            + (f", and the corpus, its beats and tokens once a seed ({seeds})." if embedded else "."),
            file=sys.stderr,
        )
    print(
        "Next: MOTIONBEAT_CACHE=$PWD/.cache dvc queue start -j 1; then dvc queue status; then "
        f"motionbeat ablate --table {table} --seeds {seeds} --show",
        file=sys.stderr,
    )


def _show(table: int, seeds: int, revision: str, output: Path | None, markdown: Path | None) -> None:
    from motionbeat.files import whole_file
    from motionbeat.lab.params import presets
    from motionbeat.lab.results import (
        ablation_page,
        ablation_results,
        ablation_tables,
        experiments,
    )
    from motionbeat.lab.results.result_tables import as_text
    from motionbeat.lab.results.variants import variants

    rows = variants(table)
    if seeds < 1:
        raise MotionBeatError(f"--seeds {seeds}: expected how many seeds, at least 1")
    experiments.check_project()
    turned = {row.name: presets.overrides(row.preset) if row.preset else {} for row in rows}
    ablation = ablation_results.collect(table, seeds, experiments.read(revision), turned)
    shown = ablation_tables.details(ablation)
    print(as_text(shown, shown.columns[1:]))
    print("\n" + "\n".join(ablation_tables.notes(ablation)))
    for path, make in ((output, ablation_page.html), (markdown, ablation_page.markdown)):
        if path is not None:
            with whole_file(path) as unfinished:
                unfinished.write_text(make(ablation), encoding="utf-8")
            print(f"wrote {path}", file=sys.stderr)
    if not any(line.seeds for line in ablation.lines):
        print(
            f"\nNothing has run from {revision}. To queue: motionbeat ablate --table {table} --seeds {seeds}; "
            "experiments of another commit: --rev COMMIT",
            file=sys.stderr,
        )
