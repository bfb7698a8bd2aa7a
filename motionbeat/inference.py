"""Song2Embedding, Dance2Embedding: a trained model on audio files and joints."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from attrs import fields, frozen
from numpy.typing import ArrayLike, NDArray

from motionbeat.beats.grid import EDGE_S, Beats
from motionbeat.errors import MotionBeatError
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tokens.layout import Layout

Floats = NDArray[np.float32]

LATTICE_PERIOD_S = 0.5
LATTICE_STEP_S = 0.02
_LATTICES = round(LATTICE_PERIOD_S / LATTICE_STEP_S)
_WINDOWS_AT_ONCE = 128


@frozen(eq=False)
class Embedding:
    """What `MotionBeat.embed_audio` and `embed_motion` give."""

    clip: Floats
    """(d,) length 1: the normalised mean over the windows of K beats at every downbeat (or the first window)."""
    tokens: Floats
    """(K, D): the encoder's last state of each beat (grid mode: of each 20-ms frame)."""
    times: NDArray[np.float64]
    """(K + 1,) s: token t stands for [times[t], times[t + 1]). The last beat of a song may end after its audio."""


def load(path: str | Path) -> "MotionBeat":
    """The model in a folder with config.json and model.safetensors, as the train stage writes it."""
    return MotionBeat(DualEncoder.load(path))


