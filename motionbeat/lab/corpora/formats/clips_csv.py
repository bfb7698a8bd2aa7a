"""Csv2Lines: clips.csv, one clip per line, checked cell by cell; errors are collected with their line numbers."""

import csv
import difflib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

from attrs import frozen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats.hints import UNITS, Hints
from motionbeat.lab.tables import SPLITS

REQUIRED = ("clip", "song", "motion", "audio", "split")
OPTIONAL = ("offset", "genre", "bpm", "beats_per_bar", "fps", "up", "unit", "person")
UNKNOWN_GENRE = "unknown"
_SAFE_NAME = re.compile(r"\w[\w.-]*")
_SEPARATOR_LINE = re.compile(r"\"?sep=[,;\t]\"?\s*", re.IGNORECASE)
"""A first line that Excel may write to name the separator; the next line shows the separator as well."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@frozen
class Line:
    """A clip as in a line of the table; paths are not resolved."""

    number: int
    clip: str
    song: str
    motion: str
    audio: str
    split: str
    offset_s: float
    genre: str
    bpm: float | None
    beats_per_bar: int | None
    hints: Hints


def read(path: Path) -> tuple[list[Line], list[str]]:
    """The valid lines of a table, and messages about the others.

    UTF-8 (with or without a byte order mark) with commas, semicolons or tabs between cells; a cell that contains one is
    quoted. Blank lines and lines that begin with # are skipped. With semicolons or tabs, numbers may have decimal
    commas. Raises `MotionBeatError` if the file or its first line cannot be used at all.
    """
    text = _text(path)
    rows = [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if _says_something(line)]
    if rows and _SEPARATOR_LINE.fullmatch(rows[0][1]):
        del rows[0]
    if not rows:
        raise MotionBeatError(f"{path} is empty: write the columns {','.join(REQUIRED)} and a line for each clip")
    number, header = rows[0]
    separator = max(",;\t", key=header.count)
    columns = _columns(path, number, _cells(path, number, header, separator))
    lines: list[Line] = []
    errors: list[str] = []
    for number, row in rows[1:]:
        try:
            lines.append(_line(path, number, columns, _cells(path, number, row, separator), separator != ","))
        except MotionBeatError as error:
            errors += str(error).split("\n")
    if not lines and not errors:
        raise MotionBeatError(f"{path} has columns but no clips: write a line for each clip")
    return lines, errors


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise MotionBeatError(
            f"{path} is missing: write it, or set corpus.root in params.yaml to the folder that holds it "
            "(docs/own_data.md has an example)"
        ) from None
    except OSError as error:
        raise MotionBeatError(f"{path} cannot be read ({error.strerror}): check corpus.root in params.yaml") from None
    if data.startswith(_UTF_16):
        raise MotionBeatError(f'{path} is UTF-16 text: save it as "CSV UTF-8" (Excel) or with encoding UTF-8')
    try:
        text = normalize("NFC", data.decode("utf-8-sig"))  # macOS decomposes accented letters
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise MotionBeatError(
            f'{path} line {line}: not UTF-8 text: save it as "CSV UTF-8" (Excel) or with encoding UTF-8'
        ) from None
    if "\0" in text:
        raise MotionBeatError(f"{path} is not text: save the table as CSV, not as a workbook")
    return text


def _says_something(line: str) -> bool:
    return bool(line.strip(" \t,;")) and not line.lstrip().startswith("#")


def _cells(path: Path, number: int, line: str, separator: str) -> list[str]:
    try:
        (row,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)
    except csv.Error as error:
        reason = "a quote is opened and not closed" if "end of data" in str(error) else str(error)
        raise MotionBeatError(f"{path} line {number}: {reason}: write quotes inside a quoted cell twice") from None
    return [cell.strip() for cell in row]


def _columns(path: Path, number: int, cells: list[str]) -> list[str]:
    """The names of the columns; empty ones after the last name, as spreadsheets leave them, are dropped."""
    columns = [cell.lower() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    known = (*REQUIRED, *OPTIONAL)
    errors = [f"the column {name} is missing" for name in REQUIRED if name not in columns]
    for name in dict.fromkeys(columns):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            errors.append(f"unknown column {name!r}" + (f" (did you mean {near[0]}?)" if near else ""))
        elif columns.count(name) > 1:
            errors.append(f"the column {name} occurs twice")
    if errors:
        raise MotionBeatError(
            f"{path} line {number}: {'; '.join(errors)}; expected {', '.join(REQUIRED)} and any of "
            f"{', '.join(OPTIONAL)}"
        )
    return columns


def _line(path: Path, number: int, columns: list[str], cells: list[str], decimal_commas: bool) -> Line:
    where = f"{path} line {number}"
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        raise MotionBeatError(
            f"{where}: {len(cells)} cells for {len(columns)} columns: put a cell with a separator in it in quotes"
        )
    row = dict(zip(columns, cells, strict=True))
    errors = [f"the cell {name} is empty" for name in REQUIRED if not row[name]]
    for name in ("clip", "song"):
        if row[name] and not _SAFE_NAME.fullmatch(row[name]):
            errors.append(f"{name} {row[name]!r} cannot name a file: use letters, digits, '_', '-' and '.'")
    if row["split"] and row["split"] not in SPLITS:
        errors.append(f"split {row['split']!r}; expected train, val or test")
    numbers: dict[str, float | None] = {}
    for name, limits, whole in _NUMBERS:
        numbers[name], wrong = _number(name, row.get(name, ""), limits, whole, decimal_commas)
        errors += wrong
    for name, allowed in (("up", ("y", "z")), ("unit", tuple(UNITS))):
        if row.get(name) and row[name] not in allowed:
            errors.append(f"{name} {row[name]!r}; expected {', '.join(allowed[:-1])} or {allowed[-1]}")
    if bool(row.get("bpm")) != bool(row.get("beats_per_bar")):
        errors.append("bpm and beats_per_bar go together: fill both or neither")
    if errors:
        raise MotionBeatError("\n".join(f"{where}: {error}" for error in errors))
    return Line(
        number=number,
        **{name: row[name] for name in REQUIRED},
        offset_s=numbers["offset"] or 0.0,
        genre=row.get("genre") or UNKNOWN_GENRE,
        bpm=numbers["bpm"],
        beats_per_bar=_whole(numbers["beats_per_bar"]),
        hints=Hints(numbers["fps"], row.get("up") or None, row.get("unit") or None, _whole(numbers["person"])),
    )


_NUMBERS = (
    ("offset", (0.0, 1e6), False),
    ("bpm", (10.0, 1000.0), False),
    ("beats_per_bar", (1.0, 100.0), True),
    ("fps", (1.0, 1000.0), False),
    ("person", (0.0, 1000.0), True),
)
"""Columns of numbers, their least and largest value, and whether they are integers."""


def _number(
    name: str, cell: str, limits: tuple[float, float], whole: bool, decimal_commas: bool
) -> tuple[float | None, list[str]]:
    """The number in a cell (None if empty), and what is wrong with it."""
    if not cell:
        return None, []
    text = cell.replace(",", ".") if decimal_commas else cell
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    least, most = limits
    if math.isfinite(value) and value > most:
        return None, [f"{name} {cell[:40]!r}; expected at most {most:g}"]
    if not (math.isfinite(value) and value >= least and (not whole or value == int(value))):
        return None, [f"{name} {cell[:40]!r}; expected a {'whole ' if whole else ''}number of at least {least:g}"]
    return value, []


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def grouped(lines: list[Line], key: str) -> Iterator[tuple[str, list[Line]]]:
    """The lines by a field, such as song, in the order of their first lines."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(getattr(line, key), []).append(line)
    yield from groups.items()
