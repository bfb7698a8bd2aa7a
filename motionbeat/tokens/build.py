"""Corpus2Tokens: the corpus and its beats in, the token tables out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from motionbeat import tables
from motionbeat.audio import decode
from motionbeat.audio.mel import SAMPLE_RATE, log_mel
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import workers
from motionbeat.motion.features import feature_slices
from motionbeat.params import Tokens as Settings
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.signals import covered, mel_tokens, motion_tokens, onset_tokens

Columns = dict[str, NDArray[Any]]
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def layout_of(settings: Settings, manifest: Columns) -> Layout:
    """The layout of the tokens of a corpus; rotations enter only if every clip has them."""
    rotations = settings.rotations == "auto" and bool(manifest["has_rotations"].all())
    slices = feature_slices(rotations)
    return Layout(
        subbeats=settings.subbeats,
        mel_bands=settings.mel_bands,
        motion_width=max(part.stop for part in slices.values()),
        rotation_start=slices["rotations"].start if rotations else None,
        motion_fps=settings.motion_fps,
        contact_speed=settings.contact_speed,
        contact_height=settings.contact_height,
        window_beats=settings.window_beats,
    )


def read_beats(path: Path) -> dict[str, Beats]:
    """The beats of every song, as the beats stage wrote them."""
    rows = tables.read(path, tables.BEATS)
    grids = {}
    for song in np.unique(rows["song"]):
        own = rows["song"] == song
        grids[str(song)] = Beats(
            times=rows["time_s"][own],
            positions=rows["bar_position"][own] + 1,
            beats_per_bar=int(rows["beats_per_bar"][own][0]),
        )
    return grids


def build(corpus: Path, beats: Path, settings: Settings, folder: Path, progress: Progress) -> Layout:
    """Write audio.parquet, motion.parquet, statistics.parquet and layout.json into `folder`."""
    manifest = tables.read(corpus / "manifest.parquet", tables.MANIFEST)
    grids = read_beats(beats)
    layout = layout_of(settings, manifest)
    run = Parallel(n_jobs=workers(), return_as="generator")

    songs = dict(sorted(zip(manifest["song"], manifest["audio"], strict=True)))
    missing = sorted(set(songs) - set(grids))
    if missing:
        raise MotionBeatError(f"{beats} has no beats of {', '.join(missing)}: run `dvc repro beats`")
    jobs = (delayed(_song)(name, corpus / path, grids[name], layout) for name, path in songs.items())
    parts = list(progress(run(jobs), len(songs), "songs"))
    audio = _joined(parts)
    tables.write(folder / "audio.parquet", tables.AUDIO_TOKENS, audio)

    clips = [dict(zip(manifest, row, strict=True)) for row in zip(*manifest.values(), strict=True)]
    jobs = (delayed(_clip)(clip, corpus, grids[clip["song"]], layout, settings.coverage) for clip in clips)
    parts = [part for part in progress(run(jobs), len(clips), "clips") if len(part["beat"])]
    if not parts:
        raise MotionBeatError(
            f"{corpus}: no clip covers a whole beat of its song: check offset_s and duration_s in the manifest"
        )
    motion = _joined(parts)
    tables.write(folder / "motion.parquet", tables.MOTION_TOKENS, motion)

    _write_statistics(folder / "statistics.parquet", motion, audio, layout)
    layout.write(folder / "layout.json")
    return layout


def _song(name: str, path: Path, beats: Beats, layout: Layout) -> Columns:
    mel = log_mel(decode.load(path, SAMPLE_RATE), SAMPLE_RATE, layout.mel_bands)
    edges = beats.edges()
    count = len(beats.times)
    return {
        "song": np.full(count, name, object),
        "beat": np.arange(count),
        "time_s": beats.times,
        "duration_s": np.diff(edges),
        "bar_position": beats.positions - 1,
        "beats_per_bar": np.full(count, beats.beats_per_bar),
        "mel": mel_tokens(mel, edges, layout),
        "onset": onset_tokens(mel, edges, layout),
    }


def _clip(clip: dict[str, Any], corpus: Path, beats: Beats, layout: Layout, coverage: float) -> Columns:
    with np.load(corpus / clip["motion"], allow_pickle=False) as arrays:
        joints = arrays["joints"]
        poses = arrays["poses"] if layout.rotation_start is not None else None
    index = covered(beats, clip["offset_s"], clip["duration_s"], coverage)
    count = len(index)
    columns: Columns = {
        "clip": np.full(count, clip["clip"], object),
        "song": np.full(count, clip["song"], object),
        "split": np.full(count, clip["split"], object),
        "beat": index,
        "bar_position": beats.positions[index] - 1,
        "beats_per_bar": np.full(count, beats.beats_per_bar),
    }
    if count == 0:
        empty = np.empty((0, 0), np.float32)
        return {**columns, "features": empty, "contact": empty, "energy": empty}
    edges = beats.edges()[index[0] : index[-1] + 2] - clip["offset_s"]
    return {**columns, **motion_tokens(joints, poses, clip["fps"], edges, layout)}


def _joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _write_statistics(path: Path, motion: Columns, audio: Columns, layout: Layout) -> None:
    """Mean and deviation over the training split alone, shared by the sub-beats of a beat."""
    train = motion["split"] == "train"
    if not train.any():
        raise MotionBeatError("no beat of the training split: the corpus needs clips whose split is train")
    songs = np.isin(audio["song"], np.unique(motion["song"][train]))
    features = {
        "mel": audio["mel"][songs].reshape(-1, layout.mel_bands),
        "motion": motion["features"][train].reshape(-1, layout.motion_width),
    }
    columns: dict[str, list[Any]] = {"kind": [], "feature": [], "mean": [], "std": []}
    for kind, values in features.items():
        width = values.shape[1]
        columns["kind"] += [kind] * width
        columns["feature"] += range(width)
        columns["mean"] += values.mean(axis=0, dtype=np.float64).tolist()
        columns["std"] += values.std(axis=0, dtype=np.float64).tolist()
    tables.write(path, tables.STATISTICS, columns)
