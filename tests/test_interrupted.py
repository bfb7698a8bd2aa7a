"""What was killed leaves nothing half written, no process and no lock, and runs again to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from benchmarks.kills import campaign
from benchmarks.small_chain import prepare
from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_folder

ROOT = Path(__file__).parents[1]
_CHECK = "import sys, runpy; sys.argv[1:] = ['check']; runpy.run_module('stages', run_name='__main__')"


def test_a_stage_that_is_killed_twice_runs_again_to_the_same_bytes(tmp_path: Path) -> None:
    done, wrong = campaign(tmp_path / "chain", ["check"], 2, 0, 5.0)
    assert done == {"check": 2} and not wrong


@pytest.mark.slow
def test_every_stage_and_embed_survive_a_kill(tmp_path: Path) -> None:
    names = ["corpus", "beats", "tokens", "negatives", "train", "retrieve", "dance", "embed"]
    done, wrong = campaign(tmp_path / "chain", names, 1, 1, 30.0)
    assert done == dict.fromkeys(names, 1) and not wrong


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


def test_a_folder_of_a_killed_run_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, others = (tmp_path / f"out.{pid}.unfinished" for pid in (dead.pid, os.getppid()))
    for folder in (left, others):
        folder.mkdir()
    with whole_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", others.name]


def test_two_runs_that_end_at_the_same_moment_leave_one_whole_folder(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from motionbeat.files import whole_folder
for _ in range(200):
    with whole_folder(Path({str(tmp_path / "out")!r})) as folder:
        for number in range(20):
            (folder / str(number)).write_text(sys.argv[1])
"""
    both = [
        subprocess.Popen([sys.executable, "-c", script, name], env=os.environ | {"PYTHONPATH": str(ROOT)})
        for name in "ab"
    ]
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
