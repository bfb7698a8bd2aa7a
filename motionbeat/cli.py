"""The `motionbeat` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from motionbeat.errors import MotionBeatError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Music representations learned from dance.")


@app.callback()
def _root() -> None:
    """Music representations learned from dance."""


@app.command()
def embed(
    songs: Annotated[list[Path], typer.Argument(help="Audio files: wav, flac, ogg, mp3 or au.", show_default=False)],
    model: Annotated[Path, typer.Option(help="Folder with config.json and model.safetensors.")] = Path(
        "models/motionbeat"
    ),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the .npz files; without it each lies beside its song."),
    ] = None,
    mode: Annotated[str, typer.Option(help="beats: one token a beat. grid: one each 20 ms, no tracker.")] = "beats",
) -> None:
    """Embed songs: SONG.npz with clip (d,), tokens (K, D) and times (K + 1,) in seconds.

    Example: motionbeat embed song.mp3, then numpy.load("song.npz")["clip"].
    Songs that cannot be embedded are named at the end, and the exit status is 1.
    """
    import numpy as np

    from motionbeat.embedding import load
    from motionbeat.files import whole_file

    encoder = load(model)
    refused = 0
    for song in songs:
        path = (output or song.parent) / f"{song.stem}.npz"
        try:
            result = encoder.embed_audio(song, mode=mode)  # type: ignore[arg-type]
        except MotionBeatError as error:
            refused += 1
            print(f"error: {error}", file=sys.stderr)
            continue
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, clip=result.clip, tokens=result.tokens, times=result.times)
        seconds = result.times[-1] - result.times[0]
        what = "beats" if mode == "beats" else "frames"
        rate = f", {60 * len(result.tokens) / seconds:.1f} BPM" if mode == "beats" else ""
        print(f"{song}: {len(result.tokens)} {what} over {seconds:.1f} s{rate} -> {path}")
    if refused:
        print(f"{refused} of {len(songs)} songs were not embedded", file=sys.stderr)
        raise typer.Exit(1)


def main() -> None:
    """Entry point: wrong input ends in one line, not in a traceback."""
    try:
        app()
    except MotionBeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
