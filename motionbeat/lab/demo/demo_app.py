"""The web application: the page's files, uploads, jobs, sounds and dances. Nothing that it serves lies elsewhere."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from motionbeat.audio.song_files import SOUND_SUFFIXES
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.formats import KINDS
from motionbeat.lab.demo import gap_filling
from motionbeat.lab.demo.job_queue import JobQueue, QueueFull, Say, Work, disk_fault
from motionbeat.lab.demo.kept_songs import KeptSongs
from motionbeat.lab.demo.made_dances import Dancer, LearnedDancer, shipped_dancer
from motionbeat.lab.demo.request_guard import Guard, refusal
from motionbeat.lab.demo.shown_library import ShownLibrary, drawn
from motionbeat.lab.demo.song_analysis import AnalysedSong, analyse_dance, analyse_song
from motionbeat.lab.demo.visitor_limits import Limits, Meter, TooOften, allowed_hosts
from motionbeat.lab.generator.sampling import GeneratedDance

_STATIC = {
    "": ("demo", "static/demo.html", "text/html"),
    "demo.css": ("demo", "static/demo.css", "text/css"),
    "demo.js": ("demo", "static/demo.js", "text/javascript"),
    "charts.js": ("demo", "static/charts.js", "text/javascript"),
    "gap.js": ("demo", "static/gap.js", "text/javascript"),
    "player.js": ("render", "player.js", "text/javascript"),
    "icon.svg": ("demo", "static/icon.svg", "image/svg+xml"),
}
_LONGEST_TITLE = 80
_TEMPI = (30.0, 300.0)


def create_app(
    library: ShownLibrary,
    dancer: Dancer,
    limits: Limits | None = None,
    host: str = "127.0.0.1",
    learned: Callable[[], LearnedDancer] = shipped_dancer,
) -> FastAPI:
    """The application. host: the address that it will listen at. learned: opens the dancer that fills gaps."""
    limits = limits or Limits()
    arriving: set[Path] = set()
    last_made: dict[tuple[str, int], GeneratedDance] = {}  # its gaps are filled without making it anew
    songs, queue, meter, hosts = KeptSongs(), JobQueue(limits.waiting), Meter(limits.a_minute), allowed_hosts(host)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        queue.close()
        songs.close()

    # no redirects: those go where the request's Host says; its own pages of documentation come from elsewhere
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(OSError, lambda _, error: refusal(507, disk_fault(error)))

    @app.exception_handler(MotionBeatError)
    async def refused(_: Request, error: Exception) -> Response:
        status = 503 if isinstance(error, QueueFull) else 429 if isinstance(error, TooOften) else 400
        return refusal(status, str(error))

    @app.exception_handler(RequestValidationError)
    async def not_a_number(_: Request, error: RequestValidationError) -> Response:
        return refusal(422, "; ".join(f"{wrong['loc'][-1]}: {wrong['msg']}" for wrong in error.errors()))

    @app.exception_handler(HTTPException)
    async def not_here(_: Request, error: HTTPException) -> Response:
        return refusal(error.status_code, f"this server has no such address ({error.detail})")

    def page_of(name: str) -> dict[str, Any]:
        return {**songs.song(name).page, "song": name, "sound": f"/api/songs/{name}/sound"}

    def shown(dance: GeneratedDance) -> dict[str, Any]:
        return {"dance": drawn(dance.joints, dance.fps)}

    def dance_to(name: str, song: AnalysedSong, seed: int, say: Say) -> GeneratedDance:
        if (name, seed) not in last_made:
            last_made.clear()
            last_made[name, seed] = dancer(song, seed, say)
        return last_made[name, seed]

    def song_job(path: Path, title: str, content: str, say: Say) -> dict[str, Any]:
        name = songs.known(content) or songs.keep(
            content, analyse_song(path, title, library, limits.seconds, limits.longest_s, content, say)
        )
        return page_of(name)

    async def received(request: Request, path: Path) -> str:
        """Write the body to a file, no more of it than is allowed; its SHA-256."""
        digest, size, most = hashlib.sha256(), 0, round(limits.megabytes * 2**20)
        try:
            async with asyncio.timeout(limits.upload_s):
                with path.open("wb") as file:
                    async for part in request.stream():
                        size += len(part)
                        if size > most:
                            raise MotionBeatError(f"the file has more than {limits.megabytes:g} MB: send a smaller one")
                        digest.update(part)
                        file.write(part)
        except TimeoutError:
            raise MotionBeatError(f"the file took more than {limits.upload_s:.0f} s to arrive: send it again") from None
        except ClientDisconnect:
            raise MotionBeatError("the file did not arrive whole: send it again") from None
        return digest.hexdigest()

    @app.post("/api/files")
    async def receive(request: Request, name: str = "", bpm: float | None = None) -> dict[str, Any]:
        """A song or a dance, by the ending of `name`, of which nothing else reaches the disk. bpm: of a dance."""
        meter.count(_address(request))
        queue.refuse_if_full(len(arriving))
        title, ending = name[-_LONGEST_TITLE:], Path(name).suffix.lower()
        if ending not in (*SOUND_SUFFIXES, *KINDS):
            raise MotionBeatError(
                f"{title or 'this file'} is neither a song ({_list(SOUND_SUFFIXES)}) nor a dance ({_list(KINDS)})"
            )
        if bpm is not None and not _TEMPI[0] <= bpm <= _TEMPI[1]:
            raise MotionBeatError(f"the tempo is {bpm:g}: give {_TEMPI[0]:g} to {_TEMPI[1]:g} beats a minute")
        path = songs.new_path(ending)
        drop = partial(path.unlink, missing_ok=True)  # systems empty their folder of temporary files
        title = title[: -len(ending)]

        def work(say: Say) -> dict[str, Any]:
            try:
                if ending in SOUND_SUFFIXES:
                    return song_job(path, title, content, say)
                return analyse_dance(path, title, library, limits.seconds, bpm, say)
            finally:
                drop()

        arriving.add(path)
        try:
            content = await received(request, path)
            return queue.put(_named(work, path, title + ending), drop)
        except BaseException:
            drop()
            raise
        finally:
            arriving.remove(path)

    @app.post("/api/pieces/{number}/analysis")
    async def analyse_piece(request: Request, number: int) -> dict[str, Any]:
        """A song of the library, as if it had been sent."""
        meter.count(_address(request))
        path, piece = library.song_file(number), library.index.pieces[number]
        return queue.put(lambda say: song_job(path, path.stem, piece.content, say))

    @app.post("/api/songs/{name}/dance")
    async def make_dance(request: Request, name: str, seed: int = 0) -> dict[str, Any]:
        """A dance to a song, made now."""
        meter.count(_address(request))
        song = songs.song(name)
        return queue.put(lambda say: shown(dance_to(name, song, seed, say)))

    @app.post("/api/songs/{name}/filling")
    async def fill_gap(
        request: Request,
        name: str,
        begin_s: float,
        end_s: float,
        piece: int | None = None,
        made: int = 0,
        seed: int = 0,
    ) -> dict[str, Any]:
        """A dance to a song with a gap filled: the `piece` of the library that fits it, or the one of seed `made`."""
        meter.count(_address(request))
        song = songs.song(name)
        gap = gap_filling.Gap.within(begin_s, end_s, song.page["seconds"])
        row = next((row for row in song.page["dances"] if row["piece"] == piece), None)
        if piece is not None and row is None:
            raise MotionBeatError(f"dance {piece} is none of those that fit this song")

        def work(say: Say) -> dict[str, Any]:
            if row is None:
                given = dance_to(name, song, made, say).vectors
            else:
                given = gap_filling.as_played(library.motion(row["piece"]), row, song.page["seconds"])
            say("filling the gap")
            return shown(gap_filling.filled(given, gap, song.sound, learned(), seed))

        return queue.put(work)

    @app.get("/api/jobs/{name}")
    async def ask(name: str) -> dict[str, Any]:
        return queue.ask(name)

    @app.get("/api/about")
    async def about() -> dict[str, Any]:
        """What the page has to know at first."""
        return {
            "examples": library.examples(),
            "endings": [*SOUND_SUFFIXES, *KINDS],
            "megabytes": limits.megabytes,
            "seconds": limits.seconds,
            "gap_s": [gap_filling.SHORTEST_S, gap_filling.LONGEST_S],
        }

    @app.get("/api/songs/{name}/sound")
    async def sound(name: str) -> Response:
        return FileResponse(songs.sound(name), media_type="audio/flac")

    @app.get("/api/pieces/{number}/sound")
    async def piece_sound(number: int) -> Response:
        return FileResponse(library.song_file(number))

    @app.get("/api/pieces/{number}/dance")
    def piece_dance(number: int) -> dict[str, Any]:
        return library.dance(number)

    @app.get("/")
    @app.get("/{name}")
    async def static(name: str = "") -> Response:
        if name not in _STATIC:
            return refusal(404, f"there is no {name} here")
        room, file, kind = _STATIC[name]
        return Response(files(f"motionbeat.lab.{room}").joinpath(file).read_bytes(), media_type=kind)

    return app


def _named(work: Work, path: Path, title: str) -> Work:
    """The work, whose errors call a file by its title in place of its path here."""

    def run(say: Say) -> dict[str, Any]:
        try:
            return work(say)
        except MotionBeatError as error:
            raise MotionBeatError(str(error).replace(str(path), title)) from None

    return run


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _list(endings: tuple[str, ...]) -> str:
    return ", ".join(ending[1:] for ending in endings)
