"""The speed of MotionBeat compared with other programs: python -m benchmarks.bench, or make bench.

Both sides of a row run in turns, so that ratios are valid on a busy machine too; seconds are only valid for this
machine. Figures go to logs/bench.json, and the table into docs/performance.md between its two marks. If another program
is not installed, it is named and its rows are left out. Five minutes on two idle cores; --only soft_dtw emd runs some
cases.
"""

import argparse
import importlib
import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch starts, as in the pipeline

import torch
from attrs import asdict

import motionbeat
from benchmarks.bench.rounds import LeftOut, Row
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.model.device import make_deterministic

CASES = ("soft_dtw", "emd", "tokens", "embedding", "tracking", "retrieval", "training", "generator", "commands")
PAGE, BEGIN, END = Path("docs/performance.md"), "<!-- begin: make bench -->", "<!-- end: make bench -->"
_TAKE_THE_MODEL = ("tokens", "embedding")


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=CASES, help="run only these cases, without changing the page")
    parser.add_argument("--json", type=Path, default=Path("logs/bench.json"), help="default %(default)s")
    parser.add_argument("--page", type=Path, default=PAGE, help="default %(default)s")
    arguments = parser.parse_args(given)
    make_deterministic(0)
    begin = time.monotonic()
    found = list(_rows(arguments.only or CASES))
    about = f"{torch.get_num_threads()} threads, {_processor()}, torch {torch.__version__}"
    minutes = (time.monotonic() - begin) / 60
    print(f"{minutes:.1f} minutes on {about}")
    write_json(arguments.json, {"machine": about, "rows": [asdict(row) for row in found]})
    if not arguments.only:
        put_table(arguments.page, table(found, f"{about}; {minutes:.1f} minutes."))


def _rows(cases: Sequence[str]) -> Iterator[Row | LeftOut]:
    for name in cases:
        case: Any = importlib.import_module(f"benchmarks.bench.{name}_case")
        for row in case.rows(motionbeat.load(device="cpu")) if name in _TAKE_THE_MODEL else case.rows():
            print(line(row), flush=True)
            yield row


def table(rows: Sequence[Row | LeftOut], about: str) -> str:
    """The rows as Markdown."""
    header = ("what", "size", "seconds", "beside", "seconds", "ratio", "least-greatest", "target", "")
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    return "\n".join([*lines, *map(line, rows), "", about])


def line(row: Row | LeftOut) -> str:
    """One row of the table."""
    if isinstance(row, LeftOut):
        return f"| {row.case} | left out: {row.reason} |" + " |" * 7
    target = "" if row.at_most is None else f"{row.at_most:.3g}, {'met' if row.ratio <= row.at_most else 'missed'}"
    spread = f"{row.low:.3g}-{row.high:.3g}"
    cells = (row.case, row.size, f"{row.ours_s:.3g}", row.beside, f"{row.beside_s:.3g}", f"{row.ratio:.3g}", spread)
    return f"| {' | '.join((*cells, target, row.note))} |"


def put_table(page: Path, text: str) -> None:
    """Replace the text between the two marks of the page. Raises `MotionBeatError` if they are not there."""
    whole = page.read_text(encoding="utf-8") if page.is_file() else ""
    before, found, rest = whole.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise MotionBeatError(f"{page} must have the lines {BEGIN} and {END}, with the table between them")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [row for row in info.read_text().splitlines() if row.startswith("model name")] if info.is_file() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    run(main)
