"""Downloads: whole under their name, continued where a cut left them, and never mixed of two versions."""

import json
import os
from collections.abc import Callable

import numpy as np
import pytest
from downloads import CONTENT, DIGEST, OK, OTHER, Get, assert_nothing_came, check_zip, ranges, zipped
from hostile_server import Behaviour, HostileServer

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition.fetch import fetch
from motionbeat.lab.corpora.acquisition.ledger import measure
from motionbeat.lab.corpora.acquisition.partial_file import Origin, PartialFile

pytest_plugins = ("download_fixtures",)


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
    get(timeout_s=2.0)
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
    with pytest.raises(MotionBeatError, match=r"(?s)lost after 50\.0 kB.*Given up after 3 tries.*kept in .*\.part"):
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
    PartialFile(path).begin(Origin("http://elsewhere/data.bin", '"1"', None, len(CONTENT)))
    PartialFile(path).path.write_bytes(OTHER[:1000])
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [None]


@pytest.mark.parametrize("sidecar", [None, b"", b"[]", b'{"url": 3}'])
def test_a_part_of_unknown_origin_is_not_continued(server, get, path, sidecar):
    server.serve("/data.bin", CONTENT)
    path.parent.mkdir()
    PartialFile(path).path.write_bytes(OTHER[:1000])
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
        with pytest.raises(MotionBeatError, match="lost after"):
            get(tries=1)
        server.requests.clear()

    return leave


def test_a_part_that_was_whole_already_is_taken(server, get, path, interrupted):
    interrupted(len(CONTENT) - 1)
    with PartialFile(path).path.open("ab") as file:
        file.write(CONTENT[-1:])
    server.serve("/data.bin", CONTENT)
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_is_thrown_away(server, get, path, interrupted):
    interrupted(1000)
    with PartialFile(path).path.open("ab") as file:
        file.write(OTHER * 2)
    server.serve("/data.bin", CONTENT)
    get()
    assert path.read_bytes() == CONTENT and ranges(server) == [f"bytes={1000 + 2 * len(OTHER)}-", None]


def test_a_part_killed_after_its_last_byte_needs_no_request(server, get, path):
    server.serve("/data.bin", CONTENT, Behaviour(cut_after=1000))
    with pytest.raises(MotionBeatError):
        get(tries=1)
    PartialFile(path).path.write_bytes(CONTENT)
    get()
    assert path.read_bytes() == CONTENT and len(server.requests) == 1
