"""`motionbeat render`: a dance as a video with its music."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.errors import MotionBeatError
from motionbeat.files import check_output

if TYPE_CHECKING:
    from motionbeat.lab.corpora.formats import Hints
    from motionbeat.lab.render.drawn_clip import DrawnDance

_CORPUS = "data/corpus"


class Tracker(StrEnum):
    """Beat tracker for a song that is in no corpus."""

    madmom = "madmom"
    librosa = "librosa"
    none = "none"


def render(
    clip: Annotated[str, typer.Argument(help="Name of a clip in the corpus, as --list prints it.")] = "",
    list_clips: Annotated[
        bool, typer.Option("--list", help="Print clip, song, genre, split and seconds of every clip, and exit.")
    ] = False,
    corpus: Annotated[Path, typer.Option(help="Folder of a corpus, as the corpus stage writes it.")] = Path(_CORPUS),
    beats: Annotated[
        Path | None,
        typer.Option(
            help="Folder of beats.parquet, or the file. Without it: the folder beats next to the corpus; with --motion "
            "the beats are tracked.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The video.", show_default="CLIP.mp4 in this folder")
    ] = None,
    fps: Annotated[int, typer.Option(help="Frames per second of the video.")] = 30,
    size: Annotated[int, typer.Option(help="Width and height of the video, pixels, even.")] = 720,
    start: Annotated[float, typer.Option(help="Seconds of the dance to skip.")] = 0.0,
    seconds: Annotated[float | None, typer.Option(help="Seconds to show.", show_default="to the end")] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Also write a .png with 12 evenly spaced frames.")] = False,
    motion: Annotated[
        Path | None,
        typer.Option(help="A dance that is in no corpus: .npz, .pkl, .bvh or .npy, as docs/own_data.md lists them."),
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="With --motion: its music, which begins with the first frame; silent without.")
    ] = None,
    motion_fps: Annotated[
        float | None,
        typer.Option(help="With --motion: its frames per second, if the file does not state them.", show_default=False),
    ] = None,
    up: Annotated[
        str | None, typer.Option(help="With --motion: its axis that points up, y or z.", show_default="y")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="With --motion: m, cm, mm or inch, if it is not recognised.", show_default=False),
    ] = None,
    person: Annotated[
        int | None, typer.Option(help="With --motion of several dancers: which one, from 0.", show_default=False)
    ] = None,
    tracker: Annotated[
        Tracker, typer.Option(help="With --motion and without --beats: the beat tracker; none: no beats.")
    ] = Tracker.madmom,
) -> None:
    """Show a dance: an mp4 of the stick figure with its music, beats flashing and foot contacts marked.

    Left limbs are orange, right limbs blue; a disc below a foot marks contact with the floor. The strip at the bottom
    moves past the playhead: beats with their position in the bar, onsets of the music, contacts of both feet.

    Examples: motionbeat render --list, then motionbeat render CLIP --seconds 10 --sheet; or, for a dance that is
    in no corpus, motionbeat render --motion dance.bvh --audio song.wav.
    """
    if list_clips:
        _list(corpus)
        return
    from motionbeat.lab.render import video

    path = output or Path(f"{motion.stem if motion else clip or 'CLIP'}.mp4")
    pictures = path.with_suffix(".png") if sheet and path.name else None
    for file in filter(None, (path, pictures)):
        check_output(file, motion, audio)
    video.check_wanted(path, pictures, fps, size)
    dance = _dance(clip, corpus, beats, motion, audio, _hints(motion_fps, up, unit, person), tracker)
    if dance.note:
        print(dance.note, file=sys.stderr)
    count = video.render(
        path,
        dance,
        picture_fps=fps,
        size=size,
        start_s=start,
        seconds=seconds,
        sheet=pictures,
    )
    print(f"{dance.title}: {count} pictures, {count / fps:.1f} s -> {path}")
    if pictures:
        print(f"{dance.title}: contact sheet -> {pictures}")


def _hints(fps: float | None, up: str | None, unit: str | None, person: int | None) -> "Hints":
    from motionbeat.lab.corpora.formats import UNITS, Hints

    if fps is not None and not 1 <= fps < float("inf"):
        raise MotionBeatError(f"--motion-fps {fps:g}; expected at least 1 frame per second")
    if up not in (None, "y", "z"):
        raise MotionBeatError(f"--up {up!r}; expected y or z")
    if unit is not None and unit not in UNITS:
        raise MotionBeatError(f"--unit {unit!r}; expected one of {', '.join(UNITS)}")
    if person is not None and person < 0:
        raise MotionBeatError(f"--person {person}; expected a number from 0")
    return Hints(fps, up, unit, person)


def _dance(
    clip: str,
    corpus: Path,
    beats: Path | None,
    motion: Path | None,
    audio: Path | None,
    hints: "Hints",
    tracker: Tracker,
) -> "DrawnDance":
    from motionbeat.lab.corpora.formats import Hints
    from motionbeat.lab.render.drawn_clip import read_clip
    from motionbeat.lab.render.own_dance import read_files

    if motion is None:
        if audio is not None or hints != Hints():
            raise MotionBeatError(
                "--audio, --motion-fps, --up, --unit and --person only work with --motion: add --motion FILE"
            )
        if not clip:
            raise MotionBeatError("no dance is named: give a CLIP (see motionbeat render --list), or --motion")
        return read_clip(corpus, clip, beats)
    if clip:
        raise MotionBeatError(f"both clip {clip} and --motion {motion} are named: name one of them")
    return read_files(motion, audio, hints, beats, None if tracker is Tracker.none else tracker.value)


def _list(corpus: Path) -> None:
    from motionbeat.lab.render.drawn_clip import read_manifest

    manifest = read_manifest(corpus)
    columns = [[name, *map(str, manifest[name])] for name in ("clip", "song", "genre", "split")]
    columns.append(["seconds", *(f"{seconds:.1f}" for seconds in manifest["duration_s"])])
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
