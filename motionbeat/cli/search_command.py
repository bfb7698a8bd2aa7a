"""`motionbeat search`: songs alike in rhythm, songs that fit a dance, dances that fit a song."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, JsonOption, ModelOption, open_model, print_json
from motionbeat.errors import MotionBeatError, in_one_line

if TYPE_CHECKING:
    from motionbeat.beats.grid import Beats
    from motionbeat.search.matches import Match


class Tempo(StrEnum):
    """Whose tempo is near enough (see `Index.search`)."""

    folded = "folded"
    same = "same"
    any = "any"


def search(
    library: Annotated[Path, typer.Argument(help="A library that motionbeat index made.")],
    unnamed: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="--like SONG")] = None,
    like: Annotated[Path | None, typer.Option(help="A song: find songs alike in rhythm.", show_default=False)] = None,
    dance: Annotated[
        Path | None,
        typer.Option(help="A dance (bvh, npz, pkl, npy): find songs that fit it.", show_default=False),
    ] = None,
    to_dance: Annotated[
        Path | None, typer.Option(help="A song: find dances of the library that fit it.", show_default=False)
    ] = None,
    music: Annotated[
        Path | None,
        typer.Option(help="With --dance: the music it was danced to, from its first frame on.", show_default=False),
    ] = None,
    bpm: Annotated[
        float | None,
        typer.Option(
            help="The query's tempo, beats from its beginning on, instead of tracked ones.", show_default=False
        ),
    ] = None,
    start: Annotated[
        float, typer.Option(help="Use of the query what begins so many seconds into it or later.", min=0)
    ] = 0.0,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many results.")] = 10,
    tempo: Annotated[
        Tempo,
        typer.Option(help="same: tempo within --tolerance of the query's. folded: or of its double or half. any: all."),
    ] = Tempo.folded,
    tolerance: Annotated[float, typer.Option(help="Largest difference of tempo; 0.08 is 8 %.")] = 0.08,
    stretch: Annotated[int, typer.Option(min=1, help="Beats in a row that must fit.")] = 32,
    places: Annotated[int, typer.Option(min=1, help="Places shown of each result.")] = 1,
    model: ModelOption = DEFAULT_MODEL,
    as_json: JsonOption = False,
) -> None:
    """Search a library by rhythm: name the query by one of --like, --dance and --to-dance.

    Each line: score (mean cosine of the best place, at most 1), tempo, how fast to play it to keep in step with the
    query, the seconds of the query and of the result that fit, and the file. A dance needs the beats of its music:
    NAME.beats or NAME.mp3 beside it, --music or --bpm.

    Example: motionbeat search library.mbi --like song.mp3, or
    motionbeat search library.mbi --dance dance.bvh --bpm 120 --json
    """
    given = {"like": like, "dance": dance, "to_dance": to_dance}
    queries = {name: path for name, path in given.items() if path is not None}
    if unnamed or len(queries) != 1:
        raise MotionBeatError("name one query: --like SONG, --dance DANCE or --to-dance SONG")
    if music is not None and dance is None:
        raise MotionBeatError("--music only works with --dance: add --dance FILE")
    if not 0 < tolerance < 1:
        raise MotionBeatError(f"--tolerance {tolerance:g}: give a number between 0 and 1, such as 0.08 for 8 %")
    if music is not None and bpm is not None:
        raise MotionBeatError("--music and --bpm both give the beats: leave one of them out")
    ((name, path),) = queries.items()
    for given_file in filter(None, (path, music)):
        if not given_file.is_file():
            raise MotionBeatError(f"{given_file} does not exist, or is no file; check the path")
    from motionbeat.beats.nominal import checked_bpm
    from motionbeat.index import Index

    if bpm is not None:
        checked_bpm(bpm)

    index = Index.open(library, open_model(model))
    kind = "dance" if name == "to_dance" else "song"
    if not any(piece.kind == kind for piece in index.pieces):
        raise MotionBeatError(f"{library} holds no {kind}: add some by motionbeat index FOLDER -o {library} --add")
    matches = index.search(
        **queries,  # type: ignore[arg-type]
        start_s=start,
        beats=_beats(path, dance is not None, music, bpm, index.tracker),
        count=count,
        tempo=tempo.value,
        tolerance=tolerance,
        stretch_beats=stretch,
        places=places,
    )
    if as_json:
        print_json([_record(match) for match in matches])
        return
    if not matches:
        print(f"no {kind} within {100 * tolerance:g} % of the query's tempo: try --tempo any, or a wider --tolerance")
        return
    print("score    BPM  speed   query s        fits at s      file")
    for match in matches:
        for number, place in enumerate(match.places):
            spans = f"{place.query_begin_s:5.1f}-{place.query_end_s:<7.1f}  {place.begin_s:5.1f}-{place.end_s:<7.1f}"
            what = in_one_line(match.piece.name) if not number else ""
            print(f"{place.score:5.3f}  {match.piece.bpm:5.1f}  {place.speed:5.3f}  {spans}  {what}".rstrip())


def _beats(path: Path, danced: bool, music: Path | None, bpm: float | None, tracker: str) -> "Beats | None":
    from motionbeat.search import piece_files

    if music is None and bpm is None:
        return None
    if not danced:
        return piece_files.beats_of_song(path, None, tracker, bpm)
    motion = piece_files.read_dance(path)
    return piece_files.beats_of_dance(path, len(motion.joints) / motion.fps, tracker, music, bpm)


def _record(match: "Match") -> dict[str, Any]:
    piece = match.piece
    return {
        "name": piece.name,
        "path": str(piece.path),
        "kind": piece.kind,
        "score": round(match.score, 6),
        "bpm": round(piece.bpm, 3),
        "beats_per_bar": piece.beats_per_bar,
        "places": [
            {
                "score": round(place.score, 6),
                "query_s": [round(place.query_begin_s, 3), round(place.query_end_s, 3)],
                "fits_s": [round(place.begin_s, 3), round(place.end_s, 3)],
                "speed": round(place.speed, 4),
                "beats": place.beats,
            }
            for place in match.places
        ],
    }
