"""Dances2Films: generated dances for the page, which plays them with their music."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.dance_gallery import Shown, read_gallery
from motionbeat.lab.render.drawn_clip import SAMPLE_RATE, assembled
from motionbeat.lab.render.playable import playable, sound
from motionbeat.lab.results.dance_tables import CONTROLS, label

SECONDS = 8.0
"""Seconds of each film: about 0.1 MB of sound and 0.05 MB of motion."""
_NONE = "No dances are shown: models/dance/gallery has none. Run the stage dance: dvc repro dance."
Columns = dict[str, NDArray[Any]]


@frozen
class Film:
    """A film for the page: title, text for readers who cannot see it, the player's JSON, and its sound's address."""

    title: str
    description: str
    dance: str
    sound: str


@frozen
class Gallery:
    """Films by song, or the reason why there are none."""

    songs: tuple[tuple[str, tuple[Film, ...]], ...] = ()
    note: str = _NONE


def films(folder: Path, corpus: Path, manifest: Columns, beats: Columns) -> Gallery:
    """The gallery of the dances in `folder`, ordered by song, real dances first.

    corpus, manifest, beats: the folder of the songs, and their tables from `motionbeat.lab.tables.read`. Without dances
    there is a note instead of an error. Raises `MotionBeatError` for a dance of a song that the corpus does not have,
    and for files that cannot be read.
    """
    dances = read_gallery(folder)
    if not dances:
        return Gallery()
    ordered = sorted(dances, key=lambda dance: (dance.song, dance.name not in CONTROLS, dance.name))
    songs = []
    for song, dances_of_song in groupby(ordered, key=lambda dance: dance.song):
        music = _music(song, corpus, manifest)
        of_song = beats["song"] == song
        grid = beats["time_s"][of_song], beats["bar_position"][of_song]
        songs.append((song, tuple(_film(dance, music, grid) for dance in dances_of_song)))
    return Gallery(tuple(songs), "")


def _music(song: str, corpus: Path, manifest: Columns) -> NDArray[np.float32]:
    rows = np.flatnonzero(manifest["song"] == song)
    if not len(rows):
        raise MotionBeatError(
            f"the gallery has a dance to {song}, a song that {corpus} does not have: run the stage dance again"
        )
    return decode.load(corpus / str(manifest["audio"][rows[0]]), SAMPLE_RATE)


def _film(shown: Shown, music: NDArray[np.float32], grid: tuple[NDArray[np.float64], NDArray[np.integer]]) -> Film:
    who = label(shown.name)
    joints = shown.joints[: round(SECONDS * shown.fps)]
    dance = assembled(who, shown.song, joints, shown.fps, music, shown.offset_s, grid, "")
    seconds = len(joints) / shown.fps
    description = (
        f"Stick figure, {who}, dances {seconds:.0f} s to {shown.song}, with the place in the bar at each beat."
    )
    heard = sound(dance.audio[: round(seconds * SAMPLE_RATE)], SAMPLE_RATE)
    return Film(who, description, json.dumps(playable(dance), separators=(",", ":")), heard)
