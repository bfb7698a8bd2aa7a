"""Packages2Songs: a folder of music that anyone may use, from packages of the Debian distribution.

Games come with hours of music under free licences. The files are not changed; each is listed with its package, version,
licence (from the package's copyright file) and digest. Nothing is installed.
"""

import csv
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import attrs

from motionbeat.audio import decode, mel
from motionbeat.audio.song_files import song_paths
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file
from motionbeat.lab.corpora.same_music import SAME, Fingerprint, agreement, fingerprint, fingerprint_of
from motionbeat.progress import counted

PACKAGES = (
    "asc-music",
    "btanks-data",
    "drascula-music",
    "extremetuxracer-data",
    "fillets-ng-data",
    "fretsonfire-songs-muldjord",
    "fretsonfire-songs-sectoid",
    "hedgewars-data",
    "hyperrogue-music",
    "lincity-ng-data",
    "nexuiz-music",
    "planetblupi-music-ogg",
    "pushover-data",
    "singularity-music",
    "supertux-data",
    "ufoai-music",
    "warzone2100-music",
    "wesnoth-1.16-music",
    "xblast-tnt-musics",
    "xmoto-data",
)
"""Names of packages with music."""
SHORTEST_S = 30.0
"""Shorter files are sound effects and jingles."""
_STEMS = {"guitar.ogg", "rhythm.ogg", "drums.ogg"}  # single instruments next to song.ogg
_QUOTED = 160  # characters of a licence text
_NAMED = re.compile(
    r"GPL|General Public|Creative Commons|\bCC[- ]BY|\bMIT\b|\bBSD\b|public domain|Artistic", re.IGNORECASE
)
_MENTIONED = re.compile(r"licen[cs]e", re.IGNORECASE)


@attrs.frozen
class Found:
    """A line of songs.csv, or of excluded.csv, where `excluded` has the reason."""

    file: str  # below the folder
    package: str
    version: str
    licence: str  # from the package's copyright file, shortened
    seconds: float
    sha256: str
    excluded: str = ""


def collect(folder: Path, packages: Sequence[str] = PACKAGES, exclude: Sequence[Path] = ()) -> tuple[list[Found], ...]:
    """Copy the music of `packages` to `folder`; returns the files that were kept, and those that were left out.

    exclude: folders of audio, such as test data; files that sound the same are left out. Of two files with the same
    sound one is kept. Packages whose songs are in `folder` already are not fetched again. Writes songs.csv and
    excluded.csv. Raises `MotionBeatError` if apt is not installed, or has none of the packages.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise MotionBeatError(
                f"{tool} is not installed: songs can only be collected on Debian or a system based on it"
            )
    known = [(path.name, fingerprint_of(path)) for root in exclude for path in audio_files(root)]
    kept, excluded = _listed(folder / "songs.csv"), _listed(folder / "excluded.csv")
    done = {song.package for song in kept if (folder / song.file).is_file()}
    kept = [song for song in kept if song.package in done]
    excluded = [song for song in excluded if song.package in done]
    missing = []
    prints: dict[str, Fingerprint] = {}
    for package in counted(packages, len(packages), "packages"):
        if package in done:
            continue
        with tempfile.TemporaryDirectory() as working:
            unpacked = _unpacked(package, Path(working))
            if unpacked is None:
                missing.append(package)
                continue
            for song in _songs(package, *unpacked, folder, known, prints, kept):
                (excluded if song.excluded else kept).append(song)
        _write(folder / "songs.csv", kept)
        _write(folder / "excluded.csv", excluded)
    without = sorted({*packages} - {song.package for song in [*kept, *excluded]} - {*missing})
    for reason, names in (
        ("apt does not have, or could not fetch", missing),
        ("have no music in a format that is read here", without),
    ):
        if names:
            print(f"packages that {reason}: {', '.join(names)}", file=sys.stderr)
    if missing and not kept:
        raise MotionBeatError(f"apt has no package {', '.join(missing)}: run apt-get update, or name other packages")
    return kept, excluded


def audio_files(root: Path) -> list[Path]:
    """Every audio file below a folder, sorted. Raises `MotionBeatError` if it is not a folder."""
    if not root.is_dir():
        raise MotionBeatError(f"{root} is not a folder: give a folder of audio files")
    return song_paths(root)


def _unpacked(package: str, working: Path) -> tuple[Path, str] | None:
    """The package's files in a folder, and its version; None if apt has no such package."""
    if subprocess.run(["apt-get", "download", package], cwd=working, capture_output=True).returncode:
        return None
    archive = next(working.glob("*.deb"))
    version = subprocess.run(["dpkg-deb", "-f", archive, "Version"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["dpkg-deb", "-x", archive, working / "files"], check=True)
    for inner in sorted((working / "files").rglob("*.pk3")):  # a zip archive of the Quake engines
        with zipfile.ZipFile(inner) as zipped:
            zipped.extractall(inner.with_suffix(""))
    return working / "files", version.strip()


def _songs(
    package: str,
    files: Path,
    version: str,
    folder: Path,
    known: list[tuple[str, Fingerprint]],
    prints: dict[str, Fingerprint],
    kept: list[Found],
) -> Iterator[Found]:
    """Copy the music of a package; returns one line of the lists per file."""
    copyright_file = files / "usr/share/doc" / package / "copyright"
    text = copyright_file.read_text("utf-8", "replace") if copyright_file.is_file() else ""
    paths = [path for path in audio_files(files) if not path.is_symlink() and path.name not in _STEMS]
    names = _names(paths)
    for path in paths:
        try:
            samples = decode.load(path, mel.SAMPLE_RATE)
        except MotionBeatError:
            continue  # silence, or not audio in spite of its name
        seconds = len(samples) / mel.SAMPLE_RATE
        if seconds < SHORTEST_S:
            continue
        music, name = fingerprint(samples), f"{package}/{names[path]}"
        alike = [song.file for song in kept if abs(song.seconds - seconds) < 0.05 * seconds]
        prints |= {other: fingerprint_of(folder / other) for other in alike if other not in prints}
        others = [*known, *((other, prints[other]) for other in alike)]
        twin = next((other for other, theirs in others if agreement(music, theirs) >= SAME), "")
        reason = f"the same recording as {twin}" if twin else ""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Found(name, package, version, licence_of(text, path), round(seconds, 2), digest, reason)
        if not reason:
            prints[name] = music
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)