class MotionBeat:
    """A trained model that embeds songs and dances into one space, where cosine similarity is the match."""

    def __init__(self, model: DualEncoder) -> None:
        self.model = model.eval()
        config = model.config
        self.layout = Layout(**{field.name: getattr(config, field.name) for field in fields(Layout)})

    def embed_audio(
        self,
        audio: str | Path | ArrayLike,
        sample_rate: int | None = None,
        mode: Literal["beats", "grid"] = "beats",
        beats: Beats | None = None,
    ) -> Embedding:
        """Embed a song.

        audio: a file that libsndfile reads (wav, flac, ogg, mp3, au), or an array, mono or with
        channels, with its sample_rate in Hz (a file says its own).
        mode `beats`: one token a beat, cut at `beats` as they are, or at tracked ones if none are
        given, which are continued to both ends of the audio: with madmom when it is installed
        (`pip install motionbeat[pipeline]`), else with librosa, which finds no downbeats, and a
        warning says so.
        mode `grid`: one token each 20 ms and no tracker: the encoder runs over lattices of period
        0.5 s, one for each 20-ms offset; frame t is the token centred on t * 20 ms.
        Raises `MotionBeatError` for audio or beats that cannot be used, and where no beat is found.
        """
        from motionbeat.audio.decode import signal
        from motionbeat.audio.mel import SAMPLE_RATE, log_mel

        if mode not in ("beats", "grid"):
            raise MotionBeatError(f"mode = {mode!r}; give beats or grid")
        if beats is not None and (mode == "grid" or not isinstance(beats, Beats)):
            raise MotionBeatError(
                f"beats is a {type(beats).__name__} in mode {mode}; "
                "give motionbeat.beats.Beats(times, positions, beats_per_bar) in mode beats, and none in mode grid"
            )
        wave = signal(audio, sample_rate, SAMPLE_RATE)  # type: ignore[arg-type]
        duration_s = len(wave) / SAMPLE_RATE
        if beats is not None and beats.times[-1] > duration_s + EDGE_S:
            raise MotionBeatError(
                f"the last beat is at {beats.times[-1]:.2f} s, but the audio lasts {duration_s:.2f} s: "
                "give the beats of this audio, in seconds"
            )
        mel = log_mel(wave, SAMPLE_RATE, self.layout.mel_bands)
        if mode == "grid":
            return self._embed_grid(mel, duration_s)
        if beats is None:
            beats = _tracked(audio, sample_rate).extended(duration_s)
        return self._embed_song(mel, beats.edges(), beats.positions - 1, beats.beats_per_bar)

    def embed_motion(
        self,
        joints: ArrayLike,
        fps: float,
        beat_times: ArrayLike,
        beat_positions: ArrayLike | None = None,
        poses: ArrayLike | None = None,
        beats_per_bar: int | None = None,
    ) -> Embedding:
        """Embed a dance.

        joints: (T, 24, 3) m, SMPL order, y up. fps: frames a second. beat_times: (N,) s of its
        music's beats, from the first frame; the last beat only closes the interval before it.
        beat_positions: (N,) in the bar from 1; without them bars are counted from the first beat.
        poses: (T, 24, 3) or (T, 72) SMPL axis-angle; without them the rotations count as average.
        beats_per_bar: without it, what most bars of beat_positions have (the highest position where
        none is complete), or 4 without those. Raises `MotionBeatError` for what cannot be used.
        """
        from motionbeat.tokens.signals import motion_tokens

        if isinstance(fps, bool) or not isinstance(fps, int | float | np.number) or not 0 < fps < np.inf:
            raise MotionBeatError(f"fps = {fps!r}; give the frames a second of the dance, such as 60")
        points = _motion_array("joints", joints, None)
        angles = None if poses is None else _motion_array("poses", poses, len(points))
        beats = _beats(beat_times, beat_positions, beats_per_bar)
        times, seconds = beats.times, len(points) / fps
        if times[-1] > seconds + 1 / fps:
            raise MotionBeatError(
                f"beat_times run from {times[0]:.2f} to {times[-1]:.2f} s, but the dance lasts {seconds:.2f} s: "
                "count them from its first frame, and leave out those after its last"
            )
        part = motion_tokens(points, angles, fps, times, self.layout)["features"]
        part = part.reshape(len(part), self.layout.subbeats, -1)
        width = min(part.shape[2], self.layout.motion_width)  # the rotations come last, here or in the model
        tokens = np.zeros((len(part), self.layout.subbeats, self.layout.motion_width), np.float32)
        tokens[..., :width] = part[..., :width]

        def encode(features: Floats, positions: Any, meter: int, mask: Any) -> tuple[Floats, Floats]:
            return self._motion(features, positions, meter, mask, rotations=angles is not None)

        positions = beats.positions[:-1] - 1
        return self._embed(tokens.reshape(len(tokens), -1), times, positions, beats.beats_per_bar, encode)

    def _embed_song(self, mel: Floats, times: NDArray[np.float64], positions: Any, beats_per_bar: int) -> Embedding:
        from motionbeat.tokens.signals import mel_tokens

        return self._embed(mel_tokens(mel, times, self.layout), times, positions, beats_per_bar, self._audio)

    def _embed(
        self, tokens: Floats, times: NDArray[np.float64], positions: Any, beats_per_bar: int, encode: Any
    ) -> Embedding:
        """The clip from the windows at every downbeat, as in SEQ retrieval; the tokens from windows side by side."""
        count, size = len(tokens), self.layout.window_beats
        last = max(count - size, 0)
        downbeats = np.flatnonzero(positions[: last + 1] == 0)
        side_by_side = np.unique(np.append(np.arange(0, last + 1, size), last))  # the last one ends with the song

        def windows(starts: Any) -> tuple[Floats, Floats, Any, Any]:
            rows = starts[:, None] + np.arange(size)  # (w, k)
            mask, rows = rows < count, np.minimum(rows, count - 1)
            return *encode(tokens[rows], positions[rows], beats_per_bar, mask), rows, mask

        embedding, *_ = windows(downbeats if len(downbeats) else np.zeros(1, int))
        _, states, rows, mask = windows(side_by_side)
        whole = np.empty((count, states.shape[2]), np.float32)
        for window in reversed(range(len(side_by_side))):  # where the last two overlap, the earlier one wins
            whole[rows[window][mask[window]]] = states[window][mask[window]]
        return Embedding(_unit(embedding.mean(axis=0)), whole, times)

    def grid_states(
        self, audio: str | Path | ArrayLike, sample_rate: int | None = None
    ) -> tuple[Floats, NDArray[np.float64]]:
        """The tokens and times of `embed_audio` in mode grid without its clip embedding, which takes most of the time.

        Returns (frames, D) and (frames + 1,) s. Raises `MotionBeatError` for audio that cannot be used.
        """
        from motionbeat.audio.decode import signal
        from motionbeat.audio.mel import SAMPLE_RATE, log_mel

        wave = signal(audio, sample_rate, SAMPLE_RATE)  # type: ignore[arg-type]
        mel = log_mel(wave, SAMPLE_RATE, self.layout.mel_bands)
        return self._grid_states(*self._grid(mel, len(wave) / SAMPLE_RATE))

    def _embed_grid(self, mel: Floats, duration_s: float) -> Embedding:
        """The clip is the mean over the lattices, each lattice's the mean over its windows at every fourth token."""
        grid = tokens, _ = self._grid(mel, duration_s)
        counts = -(-(len(tokens) - np.arange(_LATTICES)) // _LATTICES)  # tokens of each lattice
        last = np.maximum(counts - self.layout.window_beats, 0)
        lattice, start = _pairs([np.arange(0, end + 1, 4) for end in last])
        embedding, _ = self._audio(*self._grid_windows(tokens, lattice, start)[:4])
        clips = [_unit(embedding[lattice == each].mean(axis=0)) for each in range(_LATTICES)]
        states, times = self._grid_states(*grid)
        return Embedding(_unit(np.mean(clips, axis=0)), states, times)

    def _grid(self, mel: Floats, duration_s: float) -> tuple[Floats, NDArray[np.float64]]:
        """(frames, S * bands): token t is pooled from the 0.5 s around t * 20 ms; beyond the audio it is silent."""
        if duration_s < LATTICE_PERIOD_S:
            raise MotionBeatError(f"the audio lasts {duration_s:.2f} s: grid mode needs at least {LATTICE_PERIOD_S} s")
        frames = int(duration_s / LATTICE_STEP_S + 1e-6)  # 0.58 / 0.02 is a little under 29
        before = _LATTICES // 2 + 1
        after = max(0, frames + before - len(mel))
        padded = np.pad(mel.astype(float), ((before, after), (0, 0)))
        integral = np.concatenate([np.zeros((1, mel.shape[1])), np.cumsum(padded, axis=0)])
        # mel frame i, like token i, is centred on i * 20 ms and reaches from i - 1/2 to i + 1/2
        part = _LATTICES / self.layout.subbeats
        edges = np.arange(frames)[:, None] + before + 0.5 - _LATTICES / 2 + part * np.arange(self.layout.subbeats + 1)
        whole = edges.astype(int)
        at_edges = integral[whole] + (edges - whole)[..., None] * padded[np.minimum(whole, len(padded) - 1)]
        tokens = (np.diff(at_edges, axis=1) / part).astype(np.float32)  # (frames, S, bands)
        times = np.clip((np.arange(frames + 1) - 0.5) * LATTICE_STEP_S, 0.0, duration_s)
        return tokens.reshape(frames, -1), times

    def _grid_states(self, tokens: Floats, times: NDArray[np.float64]) -> tuple[Floats, NDArray[np.float64]]:
        """The states of all lattices, from windows side by side; the last window of a lattice ends with it."""
        size = self.layout.window_beats
        counts = -(-(len(tokens) - np.arange(_LATTICES)) // _LATTICES)
        last = np.maximum(counts - size, 0)
        lattice, start = _pairs([np.unique(np.append(np.arange(0, end + 1, size), end)) for end in last])
        mel, positions, meter, mask, rows = self._grid_windows(tokens, lattice, start)
        _, states = self._audio(mel, positions, meter, mask)
        whole = np.empty((len(tokens), states.shape[2]), np.float32)
        for window in reversed(range(len(rows))):  # where the last two overlap, the earlier one wins
            whole[rows[window][mask[window]]] = states[window][mask[window]]
        return whole, times

    def _grid_windows(self, tokens: Floats, lattice: Any, start: Any) -> tuple[Floats, Any, int, Any, Any]:
        """Windows of K tokens of their lattice; bars of 4 are counted from its first token, as no tracker may tell."""
        index = start[:, None] + np.arange(self.layout.window_beats)  # (w, k)
        rows = lattice[:, None] + index * _LATTICES
        mask = rows < len(tokens)
        rows = np.minimum(rows, len(tokens) - 1)
        return tokens[rows], index % 4, 4, mask, rows

    def _audio(self, mel: Floats, positions: Any, beats_per_bar: int, mask: Any) -> tuple[Floats, Floats]:
        return self._run(lambda *window: self.model.audio(*window), mel, positions, beats_per_bar, mask)

    def _motion(
        self, features: Floats, positions: Any, beats_per_bar: int, mask: Any, rotations: bool
    ) -> tuple[Floats, Floats]:
        def encode(values: Any, position: Any, meter: Any, real: Any) -> Any:
            return self.model.motion(values, position, meter, real, torch.full((len(values),), rotations))

        return self._run(encode, features, positions, beats_per_bar, mask)

    @torch.no_grad()
    def _run(self, encode: Any, values: Floats, positions: Any, beats_per_bar: int, mask: Any) -> tuple[Floats, Floats]:
        embedding, states = [], []
        for begin in range(0, len(values), _WINDOWS_AT_ONCE):
            part = slice(begin, begin + _WINDOWS_AT_ONCE)
            encoded = encode(
                torch.as_tensor(values[part]),
                torch.as_tensor(positions[part], dtype=torch.float32),
                torch.full((len(values[part]),), beats_per_bar),
                torch.as_tensor(mask[part]),
            )
            embedding.append(encoded.embedding.numpy())
            states.append(encoded.states.numpy())
        return np.concatenate(embedding), np.concatenate(states)


def _pairs(starts: list[Any]) -> tuple[Any, Any]:
    """(w,) lattice and (w,) first token of every window, from the first tokens of each lattice's windows."""
    return np.repeat(np.arange(len(starts)), [len(each) for each in starts]), np.concatenate(starts)


def _tracked(audio: Any, sample_rate: int | None) -> Beats:
    from motionbeat.beats import track

    tracker = "madmom"
    if importlib.util.find_spec("madmom") is None:
        warnings.warn(
            "madmom is not installed: beats come from librosa, which finds no downbeats, so bars of 4 are counted from "
            "the first beat. pip install motionbeat[pipeline], or pass beats=",
            stacklevel=3,
        )
        tracker = "librosa"
    try:
        return track(audio, sample_rate, tracker)
    except MotionBeatError as error:  # the audio is sound by now
        raise MotionBeatError(f"{error}; or embed it in mode grid, which needs no beats") from None


def _motion_array(name: str, values: ArrayLike, frames: int | None) -> Floats:
    """(T, 24, 3) float32 from (T, 24, 3) or, for poses, (T, 72); finite, of as many frames as asked for."""
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError):
        raise MotionBeatError(f"{name} are no array of numbers: give (frames, 24, 3)") from None
    if frames is not None and array.ndim == 2 and array.shape[1] == 72:
        array = array.reshape(-1, 24, 3)
    if array.ndim != 3 or array.shape[1:] != (24, 3) or len(array) < 2:
        raise MotionBeatError(f"{name} have shape {array.shape}: give (frames, 24, 3), SMPL's joints, 2 frames or more")
    if frames is not None and len(array) != frames:
        raise MotionBeatError(f"{name} have {len(array)} frames, the joints {frames}: give as many")
    finite = np.isfinite(array).all(axis=(1, 2))
    if not finite.all():
        raise MotionBeatError(f"{name} hold NaN or infinity in frame {int(finite.argmin())}: repair or leave it out")
    return array


def _beats(times: ArrayLike, positions: ArrayLike | None, beats_per_bar: int | None) -> Beats:
    try:
        seconds = np.asarray(times, float)
        counted = None if positions is None else np.asarray(positions, float)
    except (TypeError, ValueError):
        raise MotionBeatError(
            "beat_times or beat_positions are no numbers: give (N,) seconds and (N,) counts"
        ) from None
    if beats_per_bar is not None and (not isinstance(beats_per_bar, int | np.integer) or beats_per_bar < 1):
        raise MotionBeatError(f"beats_per_bar = {beats_per_bar!r}; give a whole number from 1, such as 4")
    if counted is None:
        meter = beats_per_bar or 4
        return Beats(seconds, np.arange(seconds.size) % meter + 1, meter)
    if beats_per_bar is None:
        return Beats.from_positions(seconds, counted)
    return Beats(seconds, counted, beats_per_bar)


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
