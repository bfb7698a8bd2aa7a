"""`python -m motionbeat.lab.results`: the results in the terminal; --readme writes the README's table."""

import sys
from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import guarded
from motionbeat.lab import params
from motionbeat.lab.results import dance_tables, recognition_tables
from motionbeat.lab.results.printed_tables import Table, as_text, main_lines, terminal_cell
from motionbeat.lab.results.readme_table import write_readme_table
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.retrieval_tables import METRICS, PAPER_NOTE, retrieval_tables
from motionbeat.lab.results.training_tables import beats_table, training_table

PAGE = Path("data/report/index.html")
_COLUMNS = tuple(METRICS[name] for name in ("r1", "r10", "nll"))
_WIDTHS = (19, 19, 17)  # fits "100.0 [100.0-100.0]", and 80 columns in all


def main() -> None:
    if sys.argv[1:] == ["--readme"]:
        write_readme_table(ResultsTable.read(Path("metrics")), Path("README.md"))
        return
    print_results(params.load(), Path("metrics"))


def print_results(settings: params.Params, folder: Path) -> None:
    """Print the tables of a run's metrics.

    Raises `MotionBeatError` if a metrics file does not have the form that stages write.
    """
    with guarded(folder, "has results of another form", "run `dvc repro`"):
        _print(settings, folder)


def _print(settings: params.Params, folder: Path) -> None:
    results = ResultsTable.read(folder)
    tables = [main_lines(table) for table in retrieval_tables(results)]
    if sys.stdout.isatty():
        _show(tables)
    else:
        print("\n\n".join(as_text(table, _COLUMNS) for table in tables))
    print(f"\n{PAPER_NOTE}")
    for module in (recognition_tables, dance_tables):
        for table in module.narrow(results):
            print(f"\n{as_text(table, table.columns[1:])}")
        print(f"\n{module.note(results)}")
    for table in (training_table(results), beats_table(results, settings.beats.tracker)):
        facts = [f"{row.name} {terminal_cell(row.cells[0])}" for row in table.groups[0].rows]
        print(f"\n{table.caption}: {'; '.join(facts)}")
    if settings.corpus.names == ["synthetic"]:
        print("\nCorpus: synthetic (made by the project itself). These figures say nothing about real dance.")
    print(f"\nReport: {PAGE}" if PAGE.exists() else f"\n{PAGE} is missing: run `dvc repro` to make it")


def _show(tables: list[Table]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console()
    for table in tables:
        console.print(f"\n[bold]{table.caption}")
        chosen = [table.columns.index(column) - 1 for column in _COLUMNS]
        for group in table.groups:
            shown = RichTable(title=group.title, box=SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0))
            shown.add_column("", min_width=19, no_wrap=True)
            for column, width in zip(_COLUMNS, _WIDTHS, strict=True):
                shown.add_column(column, justify="right", min_width=width, no_wrap=True)
            for row in group.rows:
                cells = [terminal_cell(row.cells[place]).replace("[", r"\[") for place in chosen]
                shown.add_row(row.name, *cells, style="bold" if row.ours else None)
            console.print(shown)


if __name__ == "__main__":
    run(main)
