"""The output file of each song, its content, and whether it is up to date."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.npyio import NpzFile

from motionbeat import __version__
from motionbeat.audio.song_files import songs_in
from motionbeat.errors import MotionBeatError
from motionbeat.files import check_output, check_output_folder, digest_of, guarded, whole_file

if TYPE_CHECKING:
    from motionbeat.inference import Embedding


def outputs(songs: list[Path], output: Path | None) -> dict[Path, Path]:
    """{song: npz file} of songs and of folders of songs; nothing is written.

    output: an .npz file for one song, or a folder, in which songs of a folder keep their places; None: beside each
    song. Raises `MotionBeatError` where two songs would share a file, for several songs in one .npz file, and for an
    output that cannot be written.
    """
    named = [(song, folder) for folder in dict.fromkeys(songs) for song in _songs_of(folder)]
    if output is not None and output.suffix.lower() == ".npz" and not output.is_dir():
        if len({song for song, _ in named}) > 1:
            raise MotionBeatError(
                f"--output {output} is one file, but there are {len(named)} songs: name a folder, which gets an .npz "
                "of each"
            )
        check_output(output, named[0][0])
        return {named[0][0]: output}
    song_of: dict[Path, Path] = {}
    for song, folder in named:
        inside = song.relative_to(folder) if song != folder else Path(song.name)
        path = song.with_suffix(".npz") if output is None else output / inside.with_suffix(".npz")
        if song_of.setdefault(path, song) != song:
            raise MotionBeatError(
                f"{song_of[path]} and {song} would both be written to {path}: embed them into different folders with "
                "--output"
            )
    for folder in {path.parent for path in song_of} if output is None else {output}:
        check_output_folder(folder)
    return {song: path for path, song in song_of.items()}


def _songs_of(path: Path) -> list[Path]:
    return songs_in(path) if path.is_dir() else [path]


def made_by(model: Path, mode: str, tracker: str | None) -> dict[str, str | None]:
    """What an embedding follows from besides its song: the model's bytes, mode, tracker and release."""
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        digest.update((model / name).read_bytes())
    return {"model": digest.hexdigest(), "mode": mode, "tracker": tracker, "motionbeat": __version__}


def made_from(song: Path, made: dict[str, str | None]) -> str:
    """Everything that determines an embedding, as JSON: `made_by` and the song's bytes (not its modification time).

    Raises `MotionBeatError` for a song that cannot be read.
    """
    return json.dumps({**made, "song": digest_of(song, "check the path, and that it may be read")}, sort_keys=True)


def write(path: Path, result: "Embedding", made: str) -> None:
    """Write the arrays and `made_from`; raises `MotionBeatError` where that cannot be done."""
    try:
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, clip=result.clip, tokens=result.tokens, times=result.times, made_by=np.array(made))
    except OSError as error:
        raise MotionBeatError(
            f"{path} cannot be written ({error.strerror}): name another folder with --output"
        ) from None


def embedded_before(path: Path) -> dict[str, Any] | None:
    """The arrays that `write` wrote to `path`, None where there is no file.

    Raises `MotionBeatError` for any other file, such as a dance of the song's name: it is not to be replaced.
    """
    if not path.exists():
        return None
    fix = "give -o FOLDER or move it"
    with guarded(path, "is not an .npz that embed wrote", fix), path.open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        if isinstance(arrays, NpzFile) and "made_by" in arrays:
            return dict(arrays)
    raise MotionBeatError(f"{path} is not an .npz that embed wrote: {fix}")
