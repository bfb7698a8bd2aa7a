"""Song2Tokens: from a file or samples to the input of the music encoder. It needs no torch, so processes start fast."""

from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from motionbeat.audio.decode import Source, decode
from motionbeat.audio.mel import FRAME_RATE, mel_of_song
from motionbeat.beats import default_tracker, track
from motionbeat.beats.grid import EDGE_S, Beats
from motionbeat.errors import MotionBeatError
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.pooling import GridTokens
from motionbeat.tokens.signals import AudioFrames, mel_tokens
from motionbeat.tokens.token_sequence import TokenSequence

Mode = Literal["beats", "grid"]
LATTICE_PERIOD_S = 0.5
LATTICE_STEP_S = 0.02
LATTICES = round(LATTICE_PERIOD_S / LATTICE_STEP_S)
_CLIP_STRIDE = 4  # a window of the clip begins at every fourth token of a lattice: every 2 s


def song_tokens(
    audio: Source, sample_rate: int | None, mode: Mode, beats: Beats | None, tracker: str | None, layout: Layout
) -> TokenSequence:
    """Tokens of a song; arguments and errors as for `motionbeat.MotionBeat.embed_audio`.

    beats: used as they are; None: the beats of `tracker` (None: `default_tracker`), continued to both ends of the
    audio.
    """
    _check(audio, mode, beats)
    tracked = mode == "beats" and beats is None
    source = decode(audio, sample_rate) if tracked else audio  # trackers need the whole song in memory
    mel, duration_s = mel_of_song(source, None if tracked else sample_rate, layout.mel_bands)
    if mode == "grid":
        return grid_tokens(mel, duration_s, layout)
    if beats is None:
        beats = _tracked(source, tracker or default_tracker()).extended(duration_s)
    elif beats.times[-1] > duration_s + EDGE_S:
        raise MotionBeatError(
            f"the last beat is at {beats.times[-1]:.2f} s, but the audio lasts {duration_s:.2f} s: "
            "give the beats of this audio, in seconds"
        )
    tokens = mel_tokens(mel, beats.edges(), layout)
    return TokenSequence(tokens, beats.edges(), beats.positions - 1, beats.beats_per_bar)


def grid_tokens(mel: NDArray[np.float32], duration_s: float, layout: Layout) -> TokenSequence:
    """A token every 20 ms, pooled from the 0.5 s around it: 25 lattices of period 0.5 s, one for each offset.

    mel: (T, bands) of `log_mel`. A lattice has no bars, as in training: the phase of every token is 0.
    Raises `MotionBeatError` for less than 0.5 s.
    """
    if duration_s < LATTICE_PERIOD_S:
        raise MotionBeatError(f"the audio lasts {duration_s:.2f} s: grid mode needs at least {LATTICE_PERIOD_S} s")
    count = int(duration_s / LATTICE_STEP_S + 1e-6)  # 0.58 / 0.02 is a little under 29
    tokens = GridTokens(AudioFrames(mel, layout), FRAME_RATE, count, LATTICE_PERIOD_S, layout.subbeats)
    times = np.clip((np.arange(count + 1) - 0.5) * LATTICE_STEP_S, 0.0, duration_s)
    return TokenSequence(tokens, times, np.zeros(count, np.int64), 1, LATTICES, clip_stride=_CLIP_STRIDE)


def _check(audio: Any, mode: Any, beats: Any) -> None:
    if audio is None or isinstance(audio, bytes | dict | set | bool | int | float):
        raise MotionBeatError(f"a song is a {type(audio).__name__}; give a path, or an array with sample_rate= in Hz")
    if isinstance(audio, str | PathLike) and Path(audio).is_dir():
        raise MotionBeatError(f"{audio} is a folder; give one audio file in it, or call embed_folder")
    if mode not in ("beats", "grid"):
        raise MotionBeatError(f"mode = {mode!r}; give beats or grid")
    if beats is not None and (mode == "grid" or not isinstance(beats, Beats)):
        raise MotionBeatError(
            f"beats is a {type(beats).__name__} in mode {mode}; "
            "give motionbeat.beats.Beats(times, positions, beats_per_bar) in mode beats, and none in mode grid"
        )


def _tracked(audio: Source, tracker: str) -> Beats:
    try:
        return track(audio, tracker=tracker)
    except MotionBeatError as error:  # the audio has been checked
        raise MotionBeatError(f"{error}; or embed it in mode grid, which needs no beats") from None
