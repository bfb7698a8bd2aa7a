"""One map: the same results in order in this process, in processes and on a cluster, also when workers die."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motionbeat import parallel
from motionbeat.errors import MotionBeatError
from motionbeat.parallel import in_parallel


def squared(number: int) -> int:
    return number * number


def threads(_: int) -> int:
    import torch

    return torch.get_num_threads()


def dies_once(number: int, mark: Path) -> int:
    """The process of the twenty-first call dies by KILL, unless `mark` is there."""
    if number == 20 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (mark.parent / f"done{number}-{time.monotonic_ns()}").touch()
    return number * number


def dies(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fails(number: int) -> int:
    raise MotionBeatError(f"song {number} is silent")


def pausing(number: int, folder: Path) -> tuple[int, bytes]:
    time.sleep(0.3)
    return number, (folder / "content").read_bytes() * number


CALLS = [(number,) for number in range(12)]


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_from_one_thread_each(processes) -> None:
    assert list(in_parallel(squared, CALLS, "songs", processes)) == [number**2 for number in range(12)]
    import torch

    before = torch.get_num_threads()
    assert set(in_parallel(threads, CALLS[:3], "songs", processes)) == {1}
    assert torch.get_num_threads() == before
    with pytest.raises(MotionBeatError, match=r"song \d+ is silent"):
        list(in_parallel(fails, CALLS, "songs", processes))
    assert list(in_parallel(squared, [], "songs", processes)) == []


def test_what_a_dead_process_left_is_done_again_and_the_rest_is_not(tmp_path, capfd) -> None:
    found = list(in_parallel(dies_once, [(number, tmp_path / "mark") for number in range(40)], "songs", 2))
    assert found == [number**2 for number in range(40)]
    line = capfd.readouterr().err
    assert len(list(tmp_path.glob("done*"))) < 40 + 20  # those that were not handed over yet are done twice
    assert "a worker process ended (SIGKILL(-9))" in line and "songs to do: new processes do them" in line


def test_processes_that_die_again_are_refused_by_name() -> None:
    with pytest.raises(MotionBeatError, match=r"SIGKILL\(-9\).* songs to do, for the second time: free memory"):
        list(in_parallel(dies, CALLS, "songs", 2))


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A Dask scheduler and two workers of one thread each, over TCP; gives the workers' processes."""
    at = tmp_path / "scheduler.json"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s"}

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
        with (tmp_path / "log.txt").open("a") as log:
            return subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)

    local = ("--host", "127.0.0.1", "--no-dashboard")
    processes = [start("dask_scheduler", "--scheduler-file", str(at), "--port", "0", *local)]
    worker = ("dask_worker", "--scheduler-file", str(at), "--nthreads", "1", "--no-nanny", *local)
    processes += [start(*worker) for _ in range(2)]
    try:
        while not at.exists():
            time.sleep(0.1)
        monkeypatch.setenv(parallel.SCHEDULER, json.loads(at.read_text())["address"])
        yield processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_cluster_gives_the_same_though_a_worker_is_killed_half_way(cluster, tmp_path) -> None:
    from distributed import Client

    with Client(os.environ[parallel.SCHEDULER], set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    (tmp_path / "content").write_bytes(b"abc")
    found = []
    for result in in_parallel(pausing, [(number, tmp_path) for number in range(16)], "songs"):
        found.append(result)
        if len(found) == 5:
            cluster[0].kill()
    assert found == [(number, b"abc" * number) for number in range(16)]
    assert cluster[0].wait() == -signal.SIGKILL and cluster[1].poll() is None


def test_a_cluster_that_does_not_answer_is_refused_by_its_address(monkeypatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv(parallel.SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setattr(parallel, "_PATIENCE_S", 0.5)
    with pytest.raises(MotionBeatError, match=r"MOTIONBEAT_SCHEDULER = tcp://127\.0\.0\.1:9: no scheduler"):
        list(in_parallel(squared, CALLS, "songs"))
