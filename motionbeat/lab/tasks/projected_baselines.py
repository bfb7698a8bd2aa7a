"""Frozen encoders in retrieval: their features at the beats of the corpus, and a head trained for each.

Ours stands beside them as `motionbeat_projected`: the states of the trained audio encoder, cut at the beats, through
a head trained in the same way. Its difference from the model is due to the head.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.params import Retrieve
from motionbeat.lab.synthetic.oracles import true_accents
from motionbeat.lab.tasks.projection import Matched, MusicInput, Reduction, beat_features, project, train_head
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.model.dual_encoder import DualEncoder

SPLITS = ("train", "val")
Frames = Callable[[str], NDArray[np.floating]]
"""A song's name -> its frames (T, D), frame t centred on t / FRAME_RATE s."""
FRAME_RATE = 50.0


@frozen(eq=False)
class SplitWindows:
    """The windows of a split: every dance window, the distinct music windows, and the music row of each dance."""

    motion: Windows
    music: Windows
    music_row: NDArray[np.int64]

    @classmethod
    def of(cls, windows: Windows) -> "SplitWindows":
        """Windows of which several may have the same music."""
        _, first, music_row = np.unique(windows.audio_row, return_index=True, return_inverse=True)
        return cls(windows, windows.take(first), music_row)


class Heads:
    """Trains a head for each encoder against the dances of the training split, embedded once.

    spans: the music that is embedded in the end, by any name. temperature and symmetric: of the contrastive loss.
    """

    def __init__(
        self,
        model: DualEncoder,
        tokens: Tokens,
        spans: Mapping[str, Spans],
        settings: Retrieve,
        temperature: float,
        symmetric: bool,
    ) -> None:
        self._model, self._tokens, self._settings = model, tokens, settings
        self._temperature, self._symmetric = temperature, symmetric
        self._splits = {
            name: SplitWindows.of(tokens.windows(name, tokens.layout.window_beats, "bar")) for name in SPLITS
        }
        self._motion = {
            name: torch.as_tensor(embed_motion(model, tokens, Spans.of(part.motion)))
            for name, part in self._splits.items()
        }
        self._spans = {name: Spans.of(part.music) for name, part in self._splits.items()} | dict(spans)
        self._asked = tuple(spans)

    def of_states(self) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
        """Embeddings of the music {name of spans: (n, e)} through a head on our states, and how it was trained."""
        states = {name: embed_music(self._model, self._tokens, spans)[1] for name, spans in self._spans.items()}
        # They come from centred tokens, and the model's readout does not centre them again.
        return self._train(states, states["train"][self._spans["train"].mask()], centre=False)

    def of_frames(self, frames: Frames) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
        """The same through a head on the frames of any encoder, averaged over each sub-beat of the tokens."""
        audio = self._tokens.audio
        songs, table = np.unique(audio["song"][self._rows()]), None
        for song in songs:
            rows_of_song = np.flatnonzero(audio["song"] == song)
            edges = np.append(
                audio["time_s"][rows_of_song], audio["time_s"][rows_of_song[-1]] + audio["duration_s"][rows_of_song[-1]]
            )
            part = beat_features(frames(song), FRAME_RATE, edges, self._tokens.layout.subbeats)
            if table is None:
                table = np.zeros((len(audio["song"]), part.shape[1]), np.float32)
            table[rows_of_song] = part
        assert table is not None  # the training split has windows, or there would be no model
        return self._of_table(table)

    def of_accents(self, corpus: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
        """The same through a head on the true accents of the songs of a synthetic corpus: an oracle of the music side.

        What is left between it and the ceiling is lost by the motion encoder.
        """
        audio, rows, subbeats = self._tokens.audio, self._rows(), self._tokens.layout.subbeats
        windows = list(zip(audio["song"][rows].tolist(), audio["time_s"][rows].tolist(), strict=True))
        accents = true_accents(corpus, windows, 1, subbeats)
        table = np.zeros((len(audio["song"]), accents[0].size), np.float32)
        table[rows] = accents.reshape(len(rows), -1)
        return self._of_table(table)

    def _rows(self) -> NDArray[np.int64]:
        return np.unique(np.concatenate([_rows(spans) for spans in self._spans.values()]))

    def _of_table(self, table: NDArray[np.float32]) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
        """table: (beats of the audio tokens, f)."""
        features = {name: table[spans.rows(spans.audio_row)] for name, spans in self._spans.items()}
        return self._train(features, table[_rows(self._spans["train"])], centre=self._model.config.centre)

    def _train(
        self, features: Mapping[str, NDArray[np.float32]], rows: NDArray[np.float32], centre: bool
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
        """features: (n, k, f) of all spans; rows: (N, f) beats of the training songs."""
        reduce = Reduction.fit(rows, self._settings.head_components, self._settings.seed)
        inputs = {
            name: MusicInput(torch.as_tensor(reduce(features[name])), spans.bars(self._tokens))
            for name, spans in self._spans.items()
        }
        train, val = (
            Matched(inputs[name], self._motion[name], part.music_row, part.motion.song, part.motion.start)
            for name, part in self._splits.items()
        )
        head, how = train_head(
            self._model.config,
            train,
            val,
            self._settings,
            centre=centre,
            temperature=self._temperature,
            symmetric=self._symmetric,
        )
        return {name: project(head, inputs[name]) for name in self._asked}, how | {"features": rows.shape[1]}


def _rows(spans: Spans) -> NDArray[np.int64]:
    """Rows of the audio tokens that some stretches cover, each once."""
    return np.unique(spans.rows(spans.audio_row))
