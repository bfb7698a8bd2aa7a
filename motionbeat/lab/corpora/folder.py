"""Your own data: a folder with clips.csv, which names for each clip its song, motion, audio and split.

docs/own_data.md describes the table and the motion formats. This command checks a whole folder, every motion and song,
without the pipeline:

    python -m motionbeat.lab.corpora.folder FOLDER
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal
from unicodedata import normalize

from motionbeat.audio.song_files import SOUND_SUFFIXES
from motionbeat.errors import MotionBeatError, refuse, run
from motionbeat.files import size_of
from motionbeat.lab import params
from motionbeat.lab.corpora import formats, plausibility
from motionbeat.lab.corpora.formats import clips_csv
from motionbeat.lab.corpora.formats.clips_csv import Line
from motionbeat.lab.corpora.manifest import Clip, Corpus, CorpusReader, Motion, Song
from motionbeat.lab.tables import SPLITS

TABLE = "clips.csv"
_LONGEST_NAME = 300
_FORMS: tuple[Literal["NFC", "NFD"] | None, ...] = (None, "NFC", "NFD")
_BEYOND_S = 1.0
"""Seconds that a clip may end after its song; recordings of motion are often a little longer."""


def read(root: Path, checks: params.MotionChecks | None = None) -> Corpus:
    """The corpus that `root`/clips.csv lists.

    Motions and songs are found relative to `root`. A song has one audio file, tempo and split: the same music in two
    splits would be memorised in one and recognised in the other. Raises `MotionBeatError` with all errors, line by
    line.
    """
    return _corpus(root, _lines(root), checks)


def _lines(root: Path) -> list[Line]:
    """The lines of the table, after all checks."""
    if not root.is_dir():
        raise MotionBeatError(f"{root} is not a folder: set corpus.root in params.yaml to the folder of {TABLE}")
    table = root / TABLE
    lines, errors = clips_csv.read(table)
    errors += [f"{table} line {line.number}: {wrong}" for line in lines for wrong in _files(root, line)]
    errors += [f"{table} lines {wrong}" for wrong in _disagreements(root, lines)]
    if not errors:
        errors += [f"{table}: {wrong}" for wrong in _missing_splits(lines)]
    refuse(sorted(errors, key=_line_number))
    return lines


def _corpus(root: Path, lines: list[Line], checks: params.MotionChecks | None = None) -> Corpus:
    songs = [
        Song(name, _path(root, group[0].audio), group[0].bpm, group[0].beats_per_bar)
        for name, group in clips_csv.grouped(lines, "song")
    ]
    clips = [
        Clip(line.clip, line.song, line.genre, line.split, line.offset_s, partial(_read_motion, root, line, checks))
        for line in lines
    ]
    return Corpus(songs, clips)


def check(root: Path) -> str:
    """Read the table, every motion and every song of `root`; returns a text with a summary and doubts.

    Raises `MotionBeatError` with all errors.
    """
    from motionbeat.audio import decode
    from motionbeat.lab.corpora.formats import checks
    from motionbeat.lab.corpora.manifest import SAMPLE_RATE
    from motionbeat.progress import counted

    lines = _lines(root)
    corpus = _corpus(root, lines)
    table = root / TABLE
    line_of = {name: group[0].number for name, group in clips_csv.grouped(lines, "song")}
    errors: list[str] = []
    notes: list[str] = []
    seconds: dict[str, float] = {}
    danced = 0.0
    for song in counted(corpus.songs, len(corpus.songs), "songs"):
        try:
            seconds[song.name] = len(decode.load(song.audio, SAMPLE_RATE)) / SAMPLE_RATE
        except MotionBeatError as error:
            errors.append(f"{table} line {line_of[song.name]}, song {song.name}: {error}")
    for line, clip in counted(zip(lines, corpus.clips, strict=True), len(lines), "motions"):
        try:
            motion = clip.read()
        except MotionBeatError as error:
            errors.append(str(error))
            continue
        duration, length = len(motion.joints) / motion.fps, seconds.get(clip.song, float("inf"))
        beyond = clip.offset_s + duration - length
        danced += duration
        where = f"{table} line {line.number}, clip {clip.name}"
        if clip.offset_s >= length:
            errors.append(
                f"{where}: offset {clip.offset_s:g} is after the end of song {clip.song}, which lasts {length:.1f} s: "
                "give the "
                "seconds into the audio at which the clip begins"
            )
        elif beyond > _BEYOND_S:
            doubt = f"are its frame rate ({motion.fps:g}) and offset right?"
            notes.append(f"note: {where}: ends {beyond:.1f} s after its song; {doubt}")
        odd = [*checks.doubts(motion, line.hints), *plausibility.doubts(motion, params.MotionChecks())]
        notes += [f"note: {where}: {doubt}" for doubt in odd]
    refuse(sorted(errors, key=_line_number))
    lone = [split for split in ("val", "test") if len({clip.song for clip in corpus.clips if clip.split == split}) == 1]
    if lone:
        notes.append(f"note: one song in {' and in '.join(lone)}: retrieval needs several songs; add some")
    counts = ", ".join(f"{sum(clip.split == split for clip in corpus.clips)} {split}" for split in SPLITS)
    found = f"{len(corpus.songs)} songs, {len(corpus.clips)} clips ({counts}), {danced / 60:.1f} minutes of motion"
    return "\n".join([f"{root}: {found}, nothing wrong", *notes])


def _read_motion(root: Path, line: Line, limits: params.MotionChecks | None) -> Motion:
    try:
        return formats.read_motion(_path(root, line.motion), line.hints, limits)
    except MotionBeatError as error:
        raise MotionBeatError(f"{root / TABLE} line {line.number}, clip {line.clip}: {error}") from None


def _path(root: Path, cell: str) -> Path:
    """The file in a cell, relative to the table's folder.

    Backslashes separate folders too, as on Windows; accents may be decomposed, as in file names of macOS, both in the
    cell and on the disk.
    """
    for form in _FORMS:
        for slashes in (cell, cell.replace("\\", "/")):
            path = root / (normalize(form, slashes) if form else slashes)
            if size_of(path) is not None:
                return path
    return root / cell.replace("\\", "/")


def _files(root: Path, line: Line) -> Iterator[str]:
    for column, cell, kinds in (("motion", line.motion, formats.KINDS), ("audio", line.audio, SOUND_SUFFIXES)):
        path = _path(root, cell)
        if path.suffix.lower() not in kinds:
            yield f"{column} {cell} is not of a known kind: convert it to {', '.join(kinds[:-1])} or {kinds[-1]}"
        elif size_of(path) is None:
            yield f"{column} {_shortened(path)} does not exist: put it there or correct the cell"
        elif size_of(path) == 0:
            yield f"{column} {path} is an empty file: copy it again"


def _resolved(root: Path, cell: str) -> Path:
    path = _path(root, cell)
    return path.resolve() if size_of(path) is not None else path


def _shortened(path: Path) -> str:
    text = str(path)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}... ({len(text)} letters)"


def _disagreements(root: Path, lines: list[Line]) -> Iterator[str]:
    """Contradictions between lines, each beginning with the numbers of the lines."""
    for _, group in clips_csv.grouped([*lines], "clip"):
        if len(group) > 1:
            yield f"{_numbers(group)}: the clip {group[0].clip} occurs twice: give each clip its own name"
    for key in ("clip", "song"):
        for first, second in _differing_by_case(sorted({getattr(line, key) for line in lines})):
            where = _numbers([line for line in lines if getattr(line, key) in (first, second)])
            yield f"{where}: {key}s {first} and {second} would be one file on Windows and macOS: rename one"
    facts: tuple[tuple[str, Callable[[Line], object], str], ...] = (
        ("audio files", lambda line: _resolved(root, line.audio), "give one recording a song"),
        ("tempi or meters", lambda line: (line.bpm, line.beats_per_bar), "give it the same in every line"),
        (
            "splits",
            lambda line: line.split,
            "a test song must not be in training: keep each song in one split",
        ),
    )
    for song, group in clips_csv.grouped(lines, "song"):
        for what, fact, fix in facts:
            if len({fact(line) for line in group}) > 1:
                yield f"{_numbers(group)}: song {song} has several {what}: {fix}"
    yield from _shared(root, lines, "audio", lambda line: line.song, "two songs: give it one name")
    yield from _shared(root, lines, "motion", lambda line: line.split, "two splits: keep a dance in one")


def _shared(root: Path, lines: list[Line], column: str, of: Callable[[Line], str], what: str) -> Iterator[str]:
    """Files that several lines name although the lines differ in `of`."""
    users: dict[Path, list[Line]] = {}
    for line in lines:
        users.setdefault(_resolved(root, getattr(line, column)), []).append(line)
    for group in users.values():
        if len({of(line) for line in group}) > 1:
            yield f"{_numbers(group)}: {column} {getattr(group[0], column)} is used for {what}"


def _missing_splits(lines: list[Line]) -> Iterator[str]:
    missing = [split for split in SPLITS if split not in {line.split for line in lines}]
    if missing:
        yield (
            f"no clip is in {' or '.join(missing)}: the pipeline learns from train, chooses the model by val and "
            "reports test; move some songs there (to embed music or dances with a trained model, no corpus is needed: "
            "motionbeat embed)"
        )


def _differing_by_case(names: list[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield other, name


def _numbers(lines: list[Line]) -> str:
    shown = ", ".join(str(line.number) for line in lines[:6])
    return f"{shown} and {len(lines) - 6} more" if len(lines) > 6 else shown


def _line_number(error: str) -> int:
    """The first line that an error names, to sort errors; errors of the whole table come first."""
    words = error.partition(f"{TABLE} line")[2].removeprefix("s").split(maxsplit=1)
    return int(words[0].strip(":,")) if words and words[0].strip(":,").isdigit() else 0


def _read_named(settings: params.Corpus, _: params.Beats, __: Path) -> Corpus:
    return read(Path(settings.root), settings.checks)


READER: CorpusReader = _read_named


def main() -> None:
    """Check the folder named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise MotionBeatError("name one folder: python -m motionbeat.lab.corpora.folder FOLDER")
    print(check(Path(sys.argv[1])))


if __name__ == "__main__":
    run(main)
