"""Blocks2Mono: the mean over the channels of sound that arrives in blocks, and what is refused of it.

A song is never held with all of its channels, so that two hours of music take the same memory in mono and in stereo.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from attrs import frozen
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
_RATES = (4_000, 768_000)


def checked_rate(rate: int, name: str) -> int:
    """`rate` in Hz. Raises `MotionBeatError`, which calls it `name`, if it is not the rate of any sound."""
    low, high = _RATES
    whole = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if not whole or not low <= rate <= high or int(rate) != rate:
        raise MotionBeatError(f"{name} = {rate!r}; give a whole number of Hz from {low} to {high}")
    return int(rate)


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


class Sink(Protocol):
    """What takes mono samples as they come."""

    def expect(self, frames: int, /) -> None:
        """About so many more will come."""

    def add(self, block: NDArray[np.float32], /) -> None:
        """The next samples, (n,)."""


class MixingDown:
    """Blocks (n,) or (n, channels) float32 to mono samples, which are given on at once: at their rate or resampled."""

    def __init__(self, name: str, sink: Sink, target: int | None = None) -> None:
        """name: what messages call the sound. target: Hz; None: the sound's own rate, and peaks beyond 1 stay."""
        self.count = 0
        """Frames so far, at the sound's own rate."""
        self.rate = 0
        """The sound's own, in Hz."""
        self._name, self._sink, self._target = name, sink, target
        self._resampler: Any = None
        self._first_bad: int | None = None
        self._mono: _Range | None = None
        self._channels: _Range | None = None

    def begin(self, rate: int, frames: int) -> None:
        """Sound of this rate follows, about so many frames. Raises `MotionBeatError` if the rate changes."""
        if self.rate and rate != self.rate:
            raise MotionBeatError(
                f"{self._name} has parts of {min(rate, self.rate)} and {max(rate, self.rate)} Hz, one after another: "
                "convert it to wav or flac of one rate"
            )
        if self._target not in (None, rate) and not self.rate:
            import soxr

            self._resampler = soxr.ResampleStream(rate, self._target, 1)  # its HQ setting
        self.rate = rate
        self._sink.expect(frames if self._target is None else frames * self._target // rate + 1)

    def add(self, block: NDArray[np.float32]) -> None:
        """The next block."""
        if not len(block):
            return
        channels = block.reshape(len(block), -1)
        if self._first_bad is None and not np.isfinite(block).all():
            self._first_bad = self.count + int(np.flatnonzero(~np.isfinite(channels).all(axis=1))[0])
        mono = block if block.ndim == 1 else block.mean(axis=1, dtype=np.float32)
        of_channels, of_mono = _Range.of(channels), _Range.of(mono[:, None])
        self._channels = self._channels.with_next(of_channels) if self._channels else of_channels
        self._mono = self._mono.with_next(of_mono) if self._mono else of_mono
        self.count += len(block)
        self._give(mono)

    def finish(self) -> None:
        """Give on the rest. Raises `MotionBeatError` for what is empty, too short, silent, too loud, or no number."""
        name, seconds = self._name, self.count / (self.rate or 1)
        if not (self._channels and self._mono):
            raise MotionBeatError(f"{name} holds no samples; give audio of at least {SHORTEST_S} s")
        if seconds < SHORTEST_S:
            raise MotionBeatError(f"{name} lasts {seconds:.3f} s; give audio of at least {SHORTEST_S} s")
        if self._first_bad is not None:
            raise MotionBeatError(
                f"{name} holds NaN or infinite samples (the first at {self._first_bad / self.rate:.3f} s); replace "
                "them or export it again"
            )
        peak = float(max(self._channels.high.max(), -self._channels.low.min()))
        if peak > LOUDEST:
            raise MotionBeatError(
                f"{name} reaches {peak:.6g}; float audio must lie in -1..1: divide it by its full scale (int16: 32768)"
            )
        level, loudest = self._mono.level(), self._channels.level()
        if loudest >= SILENCE and level < max(SILENCE, _CANCELLED * loudest):
            raise MotionBeatError(f"{name}: its channels cancel out when averaged; give one channel of it")
        if level < SILENCE:
            raise MotionBeatError(f"{name} is silent (no sample above -80 dBFS); give audio with music in it")
        self._give(np.empty(0, np.float32), last=True)

    def _give(self, mono: NDArray[np.float32], last: bool = False) -> None:
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono, last=last)
        self._sink.add(mono if self._target is None else np.clip(mono, -1.0, 1.0))  # clipped as by a player


@frozen(eq=False)
class _Range:
    """Of each channel of all blocks so far: lowest, highest and sum of the samples."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    total: NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, block: NDArray[np.float32]) -> "_Range":
        """block: (n, channels)."""
        return cls(block.min(axis=0), block.max(axis=0), block.sum(axis=0, dtype=np.float64), len(block))

    def with_next(self, other: "_Range") -> "_Range":
        """Both together; if one has another number of channels, with one range for all of them."""
        count = self.count + other.count
        if len(self.low) == len(other.low):
            return _Range(
                np.minimum(self.low, other.low), np.maximum(self.high, other.high), self.total + other.total, count
            )
        low, high = min(self.low.min(), other.low.min()), max(self.high.max(), other.high.max())
        return _Range(np.array([low]), np.array([high]), np.array([self.total.mean() + other.total.mean()]), count)

    def level(self) -> float:
        """The farthest that a sample of any channel is from the channel's mean."""
        middle = self.total / self.count
        return float(np.maximum(self.high - middle, middle - self.low).max())
