"""The chain corpus to dance writes the same bytes under other workers, threads, clock, locale, seeds, path and order.

Three small runs with 1, 2 and 4 workers, each stage a process of its own as DVC starts it. Processors of another kind
are not promised.
"""

import os
from pathlib import Path

import pytest

from benchmarks.small_chain import CHAIN, ROOT, digests, prepare, run_whole

OTHER_ORDER = """
import os
names, entries = os.listdir, os.scandir
class Entries(list):
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def close(self): pass
os.listdir = lambda *a: sorted(names(*a), reverse=True)
os.scandir = lambda *a: Entries(sorted(entries(*a), key=lambda entry: entry.name, reverse=True))
"""


@pytest.mark.slow
def test_no_output_depends_on_the_machine_s_settings(tmp_path: Path) -> None:
    order = tmp_path / "order"
    order.mkdir()
    (order / "sitecustomize.py").write_text(OTHER_ORDER)
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    settings = {
        "first": {"MOTIONBEAT_WORKERS": "1", "TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
        | dict.fromkeys(threads, "1"),
        "a second folder": {"MOTIONBEAT_WORKERS": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"}
        | {"PYTHONHASHSEED": "2", "PYTHONPATH": f"{order}{os.pathsep}{ROOT}"}
        | dict.fromkeys(threads, "2"),
        "four workers": {"MOTIONBEAT_WORKERS": "4"},
    }
    written = []
    for name, environment in settings.items():
        prepare(tmp_path / name)
        for stage in CHAIN:
            run_whole(tmp_path / name, ("stages", stage), environment)
        written.append(digests(tmp_path / name))
    first, *others = written
    assert {"models/motionbeat/model.safetensors", "metrics/dance.json", "metrics/retrieve.json"} <= set(first)
    for other in others:
        assert {name for name in first | other if first.get(name) != other.get(name)} == set()
