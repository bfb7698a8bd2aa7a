"""Downloads: whole and the same as the first time, or nothing under the name, whatever the server does."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
from hostile_server import Behaviour, HostileServer

from motionbeat.corpora.acquisition import answers, meter, space, transfer, unpack
from motionbeat.corpora.acquisition.fetch import fetch
from motionbeat.corpora.acquisition.ledger import Entry, Ledger, measure
from motionbeat.corpora.acquisition.part import Origin, Part
from motionbeat.errors import MotionBeatError

ROOT = Path(__file__).parents[1]
CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OK = Behaviour()
Get = Callable[..., Path]


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "downloads.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "data.bin"


@pytest.fixture
def get(server: HostileServer, ledger: Ledger, path: Path) -> Get:
    """Fetch what the server has under /data.bin, with waits of milliseconds."""

    def run(**options) -> Path:
        patience = {"tries": 3, "timeout_s": 5.0, "backoff_s": 0.001}
        return fetch("data.bin", f"{server.url}/data.bin", path, ledger, **patience | options)

    return run


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def check_zip(archive: Path) -> None:
    unpack.check(archive, max_bytes=10**7, max_members=10)


def ranges(server: HostileServer) -> list[str | None]:
    return [request.range for request in server.requests]


def assert_nothing_came(path: Path, ledger: Ledger) -> None:
    assert not path.exists()
    assert not ledger.path.exists()


# What a good download leaves


def test_a_download_is_whole_on_record_and_leaves_nothing_else(server, get, path, ledger, capsys):
    server.serve("/data.bin", CONTENT)
    assert get() == path
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["data.bin"]
    assert sorted(os.listdir(ledger.path.parent)) == ["downloads.json", "raw"]
    entry = {"bytes": len(CONTENT), "sha256": DIGEST, "url": f"{server.url}/data.bin"}
    assert json.loads(ledger.path.read_text()) == {"data.bin": entry}
    told = capsys.readouterr().err
    assert "trusted on first use" in told and DIGEST in told


def test_what_is_there_and_on_record_is_not_fetched_again(server, get, path, ledger):
    server.serve("/data.bin", CONTENT)
    get()
    before = ledger.path.read_bytes()
    get()
    assert len(server.requests) == 1 and ledger.path.read_bytes() == before


def test_a_file_put_there_by_hand_is_taken_if_it_is_in_order(server, get, path, ledger):
    path.parent.mkdir()
    path.write_bytes(zipped({"a": b"1"}))
    get(verify=check_zip)
    assert not server.requests
    assert ledger.expected("data.bin") == measure(path, f"{server.url}/data.bin")


def test_a_damaged_file_put_there_by_hand_is_replaced(server, get, path):
    good = zipped({"a": b"1"})
    server.serve("/data.bin", good)
    path.parent.mkdir()
    path.write_bytes(good[:-5])
    get(verify=check_zip)
    assert path.read_bytes() == good


def test_a_file_that_is_not_the_one_on_record_is_replaced_by_it(server, get, path):
    server.serve("/data.bin", CONTENT)
    get()
    path.write_bytes(OTHER)
    get()
    assert path.read_bytes() == CONTENT


def test_the_same_file_from_another_address_changes_nothing_on_record(server, get, path, ledger, capsys):
    server.serve("/data.bin", CONTENT)
    get()
    before = ledger.path.read_bytes()
    capsys.readouterr()
    path.unlink()
    fetch("data.bin", server.serve("/mirror", CONTENT), path, ledger)
    assert path.read_bytes() == CONTENT and ledger.path.read_bytes() == before
    assert "trusted" not in capsys.readouterr().err


def test_user_and_password_of_an_address_are_not_put_on_record(server, path, ledger):
    server.serve("/data.bin", CONTENT)
    fetch("data.bin", server.url.replace("//", "//user:secret@") + "/data.bin", path, ledger)
    assert "secret" not in ledger.path.read_text() and server.url in ledger.path.read_text()


# Cuts


@pytest.mark.parametrize("cut", [{"cut_after": 100_000}, {"stall_after": 100_000}])
@pytest.mark.parametrize("chunked", [False, True])
def test_after_a_cut_or_a_stall_only_the_rest_is_asked_for(server, get, path, cut, chunked):
    server.serve("/data.bin", CONTENT, [Behaviour(**cut, chunked=chunked), OK])
    get(timeout_s=0.8)
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-"]
    assert server.requests[1].headers["if-range"].startswith('"')


def test_the_rest_of_a_rest_is_asked_for(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=70_000), Behaviour(cut_after=70_000), OK])
    get()
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=70000-", "bytes=140000-"]


def test_a_server_that_always_cuts_is_given_up_and_the_part_continued_by_the_next_run(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=50_000), Behaviour(cut_after=0)])
    with pytest.raises(MotionBeatError, match=r"(?s)cut after 50\.0 kB.*Given up after 3 tries.*kept in .*\.part"):
        get()
    assert_nothing_came(path, ledger)
    assert sorted(os.listdir(path.parent)) == ["data.bin.part", "data.bin.part.json"]
    server.serve("/data.bin", CONTENT)
    get()
    assert path.read_bytes() == CONTENT and ranges(server)[-1] == "bytes=50000-"


def test_a_server_that_gives_crumbs_is_given_up(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, Behaviour(cut_after=1000))
    with pytest.raises(MotionBeatError, match=r"Given up after 3 tries.*3\.0 kB of it are kept"):
        get()
    assert_nothing_came(path, ledger)


def test_cuts_with_headway_between_them_are_no_failures(server, get, path):
    content = np.random.default_rng(2).bytes(5 * 2**20)
    server.serve("/data.bin", content, Behaviour(cut_after=2**20 + 1000))
    get(tries=2)
    assert path.read_bytes() == content and len(server.requests) == 5


def test_a_last_modified_date_will_do_where_there_is_no_etag(server, get, path):
    dated = {"etag": "", "last_modified": "Wed, 10 Mar 2021 08:00:00 GMT"}
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000, **dated), Behaviour(**dated)])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-"]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_a_part_without_a_mark_of_its_version_is_never_continued(server, get, path, etag):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000, etag=etag), Behaviour(etag=etag)])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, None]


def test_a_file_that_changes_between_cut_and_continuation_is_fetched_from_its_first_byte(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), Behaviour(content=OTHER)])
    get()
    assert path.read_bytes() == OTHER and ranges(server) == [None, "bytes=1000-"]


def test_another_version_is_noticed_though_the_server_ignores_if_range(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), Behaviour(content=OTHER, if_range=False)])
    get()
    assert path.read_bytes() == OTHER and ranges(server) == [None, "bytes=1000-", None]


def test_a_server_that_ignores_range_is_read_from_the_first_byte(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), Behaviour(ranges=False)])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-"]


def test_a_part_of_another_address_is_not_continued(server, get, path):
    server.serve("/data.bin", CONTENT)
    path.parent.mkdir()
    Part(path).begin(Origin("http://elsewhere/data.bin", '"1"', None, len(CONTENT)))
    Part(path).path.write_bytes(OTHER[:1000])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None]


@pytest.mark.parametrize("sidecar", [None, b"", b"[]", b'{"url": 3}'])
def test_a_part_of_unknown_origin_is_not_continued(server, get, path, sidecar):
    server.serve("/data.bin", CONTENT)
    path.parent.mkdir()
    Part(path).path.write_bytes(OTHER[:1000])
    if sidecar is not None:
        path.with_name("data.bin.part.json").write_bytes(sidecar)
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None]


# 416: nothing behind what is there


@pytest.fixture
def interrupted(server: HostileServer, get: Get) -> Callable[[int], None]:
    """Leave a part of so many bytes, of a file that never said how long it is."""

    def leave(size: int) -> None:
        server.serve("/data.bin", CONTENT, Behaviour(chunked=True, cut_after=size))
        with pytest.raises(MotionBeatError, match="cut after"):
            get(tries=1)
        server.requests.clear()

    return leave


def test_a_part_that_was_whole_already_is_taken(server, get, path, interrupted):
    interrupted(len(CONTENT) - 1)
    with Part(path).path.open("ab") as file:
        file.write(CONTENT[-1:])
    server.serve("/data.bin", CONTENT)
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server, get, path, interrupted):
    interrupted(1000)
    with Part(path).path.open("ab") as file:
        file.write(OTHER * 2)
    server.serve("/data.bin", CONTENT)
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [f"bytes={1000 + 2 * len(OTHER)}-", None]


def test_a_part_killed_after_its_last_byte_needs_no_request(server, get, path):
    server.serve("/data.bin", CONTENT, Behaviour(cut_after=1000))
    with pytest.raises(MotionBeatError):
        get(tries=1)
    Part(path).path.write_bytes(CONTENT)
    get()
    assert path.read_bytes() == CONTENT and len(server.requests) == 1


# Refusals and busy servers


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 204, 206])
def test_a_refusal_is_not_tried_again_and_says_what_to_do(server, get, path, ledger, status):
    server.serve("/data.bin", CONTENT, Behaviour(status=status, body=b"" if status == 204 else b"no"))
    with pytest.raises(MotionBeatError) as error:
        get(fix="correct corpus.music_url")
    for told in (f"{server.url}/data.bin", f"status {status}", "correct corpus.music_url", str(path)):
        assert told in str(error.value)
    assert len(server.requests) == 1
    assert_nothing_came(path, ledger)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_tried_again(server, get, path, status):
    server.serve("/data.bin", CONTENT, [Behaviour(status=status), Behaviour(status=status), OK])
    get()
    assert path.read_bytes() == CONTENT and len(server.requests) == 3


def test_a_server_that_stays_busy_is_given_up(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, Behaviour(status=503))
    with pytest.raises(MotionBeatError, match=r"status 503.*Given up after 3 tries"):
        get()
    assert len(server.requests) == 3
    assert_nothing_came(path, ledger)


def test_waits_double_and_a_longer_retry_after_is_honoured_up_to_two_minutes(server, get, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(transfer, "pause", waits.append)
    asked = ["0", "7", "garbage", "86400", None]
    busy = [Behaviour(status=503, headers={"Retry-After": a} if a else {}) for a in asked]
    server.serve("/data.bin", CONTENT, [*busy, OK])
    get(tries=6, backoff_s=1.0)
    assert waits == [1.0, 7.0, 4.0, 120.0, 16.0]


def test_retry_after_may_be_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < answers.retry_after_s({"Retry-After": later}) <= 60
    assert answers.retry_after_s({"Retry-After": "Wed, 10 Mar 2021 08:00:00 GMT"}) == 0


def test_a_host_that_does_not_answer_is_tried_again_and_named(path, ledger, capsys, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with HostileServer() as gone:
        url = gone.url
    with pytest.raises(MotionBeatError, match=r"no connection to 127\.0\.0\.1.*[Rr]efused.*Given up after 2 tries"):
        fetch("data.bin", f"{url}/data.bin", path, ledger, tries=2, backoff_s=0.001)
    assert "trying again" in capsys.readouterr().err
    assert_nothing_came(path, ledger)


def test_a_host_that_cannot_be_found_is_named(path, ledger, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "*")
    with pytest.raises(MotionBeatError, match=r"host nowhere\.invalid cannot be found"):
        fetch("data.bin", "http://nowhere.invalid/data.bin", path, ledger, tries=1)


def test_a_connection_that_cannot_be_trusted_is_named(server, path, ledger):
    url = server.serve("/data.bin", CONTENT).replace("http:", "https:")
    with pytest.raises(MotionBeatError, match=r"no trusted connection to 127\.0\.0\.1.*SSL"):
        fetch("data.bin", url, path, ledger, tries=1)
    assert_nothing_came(path, ledger)


# Lies


def test_a_server_that_promises_more_than_it_has_is_found_out(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, Behaviour(length=len(CONTENT) + 10))
    with pytest.raises(MotionBeatError, match="Given up"):
        get()
    assert_nothing_came(path, ledger)


def test_a_server_that_states_too_short_a_length_is_found_out_by_the_check(server, get, path, ledger):
    content = zipped({"a": CONTENT})
    server.serve("/data.bin", content, Behaviour(length=len(content) - 10))
    with pytest.raises(MotionBeatError, match="damaged"):
        get(verify=check_zip)
    assert_nothing_came(path, ledger)


@pytest.mark.parametrize(
    "lie",
    [
        Behaviour(content_range="bytes 0-299999/300000"),
        Behaviour(content_range="bytes 900-299899/300000"),
        Behaviour(content_range="bytes 1000-299999/300001"),
        Behaviour(content_range="bytes 1000-1999/300000", chunked=True),
        Behaviour(content_range="nonsense"),
        Behaviour(length=100),
    ],
)
def test_a_rest_that_is_not_what_was_asked_for_is_thrown_away(server, get, path, lie):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), lie, OK])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-", None]


@pytest.mark.parametrize("value", ["bytes 5-4/10", "bytes 0-10/10", "bytes -1-4/10", "items 0-4/10", "bytes */10", ""])
def test_a_content_range_that_makes_no_sense_is_none(value):
    assert answers.span({"Content-Range": value}) is None
    assert answers.span({"Content-Range": "bytes 0-4/10"}).length == 5


def test_a_content_range_need_not_repeat_the_total(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), Behaviour(content_range="bytes 1000-299999/*")])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-"]


def test_a_rest_that_is_cut_short_by_its_own_range_is_continued(server, get, path):
    short = Behaviour(content=CONTENT, content_range="bytes 1000-1999/300000", length=1000)
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), short, OK])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None, "bytes=1000-", "bytes=2000-"]


def test_without_a_length_and_anything_to_check_by_nothing_is_accepted(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, Behaviour(length="none"))
    with pytest.raises(MotionBeatError, match="a cut could not be told"):
        get()
    assert_nothing_came(path, ledger)


def test_without_a_length_a_cut_is_noticed_by_the_check_and_mended(server, get, path):
    content = zipped({"a": CONTENT})
    server.serve("/data.bin", content, [Behaviour(length="none", cut_after=1000), Behaviour(length="none")])
    get(verify=check_zip)
    assert path.read_bytes() == content


def test_chunks_mark_their_own_end(server, get, path):
    server.serve("/data.bin", CONTENT, Behaviour(chunked=True))
    get()
    assert path.read_bytes() == CONTENT and len(server.requests) == 1


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><p>Please log in", b"\xef\xbb\xbf\n<!-- x -->\n<HTML>", b'<?xml version="1.0"?><html>']
)
def test_a_web_page_in_place_of_the_file_is_recognised(server, get, path, ledger, page):
    server.serve("/data.bin", page, Behaviour(pause_s=0.001, block=3))
    with pytest.raises(MotionBeatError, match="web page in its place"):
        get()
    assert_nothing_came(path, ledger)
    assert os.listdir(path.parent) == [] and len(server.requests) == 1


def test_a_web_page_on_continuation_does_not_cost_what_came_before(server, get, path):
    server.serve("/data.bin", CONTENT, [Behaviour(cut_after=1000), Behaviour(content=b"<html>portal"), OK])
    with pytest.raises(MotionBeatError, match="web page"):
        get()
    get()
    assert path.read_bytes() == CONTENT and ranges(server)[-1] == "bytes=1000-"


def test_an_empty_file_is_refused(server, get, path, ledger):
    server.serve("/data.bin", b"")
    with pytest.raises(MotionBeatError, match="empty"):
        get()
    assert_nothing_came(path, ledger)


def test_a_packed_answer_is_refused(server, get, path, ledger):
    server.serve("/data.bin", CONTENT, Behaviour(headers={"Content-Encoding": "gzip"}))
    with pytest.raises(MotionBeatError, match="packed as gzip"):
        get()
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert_nothing_came(path, ledger)


# Redirects and addresses


def test_redirects_are_followed(server, get, path):
    endless = {"body": b"moved" * 100, "stall_after": 5}
    server.serve("/data.bin", b"", Behaviour(status=302, headers={"Location": "/there"}, **endless))
    server.serve("/there", CONTENT, [Behaviour(cut_after=1000), OK])
    get()
    assert path.read_bytes() == CONTENT
    assert ranges(server) == [None, None, "bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize("there", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "http://[x/"])
def test_a_redirect_to_anything_but_the_web_is_refused(server, get, path, ledger, there):
    server.serve("/data.bin", b"", Behaviour(status=301, headers={"Location": there}))
    with pytest.raises(MotionBeatError, match="sends on to"):
        get()
    assert_nothing_came(path, ledger)


def test_a_redirect_may_not_leave_https():
    assert transfer.wrong_with_redirect("https://a/x", "http://a/x")
    assert not transfer.wrong_with_redirect("https://a/x", "https://b/x")
    assert not transfer.wrong_with_redirect("http://a/x", "https://a/x")


def test_redirects_in_a_circle_end(server, get, path, ledger):
    server.serve("/data.bin", b"", Behaviour(status=307, headers={"Location": "/data.bin"}))
    with pytest.raises(MotionBeatError, match="more than 8 times"):
        get()
    assert_nothing_came(path, ledger)


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "data.zip", "http://", "http://[x/"])
def test_only_web_addresses_are_fetched(path, ledger, url):
    with pytest.raises(MotionBeatError, match="no http or https address"):
        fetch("data.bin", url, path, ledger)
    assert_nothing_came(path, ledger)


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
    free = space.MARGIN_BYTES + len(CONTENT) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))
    server.serve("/data.bin", CONTENT)
    with pytest.raises(MotionBeatError, match=r"data\.bin needs 300\.0 kB .*268\.7 MB are free"):
        get()
    assert_nothing_came(path, ledger)
    free += 1
    get()


def test_room_is_looked_for_in_a_folder_that_is_not_there_yet(tmp_path):
    space.require_space(tmp_path / "a" / "b", 1, "x")
    with pytest.raises(MotionBeatError, match="make room"):
        space.require_space(tmp_path / "a" / "b", 2**62, "x")


def test_a_folder_in_the_way_is_named(server, get, path, ledger):
    path.mkdir(parents=True)
    with pytest.raises(MotionBeatError, match="is no file: remove it"):
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
import sys
from pathlib import Path
from motionbeat.corpora.acquisition.fetch import fetch
from motionbeat.corpora.acquisition.ledger import Ledger
fetch("data.bin", sys.argv[1], Path(sys.argv[2]), Ledger(Path(sys.argv[3])))
"""


@pytest.fixture
def child(server: HostileServer, path: Path, ledger: Ledger) -> Callable[[], subprocess.Popen]:
    """Begin a download in a process of its own; returns once part of it has come."""

    def begin() -> subprocess.Popen:
        arguments = [sys.executable, "-c", CHILD, f"{server.url}/data.bin", str(path), str(ledger.path)]
        process = subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while Part(path).size() < 100_000:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.01)
        return process

    return begin


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_leaves_a_part_that_is_continued(server, get, path, ledger, child, how):
    server.serve("/data.bin", CONTENT, [Behaviour(stall_after=100_000, block=1000, pause_s=0.0002), OK])
    with child() as process:
        process.send_signal(how)
        process.wait(timeout=10)
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
        assert process.wait(timeout=10) == 0
        process.stderr.read()
    assert "another process is at work on data.bin" in capsys.readouterr().err
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
