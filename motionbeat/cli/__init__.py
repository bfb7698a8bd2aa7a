"""The `motionbeat` command, one module a subcommand."""

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from motionbeat.cli.beats_command import beats
from motionbeat.cli.doctor_command import doctor
from motionbeat.cli.embed import embed
from motionbeat.cli.export_command import export_onnx
from motionbeat.cli.extras import extra_of
from motionbeat.cli.index_command import index
from motionbeat.cli.search_command import search
from motionbeat.errors import MotionBeatError

_EPILOG = (
    "Exit status: 0 all done; 1 wrong input, something missing, or some of the files not done (a line begins with "
    "error:); 2 wrong use of the command line; 130 interrupted. "
    "Example: motionbeat beats song.mp3. Completion in your shell: motionbeat --install-completion."
)

app = typer.Typer(
    add_completion=True, no_args_is_help=True, help="Music representations learned from dance.", epilog=_EPILOG
)


def _version(asked: bool) -> None:
    if asked:
        from motionbeat import __version__

        print(f"motionbeat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Music representations learned from dance."""


for _command in (beats, doctor, embed, export_onnx, index, search):
    app.command()(_command)
for _point in sorted(entry_points(group="motionbeat.commands"), key=lambda point: point.name):
    app.command(_point.name)(_point.load())


def main() -> None:
    """Entry point: wrong input, and a package that is not installed, end in one line, not in a traceback."""
    try:
        app()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "motionbeat").split(".")[0] == "motionbeat":
            raise
        print(
            f"error: this command needs the package {error.name}, which is not installed: {extra_of(str(error.name))}",
            file=sys.stderr,
        )
        sys.exit(1)
