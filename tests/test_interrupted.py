"""What was killed leaves nothing half written, no process and no lock, and runs again to the same bytes."""

import errno
import functools
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from safetensors.numpy import save_file

from benchmarks.killed_commands import COMMANDS
from benchmarks.kills import campaign
from benchmarks.small_chain import prepare
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_file, whole_folder
from motionbeat.lab.standins.standin_files import write_audio

ROOT = Path(__file__).parents[1]
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
_CHECK = "import sys, runpy; sys.argv[1:] = ['check']; runpy.run_module('stages', run_name='__main__')"


def test_a_stage_that_is_killed_twice_runs_again_to_the_same_bytes(tmp_path: Path) -> None:
    _killed(tmp_path / "chain", ["check"], kills=2, seed=0)


def _weights(path: Path) -> None:
    with whole_file(path) as unfinished:
        save_file({"values": np.zeros(5000)}, unfinished)


def _sound(path: Path) -> None:
    write_audio(path, np.random.default_rng(0).normal(size=22_050), 22_050)


@pytest.mark.slow
def test_every_stage_embed_and_index_survive_kills(tmp_path: Path) -> None:
    _killed(tmp_path / "chain", COMMANDS, kills=2, seed=1)


def _killed(folder: Path, names: Sequence[str], kills: int, seed: int) -> None:
    all_of_it = campaign(folder, names, kills, seed, minutes=60.0)
    assert Counter(each["command"] for each in all_of_it if each["killed"]) == dict.fromkeys(names, kills)
    assert not [each for each in all_of_it if each["wrong"]]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_stage_and_its_processes_end_with_the_dvc_that_started_it(tmp_path: Path, ending: signal.Signals) -> None:
    """A process in dvc's place starts a stage as DVC does, through a shell that waits, and is ended."""
    stage = tmp_path / "stage.py"
    stage.write_text(
        "import subprocess, sys, time\n"
        "from motionbeat.lab.parent_watch import end_with_parent\n"
        "end_with_parent()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{__import__(\"os\").getpid()}} {{child.pid}} ')\n"
        "time.sleep(60)\n"
    )
    starter = f"import subprocess; subprocess.run(['/bin/sh', '-c', '{sys.executable} {stage}; true'])"
    environment = os.environ | {"DVC_STAGE": "train", "PYTHONPATH": str(ROOT)}
    dvc = subprocess.Popen([sys.executable, "-c", starter], env=environment)
    pids = tmp_path / "pids"
    _until(lambda: pids.exists() and pids.read_text().endswith(" "))
    started = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    dvc.send_signal(ending)
    dvc.wait()
    _until(lambda: not any(map(_runs, started)))


def test_an_interrupt_ends_a_stage_even_where_a_library_would_swallow_it() -> None:
    script = """
import os, signal
from motionbeat.lab.parent_watch import end_with_parent
end_with_parent()
try:
    os.kill(os.getpid(), signal.SIGINT)
    [number for number in range(10**6)]
except BaseException:
    pass
print("works on")
"""
    interruptible = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where these tests are not
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=_ENVIRONMENT, preexec_fn=interruptible
    )
    assert (done.returncode, done.stdout) == (130, "")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(holds: Callable[[], bool], patience_s: float = 60.0) -> None:
    ends = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.parametrize("whole", [whole_folder, whole_file])
def test_what_a_killed_run_left_is_removed_and_what_a_living_one_makes_is_not(
    tmp_path: Path, whole: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    held = f"""
import sys, time
from pathlib import Path
from motionbeat.files import {whole.__name__}
with {whole.__name__}(Path({str(tmp_path / "out[1]")!r})) as path:
    path.is_dir() or path.write_text("half")
    print(path.name, flush=True)
    time.sleep(600)
"""
    both = [
        subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT)
        for _ in range(2)
    ]
    names = [process.stdout.readline().strip() for process in both if process.stdout]
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    both[0].kill()
    both[0].wait()
    with whole(tmp_path / "out[1]") as path:
        (path / "a" if path.is_dir() else path).write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {"out[1]", names[1]}
    both[1].kill()
    for process in both:
        process.communicate()


def test_two_runs_that_end_at_the_same_moment_leave_one_whole_folder(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from motionbeat.files import whole_file, whole_folder
for _ in range(200):
    with whole_folder(Path({str(tmp_path / "out")!r})) as folder:
        for number in range(20):
            (folder / str(number)).write_text(sys.argv[1])
"""
    both = [subprocess.Popen([sys.executable, "-c", script, name], env=_ENVIRONMENT) for name in "ab"]
    assert [process.wait() for process in both] == [0, 0]
    held = {path.read_text() for path in (tmp_path / "out").iterdir()}
    assert len(list((tmp_path / "out").iterdir())) == 20 and len(held) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MotionBeatError, match=r"file.*make it writable"), whole_folder(tmp_path / "file" / "out"):
        pass


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    prepare(tmp_path / "chain")
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900)); {_CHECK}"
    done = subprocess.run([sys.executable, "-c", limited], cwd=tmp_path / "chain", capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and "File too large" in done.stderr
    assert not list((tmp_path / "chain" / "data").glob("code*"))


@pytest.mark.parametrize("write", [_weights, _sound])
def test_what_a_library_writes_to_a_full_disk_is_refused_by_the_system(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(OSError) as refused:
            write(tmp_path / "out.mp3")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert refused.value.errno == errno.EFBIG and not list(tmp_path.glob("*.unfinished"))
