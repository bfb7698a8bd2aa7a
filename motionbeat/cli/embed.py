"""`motionbeat embed`: songs to arrays."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from motionbeat.errors import MotionBeatError


class Mode(StrEnum):
    """What a token stands for (see `MotionBeat.embed_audio`)."""

    beats = "beats"
    grid = "grid"


def embed(
    songs: Annotated[list[Path], typer.Argument(help="Audio files: wav, flac, ogg, mp3 or au.", show_default=False)],
    model: Annotated[
        Path, typer.Option(help="Folder with config.json and model.safetensors, as the train stage writes it.")
    ] = Path("models/motionbeat"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the .npz files; without it each lies beside its song."),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(help="beats: track the beats, one token each. grid: one token each 20 ms, no beats needed."),
    ] = Mode.beats,
) -> None:
    """Embed songs: each gives SONG.npz with three arrays.

    clip (d,): the whole song, of length 1; the dot product of two songs is their cosine similarity.
    tokens (K, D): one row a beat, or one each 20 ms. times (K + 1,): seconds, where each row begins, and the end.

    Example: motionbeat embed song.mp3, then in Python numpy.load("song.npz")["clip"].

    A song that cannot be embedded is named with the reason, the others are embedded, and the exit status is 1.
    """
    import numpy as np

    from motionbeat.files import whole_file
    from motionbeat.inference import load

    results = _results(songs, output)
    if not (model / "config.json").is_file():
        raise MotionBeatError(
            f"{model / 'config.json'} is missing: name the folder of a trained model by --model, or train one by "
            "`dvc repro train`"
        )
    encoder = load(model)
    refused = 0
    for song, path in results.items():
        try:
            result = encoder.embed_audio(song, mode=mode.value)
        except MotionBeatError as error:
            refused += 1
            print(f"error: {error}", file=sys.stderr)
            continue
        try:
            with whole_file(path) as unfinished, unfinished.open("wb") as file:
                np.savez(file, clip=result.clip, tokens=result.tokens, times=result.times)
        except OSError as error:
            raise MotionBeatError(
                f"{path} cannot be written ({error.strerror}): name another folder by --output"
            ) from None
        seconds = result.times[-1] - result.times[0]
        what = "beats" if mode is Mode.beats else "frames"
        rate = f", {60 * len(result.tokens) / seconds:.1f} BPM" if mode is Mode.beats else ""
        print(f"{song}: {len(result.tokens)} {what} over {seconds:.1f} s{rate} -> {path}", flush=True)
    if refused:
        print(f"{refused} of {len(results)} songs were not embedded", file=sys.stderr)
        raise typer.Exit(1)


def _results(songs: list[Path], output: Path | None) -> dict[Path, Path]:
    """The file that each song's embedding goes to; no two songs may share one."""
    song_of: dict[Path, Path] = {}
    for song in dict.fromkeys(songs):
        path = (output or song.parent) / f"{song.stem}.npz"
        if path in song_of:
            raise MotionBeatError(
                f"{song_of[path]} and {song} would both be written to {path}: embed them into different folders by "
                "--output"
            )
        song_of[path] = song
    return {song: path for path, song in song_of.items()}
