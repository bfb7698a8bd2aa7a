"""`motionbeat songs`: a folder of music that anyone may use."""

from pathlib import Path
from typing import Annotated

import typer

from motionbeat.files import check_output_folder


def songs(
    folder: Annotated[Path, typer.Argument(help="Folder for the music and its lists.")],
    package: Annotated[list[str] | None, typer.Option(help="A Debian package with music; may be repeated.")] = None,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of audio to leave out, by sound and not by file name, such as test data."),
    ] = None,
) -> None:
    """Collect music under free licences from packages of the Debian distribution.

    Files are not changed. songs.csv lists each with its package, version, licence and digest; excluded.csv lists files
    that sound like a file of --exclude or like another song. Run apt-get update first. Nothing is installed.

    Example: motionbeat songs data/songs --exclude data/tests, then dvc exp run -S corpus.name=choreographed.
    """
    from motionbeat.lab.corpora.acquisition import debian_music

    check_output_folder(folder, *(exclude or []))
    kept, excluded = debian_music.collect(folder, package or debian_music.PACKAGES, exclude or [])
    for name in sorted({song.package for song in kept}):
        lengths = [song.seconds for song in kept if song.package == name]
        print(f"{name}: {len(lengths)} songs, {sum(lengths) / 60:.1f} minutes")
    print(f"{len(kept)} songs, {sum(song.seconds for song in kept) / 3600:.2f} hours, {len(excluded)} excluded")
