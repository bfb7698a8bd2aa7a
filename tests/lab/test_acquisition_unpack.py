"""Archives: an honest one comes out as it went in, and nothing of any other reaches the disk."""

import copy
import os
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition import disk_space, unpack
from motionbeat.lab.corpora.acquisition.locks import alone

LIMITS = {"max_bytes": 10**8, "max_members": 20}
NOISE = np.random.default_rng(0).bytes(50_000)
HONEST = {"motions/a.pkl": NOISE, "motions/b.pkl": b"b" * 5000, "splits/train.txt": b"a\nb\n", "empty": b""}


def written(
    folder: Path,
    members: dict[str, bytes],
    change: Callable[[zipfile.ZipFile], None] | None = None,
    packed: bool = True,
) -> Path:
    """A zip archive of `members`; `change` may make its central directory lie before that is written."""
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, archive.compression
            archive.writestr(info, content)
        if change:
            change(archive)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(archive: Path, told: str, **limits: int) -> None:
    """Both functions refuse it, and unpacking leaves what was there before, and nothing else."""
    folder = archive.parent / "unpacked"
    folder.mkdir()
    (folder / "before").write_text("kept")
    around = sorted(archive.parent.parent.rglob("*"))
    for refuse in (
        lambda: unpack.check(archive, **LIMITS | limits),
        lambda: unpack.unpack(archive, folder, **LIMITS | limits),
    ):
        with pytest.raises(MotionBeatError, match=told) as error:
            refuse()
        assert str(archive) in str(error.value)
    assert contents(folder) == {"before": b"kept"}
    assert sorted(archive.parent.parent.rglob("*")) == around


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_comes_out_as_it_went_in(tmp_path, packed):
    archive = written(tmp_path, HONEST, packed=packed)
    unpack.check(archive, **LIMITS)
    unpack.unpack(archive, tmp_path / "out" / "here", **LIMITS)
    assert contents(tmp_path / "out" / "here") == HONEST


def test_an_archive_made_by_the_system_comes_out_as_it_went_in(tmp_path):
    for name, content in HONEST.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "zip", tmp_path / "in"))
    unpack.check(archive, **LIMITS)
    unpack.unpack(archive, tmp_path / "out", **LIMITS)
    assert contents(tmp_path / "out") == HONEST


def test_what_was_in_the_folder_before_is_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    unpack.unpack(written(tmp_path, HONEST), tmp_path / "out", **LIMITS)
    assert contents(tmp_path / "out") == HONEST


def test_two_at_once_unpack_one_after_the_other(tmp_path, capsys):
    archive = written(tmp_path, HONEST)
    with alone(tmp_path / "out", "the folder"):
        second = threading.Thread(target=unpack.unpack, args=(archive, tmp_path / "out"), kwargs=LIMITS)
        second.start()
        second.join(0.5)
        assert second.is_alive() and not (tmp_path / "out.unfinished").exists()
    second.join()
    assert "another process works on" in capsys.readouterr().err
    assert contents(tmp_path / "out") == HONEST
    assert sorted(os.listdir(tmp_path)) == ["archive.zip", "out"]


def test_only_what_is_wanted_is_unpacked(tmp_path):
    archive = written(tmp_path, HONEST | {"other/": b""})
    unpack.unpack(archive, tmp_path / "out", keep=lambda name: name.startswith("motions/"), **LIMITS)
    assert contents(tmp_path / "out") == {name: HONEST[name] for name in ("motions/a.pkl", "motions/b.pkl")}
    assert os.listdir(tmp_path / "out") == ["motions"]


def test_an_archive_without_anything_wanted_is_refused(tmp_path):
    with pytest.raises(MotionBeatError, match="none of the files"):
        unpack.unpack(written(tmp_path, HONEST), tmp_path / "out", keep=lambda name: False, **LIMITS)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "a/../../outside",
        "a/..",
        "..",
        "/outside",
        "//host/outside",
        "./a",
        "a//b",
        "",
        "C:\\outside",
        "C:outside",
        "..\\outside",
        "a\\b",
        "file:stream",
        "zero\0byte",
        "line\nend",
        "dots...",
        "space ",
        "a /b",
        "n" * 256,
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    assert_refused(written(tmp_path, {"good": b"1", name: b"2"}), "nothing is unpacked")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_special_files_are_refused(tmp_path, kind):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("link").external_attr = (kind | 0o777) << 16

    assert_refused(written(tmp_path, {"good": b"1", "link": b"/etc/passwd"}, change), "link or a special file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [("a/B", "a/b"), ("a", "a/"), ("stra\u00dfe", "STRASSE"), ("\u00e9", "e\u0301"), ("a", "A/b"), ("a", "a/b/c")],
)
def test_two_names_for_one_file_are_refused(tmp_path, names):
    members = {name: b"" if name.endswith("/") else b"1" for name in names}
    assert_refused(written(tmp_path, members), "same file on|as a file and")


