"""Song2Embedding, Dance2Embedding: a trained model on audio files and joints."""

from collections.abc import Iterator, Sequence
from importlib import import_module  # imported by name: no stage depends on the hub or on ONNX
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from attrs import fields, frozen
from numpy.typing import ArrayLike, NDArray

from motionbeat.audio.decode import Source
from motionbeat.audio.song_files import songs_in
from motionbeat.beats import default_tracker, librosa_tracker
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import workers
from motionbeat.model.device import chosen_device, chosen_precision
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import WINDOWS_AT_ONCE, encode_windows
from motionbeat.model.model_folder import refuse_not_finite
from motionbeat.parallel import in_parallel
from motionbeat.progress import counted
from motionbeat.tokens.dance_tokens import dance_tokens
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.song_tokens import Mode, song_tokens
from motionbeat.tokens.token_sequence import SequenceWindows, TokenSequence
from motionbeat.weights import SHIPPED, card_of

Floats = NDArray[np.float32]
PRECISIONS = ("float32", "bf16", "auto")


@frozen(eq=False)
class Embedding:
    """The result of `MotionBeat.embed_audio` and `embed_motion`."""

    clip: Floats
    """(d,) length 1: the normalised mean over the windows of K beats at every downbeat (or the first window)."""
    tokens: Floats
    """(K, D): the encoder's last state of each beat (grid mode: of each 20-ms frame)."""
    times: NDArray[np.float64]
    """(K + 1,) s: token t covers [times[t], times[t + 1]). The last beat of a song may end after its audio."""


def load(
    path: str | Path | None = None, device: str | torch.device | None = None, precision: str = "float32"
) -> "MotionBeat":
    """Load a model from a folder with config.json and model.safetensors, as the train stage writes it.

    path: None for the model that comes with the package (`motionbeat/weights/card.md` says what it was trained on).
    device: where it computes, such as cpu, cuda or cuda:1; None: the GPU if there is one, else the CPU.
    precision: of matrix products, float32, bf16 (faster on GPUs, three digits) or auto (bf16 on GPUs that have it).
    Raises `MotionBeatError` if a file is missing or of another model, or the device or precision is not available.
    """
    if precision not in PRECISIONS:
        raise MotionBeatError(f"precision = {precision!r}: give {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}")
    folder, device = Path(SHIPPED if path is None else path), chosen_device(device)
    return MotionBeat(DualEncoder.load(folder).to(device), card_of(folder), chosen_precision(precision, device))


