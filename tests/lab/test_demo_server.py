"""The demo's server: what it answers, and what it refuses."""

import asyncio
import base64
import io
import resource
import tempfile
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from attrs import evolve
from fastapi.testclient import TestClient

from motionbeat.lab.demo.demo_app import create_app
from motionbeat.lab.demo.job_queue import JobQueue, QueueFull
from motionbeat.lab.demo.made_dances import by_rules
from motionbeat.lab.demo.request_guard import POLICY
from motionbeat.lab.demo.shown_library import ShownLibrary
from motionbeat.lab.demo.visitor_limits import Limits

pytest_plugins = ("demo_fixtures",)

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def client(demo_library: ShownLibrary) -> Iterator[TestClient]:
    with TestClient(create_app(demo_library, by_rules, Limits(megabytes=8, seconds=20)), base_url=HERE) as client:
        yield client


def finished(client: TestClient, told: dict[str, Any]) -> dict[str, Any]:
    """The last answer about a job."""
    end = time.monotonic() + 120
    while told["state"] in ("waiting", "working"):
        assert time.monotonic() < end
        time.sleep(0.05)
        told = client.get(f"/api/jobs/{told['job']}").json()
    return told


def sent(client: TestClient, content: bytes, name: str, **query: Any) -> dict[str, Any]:
    answer = client.post("/api/files", params={"name": name, **query}, content=content)
    assert answer.status_code == 200, answer.text
    return finished(client, answer.json())


def as_wav(samples: Any, rate: int = 44_100) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


def test_a_song_gets_its_beats_its_bar_and_what_fits(client: TestClient, demo_library: ShownLibrary) -> None:
    number = client.get("/api/about").json()["examples"][0]["piece"]
    piece = demo_library.index.pieces[number]
    page = sent(client, piece.path.read_bytes(), "../../etc/My song.flac")["answer"]
    assert page["title"] == "../../etc/My song"
    assert page["seconds"] == 20 and page["whole_s"] > 30  # only so much is looked at
    intervals = np.diff(page["beats"])
    assert np.median(intervals) == pytest.approx(60 / piece.bpm, rel=0.03)
    assert len(page["positions"]) == len(page["beats"])
    assert [row["piece"] for row in page["songs"]] == [n for n in (0, 3) if n != number]  # not the song itself
    assert {row["piece"] for row in page["dances"]} == {1, 2, 4, 5}
    sound = client.get(page["sound"], headers={"Range": "bytes=0-3"})
    assert (sound.status_code, sound.content) == (206, b"fLaC")
    same = finished(client, client.post(f"/api/pieces/{number}/analysis").json())["answer"]
    assert same == page  # the same file again is the same song


def test_a_dance_is_made_to_a_song_and_another_seed_is_another_dance(client: TestClient) -> None:
    page = finished(client, client.post("/api/pieces/0/analysis").json())["answer"]
    made = [
        finished(client, client.post(f"/api/songs/{page['song']}/dance", params={"seed": seed}).json())["answer"]
        for seed in (0, 0, 1)
    ]
    frames = len(np.frombuffer(base64.b64decode(made[0]["dance"]["contacts"]), np.uint8))
    assert frames / made[0]["dance"]["fps"] == pytest.approx(page["seconds"], abs=0.1)
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("source", ["piece", "made"])
def test_a_gap_is_danced_anew_and_the_rest_of_the_dance_is_kept(client: TestClient, source: str) -> None:
    page = finished(client, client.post("/api/pieces/0/analysis").json())["answer"]
    chosen = {"piece": page["dances"][0]["piece"]} if source == "piece" else {"made": 3}
    moves = []
    for seed in (0, 0, 1):
        query = {"begin_s": 5, "end_s": 7, "seed": seed, **chosen}
        told = finished(client, client.post(f"/api/songs/{page['song']}/filling", params=query).json())
        moves.append(np.frombuffer(base64.b64decode(told["answer"]["dance"]["joints"]), "<i2").reshape(-1, 24, 3))
    same, again, other = moves
    changed = (same != other).any(axis=(1, 2))
    assert len(same) == int(30 * page["seconds"]) and (same == again).all()
    assert changed[150:210].mean() > 0.9 and not changed[:150].any() and not changed[210:].any()
    steps = np.linalg.norm(np.diff(same.astype(float), axis=0), axis=2).max(axis=1) / 1000
    assert steps[149:210].max() < 0.4  # m a frame: no jump at either end


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"begin_s": 5, "end_s": 5.1}, "0.5 to 20 s"),
        ({"begin_s": 7, "end_s": 5}, "0.5 to 20 s"),
        ({"begin_s": 0, "end_s": 3}, "begin at 0.5 s or later"),
        ({"begin_s": 10, "end_s": 20}, "end by 19.5 s"),
        ({"begin_s": "nan", "end_s": 5}, "0.5 to 20 s"),
        ({"begin_s": 5, "end_s": 7, "piece": 0}, "none of those that fit"),
    ],
)
def test_a_gap_that_cannot_be_filled_is_refused(client: TestClient, query: dict[str, Any], says: str) -> None:
    page = finished(client, client.post("/api/pieces/0/analysis").json())["answer"]
    answer = client.post(f"/api/songs/{page['song']}/filling", params=query)
    assert answer.status_code == 400 and says in answer.json()["error"]