def _names(paths: list[Path]) -> dict[Path, str]:
    """Short file names, with as many parent folders as are needed to make them unique."""
    names = {}
    for path in paths:
        same = [other for other in paths if other.name == path.name]
        names[path] = path.name if len(same) == 1 else f"{path.parent.name}-{path.name}"
    return names


def licence_of(text: str, path: Path) -> str:
    """The licence of an installed file, quoted from a Debian copyright file and shortened.

    In the machine-readable form, the last paragraph whose pattern matches the file's name is used, then one that names
    its folder, then the paragraph for all files. Otherwise the first line that names a licence and the next line are
    quoted.
    """
    paragraphs = [_fields(part) for part in re.split(r"\n\s*\n", text)]
    best, licence = -1, ""
    for fields in paragraphs:
        for pattern in fields.get("Files", "").split():
            rank = _fit(pattern, path)
            if rank >= max(best, 0) and fields.get("License"):
                best, licence = rank, fields["License"].splitlines()[0].strip()
    if not licence:
        lines = [line.strip() for line in text.splitlines()]
        telling = [number for kind in (_NAMED, _MENTIONED) for number, line in enumerate(lines) if kind.search(line)]
        licence = " ".join(lines[telling[0] : telling[0] + 2]).strip() if telling else "not stated"
    return licence if len(licence) <= _QUOTED else licence[: _QUOTED - 3] + "..."


def _fields(paragraph: str) -> dict[str, str]:
    """Field -> value of a paragraph of a control file; continuation lines keep their line breaks."""
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line[:1].isspace() and name:
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name] = value.strip()
    return fields


def _fit(pattern: str, path: Path) -> int:
    """How exactly a pattern matches an installed file: 2 by its name, 1 by its folder, 0 all files, -1 no match."""
    *folders, name = pattern.strip("/").split("/")
    if name.strip("*") and fnmatch(path.name, name):
        return 2
    if not name.strip("*") and folders and folders[-1] in path.parts:
        return 1
    return 0 if pattern == "*" else -1


def _listed(path: Path) -> list[Found]:
    """The lines of a list; empty if there is no list yet."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        try:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
            return [Found(**{**row, "seconds": float(row["seconds"])}) for row in rows]
        except (TypeError, KeyError, ValueError):
            raise MotionBeatError(f"{path} is not a list that this command wrote: remove it and run again") from None


def _write(path: Path, found: list[Found]) -> None:
    with whole_file(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([column.name for column in attrs.fields(Found)])
        lines.writerows(attrs.astuple(song) for song in sorted(found, key=lambda song: song.file))
