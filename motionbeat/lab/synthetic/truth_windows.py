"""Windows of whole beats cut from the truth of a synthetic corpus: accents of music, and events of dances."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.dance_events import EVENTS
from motionbeat.lab.synthetic.plan import SUBBEATS, tempo
from motionbeat.lab.synthetic.rhythm import PARTS

Array = NDArray[np.float64]
Window = tuple[str, float]
"""A clip or a song, and the begin of the window in the song, in seconds; it is moved to the nearest true beat."""


@frozen(eq=False)
class MusicWindows:
    """Accents of N windows of music, and where in their bars they begin."""

    accents: Array  # (N, 3, 16ths), 0 or a strength; NaN beyond the song's end
    bar: NDArray[np.int64]  # (N,) 16ths of a bar
    first: NDArray[np.int64]  # (N,) 16ths from the last downbeat to the window's first


def music_windows(folder: Path, windows: Sequence[Window], beats: int) -> MusicWindows:
    """Cut windows of `beats` beats from the songs of the synthetic corpus in `folder`.

    Raises `MotionBeatError` when a song is not in the truth, or a window begins outside of it.
    """
    songs = truth.read_songs(folder)
    rows = _by_name(songs["song"], np.stack([songs[part] for part in PARTS]))
    meters = _by_name(songs["song"], np.stack([songs["bar_position"], songs["beats_per_bar"]]))
    tempi = {name: tempo(name) for name in rows}
    path = folder / "truth_songs.parquet"
    accents = _cut(path, rows, tempi, windows, beats)
    places = [meters[name][:, _beginning(path, rows, tempi, name, start)] for name, start in windows]
    position, meter = np.array(places, np.int64).reshape(-1, 2).T * SUBBEATS
    return MusicWindows(accents, meter, position)


def motion_windows(folder: Path, windows: Sequence[Window], beats: int) -> Array:
    """Events (N, 3, 16ths) of windows of dances, 0 or a strength; NaN beyond a clip's end.

    Otherwise as `music_windows`.
    """
    danced = truth.read_clips(folder)
    rows = _by_name(danced["clip"], np.stack([danced[event] for event in EVENTS]))
    names, first = np.unique(danced["clip"], return_index=True)
    tempi = {name: tempo(song) for name, song in zip(names, danced["song"][first], strict=True)}
    return _cut(folder / "truth_clips.parquet", rows, tempi, windows, beats)


def _by_name(names: NDArray, rows: NDArray) -> dict[str, NDArray]:
    """name -> (3, 16ths), of a table in which the rows of a name are adjacent."""
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    return dict(zip(names[starts].tolist(), np.split(rows, starts[1:], axis=1), strict=True))


def _beginning(path: Path, rows: Mapping[str, Array], tempi: Mapping[str, float], name: str, start_s: float) -> int:
    """The 16th on which a window begins."""
    if name not in rows:
        raise MotionBeatError(f"{path}: no {name}; expected a name from this synthetic corpus")
    begin = round(start_s * tempi[name] / 60) * SUBBEATS
    if not 0 <= begin < rows[name].shape[1]:
        raise MotionBeatError(f"{path}: {name} has no beat at {start_s} s; expected a start within it")
    return begin


def _cut(
    path: Path, rows: Mapping[str, Array], tempi: Mapping[str, float], windows: Sequence[Window], beats: int
) -> Array:
    if beats < 1:
        raise MotionBeatError(f"beats = {beats}; expected at least 1")
    cut = np.full((len(windows), len(PARTS), beats * SUBBEATS), np.nan)
    for row, (name, start_s) in enumerate(windows):
        begin = _beginning(path, rows, tempi, name, start_s)
        part = rows[name][:, begin : begin + beats * SUBBEATS]
        cut[row, :, : part.shape[1]] = part
    return cut
