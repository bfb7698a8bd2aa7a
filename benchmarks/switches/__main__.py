"""Turn each switch of params.yaml by itself and measure, on several corpora.

Prepare one folder a seed (a checkout whose params.yaml has corpus.seed=0, 1, 2), then run, look, and go on:

    for n in 0 1 2; do git clone -q . ../seed$n; (cd ../seed$n && dvc exp run -S corpus.seed=$n negatives); done
    python -m benchmarks.switches --data ../seed0 ../seed1 ../seed2 --output ../switches --jobs 2
    python -m benchmarks.switches --data ../seed0 ../seed1 ../seed2 --output ../switches --table

Each switch is a line of benchmarks/switches/switches.yaml and trains once on each corpus, with corpus.seed as the
training's seed; the default, which turns no switch, stands for comparison. What is finished is not run again, what
was killed goes on where it was. OUTPUT/switches.md and OUTPUT/switches.json hold what there is so far. Each run is a
folder of OUTPUT/runs with its params, logs, model and metrics. The stages are those of the code that this command
belongs to: run it from a clone that nobody changes.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.switches import plan, table
from benchmarks.switches.plan import DEFAULT, Prepared, Run
from benchmarks.switches.runner import Outcome, Processes, execute, finished
from motionbeat import errors
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file, write_json
from motionbeat.lab.results.experiment_queue import assignments


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.switches",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, nargs="+", metavar="FOLDER", help="a prepared corpus each: params.yaml and data/")
    add("--output", type=Path, metavar="FOLDER", help="where runs and tables go")
    add("--only", nargs="+", metavar="SWITCH", help="these switches and the default alone")
    add("--set", nargs="+", default=[], metavar="KNOB=VALUE", help="for every run: train.epochs=40")
    add("--switches", type=Path, default=plan.SWITCHES, metavar="FILE", help="another file of switches")
    add("--jobs", type=int, default=1, help="runs at a time, two threads of torch each (default 1)")
    add("--any-code", action="store_true", help="count finished runs of other versions of the code too")
    add("--table", action="store_true", help="run nothing: write the tables of what is finished")
    add("--list", action="store_true", help="print the switches and what they turn, and end")
    return parser.parse_args(given)


def run(given: Sequence[str] | None = None) -> None:
    """Run what is missing, and write the tables after each run."""
    options = _arguments(given)
    switches = _chosen(plan.switches(options.switches), options.only)
    if options.list:
        for name, turned in switches.items():
            print(f"{name}: {', '.join(f'{knob}={value}' for knob, value in turned.items()) or 'nothing turned'}")
        return
    if not options.data or not options.output:
        raise MotionBeatError("expected --data FOLDER... and --output FOLDER: python -m benchmarks.switches --help")
    if options.jobs < 1:
        raise MotionBeatError(f"--jobs {options.jobs}; expected a number of runs, at least 1")
    corpora = plan.prepared(options.data)
    common = assignments(options.set, "--set")
    runs, refused = planned(switches, corpora, common)
    code = plan.code_digest()
    kept = [finished(run, options.output) for run in runs]
    outcomes = [outcome for outcome in kept if outcome]
    others = sorted({outcome.code for outcome in outcomes} - {code})
    if others and not options.any_code:
        raise MotionBeatError(
            f"{options.output} has runs of other code ({', '.join(others)}; this is {code}): --any-code counts them, "
            "another --output measures anew"
        )
    for name, reason in refused.items():
        print(f"{name}: left out, {reason}", file=sys.stderr)
    todo = [run for run, outcome in zip(runs, kept, strict=True) if not outcome]
    print(f"{len(runs)} runs, {len(outcomes)} finished, {0 if options.table else len(todo)} to do", file=sys.stderr)

    def write() -> None:
        _write(options.output, switches, outcomes, refused, [data.seed for data in corpora], common)

    write()
    if options.table:
        return
    for outcome in _execute(todo, options.output, code, options.jobs):
        outcomes.append(outcome)
        write()
        done = f"{outcome.seconds:.0f} s" if outcome.metrics is not None else outcome.reason
        print(f"{outcome.run.switch} seed {outcome.run.seed}: {done}", file=sys.stderr, flush=True)
    failed = [outcome for outcome in outcomes if outcome.metrics is None]
    print(f"{options.output / 'switches.md'}", file=sys.stderr)
    if failed:
        raise MotionBeatError(f"{len(failed)} runs did not end well; their logs lie in {options.output / 'runs'}")


def _chosen(switches: dict[str, dict[str, Any]], only: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    unknown = sorted(set(only or ()) - set(switches))
    if unknown:
        raise MotionBeatError(f"no switch {', '.join(unknown)}: there are {', '.join(switches)}")
    return {name: turned for name, turned in switches.items() if not only or name in (DEFAULT, *only)}


def planned(
    switches: Mapping[str, Mapping[str, Any]], corpora: Sequence[Prepared], common: Mapping[str, Any]
) -> tuple[list[Run], dict[str, str]]:
    """All runs, seed after seed, and the switches that cannot run with the reason: {name: why}.

    A mistake in what is set for all runs is no matter of a switch, and is raised.
    """
    runs, refused = [], {}
    for data in corpora:
        default = plan.settings_of(data, common)
        for name, turned in switches.items():
            try:
                settings = plan.settings_of(data, {**common, **turned})
            except MotionBeatError as error:
                refused[name] = str(error)
                continue
            if name != DEFAULT and settings == default:
                refused[name] = "this is the default"
                continue
            runs.append(Run(name, data, settings))
    return runs, refused


def _execute(todo: Sequence[Run], output: Path, code: str, jobs: int) -> Iterator[Outcome]:
    processes = Processes()
    # a request to end becomes an exception, so that the stages are ended too
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(execute, run, output, code, processes) for run in todo]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            signal.signal(signal.SIGTERM, before)
            processes.stop()
            pool.shutdown(wait=True, cancel_futures=True)


def _write(
    output: Path,
    switches: Mapping[str, Mapping[str, Any]],
    outcomes: Sequence[Outcome],
    refused: Mapping[str, str],
    seeds: Sequence[int],
    common: Mapping[str, Any],
) -> None:
    chosen = table.measures(outcomes)
    found = table.lines(switches, outcomes, refused, chosen, seeds)
    about = [
        "# Switch by switch",
        f"Corpus seeds {', '.join(map(str, seeds))}, which are the training seeds too."
        + (f" For every run: {', '.join(f'{knob}={value}' for knob, value in common.items())}." if common else ""),
        f"Code: {', '.join(sorted({o.code for o in outcomes if o.code})) or 'nothing run yet'}.",
    ]
    output.mkdir(parents=True, exist_ok=True)
    with whole_file(output / "switches.md") as unfinished:
        unfinished.write_text(
            table.markdown(found, chosen, about, table.reference_rows(outcomes, chosen)), encoding="utf-8"
        )
    write_json(output / "switches.json", table.document(found, outcomes, chosen, about))


if __name__ == "__main__":
    errors.run(run)
