"""`motionbeat demo`: a local web page to try a model."""

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from motionbeat.cli.command_options import DEFAULT_MODEL, ModelOption, Tracker, open_model
from motionbeat.errors import MotionBeatError


def demo(
    library: Annotated[
        Path | None,
        typer.Option(
            help="Search this library (motionbeat index).", show_default="made songs and dances, from the cache"
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a dance generator, as the dance stage writes it, to make dances and fill gaps with.",
            show_default="the dancer by rules; gaps: the generator that comes with motionbeat",
        ),
    ] = None,
    encoder_model: Annotated[
        str | None,
        typer.Option(help="With --generator: the model that it was trained with.", show_default="models/motionbeat"),
    ] = None,
    tracker: Annotated[
        Tracker | None,
        typer.Option(help="Who finds the beats.", show_default="the library's, or madmom if it is installed"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; with 0.0.0.0 everybody who can reach this machine can use it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    megabytes: Annotated[float, typer.Option(min=0.1, max=1000, help="Largest file that is accepted.")] = 50.0,
    seconds: Annotated[float, typer.Option(min=10, max=900, help="Seconds of a song or dance that are used.")] = 90.0,
) -> None:
    """Show a page to try the model: drop a song or a dance on it.

    For a song: beats and bars, accents around the bar, similar songs, dances that fit, a dance made to it, and a gap of
    a dance filled. For a dance: music that fits. The page loads nothing from other servers, and no file leaves this
    machine. One file is processed at a time; others wait in a queue and see their position.

    Example: motionbeat demo --library library.mbi
    """
    from motionbeat.index import Index
    from motionbeat.lab.demo import made_dances
    from motionbeat.lab.demo.demo_app import create_app
    from motionbeat.lab.demo.made_library import made_library
    from motionbeat.lab.demo.patient_server import demo_server
    from motionbeat.lab.demo.shown_library import ShownLibrary
    from motionbeat.lab.demo.visitor_limits import Limits

    if generator is None and encoder_model is not None:
        raise MotionBeatError("--encoder-model only works with --generator: add --generator FOLDER")
    listening = _listening(host, port)
    loaded = open_model(model)
    named = tracker.value if tracker else None
    index = Index.open(library, loaded) if library else made_library(loaded, named)
    if named not in (None, index.tracker):
        raise MotionBeatError(f"{library} has beats by {index.tracker}: leave --tracker {named} out")
    learned = None if generator is None else made_dances.LearnedDancer.open(generator, encoder_model)
    limits = Limits(megabytes=megabytes, seconds=seconds)
    app = create_app(
        ShownLibrary(index),
        learned or made_dances.by_rules,
        limits,
        host,
        made_dances.shipped_dancer if learned is None else lambda: learned,
    )
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else host
    print(f"open http://{shown}:{listening.getsockname()[1]} in a browser; Ctrl-C ends it", flush=True)
    if host not in ("127.0.0.1", "localhost", "::1"):
        print(f"everybody who can reach {host} can use it", file=sys.stderr)
    with suppress(KeyboardInterrupt):  # which the server raises again when it has ended by it
        demo_server(app, limits).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise MotionBeatError(
            f"cannot listen at {host}, port {port} ({error.strerror}): name another one with --port, or --port 0"
        ) from None
