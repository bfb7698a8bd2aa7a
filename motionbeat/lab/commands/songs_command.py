"""`motionbeat songs`: a folder of music that anyone may use."""

from pathlib import Path
from typing import Annotated

import typer


def songs(
    folder: Annotated[Path, typer.Argument(help="Where the music and its lists go.")],
    package: Annotated[
        list[str] | None, typer.Option(help="A Debian package that holds music; several times for several.")
    ] = None,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of audio that is to stay out, whatever its files are called, such as test data."),
    ] = None,
) -> None:
    """Collect music under free licences out of packages of the Debian distribution.

    Files are copied as they are. songs.csv lists each with its package, version, licence and digest; excluded.csv what
    sounds like a file of --exclude, or like another song. Run apt-get update before it. Nothing is installed.

    Example: motionbeat songs data/songs --exclude data/tests, then dvc exp run -S corpus.name=choreographed.
    """
    from motionbeat.lab.corpora.acquisition import debian_music

    kept, excluded = debian_music.collect(folder, package or debian_music.PACKAGES, exclude or [])
    for name in sorted({song.package for song in kept}):
        lengths = [song.seconds for song in kept if song.package == name]
        print(f"{name}: {len(lengths)} songs, {sum(lengths) / 60:.1f} minutes")
    print(f"{len(kept)} songs, {sum(song.seconds for song in kept) / 3600:.2f} hours, {len(excluded)} excluded")
