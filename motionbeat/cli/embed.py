"""`motionbeat embed`: songs to arrays."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, ModelOption, Tracker, open_model
from motionbeat.errors import MotionBeatError, in_one_line, printable


class Mode(StrEnum):
    """What a token stands for (see `MotionBeat.embed_audio`)."""

    beats = "beats"
    grid = "grid"


def embed(
    songs: Annotated[
        list[Path],
        typer.Argument(
            help="Audio files (wav, flac, ogg, opus, mp3, au; m4a and mp4 with PyAV), and folders of them.",
            show_default=False,
        ),
    ],
    model: ModelOption = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the .npz files, or for one song the .npz file; without it each lies beside its song.",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(help="beats: track the beats, one token each. grid: one token each 20 ms, no beats needed."),
    ] = Mode.beats,
    tracker: Annotated[
        Tracker | None,
        typer.Option(
            help="What finds the beats; without it madmom if it is installed, else librosa.", show_default=False
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Such as cpu, cuda or cuda:1; without it the GPU if there is one.", show_default=False),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows that the model takes at once.")] = 256,
    again: Annotated[bool, typer.Option("--again", help="Embed songs anew that are embedded already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a song, each on its line.")] = False,
) -> None:
    """Embed songs: each gives SONG.npz with three arrays.

    clip (d,): the whole song, of length 1; the dot product of two songs is their cosine similarity.
    tokens (K, D): one row a beat, or one each 20 ms. times (K + 1,): seconds, where each row begins, and the end.
    made_by: digests of the song and of the model, and the settings, as JSON.

    Example: motionbeat embed song.mp3, then in Python numpy.load("song.npz")["clip"].
    Example: motionbeat embed music/ -o embeddings/, and the same again after it was stopped: songs whose .npz is
    of the same bytes, model and settings are skipped.

    A SONG.npz that embed did not write, such as a dance of that name, is kept, and the song is not embedded.
    A song that cannot be embedded is named with the reason, the others are embedded, and the exit status is 1.
    """
    from motionbeat.beats import default_tracker
    from motionbeat.cli.embed_files import embedded_before, made_by, made_from, outputs, write
    from motionbeat.progress import counted

    if tracker and mode is Mode.grid:
        raise MotionBeatError(
            f"--tracker {tracker.value} with --mode grid, which needs no beats: leave one of them out"
        )
    files = outputs(songs, output)
    encoder = open_model(model, device)
    chosen = None if mode is Mode.grid else tracker.value if tracker else default_tracker()
    settings = made_by(model, mode.value, chosen)
    made: dict[Path, str] = {}
    todo, refused = [], 0
    for song, path in files.items():
        try:
            before, made[song] = embedded_before(path), made_from(song, settings)
        except MotionBeatError as error:
            refused += _refuse(song, error, as_json)
            continue
        if again or before is None or str(before["made_by"]) != made[song]:
            todo.append(song)
        else:
            _show(song, path, before["tokens"], before["times"], mode, "skipped", as_json)
    results = encoder.embed_each(todo, mode=mode.value, tracker=chosen, batch_size=batch_size)
    for song, result in zip(todo, counted(results, len(todo), "songs"), strict=True):
        if isinstance(result, MotionBeatError):
            refused += _refuse(song, result, as_json)
            continue
        write(files[song], result, made[song])
        _show(song, files[song], result.tokens, result.times, mode, "embedded", as_json)
    if refused:
        print(f"{refused} of {len(files)} songs were not embedded", file=sys.stderr)
        raise typer.Exit(1)


def _refuse(song: Path, error: MotionBeatError, as_json: bool) -> int:
    """Say why a song is not embedded; it counts as 1."""
    if as_json:
        print(json.dumps({"song": str(song), "status": "refused", "error": str(error)}), flush=True)
    print(f"error: {printable(str(error))}", file=sys.stderr)
    return 1


def _show(song: Path, path: Path, tokens: Any, times: Any, mode: Mode, status: str, as_json: bool) -> None:
    import numpy as np

    seconds = float(times[-1] - times[0])
    bpm = float(60 / np.median(np.diff(times))) if mode is Mode.beats else None
    if as_json:
        found = {"song": str(song), "status": status, "output": str(path), "tokens": len(tokens), "seconds": seconds}
        print(json.dumps(found | ({} if bpm is None else {"bpm": bpm})), flush=True)
        return
    what = "beats" if mode is Mode.beats else "frames"
    rate = "" if bpm is None else f", {bpm:.1f} BPM"
    done = " (embedded before; --again makes it anew)" if status == "skipped" else ""
    names = f"{song}: {len(tokens)} {what} over {seconds:.1f} s{rate} -> {path}{done}"
    print(in_one_line(names), flush=True)
