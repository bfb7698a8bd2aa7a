"""A library of two made songs and four dances, and a server that shows it."""

from collections.abc import Iterator

import pytest
from demo_serving import serving

import motionbeat
from motionbeat.lab.demo.made_library import made_library
from motionbeat.lab.demo.shown_library import ShownLibrary
from motionbeat.lab.demo.visitor_limits import Limits

SONGS = ("mHO1", "mPO0")


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownLibrary]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONBEAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield ShownLibrary(made_library(motionbeat.load(device="cpu"), "librosa", SONGS))


@pytest.fixture(scope="session")
def demo_address(demo_library: ShownLibrary) -> Iterator[str]:
    with serving(demo_library, Limits(seconds=20)) as port:
        yield f"http://127.0.0.1:{port}"
