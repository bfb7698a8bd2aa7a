"""A song's rhythm: the accents on the grid of 16ths, and their strengths.

Three parts, each a row of 0 (none) or a strength in 0.4..1: *low* (kick), *back* (snare) and *high* (percussion).
A song and its dances share only this grid.
"""

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.plan import SONG_BEATS, SUBBEATS, beats_per_bar, stream, tempo
from motionbeat.lab.tables import work

PARTS = ("low", "back", "high")

# Weight of an accent on each 16th of a 4/4 bar by genre, besides the fixed ones: low and back parts.
_LIKES = {
    "BR": ("0013003013120031", "0010012201300102"),
    "PO": ("0021012030210120", "0002010200200213"),
    "LO": ("0022003120300210", "0100021001200122"),
    "MH": ("0012013021130011", "0010020102100220"),
    "LH": ("0003002110300303", "0200010300020103"),
    "HO": ("0010902010109020", "0020020000200212"),
    "WA": ("0020903010209020", "0001001200110202"),
    "KR": ("0031003100310130", "0020001000220021"),
    "JS": ("0010012301201021", "0012010300102210"),
    "JB": ("0021030011023010", "0010022002100300"),
}
_MUTATION = 1.6  # deviation of the log weight between songs: a song differs from its genre more than genres differ
# probability that an accent of a bar is moved: so low that windows of one song are hard to distinguish
_VARIED_BAR = 0.36
# Slower songs have no accent, and no hi-hat, midway between beats: otherwise trackers find the double tempo.
SLOW_BPM = 105


@frozen
class Rhythm:
    """A song's accents. `accents` is (3, SONG_BEATS * 4), rows as PARTS; `hats` (SONG_BEATS * 4,) a steady pulse."""

    beats_per_bar: int
    accents: NDArray[np.float64]
    hats: NDArray[np.float64]


def rhythm(seed: int, song: str, meters: Sequence[int]) -> Rhythm:
    """The rhythm of a song, the same for all its recordings.

    Bars A A B A' from a strongly varied template of its genre, with small changes in each bar. The third phrase of four
    bars has another A; every second phrase ends with a fill. The low part always has the downbeat, the back part the
    other backbeats (beats 2 and 4; in bars of 3, beats 2 and 3 softly).
    """
    bar_beats = beats_per_bar(song, meters)
    slots = bar_beats * SUBBEATS
    rng = stream(seed, "rhythm", work(song))
    likes = _song_likes(rng, song, slots)
    first, second, third = (_bar(rng, likes, bar_beats) for _ in range(3))
    firsts, thirds = ((bar, _varied(rng, bar, likes, bar_beats, 2)) for bar in (first, third))
    grid = np.zeros((3, -(-SONG_BEATS // bar_beats) * slots))
    for bar in range(grid.shape[1] // slots):
        phrase, place = divmod(bar, 4)
        opening, ending = thirds if phrase % 4 == 2 else firsts
        pattern = (opening, opening, second, ending)[place]
        if rng.random() < _VARIED_BAR:
            pattern = _varied(rng, pattern, likes, bar_beats, 1)
        if place == 3 and phrase % 2:
            pattern = _filled(rng, pattern, likes)
        grid[:, bar * slots : (bar + 1) * slots] = pattern
    grid = grid[:, : SONG_BEATS * SUBBEATS]
    humanised = np.clip(grid + rng.normal(0, 0.03, grid.shape), 0.4, 1) * (grid > 0)
    return Rhythm(bar_beats, humanised, _hats(rng, song, grid.shape[1]))


def _song_likes(rng: np.random.Generator, song: str, slots: int) -> NDArray[np.float64]:
    """(3, slots): the weights of the song's free accents."""
    low, back = ([int(digit) for digit in row] for row in _LIKES[song[1:3]])
    high = (0.5, 1.0, 1.5, 1.0)
    weights = np.stack([np.resize(np.array(row, float), slots) for row in (low, back, high)]) + 0.25
    if tempo(song) < SLOW_BPM:
        weights[:, SUBBEATS // 2 :: SUBBEATS] = 0
    return weights * np.exp(rng.normal(0, _MUTATION, (3, slots)))


def _fixed(bar_beats: int) -> NDArray[np.float64]:
    """(3, slots): the accents that every bar has, so that beat and bar are audible."""
    bar = np.zeros((3, bar_beats * SUBBEATS))
    bar[0, 0] = 1.0
    if bar_beats == 4:
        bar[0, 2 * SUBBEATS] = 0.55
    backbeats = range(1, bar_beats, 2) if bar_beats % 2 == 0 else range(1, bar_beats)
    for beat in backbeats:
        bar[1, beat * SUBBEATS] = 0.95 if bar_beats % 2 == 0 else 0.7
    return bar


def _bar(rng: np.random.Generator, likes: NDArray[np.float64], bar_beats: int) -> NDArray[np.float64]:
    bar = _fixed(bar_beats)
    low, back, high = rng.integers([1, 0, 2], [4, 3, 6]) * bar_beats / 4
    for part, count in enumerate((low, back, high)):
        for _ in range(round(count)):
            _add(rng, bar, likes, part)
    return bar


def _add(rng: np.random.Generator, bar: NDArray[np.float64], likes: NDArray[np.float64], part: int) -> None:
    """Add one accent to a part; low accents are at least an 8th apart, so that a dancer can step to them."""
    taken = bar[part] > 0
    if part == 0:
        taken = taken | np.roll(taken, 1) | np.roll(taken, -1)
    weights = likes[part] * ~taken
    if weights.sum() > 0:
        slot = rng.choice(len(weights), p=weights / weights.sum())
        bar[part, slot] = rng.uniform(0.45, 0.8)


def _varied(
    rng: np.random.Generator, pattern: NDArray[np.float64], likes: NDArray[np.float64], bar_beats: int, moved: int
) -> NDArray[np.float64]:
    """A bar with some accents moved, but never the fixed ones."""
    bar = pattern.copy()
    for part in rng.integers(0, 3, moved):
        free = np.flatnonzero((bar[part] > 0) & (_fixed(bar_beats)[part] == 0))
        if len(free):
            bar[part, rng.choice(free)] = 0
        _add(rng, bar, likes, part)
    return bar


def _filled(rng: np.random.Generator, pattern: NDArray[np.float64], likes: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bar whose last beat is a snare fill."""
    bar = pattern.copy()
    allowed = (likes[1, -SUBBEATS:] > 0) & (rng.random(SUBBEATS) < 0.75)
    bar[1, -SUBBEATS:] = np.where(allowed, rng.uniform(0.6, 1.0, SUBBEATS), 0)
    return bar


def _hats(rng: np.random.Generator, song: str, slots: int) -> NDArray[np.float64]:
    """Closed hi-hats: a pulse without dance events, on beats and on 8ths, 16ths or (in slow songs) odd 16ths."""
    if tempo(song) < SLOW_BPM:
        beat = [0.9, 0.12, 0.0, 0.12] if rng.random() < 0.5 else [0.9, 0.0, 0.0, 0.0]
    else:
        beat = [0.6, 0.25, 0.4, 0.25] if rng.random() < 0.4 else [0.6, 0.0, 0.4, 0.0]
    return np.tile(beat, slots // SUBBEATS) * np.clip(1 + rng.normal(0, 0.1, slots), 0.5, 1.5)
