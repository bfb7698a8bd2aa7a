"""The ceiling of retrieval: how likely a dance's events are, given the accents of a piece of music.

What a listener who knew the generator's event model (but neither song nor dancer) could tell from perfectly
detected events and accents. For part p and 16th s with accent a and event strength e:

    a > 0, event:     log RELIABILITY + log N(e; a, STRENGTH_SPREAD)
    a > 0, no event:  log (1 - RELIABILITY)
    a = 0, event:     log SPONTANEOUS + log U(e)
    a = 0, no event:  log (1 - SPONTANEOUS)

Sums over parts and 16ths; never -inf, since dancers also move without cause.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.dance_events import EVENTS, RELIABILITY, SPONTANEOUS, STRENGTH_SPREAD
from motionbeat.lab.synthetic.plan import SUBBEATS, tempo
from motionbeat.lab.synthetic.rhythm import PARTS

_OWN_RANGE = 0.6  # width of the uniform strength of spontaneous events


def event_log_likelihood(
    folder: Path, motion_windows: Sequence[tuple[str, float]], music_windows: Sequence[tuple[str, float]], beats: int
) -> NDArray[np.float64]:
    """Log-likelihood of each dance window's events given each music window's accents.

    folder: an embedded corpus. motion_windows: (clip, start), music_windows: (song, start), start in seconds in the
    song, taken as its nearest true beat. beats: length of all windows; beats beyond the end of a clip or a song are
    left out on both sides. Returns (motion windows, music windows) float64. Raises `MotionBeatError` when a clip or a
    song is not in the truth, or a window begins outside of it.
    """
    if beats < 1:
        raise MotionBeatError(f"beats = {beats}; expected at least 1")
    songs, danced = truth.read_songs(folder), truth.read_clips(folder)
    accents = _by_name(songs["song"], np.stack([songs[part] for part in PARTS]))
    events = _by_name(danced["clip"], np.stack([danced[event] for event in EVENTS]))
    tempi = {name: tempo(name) for name in accents}
    clip_tempi = {clip: tempo(song) for clip, song in zip(danced["clip"], danced["song"], strict=True)}
    moved = _windows(folder / "truth_clips.parquet", events, clip_tempi, motion_windows, beats)
    heard = _windows(folder / "truth_songs.parquet", accents, tempi, music_windows, beats)
    return np.stack([log_likelihood(window, heard) for window in moved]) if moved.size else np.empty((0, len(heard)))


def log_likelihood(events: NDArray[np.float64], accents: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) log-likelihood of events (3, S) given each of the accents (N, 3, S); NaN slots count for nothing."""
    happened = events > 0
    deviation = (events - accents) / STRENGTH_SPREAD
    followed = np.log(RELIABILITY) - 0.5 * deviation**2 - np.log(STRENGTH_SPREAD * np.sqrt(2 * np.pi))
    on_accent = np.where(happened, followed, np.log(1 - RELIABILITY))
    elsewhere = np.where(happened, np.log(SPONTANEOUS / _OWN_RANGE), np.log(1 - SPONTANEOUS))
    each = np.where(accents > 0, on_accent, elsewhere)
    known = np.isfinite(events) & np.isfinite(accents)
    return np.where(known, each, 0.0).sum(axis=(1, 2))


def _by_name(names: NDArray, rows: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """name -> (3, 16ths), of a table sorted by name and 16th."""
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    return dict(zip(names[starts].tolist(), np.split(rows, starts[1:], axis=1), strict=True))


def _windows(
    path: Path,
    rows: Mapping[str, NDArray[np.float64]],
    tempi: Mapping[str, float],
    windows: Sequence[tuple[str, float]],
    beats: int,
) -> NDArray[np.float64]:
    """(windows, 3, 16ths), NaN beyond the end."""
    cut = np.full((len(windows), len(PARTS), beats * SUBBEATS), np.nan)
    for row, (name, start_s) in enumerate(windows):
        if name not in rows:
            raise MotionBeatError(f"{path}: no {name}; expected a name from this embedded corpus")
        begin = round(start_s * tempi[name] / 60) * SUBBEATS
        if not 0 <= begin < rows[name].shape[1]:
            raise MotionBeatError(f"{path}: {name} has no beat at {start_s} s; expected a start within it")
        part = rows[name][:, begin : begin + beats * SUBBEATS]
        cut[row, :, : part.shape[1]] = part
    return cut
