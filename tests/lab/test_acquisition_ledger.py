"""The ledger, the disk, other processes, and what the user is told of a download."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from downloads import CONTENT, DIGEST, OK, OTHER, assert_nothing_came, check_zip, ranges, zipped
from hostile_server import Behaviour, HostileServer

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition import disk_space, meter
from motionbeat.lab.corpora.acquisition.ledger import Entry, Ledger
from motionbeat.lab.corpora.acquisition.partial_file import PartialFile

ROOT = Path(__file__).parents[2]
pytest_plugins = ("download_fixtures",)


# The ledger


def test_another_file_than_on_record_is_refused_with_both_digests(server, get, path, ledger):
    server.serve("/data.bin", CONTENT)
    get()
    path.unlink()
    before = ledger.path.read_bytes()
    server.serve("/data.bin", OTHER)
    with pytest.raises(MotionBeatError) as error:
        get()
    for told in (DIGEST, hashlib.sha256(OTHER).hexdigest(), "delete the entry 'data.bin'", str(ledger.path)):
        assert told in str(error.value)
    assert os.listdir(path.parent) == [] and ledger.path.read_bytes() == before

    ledger.path.write_text("{}\n")
    get()
    assert path.read_bytes() == OTHER


def test_a_corrupted_archive_is_not_trusted_on_first_use(server, get, path, ledger):
    content = bytearray(zipped({"a": CONTENT}))
    content[1000] ^= 1
    server.serve("/data.bin", bytes(content))
    with pytest.raises(MotionBeatError, match=r"damaged.*CRC"):
        get(verify=check_zip)
    assert_nothing_came(path, ledger)
    assert os.listdir(path.parent) == []


def test_a_continued_file_that_proves_wrong_is_fetched_once_more_as_a_whole(server, get, path):
    lying = Behaviour(content=OTHER, etag='"same"')
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000, etag='"same"'), lying, Behaviour(etag='"same"')])
    Ledger(path.parents[1] / "downloads.json").record("data.bin", Entry(len(CONTENT), DIGEST, "http://first/x"))
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-", None]


def test_the_check_is_given_the_file_before_it_has_its_name(server, get, path):
    server.serve("/data.bin", CONTENT)
    seen = []
    get(verify=lambda part: seen.append((part.read_bytes() == CONTENT, part == path, path.exists())))
    assert seen == [(True, False, False)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "JSON"),
        ("[]", "JSON object"),
        ('{"a": {"bytes": 1}}', "'a' must have the fields"),
        ('{"a": {"bytes": true, "sha256": "%s", "url": ""}}' % ("0" * 64), "bytes of 'a'"),
        ('{"a": {"bytes": 1, "sha256": "xyz", "url": ""}}', "sha256 of 'a'"),
        ('{"a": {"bytes": 1, "sha256": "%s", "url": 1}}' % ("0" * 64), "url of 'a'"),
    ],
)
def test_a_malformed_ledger_is_refused_by_file_and_field(ledger, text, told):
    ledger.path.write_text(text)
    with pytest.raises(MotionBeatError, match=told) as error:
        ledger.expected("a")
    assert str(ledger.path) in str(error.value)


def test_entries_are_sorted_and_kept_when_others_are_added_at_the_same_time(ledger):
    names = [f"file{number}" for number in range(12)]
    threads = [threading.Thread(target=ledger.record, args=(n, Entry(1, "0" * 64, "http://a/b"))) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(json.loads(ledger.path.read_text())) == sorted(names)
    assert os.listdir(ledger.path.parent) == ["downloads.json"]


# Disk, processes, progress


def test_a_full_disk_is_noticed_before_the_first_byte(server, get, path, ledger, monkeypatch):
    free = disk_space.MARGIN_BYTES + len(CONTENT) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))
    server.serve("/data.bin", CONTENT)
    with pytest.raises(MotionBeatError, match=r"data\.bin needs 300\.0 kB .*268\.7 MB are free"):
        get()
    assert_nothing_came(path, ledger)
    free += 1
    get()


def test_room_is_looked_for_in_a_folder_that_is_not_there_yet(tmp_path):
    disk_space.require_space(tmp_path / "a" / "b", 1, "x")
    with pytest.raises(MotionBeatError, match="make room"):
        disk_space.require_space(tmp_path / "a" / "b", 2**62, "x")


def test_a_folder_in_the_way_is_named(server, get, path, ledger):
    path.mkdir(parents=True)
    with pytest.raises(MotionBeatError, match="is not a file: remove it"):
        get()
    path.rmdir()
    path.parent.rmdir()
    path.parent.write_text("")
    with pytest.raises(MotionBeatError, match="cannot be written"):
        get()


def test_a_slow_server_is_waited_for_as_long_as_bytes_come(server, get, path):
    server.serve("/data.bin", CONTENT, Behaviour(pause_s=0.1, block=25_000))
    begun = time.monotonic()
    get(timeout_s=0.8, tries=1)
    assert time.monotonic() - begun > 0.8
    assert path.read_bytes() == CONTENT


CHILD = """
import signal
import sys
from pathlib import Path
from motionbeat.lab.corpora.acquisition.fetch import fetch
from motionbeat.lab.corpora.acquisition.ledger import Ledger
# where the tests run in the background, their children ignore an interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)
fetch("data.bin", sys.argv[1], Path(sys.argv[2]), Ledger(Path(sys.argv[3])))
"""


@pytest.fixture
def child(server: HostileServer, path: Path, ledger: Ledger) -> Callable[[], subprocess.Popen]:
    """Begin a download in a process of its own; returns once part of it has come."""

    def begin() -> subprocess.Popen:
        arguments = [sys.executable, "-c", CHILD, f"{server.url}/data.bin", str(path), str(ledger.path)]
        process = subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
        until = time.monotonic() + 60
        while PartialFile(path).size() < 100_000:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        return process

    return begin


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_leaves_a_part_that_is_continued(server, get, path, ledger, child, how):
    server.serve("/data.bin", CONTENT, [Behaviour(stall_after=100_000, block=1000, pause_s=0.0002), OK])
    with child() as process:
        process.send_signal(how)
        process.wait(timeout=60)
        process.stderr.read()
    assert_nothing_came(path, ledger)
    left = {"data.bin.part", "data.bin.part.json"}
    assert set(os.listdir(path.parent)) - ({"data.bin.lock"} if how == signal.SIGKILL else set()) == left
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=100000-"]
    assert os.listdir(path.parent) == ["data.bin"]


def test_a_second_process_waits_for_the_first_and_fetches_nothing(server, get, path, ledger, child, capsys):
    server.serve("/data.bin", CONTENT, Behaviour(pause_s=0.5, block=100_000))
    with child() as process:
        get()
        assert process.wait(timeout=60) == 0
        process.stderr.read()
    assert "another process works on data.bin" in capsys.readouterr().err
    assert path.read_bytes() == CONTENT and len(server.requests) == 1
    assert os.listdir(path.parent) == ["data.bin"]


def test_progress_is_a_line_now_and_then_in_a_log(capsys, monkeypatch):
    now = iter([0.0, 4.0, 11.0, 12.0])
    monkeypatch.setattr(meter.time, "monotonic", lambda: next(now))
    with meter.metered("data.bin", 10_000_000, 2_000_000) as tell:
        for _ in range(3):
            tell(1_100_000)
    assert capsys.readouterr().err == "data.bin: 4.2 MB of 10.0 MB, 200.0 kB/s\n"


def test_progress_is_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with meter.metered("data.bin", 10_000_000, 2_000_000) as tell:
        tell(8_000_000)
    assert "data.bin" in (shown := capsys.readouterr().err) and "10.0/10.0 MB" in shown
