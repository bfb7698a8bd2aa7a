"""Blocks2Mono: the mean over the channels of sound that arrives in blocks, and what is refused of it.

A song is never held with all of its channels, so that two hours of music take the same memory in mono and in stereo.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError

SHORTEST_S = 0.1
SILENCE = 1e-4
"""Full scale 1: what stays within -80 dBFS of its mean is digital silence (or a dead channel)."""
_CANCELLED = 0.01
"""Channels whose mean is 40 dB below the loudest are one signal and its inverse."""
LOUDEST = 4.0
"""Decoded mp3 and ogg overshoot 1 by up to 3 dB; samples beyond 12 dB were never scaled to -1..1."""
BLOCK = 2**20
"""Frames that are read at once."""
_MOST_FLOATS = 505_000_000  # of the sound and of its resampled copy: 1.9 GiB
_RESAMPLED = 22_050  # Hz


def most_frames(rate: int) -> int:
    """Frames that are read of a file: 2 hours at 48 kHz, 2.1 at 44.1 kHz, 4.7 at 8 kHz."""
    return int(_MOST_FLOATS / (1 + _RESAMPLED / rate))


def refuse_longer(path: Path, frames: int, rate: int, most: int | None) -> None:
    """Raise `MotionBeatError` for more frames than `most`, or than fit into memory."""
    allowed = most_frames(rate) if most is None else min(most, most_frames(rate))
    if frames > allowed:
        raise MotionBeatError(
            f"{path} holds more than {allowed / 60 / rate:.0f} minutes, more than are read at once: cut it into "
            "shorter files"
        )


class MixingDown:
    """Mono samples made of blocks (n,) or (n, channels) float32."""

    def __init__(self, name: str) -> None:
        """name: what messages call the sound."""
        self.count = 0
        self._name = name
        self._mono = np.empty(0, np.float32)
        self._first_bad: int | None = None
        self._low = self._high = self._sum = np.zeros(0)

    def expect(self, frames: int) -> None:
        """Make room for so many more."""
        if self.count + frames > len(self._mono):
            self._mono.resize(self.count + frames, refcheck=False)  # in place where the system can

    def add(self, block: NDArray[np.float32]) -> None:
        """The next block."""
        if not len(block):
            return
        end = self.count + len(block)
        if end > len(self._mono):
            self.expect(max(len(block), self.count))
        self._mono[self.count : end] = block if block.ndim == 1 else block.mean(axis=1, dtype=np.float32)
        channels = block.reshape(len(block), -1)
        if self._first_bad is None and not np.isfinite(block).all():
            self._first_bad = self.count + int(np.flatnonzero(~np.isfinite(channels).all(axis=1))[0])
        low, high, total = channels.min(axis=0), channels.max(axis=0), channels.sum(axis=0, dtype=np.float64)
        if len(low) == len(self._low):
            low, high, total = np.minimum(low, self._low), np.maximum(high, self._high), total + self._sum
        elif len(self._low):  # a part with another number of channels: one range for all
            low, high = np.array([min(low.min(), self._low.min())]), np.array([max(high.max(), self._high.max())])
            total = np.array([total.mean() + self._sum.mean()])
        self._low, self._high, self._sum, self.count = low, high, total, end

    def finished(self, rate: int) -> NDArray[np.float32]:
        """(n,) all of it. Raises `MotionBeatError` for what is empty, too short, silent, too loud, or no number."""
        name, seconds = self._name, self.count / rate
        if not self.count:
            raise MotionBeatError(f"{name} holds no samples; give audio of at least {SHORTEST_S} s")
        if seconds < SHORTEST_S:
            raise MotionBeatError(f"{name} lasts {seconds:.3f} s; give audio of at least {SHORTEST_S} s")
        if self._first_bad is not None:
            raise MotionBeatError(
                f"{name} holds NaN or infinite samples (the first at {self._first_bad / rate:.3f} s); replace them or "
                "export it again"
            )
        peak = max(float(self._high.max()), -float(self._low.min()))
        if peak > LOUDEST:
            raise MotionBeatError(
                f"{name} reaches {peak:.6g}; float audio must lie in -1..1: divide it by its full scale (int16: 32768)"
            )
        self._mono.resize(self.count, refcheck=False)
        middle = self._mono.mean(dtype=np.float64)
        level, middles = max(self._mono.max() - middle, middle - self._mono.min()), self._sum / self.count
        loudest = float(np.maximum(self._high - middles, middles - self._low).max())
        if loudest >= SILENCE and level < max(SILENCE, _CANCELLED * loudest):
            raise MotionBeatError(f"{name}: its channels cancel out when averaged; give one channel of it")
        if level < SILENCE:
            raise MotionBeatError(f"{name} is silent (no sample above -80 dBFS); give audio with music in it")
        return self._mono