class MotionBeat:
    """A trained model that embeds songs and dances into one space; cosine similarity says how well they match."""

    def __init__(self, model: DualEncoder, card: str = "", precision: str = "float32") -> None:
        """card: what the model was trained on and how well it does, Markdown, to be shared with it."""
        self.model, self.card, self.precision = model.eval(), card, precision
        config = model.config
        self.layout = Layout(**{field.name: getattr(config, field.name) for field in fields(Layout)})

    @property
    def device(self) -> torch.device:
        """The device that the model computes on; `load` chooses it."""
        return next(self.model.parameters()).device

    @overload
    def embed_audio(self, audio: list[Any] | tuple[Any, ...], *args: Any, **settings: Any) -> list[Embedding]: ...
    @overload
    def embed_audio(
        self,
        audio: Source,
        sample_rate: int | None = None,
        mode: Mode = "beats",
        beats: Beats | None = None,
        tracker: str | None = None,
        *,
        batch_size: int = WINDOWS_AT_ONCE,
        progress: bool = False,
    ) -> Embedding: ...
    def embed_audio(
        self,
        audio: Any,
        sample_rate: int | None = None,
        mode: Mode = "beats",
        beats: Any = None,
        tracker: str | None = None,
        *,
        batch_size: int = WINDOWS_AT_ONCE,
        progress: bool = False,
    ) -> Embedding | list[Embedding]:
        """Embed a song, or each song of a list.

        audio: a file (wav, flac, ogg, opus, mp3, au; m4a and mp4 with the extra `video`), or samples, an array or
        torch tensor, mono or with channels, with their sample_rate in Hz (not needed for a file). A list or tuple of
        paths or arrays returns a list of `Embedding`; the next songs are read and tracked in other processes at the
        same time (MOTIONBEAT_WORKERS, or the number of cores), and the first song that cannot be used stops it. mode
        `beats`: one token per beat, cut at `beats` as they are (for a list: one `Beats` per song). Without `beats` they
        are tracked and continued to both ends of the audio. mode `grid`: one token every 20 ms and no tracker: the
        encoder runs over lattices of period 0.5 s, one for each 20-ms offset; frame t is the token centred on t * 20
        ms.
        tracker: madmom or librosa (see `motionbeat.beats.track`). None: madmom when it is installed
        (`pip install motionbeat[pipeline]`), else librosa, which finds no downbeats, and a warning says so.
        batch_size: windows per call of the model. progress: show how many songs of a list are done.
        Raises `MotionBeatError` for audio or beats that cannot be used, and if no beats are found.
        """
        if _is_several(audio):
            results = self.embed_each(audio, sample_rate, mode, beats, tracker, batch_size=batch_size)
            return list(_or_raise(counted(results, len(audio), "songs") if progress else results, len(audio)))
        tokens = song_tokens(audio, sample_rate, mode, beats, tracker, self.layout)  # decode, mel, beats, pooling
        return self._embed("audio", tokens, batch_size)

    def embed_each(
        self,
        songs: Sequence[Source],
        sample_rate: int | None = None,
        mode: Mode = "beats",
        beats: Sequence[Beats] | None = None,
        tracker: str | None = None,
        *,
        batch_size: int = WINDOWS_AT_ONCE,
    ) -> Iterator[Embedding | MotionBeatError]:
        """Yield, song after song, the embedding, or the error that says why the song cannot be embedded.

        Arguments as for `embed_audio` with a list. A song that cannot be used raises nothing.
        """
        if beats is not None and (isinstance(beats, Beats) or len(beats) != len(songs)):
            raise MotionBeatError(
                f"beats for {len(songs)} songs: give a list of as many motionbeat.beats.Beats, or none"
            )
        if mode == "beats" and beats is None and tracker is None:
            tracker = default_tracker()
        grids = [None] * len(songs) if beats is None else beats
        work = [(song, sample_rate, mode, own, tracker, self.layout) for song, own in zip(songs, grids, strict=True)]
        for tokens in _tokens_of_each(work):
            try:
                yield tokens if isinstance(tokens, MotionBeatError) else self._embed("audio", tokens, batch_size)
            except MotionBeatError as error:
                yield error

    def embed_folder(
        self,
        folder: str | Path,
        mode: Mode = "beats",
        tracker: str | None = None,
        *,
        batch_size: int = WINDOWS_AT_ONCE,
        progress: bool = False,
    ) -> dict[Path, Embedding]:
        """Embed every song of a folder and its subfolders: {path: embedding}, sorted by path.

        Arguments as for `embed_audio`. `motionbeat.audio.song_files` says which files are songs. Raises
        `MotionBeatError` for a folder without songs, and for the first song that cannot be used; `embed_each` continues
        without it.
        """
        songs = songs_in(folder)
        found = self.embed_audio(songs, None, mode, None, tracker, batch_size=batch_size, progress=progress)
        return dict(zip(songs, found, strict=True))

    def embed_motion(
        self,
        joints: ArrayLike,
        fps: float,
        beat_times: ArrayLike,
        beat_positions: ArrayLike | None = None,
        poses: ArrayLike | None = None,
        beats_per_bar: int | None = None,
        *,
        batch_size: int = WINDOWS_AT_ONCE,
    ) -> Embedding:
        """Embed a dance.

        joints: (T, 24, 3) m, SMPL order, y up. fps: frames per second. beat_times: (N,) s, the beats of its music,
        counted from the first frame; the last beat only ends the interval before it.
        beat_positions: (N,) positions in the bar, from 1; without them bars are counted from the first beat.
        poses: (T, 24, 3) or (T, 72) SMPL axis-angle; without them the rotations are set to their mean.
        beats_per_bar: by default the commonest bar length in beat_positions (the highest position if no bar is
        complete), or 4 without beat_positions. Arrays may be torch tensors. Raises `MotionBeatError` for arrays that
        cannot be used.
        """
        tokens = dance_tokens(joints, fps, beat_times, beat_positions, poses, beats_per_bar, self.layout)
        return self._embed("motion", tokens, batch_size)

    def grid_states(
        self, audio: Source, sample_rate: int | None = None, *, batch_size: int = WINDOWS_AT_ONCE
    ) -> tuple[Floats, NDArray[np.float64]]:
        """The tokens and times of `embed_audio` in mode grid, without the clip embedding, which takes most of the time.

        Returns (frames, D) and (frames + 1,) s. Raises `MotionBeatError` for audio that cannot be used.
        """
        tokens = song_tokens(audio, sample_rate, "grid", None, None, self.layout)
        windows = tokens.windows(self.layout.window_beats)
        _, states = self._encode("audio", tokens, windows.take(windows.gives_state.any(axis=1)), batch_size)
        return states, tokens.times

    @classmethod
    def from_pretrained(cls, name: str | Path, **settings: Any) -> "MotionBeat":
        """Load a model from the Hugging Face hub (`owner/name`) or a folder: see `motionbeat.hub_model`."""
        return import_module("motionbeat.hub_model").from_pretrained(name, **settings)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json, model.safetensors and the card as README.md to a folder: see `motionbeat.hub_model`."""
        import_module("motionbeat.hub_model").HubModel(self.model, self.card).save_pretrained(folder)

    def push_to_hub(self, repo_id: str, **settings: Any) -> str:
        """Upload the files of `save_pretrained` to the hub; returns the address: see `motionbeat.hub_model`."""
        return import_module("motionbeat.hub_model").HubModel(self.model, self.card).push_to_hub(repo_id, **settings)

    def export_onnx(self, path: str | Path) -> None:
        """Write the music encoder as an ONNX file, which runs without torch: see `motionbeat.onnx_export`."""
        import_module("motionbeat.onnx_export").export_onnx(self.model, path)

    def _embed(self, kind: Literal["audio", "motion"], tokens: TokenSequence, batch_size: int) -> Embedding:
        """The clip is from the windows at every downbeat, as in SEQ retrieval; the states are from adjacent windows."""
        windows = tokens.windows(self.layout.window_beats)
        embeddings, states = self._encode(kind, tokens, windows, batch_size)
        of_lattice = [windows.in_clip & (windows.lattice == lattice) for lattice in range(tokens.lattices)]
        clips = [_unit(embeddings[windows_of_one].mean(axis=0)) for windows_of_one in of_lattice]
        return Embedding(_unit(np.mean(clips, axis=0)), states, tokens.times)

    def _encode(
        self, kind: Literal["audio", "motion"], tokens: TokenSequence, windows: SequenceWindows, batch_size: int
    ) -> tuple[Floats, Floats]:
        """Embeddings (w, e) of the windows, states (n, D) of the tokens."""
        embeddings = []
        states = np.empty((len(tokens.tokens), self.model.config.width), np.float32)
        for part in windows.blocks():
            first, end = int(part.rows.min()), int(part.rows.max()) + 1
            encoded = encode_windows(
                self.model,
                kind,
                tokens.tokens[first:end],
                part.bar_position,
                tokens.beats_per_bar,
                part.mask,
                tokens.has_rotations,
                part.rows - first,
                batch_size=batch_size,
                precision=self.precision,
            )
            embeddings.append(encoded.embedding.cpu().numpy())
            states[part.rows[part.gives_state]] = encoded.states.cpu().numpy()[part.gives_state]
        found = np.concatenate(embeddings)
        refuse_not_finite(found, states)
        return found, states


def _is_several(audio: Any) -> bool:
    """Whether `audio` is a list of songs, and not the samples of one song (numbers, or lists of numbers)."""
    return isinstance(audio, list | tuple) and (
        not len(audio)
        or any(isinstance(each, str | PathLike) or getattr(each, "ndim", 0) > 0 or each is None for each in audio)
    )


def _or_raise(results: Any, count: int) -> Iterator[Embedding]:
    for number, result in enumerate(results, 1):
        if isinstance(result, MotionBeatError):
            raise MotionBeatError(f"song {number} of {count}: {result}")
        yield result


def _tokens_of_each(work: Sequence[tuple[Any, ...]]) -> Iterator[TokenSequence | MotionBeatError]:
    """Yield `song_tokens` of each song, in order; in several processes if beats are tracked, since all else is fast."""
    tracked = [tracker for _, _, mode, beats, tracker, _ in work if mode == "beats" and beats is None]
    processes = max(1, min(workers(), len(tracked)))
    if "librosa" in tracked and processes > 1:
        librosa_tracker.compile_once()
    return in_parallel(_tokens_or_error, work, "songs", processes, shown=False)


def _tokens_or_error(*arguments: Any) -> TokenSequence | MotionBeatError:
    try:
        return song_tokens(*arguments)
    except MotionBeatError as error:
        return error
    except OSError as error:  # a song without read permission must not stop the others
        return MotionBeatError(f"{arguments[0]} cannot be read ({error.strerror or error}): make it readable")


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
