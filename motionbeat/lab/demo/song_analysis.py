"""Song2Page, Dance2Page: everything that the page shows for a song or a dance, as plain values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.audio import decode, mel, onsets
from motionbeat.audio.song_files import BY_PYAV
from motionbeat.beats import Beats, track
from motionbeat.errors import MotionBeatError
from motionbeat.lab.demo import bar_shift, dance_pulse
from motionbeat.lab.demo.shown_library import ShownLibrary, drawn
from motionbeat.search.piece_files import read_dance
from motionbeat.search.rhythm_windows import folded, motion_windows, music_windows

SAMPLE_RATE = 44_100
_WAVE = 1200  # columns of the overview
_FASTEST_RATE = 96_000  # what may be uploaded; a header need not say how long it is
_BARS_SHIFTED = 2  # how far the song is shifted

Say = Callable[[str], None]


@frozen(eq=False)
class AnalysedSong:
    """What is kept of a song while its page is open: the sound at `SAMPLE_RATE`, its beats, the page's values."""

    sound: decode.Sound
    beats: Beats
    page: dict[str, Any]


def length_s(path: Path) -> float | None:
    """Length of a sound file in seconds, from its header; None if there is none (`decode` then reports the problem)."""
    import soundfile

    if path.suffix.lower() not in BY_PYAV:
        try:
            return float(soundfile.info(path).duration)
        except (soundfile.LibsndfileError, AssertionError, MemoryError):
            return None
    try:
        import av
    except ModuleNotFoundError:
        return None
    try:
        with av.open(str(path)) as container:
            return None if container.duration is None else container.duration / 1e6
    except av.FFmpegError:
        return None


def analyse_song(
    path: Path, title: str, library: ShownLibrary, seconds: float, longest_s: float, content: str, say: Say
) -> AnalysedSong:
    """Beats, waveform, accents around the bar, and what of the library fits, of the first `seconds` of a song.

    longest_s: a longer file is refused before it is decoded. content: SHA-256 of the file, which is left out of what
    is alike. say: is told each step. Raises `MotionBeatError` for what cannot be used.
    """
    whole_s = length_s(path)
    if whole_s is None or whole_s <= longest_s:
        say("reading the sound")
        sound = decode.decode(path, most=round(longest_s * _FASTEST_RATE))
        whole_s = len(sound.samples) / sound.rate  # a header may say less than the file holds
    if whole_s > longest_s:
        raise MotionBeatError(
            f"{title} lasts {whole_s / 60:.0f} minutes; this page accepts at most {longest_s / 60:.0f} minutes: "
            "upload a shorter excerpt"
        )
    cut = len(sound.samples) > seconds * sound.rate
    samples = decode.Sound(sound.samples[: round(seconds * sound.rate)], sound.rate, title).at(SAMPLE_RATE)
    kept = decode.Sound(samples, SAMPLE_RATE, title)
    wave = kept.at(mel.SAMPLE_RATE)
    say("finding the beats")
    beats = track(kept, tracker=library.index.tracker).extended(len(wave) / mel.SAMPLE_RATE)
    say("embedding it, and searching the library")
    grids = music_windows(library.index.model, wave, mel.SAMPLE_RATE, folded(beats))
    page = {
        "kind": "song",
        "title": title,
        "seconds": round(len(samples) / SAMPLE_RATE, 3),
        "whole_s": round(len(sound.samples) / sound.rate, 1) if cut else None,
        "bpm": round(beats.bpm, 1),
        **_beats(beats),
        "wave": _columns(np.abs(samples)),
        "onsets": _onsets(wave),
        "bar": _bar(library, wave, beats, grids[0].vectors),
        "songs": library.fitting(grids, "song", content),
        "dances": library.fitting(grids, "dance"),
    }
    return AnalysedSong(kept, beats, page)


def analyse_dance(
    path: Path, title: str, library: ShownLibrary, seconds: float, bpm: float | None, say: Say
) -> dict[str, Any]:
    """A dance to draw, its pulse, and the songs that fit it. bpm: its tempo, where it is known. Errors as a song's."""
    say("reading the dance")
    try:
        motion = read_dance(path)
    except MotionBeatError as error:
        if "column" in str(error):
            raise MotionBeatError(
                f"{error} (this page has no table to fill in: the value must be in the file itself)"
            ) from None
        raise
    kept = round(seconds * motion.fps)
    joints, cut = motion.joints[:kept], len(motion.joints) > kept
    poses = None if motion.poses is None else motion.poses[:kept]
    say("finding its pulse, and music that fits")
    beats = dance_pulse.beats_of_motion(joints, motion.fps, bpm)
    windows = motion_windows(library.index.model, joints, motion.fps, beats, poses)
    curve = dance_pulse.novelty(joints, motion.fps)
    return {
        "kind": "dance",
        "title": title,
        "seconds": round(len(joints) / motion.fps, 3),
        "whole_s": round(len(motion.joints) / motion.fps, 1) if cut else None,
        "bpm": round(beats.bpm, 1),
        "bpm_given": bpm is not None,
        **_beats(beats),
        "wave": _columns(curve),
        "dance": drawn(joints, motion.fps),
        "songs": library.fitting([windows], "song"),
    }


def _beats(beats: Beats) -> dict[str, Any]:
    return {
        "beats": [round(float(time), 3) for time in beats.times],
        "positions": (beats.positions - 1).tolist(),
        "beats_per_bar": beats.beats_per_bar,
        "downbeats": beats.downbeats,
    }


def _columns(values: NDArray[np.floating]) -> list[int]:
    """The largest value in each of `_WAVE` equal parts, 0 to 100."""
    edges = np.linspace(0, len(values), min(_WAVE, len(values)) + 1).astype(int)[:-1]
    highest = np.maximum.reduceat(values, edges)
    return np.round(100 * highest / max(float(highest.max()), 1e-9)).astype(int).tolist()


def _onsets(wave: NDArray[np.float32]) -> list[int]:
    """Onset strength at 50 frames a second, 0 to 100."""
    strength = onsets.normalised(onsets.onset_strength(mel.log_mel(wave, mel.SAMPLE_RATE)))
    return np.round(100 * strength).astype(int).tolist()


def _bar(
    library: ShownLibrary, wave: NDArray[np.float32], beats: Beats, vectors: NDArray[np.floating]
) -> dict[str, Any]:
    model = library.index.model
    measured, expected = bar_shift.accent_profiles(model, wave, beats)
    harmonic = model.layout.window_beats if model.model.config.readout == "window_harmonic" else None
    plain, turned = bar_shift.shift_curves(vectors, _BARS_SHIFTED * beats.beats_per_bar, harmonic)
    return {
        "measured": np.round(measured / measured.max(), 4).tolist() if measured.any() else measured.tolist(),
        "expected": np.round(expected / expected.max(), 4).tolist(),
        "plain": [round(value, 3) for value in plain],
        "turned": [round(value, 3) for value in turned],
    }
