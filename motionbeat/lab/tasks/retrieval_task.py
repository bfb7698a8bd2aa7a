"""Retrieval on the test split: three protocols, both directions, every row, and the files that hold them.

WIN and SEQ are defined in `window_protocol`, SLICE in `slice_protocol`, the rows in `retrieval_rows`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.encoders import feature_cache
from motionbeat.lab.encoders.interface import check
from motionbeat.lab.encoders.motionbeat_encoder import OF_THE_MODEL
from motionbeat.lab.params import Encoders, Loss, Retrieve
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.ceiling import FULL, event_log_likelihood
from motionbeat.lab.tasks.projected_baselines import Frames, Heads
from motionbeat.lab.tasks.retrieval_rows import ADDITIVE, MODEL, Scoring
from motionbeat.lab.tasks.score_table import Score
from motionbeat.lab.tasks.shift_curve import shift_curve
from motionbeat.lab.tasks.slice_protocol import Slices, cut, evaluate_slices, slice_ceiling, slice_pairs
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.tasks.window_protocol import Items, evaluate
from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.model.dual_encoder import DualEncoder

TASK = "retrieve"
HEADLINE = {
    f"{metric}_{direction}": (f"win.{direction}", "model", metric)
    for metric in ("r1", "r10")
    for direction in ("music_to_motion", "motion_to_music")
}
OWN = "motionbeat"
ORACLE = "accents_projected"
"""The row with the true accents of the songs instead of an encoder's features."""


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
        """What SLICE ranks: the first songs of the corpus, in a mix of each."""
        places = zip(self.manifest["offset_s"].tolist(), self.manifest["duration_s"].tolist(), strict=True)
        placed = dict(zip(self.manifest["clip"], places, strict=True))
        slices = cut(self.tokens, "test", placed, options.slice_s, options.slice_stride_s)
        songs: dict[str, list[str]] = {}
        for name in np.unique(slices.song).tolist():
            songs.setdefault(self.tokens.sources.get(name, ""), []).append(name)
        first = [name for of_source in songs.values() for name in of_source[: options.slice_songs or None]]
        return slices.take(np.isin(slices.song, first))

    def likelihood(
        self,
        clip: NDArray[Any],
        clip_row: NDArray[Any],
        song: NDArray[Any],
        song_row: NDArray[Any],
        beats: int,
        form: str = FULL,
    ) -> NDArray[np.float64]:
        """Log-likelihood of each stretch of dance under each stretch of music, from the corpus's truth.

        form: one of the `synthetic.ceiling.FORMS`.
        """
        times = self.tokens.audio["time_s"]
        dances, songs = (
            list(zip(names, times[rows], strict=True)) for names, rows in ((clip, clip_row), (song, song_row))
        )
        return event_log_likelihood(self.corpus / "source", dances, songs, beats, form)

    def additive(self) -> NDArray[np.float64] | None:
        """The additive ceiling of the windows; None without context, where it is the full one, or without truth."""
        if not self.has_truth or not truth.context_of(self.corpus / "source"):
            return None
        motion, music = self.motion, self.music
        return self.likelihood(motion.clip, motion.audio_row, music.song, music.audio_row, motion.beats, ADDITIVE)

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
    slices = test.slices(options)
    spans = {"win": Spans.of(test.music), "slice": slices.music()[0].spans}
    projected, heads = project_encoders(model, test, spans, options, encoders, loss)
    ours = {name: embed_music(model, test.tokens, part)[0] for name, part in spans.items()}
    music = {name: {MODEL: part} | {row: e[name] for row, e in projected.items()} for name, part in ours.items()}
    dances = {"win": Spans.of(test.motion), "slice": slices.spans}
    motion = {name: embed_motion(model, test.tokens, part) for name, part in dances.items()}
    scoring = Scoring(loss.temperature, options.bootstrap, options.seed)
    scores, sizes = _figures(model, test, slices, music, motion, scoring)
    about: dict[str, Any] = {
        "sizes": sizes,
        "heads": heads,
        "resamplings": options.bootstrap,
        "temperature": loss.temperature,
    }
    tested = set(slices.song.tolist())
    for source in sorted({test.tokens.sources[song] for song in tested} if test.tokens.sources else ()):
        of_source = {song for song, name in test.tokens.sources.items() if name == source}
        part, sizes = _figures(model, *_only(of_source, test, slices, music, motion), scoring)
        scores += [evolve(score, task=f"{score.task}.{source}") for score in part]
        about.setdefault("sizes_by_source", {})[source] = sizes
    return scores, about


Embedded = Mapping[str, Any]
"""{protocol: embeddings of its dances}, or {protocol: {row: of its music}}."""


def _only(
    songs: set[str], test: Test, slices: Slices, music: Embedded, motion: Embedded
) -> tuple[Test, Slices, Embedded, Embedded]:
    """What is tested, of some songs alone."""

    def chosen(names: NDArray[Any]) -> NDArray[np.bool_]:
        return np.array([name in songs for name in names.tolist()], bool)

    of_music = {"win": chosen(test.music.song), "slice": chosen(slices.music()[0].song)}
    of_motion = {"win": chosen(test.motion.song), "slice": chosen(slices.song)}
    return (
        evolve(test, motion=test.motion.take(of_motion["win"]), music=test.music.take(of_music["win"])),
        slices.take(of_motion["slice"]),
        {name: {row: e[of_music[name]] for row, e in rows.items()} for name, rows in music.items()},
        {name: e[of_motion[name]] for name, e in motion.items()},
    )


def _figures(
    model: DualEncoder, test: Test, slices: Slices, music: Embedded, motion: Embedded, scoring: Scoring
) -> tuple[list[Score], dict[str, Any]]:
    """Every figure of the three protocols and of the shift curve, and the sizes of the galleries."""
    items, dances, songs = test.items(), test.motion, test.music
    scores, sizes = evaluate(
        items,
        music["win"][MODEL],
        motion["win"],
        test.likelihood(dances.clip, dances.audio_row, songs.song, songs.audio_row, dances.beats)
        if test.has_truth
        else None,
        scoring,
        {row: e for row, e in music["win"].items() if row != MODEL},
        test.additive(),
    )
    slice_music, music_of = slices.music()
    of_slices, sizes["slice"] = evaluate_slices(
        slice_pairs(slices, slice_music, music_of, items.tempo),
        items.tempo,
        items.genre,
        music["slice"],
        motion["slice"],
        slice_ceiling(slices, slice_music, lambda dance, song, beats: _of_slices(test, dance, song, beats))
        if test.has_truth
        else None,
        scoring,
    )
    of_shifts = shift_curve(model, test.tokens, dances, scoring.bootstrap, scoring.seed)
    return scores + of_slices + of_shifts, sizes


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
    if options.oracle and test.has_truth:
        rows[ORACLE], trained[ORACLE] = heads.of_accents(test.corpus / "source")
    return rows, trained


def _frames_of(songs: dict[str, feature_cache.Features]) -> Frames:
    return lambda song: songs[song].frames()


def _of_slices(test: Test, dance: Slices, song: Slices, beats: int) -> NDArray[np.float64]:
    return test.likelihood(dance.clip, dance.spans.audio_row, song.song, song.spans.audio_row, beats)
