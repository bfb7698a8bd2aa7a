"""`motionbeat index`: a folder of songs and dances to a library that can be searched."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, JsonOption, ModelOption, Tracker, open_model, print_json
from motionbeat.errors import MotionBeatError, in_one_line, printable
from motionbeat.files import check_output

if TYPE_CHECKING:
    from motionbeat.index import Index
    from motionbeat.inference import MotionBeat

_SAVE_EVERY_S = 60.0
_SAVES_COST = 20  # the work between two saves takes at least this many times as long as a save


def index(
    folder: Annotated[Path, typer.Argument(help="Folder with songs, dances or both; folders in it are read too.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The library.")] = Path("library.mbi"),
    model: ModelOption = DEFAULT_MODEL,
    tracker: Annotated[
        Tracker | None,
        typer.Option(help="Who finds the beats.", show_default="the library's; of a new one madmom if it is installed"),
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add this folder to a library of other folders.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a library of songs and dances that `motionbeat search` searches.

    Songs: wav, flac, ogg, opus, mp3, au; m4a with PyAV. Dances: bvh, npz, pkl, npy (docs/own_data.md). A dance needs
    the beats of its music: NAME.beats beside it (one line a beat: seconds and place in the bar), or its music beside it
    as NAME.mp3, which begins with its first frame.

    Run it again on the same folder, also after it was stopped: only new and changed files are embedded, and those that
    are gone leave the library.

    Example: motionbeat index ~/Music -o library.mbi

    A file that cannot be embedded is named with the reason, the others are embedded, and the exit status is 1.
    """
    check_output(output)
    library = _opened(output, open_model(model), tracker, folder, add)
    saved, cost_s = time.monotonic(), 0.0

    def save_now_and_then() -> None:  # a small library after each song, a large one each minute
        nonlocal saved, cost_s
        began = time.monotonic()
        if began - saved > min(_SAVE_EVERY_S, _SAVES_COST * cost_s):
            library.save(output, structures=False)
            saved = time.monotonic()
            cost_s = saved - began

    try:
        done = library.update(folder, each=_shown, done=save_now_and_then)
    except KeyboardInterrupt:
        if library.pieces:
            library.save(output, structures=False)
        kept = f"{output} keeps {len(library.pieces)} songs and dances" if library.pieces else "nothing was embedded"
        print(f"error: interrupted: {kept}; run the same command again for the rest", file=sys.stderr)
        raise typer.Exit(130) from None
    library.save(output)
    for reason in done.refused.values():
        print(f"error: {printable(reason)}", file=sys.stderr)
    counts = {kind: sum(piece.kind == kind for piece in library.pieces) for kind in ("song", "dance")}
    if as_json:
        names = {name: list(getattr(done, name)) for name in ("added", "changed", "kept", "removed")}
        total = {"songs": counts["song"], "dances": counts["dance"], "windows": len(library)}
        print_json({"library": str(output), **total, **names, "refused": done.refused, "tracker": library.tracker})
    else:
        print(
            f"{in_one_line(output)}: {counts['song']} songs, {counts['dance']} dances, {len(library)} windows; "
            f"{len(done.added)} added, {len(done.changed)} changed, {len(done.kept)} kept, {len(done.removed)} removed"
        )
    if done.refused:
        print(f"{len(done.refused)} files were not embedded", file=sys.stderr)
        raise typer.Exit(1)


def _opened(output: Path, model: "MotionBeat", tracker: Tracker | None, folder: Path, add: bool) -> "Index":
    from motionbeat.index import Index

    if not output.exists():
        return Index(model, tracker.value if tracker else None)
    library = Index.open(output, model)
    if tracker is not None and tracker.value != library.tracker:
        raise MotionBeatError(
            f"{output} has beats by {library.tracker}, --tracker says {tracker.value}: leave --tracker out, or make "
            "another library with -o"
        )
    others = sorted({piece.folder for piece in library.pieces} - {str(folder.resolve())})
    if others and not add:
        raise MotionBeatError(
            f"{output} belongs to another folder, {others[0]}: add {folder} to it with --add, or write another library "
            "with -o"
        )
    return library


def _shown(names: list[str]) -> Iterator[str]:
    from motionbeat.progress import counted

    return counted(names, len(names), "embedding")
