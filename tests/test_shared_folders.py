"""Clones that share their caches, two runs in one folder, and clocks that are wrong: the same bytes, nothing lost."""

import os
import time
from pathlib import Path

import pytest
from dvc_clones import Clone

from benchmarks.small_chain import digests

pytestmark = pytest.mark.slow
LAST = "beats"


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> list[Clone]:
    """Two clones that ran the chain at the same time, with one cache of DVC's and one of the project's."""
    place = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIONBEAT_CACHE", str(place / "cache"))
        made = [Clone(place / name) for name in "ab"]
        for clone in made:
            clone.small()
            assert clone.dvc("cache", "dir", "--local", str(place / "dvc")).returncode == 0
        running = [clone.start_dvc("repro", LAST) for clone in made]
        for process in running:
            said, _ = process.communicate()
            assert process.returncode == 0, said
    return made


def test_clones_that_run_at_once_with_shared_caches_write_the_same_bytes(clones: list[Clone]) -> None:
    one, other = (digests(clone.root, ("data", "metrics")) for clone in clones)
    assert one == other and len(one) > 10


def test_what_one_clone_has_run_another_takes_from_the_shared_cache(clones: list[Clone], tmp_path: Path) -> None:
    third = Clone(tmp_path / "c")
    third.small()
    third.dvc("cache", "dir", "--local", str(clones[0].root.parent / "dvc"))
    done = third.dvc("repro", LAST)
    assert done.returncode == 0 and "Running stage" not in done.stdout
    assert digests(third.root, ("data",)) == digests(clones[0].root, ("data",))


@pytest.mark.parametrize("seconds", [1e9, 4e9], ids=["2001", "2096"])
def test_times_of_files_decide_nothing(clones: list[Clone], seconds: float) -> None:
    """As after a clock was set back or forward: every file is older, or newer, than what is made from it."""
    clone = clones[0]
    for top in (clone.root, clone.root.parent / "dvc"):
        for path in top.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                os.utime(path, (seconds, seconds))
    done = clone.dvc("repro", LAST)
    assert done.returncode == 0 and "Data and pipelines are up to date." in done.stdout


def test_a_second_run_in_a_folder_is_refused_and_the_first_is_not_disturbed(
    clones: list[Clone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTIONBEAT_CACHE", str(tmp_path))
    clone = clones[1]
    before = digests(clone.root, ("data", "metrics"))
    first = clone.start_dvc("repro", "--single-item", "--force", "corpus")
    while (clone.root / "data/corpus").exists():  # DVC removes it as the stage begins
        assert first.poll() is None
        time.sleep(0.1)
    second = clone.dvc("repro", "--single-item", "--force", "corpus")
    assert second.returncode != 0 and "is busy, it is being blocked by" in second.stdout
    said, _ = first.communicate()
    assert first.returncode == 0, said
    assert digests(clone.root, ("data", "metrics")) == before