def test_a_dance_finds_its_music(client: TestClient, demo_library: ShownLibrary) -> None:
    """Its tempo is estimated; the song that it was made to comes first."""
    piece = demo_library.index.pieces[1]
    page = sent(client, piece.path.read_bytes(), "dance.npz")["answer"]
    assert page["bpm"] == pytest.approx(piece.bpm, rel=0.02)
    assert page["songs"][0]["piece"] == 0
    drawn = client.get("/api/pieces/1/dance").json()
    assert page["dance"]["joints"] == drawn["joints"][: len(page["dance"]["joints"])]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("words.txt", b"hello", "neither a song"),
        ("noise.wav", b"hello", "noise.wav cannot be decoded"),
        ("quiet.wav", as_wav(np.zeros(44_100)), "quiet.wav is silent"),
        ("dance.bvh", b"HIERARCHY\n", "dance.bvh"),
        ("dance.pkl", b"cos\nsystem\n(S'true'\ntR.", "dance.pkl"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_that_names_it(
    client: TestClient, name: str, content: bytes, says: str
) -> None:
    answer = client.post("/api/files", params={"name": name}, content=content)
    told = answer.json() if answer.status_code == 400 else finished(client, answer.json())
    assert says in told["error"]
    assert "motionbeat-demo-" not in told["error"]  # not the path on the disk


@pytest.mark.parametrize(("address", "status"), [("/api/files?name=a.wav", 507), ("/api/pieces/0/analysis", 200)])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    address: str, status: int, demo_library: ShownLibrary, tmp_path: Path, monkeypatch: Any, capfd: Any
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with TestClient(create_app(demo_library, by_rules, Limits(seconds=20)), base_url=HERE) as client:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
        try:
            answer = client.post(address, content=bytes(200_000))
            told = finished(client, answer.json()) if status == 200 else answer.json()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert answer.status_code == status and "could not store or read a file (File too large)" in told["error"]
        assert not list(tmp_path.rglob("*.*"))
    assert "error: " in (printed := capfd.readouterr().err) and "Traceback" not in printed


def test_sound_that_is_gone_from_the_temporary_folder_is_refused(demo_library: ShownLibrary) -> None:
    with TestClient(create_app(demo_library, by_rules, Limits(seconds=10)), base_url=HERE) as client:
        page = finished(client, client.post("/api/pieces/0/analysis").json())["answer"]
        next(Path(tempfile.gettempdir()).glob(f"motionbeat-demo-*/{page['song']}.flac")).unlink()
        answer = client.get(page["sound"])
    assert answer.status_code == 400 and "send it again" in answer.json()["error"]


def test_no_more_seconds_of_songs_are_kept_than_memory_has_room_for(
    demo_library: ShownLibrary, monkeypatch: Any
) -> None:
    monkeypatch.setattr("motionbeat.lab.demo.kept_songs.MOST_S", 25)
    with TestClient(create_app(demo_library, by_rules, Limits(seconds=20)), base_url=HERE) as client:
        pages = [finished(client, client.post(f"/api/pieces/{n}/analysis").json())["answer"] for n in (0, 3)]
        assert [client.get(page["sound"]).status_code for page in pages] == [400, 200]


def test_a_song_that_is_too_long_is_refused_before_it_is_decoded(demo_library: ShownLibrary) -> None:
    with TestClient(create_app(demo_library, by_rules, Limits(longest_s=30)), base_url=HERE) as client:
        told = sent(client, as_wav(np.sin(np.arange(8000 * 40) / 9), 8000), "long.wav")
    assert "long lasts 1 minutes" in told["error"]


def test_bounds_of_size_rate_and_queue(demo_library: ShownLibrary) -> None:
    limits = Limits(megabytes=0.01, waiting=2, a_minute=6)
    with TestClient(create_app(demo_library, by_rules, limits), base_url=HERE) as client:
        large = client.post("/api/files", params={"name": "a.wav"}, content=b"x" * 20_000)
        assert (large.status_code, "more than 0.01 MB" in large.text) == (400, True)
        told = [client.post("/api/pieces/0/analysis") for _ in range(6)]
        assert 503 in {answer.status_code for answer in told}
        assert "there is no room for more" in next(answer.text for answer in told if answer.status_code == 503)
        assert told[-1].status_code == 429 and "within a minute" in told[-1].text
        waiting = [answer.json()["ahead"] for answer in told if answer.json().get("state") == "waiting"]
        assert waiting == sorted(waiting)


def test_uploads_leave_nothing_behind(demo_library: ShownLibrary, tmp_path: Path, monkeypatch: Any) -> None:
    """While the server runs there is the song's sound under a generated name, afterwards nothing."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with TestClient(create_app(demo_library, by_rules, Limits(seconds=10)), base_url=HERE) as client:
        page = sent(client, demo_library.song_file(0).read_bytes(), "My song.flac")["answer"]
        sent(client, b"no sound", "other.wav")
        assert [path.name for path in tmp_path.rglob("*.*")] == [f"{page['song']}.flac"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200),
        ({"Host": "evil.example:8000"}, 403),
        ({"Origin": "http://evil.example"}, 403),
    ],
)
def test_another_sites_page_is_refused(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/api/pieces/0/analysis", headers=headers).status_code == status


def test_every_answer_forbids_the_page_to_load_from_elsewhere(client: TestClient) -> None:
    for path, status in (
        ("/", 200),
        ("/demo.js", 200),
        ("/player.js", 200),
        ("/none", 404),
        ("/demo.js/", 404),
        ("/api/jobs/x", 400),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (status, POLICY)
    assert "http" not in POLICY and "unsafe" not in POLICY
    assert "://" not in client.get("/").text + client.get("/demo.css").text


def test_files_outside_of_the_library_cannot_be_named(client: TestClient) -> None:
    for path in ("/api/pieces/1/sound", "/api/pieces/0/dance", "/api/pieces/99/sound", "/api/songs/none/sound"):
        assert client.get(path).status_code == 400
    for path in ("/..%2fpyproject.toml", "/demo_app.py", "/static/demo.js"):
        assert client.get(path).status_code == 404


def test_a_library_from_elsewhere_serves_no_file_that_is_no_song(demo_library: ShownLibrary, tmp_path: Path) -> None:
    """Whoever made it could name any file of this machine as a song."""
    secret = tmp_path / "passwd"
    secret.write_text("secret")
    crafted = copy(demo_library.index)
    crafted.pieces = (evolve(crafted.pieces[0], folder=str(tmp_path), name=secret.name), *crafted.pieces[1:])
    with TestClient(create_app(ShownLibrary(crafted), by_rules), base_url=HERE) as client:
        answer = client.get("/api/pieces/0/sound")
    assert answer.status_code == 400 and "no song has this ending" in answer.json()["error"]


def test_a_file_that_is_cut_off_is_dropped_without_a_fault(demo_library: ShownLibrary) -> None:
    messages = iter([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
    sent_back: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent_back.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/files", "query_string": b"name=a.wav", "headers": []}
    asyncio.run(create_app(demo_library, by_rules, host="0.0.0.0")(scope, receive, send))
    assert sent_back[0]["status"] == 400 and b"did not arrive whole" in sent_back[1]["body"]


def test_files_on_their_way_count_as_waiting(demo_library: ShownLibrary) -> None:
    with pytest.raises(QueueFull, match="3 are waiting"):
        JobQueue(3).refuse_if_full(arriving=3)


def test_every_refusal_is_a_sentence_under_error(client: TestClient) -> None:
    for path in ("/api/pieces/abc/sound", "/nowhere/else"):
        assert isinstance(client.get(path).json()["error"], str)
