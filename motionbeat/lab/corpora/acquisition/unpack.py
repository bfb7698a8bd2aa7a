"""Zip archives from unknown sources: checked before anything is written, with limits during unpacking.

First the headers are checked (names, kinds, sizes). Since headers can be wrong, bytes are counted again while they are
read.
"""

import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from motionbeat import files
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition.disk_space import require_space
from motionbeat.lab.corpora.acquisition.locks import alone
from motionbeat.progress import counted

_FIX = "download it again from its official source"
_BLOCK = 2**20
_LARGEST_RATIO = 100  # ratio of unpacked to packed; deflate can reach 1,032, recordings and motions stay below 10
_SMALL_BYTES = 2**24  # the ratio of smaller files is not checked
_LONGEST_NAME = 255
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # methods whose readers return no more than requested
_END_RECORD = 22  # size of the end record without the archive's comment
_COUNT_ELSEWHERE = 0xFFFF  # in the end record: see the 64-bit one
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]")


def check(archive: Path, *, max_bytes: int, max_members: int) -> None:
    """Read all of a zip archive, with CRCs, without writing anything.

    max_bytes: limit of the unpacked size. max_members: limit of files and folders.
    Raises `MotionBeatError` naming the archive, the member and the fix: if the archive is truncated or damaged, has
    paths out of its folder (absolute names, `..`, drives, backslashes), links or special files, equal names (also if
    only case or encoding of accents differ), encrypted members, or exceeds the limits.
    """
    with _opened(archive) as opened:
        members = _members(archive, opened, max_bytes, max_members)
        for member in counted(members, len(members), f"checking {archive.name}"):
            for _ in _blocks(archive, opened, member):
                pass


def unpack(
    archive: Path,
    folder: Path,
    *,
    max_bytes: int,
    max_members: int,
    keep: Callable[[str], bool] | None = None,
) -> None:
    """Unpack a zip archive to `folder`, which then has nothing else; if the run is killed, `folder` is unchanged.

    If two processes unpack to one folder, one waits for the other and then replaces its result.

    keep: a function that says, for a file's name in the archive (`/` between folders), whether to unpack it; None: all.
    Only folders with such files are made; modes and times are not restored. Raises `MotionBeatError` as `check` does,
    and if no file is wanted or the disk is too full.
    """
    with _opened(archive) as opened:
        members = _members(archive, opened, max_bytes, max_members)
        wanted = [m for m in members if not m.is_dir() and (keep is None or keep(m.filename))]
        if not wanted:
            raise MotionBeatError(f"{archive} has none of the files that are wanted from it: {_FIX}")
        require_space(folder, sum(member.file_size for member in wanted), f"{archive.name}, unpacked,")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone(folder, f"{folder}"), files.whole_folder(folder) as unfinished:
            for member in counted(wanted, len(wanted), f"unpacking {archive.name}"):
                path = unfinished / member.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    for block in _blocks(archive, opened, member):
                        file.write(block)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive; all errors of zipfile for damaged archives become `MotionBeatError`."""
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise MotionBeatError(f"{archive} is not a complete zip ({error or type(error).__name__}): {_FIX}") from None
    except OSError as error:
        where = error.filename or archive
        raise MotionBeatError(f"{where} cannot be read or written ({error.strerror or error}): {_FIX}") from None


def _members(archive: Path, opened: zipfile.ZipFile, max_bytes: int, max_members: int) -> list[zipfile.ZipInfo]:
    """The archive's members, after the checks of their headers."""
    members, packed = opened.infolist(), archive.stat().st_size
    if not members:
        raise MotionBeatError(f"{archive} is an empty zip archive: {_FIX}")
    if _stated_count(archive, opened) not in (len(members), _COUNT_ELSEWHERE):
        raise MotionBeatError(f"{archive} has a damaged list of its members: {_FIX}")
    if len(members) > max_members:
        raise MotionBeatError(f"{archive} has {len(members)} files, more than the {max_members} expected: {_FIX}")
    for member in members:
        if wrong := _wrong_with(member):
            raise MotionBeatError(f"{archive}: member {member.orig_filename!r} {wrong}, so nothing is unpacked: {_FIX}")
    _refuse_clashes(archive, members)
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise MotionBeatError(
            f"{archive} unpacks to {decimal(total)}, more than the {decimal(max_bytes)} expected: {_FIX}"
        )
    overlapping = sum(member.compress_size for member in members) > packed
    if overlapping or total > max(_LARGEST_RATIO * packed, _SMALL_BYTES):
        raise MotionBeatError(f"{archive} is a zip bomb: {decimal(packed)} that unpack to {decimal(total)}: {_FIX}")
    return members


def _stated_count(archive: Path, opened: zipfile.ZipFile) -> int:
    """The number of members in the end record; zipfile ignores it, and can miss members without an error."""
    with archive.open("rb") as file:
        file.seek(-_END_RECORD - len(opened.comment), 2)
        return int.from_bytes(file.read(_END_RECORD)[10:12], "little")


def _wrong_with(member: zipfile.ZipInfo) -> str | None:
    """What is wrong with a member according to its header."""
    # the name in the archive: zipfile ends names at a zero byte and turns the system's separators into /
    name = member.orig_filename
    steps = name.removesuffix("/").split("/")
    if name.startswith("/") or any(step in ("", ".", "..") for step in steps):
        return "has a path that leads out of its folder or is ambiguous"
    if _UNSAFE.search(name) or any(step != step.rstrip(" .") for step in steps):
        return "has a name that means another file on some systems"
    if any(len(step.encode("utf-8", "replace")) > _LONGEST_NAME for step in steps):
        return f"has a name of more than {_LONGEST_NAME} bytes"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG):
        return "is a link or a special file"
    if member.is_dir() and member.file_size:
        return "is a folder with content of its own"
    if member.flag_bits & 0x41:
        return "is encrypted"
    if member.compress_type not in _KINDS:
        return f"is compressed by method {member.compress_type}, but only stored and deflated are read"
    return None


def _refuse_clashes(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse two members that are the same file on some system, and a file that is also a folder."""
    seen: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        key = unicodedata.normalize("NFC", member.orig_filename.removesuffix("/")).casefold()
        if key in seen:
            raise MotionBeatError(
                f"{archive} has both {seen[key].orig_filename!r} and {member.orig_filename!r}, which are the same file "
                f"on some systems, so nothing is unpacked: {_FIX}"
            )
        seen[key] = member
    for key, member in seen.items():
        parent = key.rpartition("/")[0]
        while parent:
            if parent in seen and not seen[parent].is_dir():
                raise MotionBeatError(
                    f"{archive} has {seen[parent].orig_filename!r} as a file and {member.orig_filename!r} in it, so "
                    f"nothing is unpacked: {_FIX}"
                )
            parent = parent.rpartition("/")[0]


def _blocks(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a member's bytes, no more than its header states; zipfile compares the CRC at the end."""
    count = 0
    with opened.open(member) as stream:
        while block := stream.read(_BLOCK):
            count += len(block)
            if count > member.file_size:
                break
            yield block
    if count != member.file_size:
        raise MotionBeatError(
            f"{archive}: member {member.orig_filename!r} does not have the size that its header states: {_FIX}"
        )
