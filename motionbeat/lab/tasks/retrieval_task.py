"""Retrieval on the test split: three protocols, both directions, every row, and the files that hold them.

WIN and SEQ are defined in `window_protocol`, SLICE in `slice_protocol`, the rows in `retrieval_rows`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.encoders import feature_cache
from motionbeat.lab.encoders.interface import check
from motionbeat.lab.encoders.motionbeat_encoder import OF_THE_MODEL
from motionbeat.lab.params import Encoders, Loss, Retrieve
from motionbeat.lab.synthetic.ceiling import event_log_likelihood
from motionbeat.lab.tasks.projected_baselines import Frames, Heads
from motionbeat.lab.tasks.retrieval_rows import MODEL, Scoring
from motionbeat.lab.tasks.score_table import Score
from motionbeat.lab.tasks.shift_curve import shift_curve
from motionbeat.lab.tasks.slice_protocol import Slices, cut, evaluate_slices, slice_ceiling, slice_pairs
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.tasks.window_protocol import Items, evaluate
from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.model.dual_encoder import DualEncoder

TASK = "retrieve"
OWN = "motionbeat"


@frozen(eq=False)
class Test:
    """The test split: tokens, the manifest's columns, dance windows at every bar, and the distinct music windows."""

    corpus: Path
    tokens: Tokens
    manifest: dict[str, NDArray[Any]]
    motion: Windows
    music: Windows

    @classmethod
    def read(cls, corpus: Path, folder: Path) -> "Test":
        """From the folders of the corpus and of its tokens. Raises `MotionBeatError` where no clip has a window."""
        tokens, manifest = Tokens.load(folder), tables.read(corpus / "manifest.parquet", tables.MANIFEST)
        windows = tokens.windows("test", tokens.layout.window_beats, every="bar")
        if not len(windows):
            raise MotionBeatError(
                f"no test clip has {tokens.layout.window_beats} beats: lower tokens.window_beats in params.yaml"
            )
        _, first = np.unique(windows.audio_row, return_index=True)
        return cls(corpus, tokens, manifest, windows, windows.take(first))

    def items(self) -> Items:
        """What WIN and SEQ rank, with the tempo (of the tracked beats) and the genre of each song."""
        audio = self.tokens.audio
        songs = np.unique(self.tokens.windows("test", 1).song)
        # The mean, not the median, of the intervals: a tracker's times are rounded to its frames.
        interval = {song: np.mean(audio["duration_s"][audio["song"] == song]) for song in songs}
        return Items(
            motion_clip=self.motion.clip,
            motion_song=self.motion.song,
            motion_start=self.motion.start,
            music_song=self.music.song,
            music_start=self.music.start,
            tempo={song: 60.0 / float(seconds) for song, seconds in interval.items()},
            genre=dict(zip(self.manifest["song"], self.manifest["genre"], strict=True)),
        )

    def slices(self, options: Retrieve) -> Slices:
        """What SLICE ranks."""
        places = zip(self.manifest["offset_s"].tolist(), self.manifest["duration_s"].tolist(), strict=True)
        placed = dict(zip(self.manifest["clip"], places, strict=True))
        slices = cut(self.tokens, "test", placed, options.slice_s, options.slice_stride_s)
        first = np.unique(slices.song)[: options.slice_songs or None]
        return slices.take(np.isin(slices.song, first))

    def likelihood(
        self, clip: NDArray[Any], clip_row: NDArray[Any], song: NDArray[Any], song_row: NDArray[Any], beats: int
    ) -> NDArray[np.float64]:
        """Log-likelihood of each stretch of dance under each stretch of music, from the corpus's truth."""
        times = self.tokens.audio["time_s"]
        dances, songs = (
            list(zip(names, times[rows], strict=True)) for names, rows in ((clip, clip_row), (song, song_row))
        )
        return event_log_likelihood(self.corpus / "source", dances, songs, beats)

    @property
    def has_truth(self) -> bool:
        """Whether the corpus comes with the events of its dances and the accents of its songs."""
        return (self.corpus / "source").is_dir()


