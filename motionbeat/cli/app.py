"""The `motionbeat` command, made of its subcommands and of those that entry points add."""

import math
import signal
import sys
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from motionbeat.cli.beats_command import beats
from motionbeat.cli.doctor_command import doctor
from motionbeat.cli.embed import embed
from motionbeat.cli.export_command import export_onnx
from motionbeat.cli.extras import extra_of
from motionbeat.cli.index_command import index
from motionbeat.cli.search_command import search
from motionbeat.errors import MotionBeatError, in_one_line, printable

_EPILOG = (
    "Exit status: 0 all done; 1 wrong input, something missing, or some of the files not done (a line begins with "
    "error:); 2 wrong use of the command line; 130 interrupted. "
    "Example: motionbeat beats song.mp3. Completion in your shell: motionbeat --install-completion."
)


class _Command(TyperCommand):
    """A subcommand that refuses NaN and infinity as option values; the bounds of click do not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click's; raises `MotionBeatError` that names the option."""
        rest = super().parse_args(ctx, args)
        for param in self.params:
            value = ctx.params.get(param.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise MotionBeatError(f"{param.opts[0]} {value}: give a finite number")
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As click's; says that a command was interrupted."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr)
            raise


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
    app.command(cls=_Command)(_command)
for _point in sorted(entry_points(group="motionbeat.commands"), key=lambda point: point.name):
    app.command(_point.name, cls=_Command)(_point.load())


def main() -> None:
    """Entry point: wrong input, files that cannot be read or written and packages that are missing end in one line.

    TERM ends a command as Ctrl-C does, so that it can keep what is done and removes what is unfinished.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except MotionBeatError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        where = f"{in_one_line(error.filename)}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}: free or allow what is needed, and run again", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (error.name or "motionbeat").split(".")[0] == "motionbeat":
            raise
        print(
            f"error: this command needs the package {error.name}, which is not installed: {extra_of(str(error.name))}",
            file=sys.stderr,
        )
        sys.exit(1)
