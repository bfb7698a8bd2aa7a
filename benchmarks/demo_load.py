"""The demo under many visitors at once: python -m benchmarks.demo_load http://localhost:8000 SONG [--clients 20]

Each client sends the song with some changed samples (so that no answer comes from the cache), and asks about its job
twice a second, like the page. It prints refusals, the first and the last answer, and how long the server took to answer
requests during the work.
"""

import argparse
import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import requests
import soundfile

from benchmarks.arguments import count
from motionbeat.errors import MotionBeatError, run

_ASK_S = 0.5


def visit(address: str, samples: np.ndarray, rate: int, number: int) -> tuple[float, list[float], list[int]]:
    """Seconds until the answer, seconds of each question, and the places in the queue that were told."""
    own, file = samples.copy(), io.BytesIO()
    own[:100] = 1e-3 * number
    soundfile.write(file, own, rate, format="FLAC")
    begun = time.perf_counter()
    told = requests.post(f"{address}/api/files", params={"name": "song.flac"}, data=file.getvalue(), timeout=120).json()
    asked, places = [], []
    while told.get("state") in ("waiting", "working"):
        places.append(told.get("ahead", 0))
        time.sleep(_ASK_S)
        start = time.perf_counter()
        told = requests.get(f"{address}/api/jobs/{told['job']}", timeout=120).json()
        asked.append(time.perf_counter() - start)
    if told.get("state") != "done":
        raise MotionBeatError(f"client {number}: {told.get('error')}")
    return time.perf_counter() - begun, asked, places


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("address", help="of the demo")
    parser.add_argument("song", help="a song to send")
    parser.add_argument("--clients", type=count, default=20, help="visitors at once")
    arguments = parser.parse_args(argv)
    samples, rate = soundfile.read(arguments.song, dtype="float32")
    with ThreadPoolExecutor(arguments.clients) as pool:
        visits = list(
            pool.map(lambda number: visit(arguments.address, samples, rate, number), range(arguments.clients))
        )
    totals = np.array([total for total, _, _ in visits])
    asked = 1000 * np.concatenate([times for _, times, _ in visits])
    print(f"{arguments.clients} clients, all answered; longest queue {max(max(places) for *_, places in visits)}")
    print(f"first answer {totals.min():.1f} s, median {np.median(totals):.1f} s, last {totals.max():.1f} s")
    print(
        f"{len(asked)} questions: median {np.median(asked):.0f} ms, 95th percentile {np.percentile(asked, 95):.0f} ms, "
        f"longest {asked.max():.0f} ms"
    )


if __name__ == "__main__":
    run(main)
