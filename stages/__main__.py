"""`python -m stages NAME`: check all of params.yaml, then run a stage.

The check comes first because a stage's imports take seconds (torch), and a mistake in params.yaml
should show at once.
"""

import importlib
import os
import sys
import time
from pathlib import Path

from motionbeat.errors import MotionBeatError, run
from motionbeat.files import read_json, write_json
from motionbeat.lab import params
from motionbeat.lab.allocation import keep_freed_memory
from motionbeat.lab.parent_watch import end_with_parent

SECONDS = Path("logs/seconds.json")
"""{stage: seconds of its last run}, for people; no output of the pipeline."""
STAGES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in STAGES:
        raise MotionBeatError(f"usage: python -m stages NAME, with NAME one of {', '.join(STAGES)}")
    params.load()
    end_with_parent()
    keep_freed_memory()
    # One thread in every library, as the order of sums depends on their number; torch gets its own where it trains
    # (`motionbeat.model.device`). Before numpy is imported.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
    # Threads that wait for each other sleep and do not spin: on a machine that other work shares, a spinning thread
    # keeps its processor from the one that it waits for, and training takes twenty times as long. Before torch starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    begun = time.monotonic()
    importlib.import_module(f"stages.{sys.argv[1]}").main()
    _note(sys.argv[1], time.monotonic() - begun)


def _note(stage: str, seconds: float) -> None:
    """Keep what a stage took in `SECONDS`, beside the other stages."""
    known = read_json(SECONDS, "delete it: stages write it anew") if SECONDS.is_file() else {}
    write_json(SECONDS, {**known, stage: round(seconds, 1)})


if __name__ == "__main__":
    run(main)
