"""The `motionbeat` command, one module a subcommand."""

import sys

import typer

from motionbeat.cli.ablate import ablate
from motionbeat.cli.dance import dance
from motionbeat.cli.embed import embed
from motionbeat.cli.preset import preset
from motionbeat.cli.render import render
from motionbeat.errors import MotionBeatError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Music representations learned from dance.")
app.command()(embed)
app.command()(render)
app.command()(dance)
app.command()(preset)
app.command()(ablate)


def main() -> None:
    """Entry point: wrong input ends in one line, not in a traceback."""
    try:
        app()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
