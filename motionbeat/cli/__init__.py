"""The `motionbeat` command, one module a subcommand."""

import sys
from importlib.metadata import entry_points

import typer

from motionbeat.cli.embed import embed
from motionbeat.errors import MotionBeatError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Music representations learned from dance.")
app.command()(embed)
for _command in sorted(entry_points(group="motionbeat.commands"), key=lambda point: point.name):
    app.command(_command.name)(_command.load())


def main() -> None:
    """Entry point: wrong input, and a package that is not installed, end in one line, not in a traceback."""
    try:
        app()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "motionbeat").startswith("motionbeat"):
            raise
        print(
            f"error: this command needs the package {error.name}: pip install 'motionbeat[pipeline,video]'",
            file=sys.stderr,
        )
        sys.exit(1)
