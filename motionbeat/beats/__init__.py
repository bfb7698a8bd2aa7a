"""File2Beats: one function for all beat trackers; it returns a beat grid."""

import importlib.util
import warnings
from collections.abc import Sequence

import numpy as np

from motionbeat.audio import decode
from motionbeat.beats import librosa_tracker, madmom_tracker, nominal
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError

__all__ = ["TRACKERS", "Beats", "default_tracker", "track"]

TRACKERS = ("madmom", "librosa", "nominal")
_QUIET = 0.03
"""Full scale is 1: in music below -30 dBFS madmom may miss all beats."""


def track(
    audio: decode.Source,
    sample_rate: int | None = None,
    tracker: str = "madmom",
    *,
    beats_per_bar: int | Sequence[int] = (3, 4),
    min_bpm: float = 55.0,
    max_bpm: float = 215.0,
    bpm: float | None = None,
) -> Beats:
    """Beats and bar positions of a song.

    audio: a path, a float or integer array with its `sample_rate` in Hz, or a `Sound` (see `motionbeat.audio.decode`).
    tracker:
    `madmom` finds beats and downbeats; one of the meters `beats_per_bar` and a tempo of `min_bpm` to `max_bpm`.
    `librosa` finds beats but no downbeats: bars of 4 are counted from the first beat and `.downbeats` is False; meters
    and tempo range have no effect. `nominal` does not use the audio: a regular grid at `bpm` whose first downbeat is at
    0 s, in the single meter `beats_per_bar`.

    Raises `MotionBeatError` for an unknown tracker, audio that cannot be used, a tracker that is not installed,
    contradicting options, and music in which fewer than two beats are detected.
    """
    if tracker not in TRACKERS:
        raise MotionBeatError(f"tracker = {tracker!r}; give one of {', '.join(TRACKERS)}")
    meters = [beats_per_bar] if isinstance(beats_per_bar, int | np.integer) else list(beats_per_bar)
    if not meters or any(isinstance(m, bool) or not isinstance(m, int | np.integer) or m < 1 for m in meters):
        raise MotionBeatError(f"beats_per_bar = {beats_per_bar!r}; give whole numbers from 1, such as (3, 4)")
    if tracker == "nominal":
        return _nominal(audio, sample_rate, bpm, meters)
    if bpm is not None:
        raise MotionBeatError(f"bpm = {bpm} is only used with tracker nominal; leave it out with {tracker}")
    if tracker == "madmom" and not 0 < min_bpm < max_bpm:
        raise MotionBeatError(f"min_bpm = {min_bpm}, max_bpm = {max_bpm}; give 0 < min_bpm < max_bpm")
    sound = decode.decode(audio, sample_rate)
    if tracker == "librosa":
        samples = sound.at(librosa_tracker.SAMPLE_RATE)
        times, positions = librosa_tracker.detect(samples)
    else:
        samples = sound.at(madmom_tracker.SAMPLE_RATE)
        times, positions = madmom_tracker.detect(samples, [int(m) for m in meters], min_bpm, max_bpm)
    if len(times) < 2:
        peak = float(np.abs(samples).max())
        quiet = f"make it louder (its peak is {20 * np.log10(peak):.0f} dBFS), " if peak < _QUIET else ""
        raise MotionBeatError(
            f"{sound.name}: {tracker} finds {len(times) or 'no'} beat{'s' * (len(times) != 1)}; "
            f"{quiet}give music with a pulse or another tracker; if you know the tempo, give --bpm to motionbeat "
            "search, or tracker='nominal', bpm= in Python"
        )
    if tracker == "librosa":
        return Beats(times, positions, librosa_tracker.BEATS_PER_BAR, downbeats=False)
    return Beats.from_positions(times, positions, meters)


def default_tracker() -> str:
    """madmom where it is installed, else librosa, with a warning that names what is missing."""
    if importlib.util.find_spec("madmom") is not None:
        return "madmom"
    warnings.warn(
        "madmom is not installed: beats come from librosa, which finds no downbeats, so bars of 4 are counted from "
        "the first beat. pip install motionbeat[pipeline], or pass the beats yourself",
        stacklevel=3,
    )
    return "librosa"


def _nominal(audio: decode.Source, sample_rate: int | None, bpm: float | None, meters: list[int]) -> Beats:
    if bpm is None or len(meters) != 1:
        raise MotionBeatError("tracker nominal needs the tempo and one meter; give bpm= and beats_per_bar=, such as 4")
    samples = decode.signal(audio, sample_rate, librosa_tracker.SAMPLE_RATE)
    return nominal.grid(len(samples) / librosa_tracker.SAMPLE_RATE, bpm, int(meters[0]))