def test_the_same_name_twice_is_refused(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("other").filename = "good"

    assert_refused(written(tmp_path, {"good": b"1", "other": b"2"}, change), "same file on")


def test_encrypted_members_are_refused(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("a").flag_bits |= 1

    assert_refused(written(tmp_path, {"a": b"1"}, change), "encrypted")


def test_methods_whose_readers_have_no_bounds_are_refused(tmp_path):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"1" * 1000)
    assert_refused(path, "method 12")


def test_a_folder_with_content_is_refused(tmp_path):
    assert_refused(written(tmp_path, {"a/": b"1"}, packed=False), "folder with content")


def test_more_members_than_expected_are_refused(tmp_path):
    members = {str(number): b"1" for number in range(11)}
    assert_refused(written(tmp_path, members), "11 files, more than the 10", max_members=10)


def test_more_bytes_than_expected_are_refused_by_their_sum(tmp_path):
    archive = written(tmp_path, {"a": NOISE, "b": NOISE})
    unpack.check(archive, max_bytes=2 * len(NOISE), max_members=2)
    assert_refused(archive, "more than the 100.0 kB expected", max_bytes=2 * len(NOISE) - 1)


def test_a_bomb_is_refused_by_its_ratio(tmp_path):
    assert_refused(written(tmp_path, {"a": bytes(2 * 10**7)}), "zip bomb")


def test_members_that_share_their_bytes_are_refused(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        for number in range(10):
            twin = copy.copy(archive.getinfo("a"))
            twin.filename = str(number)
            archive.filelist.append(twin)

    assert_refused(written(tmp_path, {"a": NOISE}, change), "zip bomb")


@pytest.mark.parametrize("claimed", [10, 5 * 10**7])
def test_a_size_that_lies_is_refused_and_never_read_beyond(tmp_path, claimed, monkeypatch):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("a").file_size = claimed

    archive = written(tmp_path, {"a": bytes(3 * 10**7), "noise": NOISE * 10}, change)
    read = []
    whole = zipfile.ZipExtFile.read

    def counting(self, n=-1):
        read.append(whole(self, n))
        return read[-1]

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    assert_refused(archive, "CRC|does not have the size that its header states|zip bomb")
    assert max(map(len, read), default=0) <= 2**20
    assert sum(map(len, read)) <= 2 * min(claimed, 3 * 10**7)


def test_a_size_that_claims_too_much_is_refused(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("a").file_size += 1

    assert_refused(written(tmp_path, {"a": NOISE}, change), "does not have the size that its header states")


def test_a_wrong_crc_is_refused(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        archive.getinfo("b").CRC ^= 1

    assert_refused(written(tmp_path, {"a": NOISE, "b": NOISE}, change), "CRC")


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>", NOISE, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    assert_refused(path, "not a complete zip|empty zip archive")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(MotionBeatError, match=r"missing\.zip cannot be read"):
        unpack.check(tmp_path / "missing.zip", **LIMITS)


def test_every_cut_of_an_archive_is_refused(tmp_path):
    archive = written(tmp_path, HONEST)
    data = archive.read_bytes()
    for end in np.linspace(0, len(data) - 1, 60).astype(int):
        archive.write_bytes(data[:end])
        with pytest.raises(MotionBeatError, match="not a complete zip"):
            unpack.check(archive, **LIMITS)


def test_a_member_that_swallows_the_next_one_is_noticed(tmp_path):
    def change(archive: zipfile.ZipFile) -> None:
        archive.comment = b"the end record has something behind it"

    archive = written(tmp_path, {"a": NOISE, "b": NOISE}, change)
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 32] = 46 + len("b")
    archive.write_bytes(data)
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == ["a"]
    assert_refused(archive, "damaged list of its members")


def test_damage_anywhere_is_refused_or_without_effect(tmp_path):
    """Two bits flipped in headers, names, sizes or contents: an error of ours, or the files as they were."""
    generator = np.random.default_rng(1)
    archive, out = written(tmp_path, {"a/b": b"abc" * 20, "c": NOISE[:40]}), tmp_path / "out"
    data, refused = archive.read_bytes(), 0
    for _ in range(300):
        damaged = bytearray(data)
        for position in generator.integers(len(data), size=2):
            damaged[position] ^= 1 << generator.integers(8)
        archive.write_bytes(damaged)
        try:
            unpack.unpack(archive, out, **LIMITS)
        except MotionBeatError:
            refused += 1
        else:
            assert contents(out) == {"a/b": b"abc" * 20, "c": NOISE[:40]}
    assert 200 < refused < 300


def test_a_full_disk_is_noticed_before_the_first_file(tmp_path, monkeypatch):
    free = disk_space.MARGIN_BYTES + len(NOISE) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))
    with pytest.raises(MotionBeatError, match=r"archive\.zip, unpacked, needs 50\.0 kB"):
        unpack.unpack(written(tmp_path, {"a": NOISE}), tmp_path / "out", **LIMITS)
    assert not (tmp_path / "out").exists()
