"""`motionbeat preset`: named sets of overrides of params.yaml."""

import sys
from typing import Annotated

import typer

from motionbeat.errors import MotionBeatError


def preset(
    name: Annotated[str, typer.Argument(help="Name of a file presets/NAME.yaml; without it all are listed.")] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Set the preset's keys in params.yaml; comments are kept.")
    ] = False,
) -> None:
    """Print a preset as flags of dvc exp run, or write it into params.yaml.

    Example, for one run: dvc exp run $(motionbeat preset paper). For good: motionbeat preset paper --write. Params that
    a preset does not name keep their value. Run it in the folder of params.yaml.
    """
    from motionbeat.lab.params import presets

    if not name:
        if write:
            raise MotionBeatError("--write needs the name of a preset: motionbeat preset lists them")
        known = presets.names()
        width = max(map(len, known), default=0)
        for preset_name, about in known.items():
            print(f"{preset_name.ljust(width)}  {about}")
        return
    try:
        chosen = presets.overrides(name)
    except MotionBeatError:
        if not (write or sys.stdout.isatty()):
            # after an error, a shell still runs `dvc exp run $(motionbeat preset NAME)`; without flags it would train
            # in vain, so an unknown flag is printed, which stops it
            print("--preset-refused")
        raise
    if not write:
        print(" ".join(presets.flags(chosen)))
        return
    for change in presets.write(chosen) or ["params.yaml already has all of its values"]:
        print(change, file=sys.stderr)