def check_model(encoders: Encoders, model: Path) -> None:
    """Raise `MotionBeatError` where encoders.motionbeat is not the model that retrieval ranks with."""
    named = [name for name in encoders.names if name in OF_THE_MODEL]
    if named and Path(encoders.motionbeat).resolve() != model.resolve():
        raise MotionBeatError(
            f"encoders.motionbeat = {encoders.motionbeat}, but retrieval ranks with {model}, and its rows of "
            f"{', '.join(named)} would be of two models: set encoders.motionbeat to {model} (a model from elsewhere "
            f"can be copied there), or leave {', '.join(named)} out of encoders.names"
        )


def run_retrieval(
    model: DualEncoder, test: Test, options: Retrieve, encoders: Encoders, loss: Loss
) -> tuple[list[Score], dict[str, Any]]:
    """Every figure of the three protocols and of the shift curve, and their settings.

    That is: sizes of the galleries, temperature, how each head was trained.
    """
    tokens, motion, music = test.tokens, test.motion, test.music
    slices = test.slices(options)
    slice_music, music_of = slices.music()
    spans = {"win": Spans.of(music), "slice": slice_music.spans}
    projected, heads = project_encoders(model, test, spans, options, encoders, loss)
    ours = {name: embed_music(model, tokens, part)[0] for name, part in spans.items()}
    items, scoring = test.items(), Scoring(loss.temperature, options.bootstrap, options.seed)
    scores, sizes = evaluate(
        items,
        ours["win"],
        embed_motion(model, tokens, Spans.of(motion)),
        test.likelihood(motion.clip, motion.audio_row, music.song, music.audio_row, motion.beats)
        if test.has_truth
        else None,
        scoring,
        {row: embedded["win"] for row, embedded in projected.items()},
    )
    of_slices, sizes["slice"] = evaluate_slices(
        slice_pairs(slices, slice_music, music_of, items.tempo),
        items.tempo,
        items.genre,
        {MODEL: ours["slice"]} | {row: embedded["slice"] for row, embedded in projected.items()},
        embed_motion(model, tokens, slices.spans),
        slice_ceiling(slices, slice_music, lambda dance, song, beats: _of_slices(test, dance, song, beats))
        if test.has_truth
        else None,
        scoring,
    )
    about = {"sizes": sizes, "heads": heads, "resamplings": options.bootstrap, "temperature": loss.temperature}
    of_shifts = shift_curve(model, tokens, motion, options.bootstrap, options.seed)
    return scores + of_slices + of_shifts, about


def project_encoders(
    model: DualEncoder, test: Test, spans: dict[str, Spans], options: Retrieve, encoders: Encoders, loss: Loss
) -> tuple[dict[str, dict[str, NDArray[np.float32]]], dict[str, Any]]:
    """{row: {protocol: music embeddings}} of every encoder through its head, and how each head was trained."""
    check([name for name in encoders.names if name != OWN], encoders)
    heads = Heads(model, test.tokens, spans, options, loss.temperature, loss.symmetric)
    songs = sorted(zip(test.manifest["song"], test.manifest["audio"], strict=True))
    audio = {song: test.corpus / path for song, path in songs}
    rows, trained = {}, {}
    for name in encoders.names:
        row = f"{name}_projected"
        if name == OWN:
            rows[row], trained[row] = heads.of_states()
        else:
            features = feature_cache.compute(name, encoders, list(audio.values()), frames=True)
            rows[row], trained[row] = heads.of_frames(_frames_of(dict(zip(audio, features, strict=True))))
    return rows, trained


def _frames_of(songs: dict[str, feature_cache.Features]) -> Frames:
    return lambda song: songs[song].frames()


def _of_slices(test: Test, dance: Slices, song: Slices, beats: int) -> NDArray[np.float64]:
    return test.likelihood(dance.clip, dance.spans.audio_row, song.song, song.spans.audio_row, beats)
