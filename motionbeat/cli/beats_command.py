"""`motionbeat beats`: the beats of a song, in the formats of the field."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.cli.command_options import JsonOption, Tracker, print_json
from motionbeat.errors import MotionBeatError, in_one_line

if TYPE_CHECKING:
    from motionbeat.beats.grid import Beats


class Format(StrEnum):
    """How beats are written."""

    table = "table"
    mir_eval = "mir_eval"
    sonic_visualiser = "sonic-visualiser"
    sonic_visualiser_bars = "sonic-visualiser-bars"


def beats(
    song: Annotated[Path, typer.Argument(help="An audio file: wav, flac, ogg, opus, mp3, au; m4a and mp4 with PyAV.")],
    tracker: Annotated[
        Tracker | None,
        typer.Option(
            help="madmom finds beats and downbeats; librosa finds beats, and bars of 4 are counted from the first.",
            show_default="madmom if it is installed",
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="table: seconds, tab, place in the bar from 1 (as GTZAN's lists). mir_eval: seconds, as load_events "
            "reads them. sonic-visualiser: a layer of time instants labelled bar.beat; -bars: downbeats alone.",
        ),
    ] = Format.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="printed")
    ] = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Continue the beats to both ends of the song, as embed does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find the beats of a song: times in seconds and places in the bar, 1 = downbeat.

    Example: motionbeat beats song.mp3 --format sonic-visualiser -o song.txt; in Sonic Visualiser: File, Import
    Annotation Layer, separator tab, first column time.
    """
    from motionbeat.audio import decode
    from motionbeat.beats import default_tracker, track
    from motionbeat.files import check_output, whole_file

    if as_json and form is not Format.table:
        raise MotionBeatError("--json and --format name two forms: leave one out")
    if as_json and output is not None:
        raise MotionBeatError("--json is printed: send it to a file by > instead of --output")
    if output is not None:
        check_output(output, song)
    name = tracker.value if tracker else default_tracker()
    found = track(song, tracker=name)
    if extend:
        found = found.extended(len(decode.load(song, 22_050)) / 22_050)
    if tracker and not found.downbeats:  # without a choice, `default_tracker` has said so
        print("librosa finds no downbeats: bars of 4 are counted from the first beat", file=sys.stderr)
    if as_json:
        print_json(_record(song, name, found))
        return
    text = as_text(found, form)
    if output is None:
        print(text, end="")
        return
    try:
        with whole_file(output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MotionBeatError(f"{output} cannot be written ({error.strerror}): name another with --output") from None
    print(
        in_one_line(f"{song}: {len(found.times)} beats, {found.bpm:.1f} BPM, bars of {found.beats_per_bar} -> {output}")
    )


def as_text(found: "Beats", form: Format) -> str:
    """Beats as lines of one of the formats; times to 1 ms. Bars are counted from 1 at the first downbeat, 0 before."""
    bars = (found.positions == 1).cumsum()
    rows = list(zip(found.times, found.positions, bars, strict=True))
    if form is Format.mir_eval:
        lines = [f"{time:.3f}" for time, _, _ in rows]
    elif form is Format.table:
        lines = [f"{time:.3f}\t{position}" for time, position, _ in rows]
    elif form is Format.sonic_visualiser:
        lines = [f"{time:.3f}\t{bar}.{position}" for time, position, bar in rows]
    else:
        lines = [f"{time:.3f}\t{bar}" for time, position, bar in rows if position == 1]
    return "".join(f"{line}\n" for line in lines)


def _record(song: Path, tracker: str, found: "Beats") -> dict[str, object]:
    return {
        "song": str(song),
        "tracker": tracker,
        "bpm": round(found.bpm, 3),
        "beats_per_bar": found.beats_per_bar,
        "downbeats_tracked": found.downbeats,
        "times": [round(float(time), 3) for time in found.times],
        "positions": found.positions.tolist(),
    }
