"""Time of training: seconds by part of a step, and the peak of memory."""

import sys
import time
from typing import Any

import torch

PARTS = ("gather", "forward", "backward", "optimiser", "other")
"""gather: the batch's tensors. forward: encoders and losses. optimiser: clipping and the update. other: the rest."""


class Stopwatch:
    """Call `begin` before the steps of an epoch and `mark` with a part's name when that part of a step is done.

    On a GPU the marks are events in its queue, so that they do not stop the device; the time of a part is the time of
    its kernels, including waits.
    """

    def __init__(self, device: torch.device) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.steps = 0
        self.windows = 0
        self._device = device
        self._marks: list[tuple[str, Any]] = []

    def begin(self) -> None:
        """Restart the clock, after work that is not part of a step, such as a validation."""
        self._collect()
        self._marks = [("", self._now())]

    def mark(self, part: str) -> None:
        """The work since the last mark belongs to `part`."""
        self._marks.append((part, self._now()))

    def step_done(self, windows: int) -> None:
        """A step over `windows` windows has ended with the last mark."""
        self.steps += 1
        self.windows += windows

    def figures(self) -> dict[str, float]:
        """samples_per_s, seconds by part, share_outside and peak_memory_mib; empty before the first step.

        samples_per_s: windows per second of step time, without negatives; validations do not count. share_outside: the
        share of step time that is not forward, backward or optimiser, 0..1.
        """
        self._collect()
        total = sum(self.seconds.values())
        if not self.steps or not total:
            return {}
        outside = self.seconds["gather"] + self.seconds["other"]
        figures = {f"seconds_{part}": seconds for part, seconds in self.seconds.items()}
        figures |= {"steps": self.steps, "samples_per_s": self.windows / total, "share_outside": outside / total}
        peak = peak_memory_mib(self._device)
        return figures if peak is None else figures | {"peak_memory_mib": peak}

    def _now(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _collect(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        for (_, before), (part, after) in zip(self._marks, self._marks[1:], strict=False):
            taken = before.elapsed_time(after) / 1000 if self._device.type == "cuda" else after - before
            self.seconds[part] += taken
        self._marks = self._marks[-1:]


def peak_memory_mib(device: torch.device) -> float | None:
    """The largest memory use so far, MiB: of tensors on a GPU, otherwise of the process; None if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, but bytes on macOS
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
