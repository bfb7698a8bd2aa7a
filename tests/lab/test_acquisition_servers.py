"""Servers that refuse, are busy, lie or send elsewhere: tried again or refused in words, and nothing under the name."""

import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from downloads import CONTENT, OK, assert_nothing_came, check_zip, ranges, zipped
from hostile_server import Behaviour, HostileServer

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.acquisition import answers, transfer
from motionbeat.lab.corpora.acquisition.fetch import fetch

pytest_plugins = ("download_fixtures",)


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
    with pytest.raises(MotionBeatError, match="a truncated file could not be recognised"):
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
    with pytest.raises(MotionBeatError, match="compressed as gzip"):
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
    with pytest.raises(MotionBeatError, match="not an http or https address"):
        fetch("data.bin", url, path, ledger)
    assert_nothing_came(path, ledger)
