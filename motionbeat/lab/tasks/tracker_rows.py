"""Audio2Beats by madmom and by librosa, for one row each in the table of the probes; cached by the audio's bytes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.beats import librosa_tracker, madmom_tracker
from motionbeat.lab.item_cache import ItemCache
from motionbeat.lab.tasks import beat_decoding

Beats = NDArray[np.float64]
_BEATS_PER_BAR = (3, 4)


def track(tracker: str, audio: Path) -> Beats:
    """Beat times (N,) s of a file; N may be 0.

    tracker: madmom (recurrent network and DBN over bars of 3 and 4) or librosa.
    """
    asked = [tracker, _BEATS_PER_BAR, beat_decoding.MIN_BPM, beat_decoding.MAX_BPM, audio]
    times: Beats = ItemCache.of("trackers", __name__).get(asked, lambda: {"times": TRACKERS[tracker](audio)})["times"]
    return times


def _madmom(audio: Path) -> Beats:
    samples = decode.load(audio, madmom_tracker.SAMPLE_RATE)
    return madmom_tracker.detect(samples, _BEATS_PER_BAR, beat_decoding.MIN_BPM, beat_decoding.MAX_BPM)[0]


def _librosa(audio: Path) -> Beats:
    return librosa_tracker.detect(decode.load(audio, librosa_tracker.SAMPLE_RATE))[0]


TRACKERS: dict[str, Callable[[Path], Beats]] = {"madmom": _madmom, "librosa": _librosa}
