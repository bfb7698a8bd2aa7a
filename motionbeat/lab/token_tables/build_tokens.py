"""Corpus2Tokens: the corpus and its beats in, the token tables out."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.audio.mel import SAMPLE_RATE, log_mel
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import workers
from motionbeat.lab import tables
from motionbeat.lab.params import Tokens as Settings
from motionbeat.lab.token_tables.lattices import lattice
from motionbeat.motion.feature_blocks import feature_slices
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.signals import (
    MotionSignals,
    covered,
    mel_tokens,
    motion_signals,
    onset_tokens,
    pooled_motion,
)

Floats = NDArray[np.float32]
Columns = dict[str, NDArray[Any]]
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def layout_of(settings: Settings, manifest: Columns) -> Layout:
    """The layout of the tokens of a corpus; rotations enter only if every clip has them."""
    rotations = settings.rotations == "auto" and bool(manifest["has_rotations"].all())
    slices = feature_slices(rotations, settings.joint_events)
    return Layout(
        subbeats=settings.subbeats,
        mel_bands=settings.mel_bands,
        motion_width=max(part.stop for part in slices.values()),
        rotation_start=slices["rotations"].start if rotations else None,
        motion_fps=settings.motion_fps,
        contact_speed=settings.contact_speed,
        contact_height=settings.contact_height,
        window_beats=settings.window_beats,
        flux=settings.flux,
        joint_events=settings.joint_events,
    )


def read_beats(path: Path) -> dict[str, Beats]:
    """The beats of every song, as the beats stage wrote them."""
    rows = tables.read(path, tables.BEATS)
    grids = {}
    for song in np.unique(rows["song"]):
        of_song = rows["song"] == song
        grids[str(song)] = Beats(
            times=rows["time_s"][of_song],
            positions=rows["bar_position"][of_song] + 1,
            beats_per_bar=int(rows["beats_per_bar"][of_song][0]),
        )
    return grids


def build(corpus: Path, beats: Path, settings: Settings, folder: Path, progress: Progress) -> Layout:
    """Write the tokens on beats and on lattices, statistics.parquet and layout.json into `folder`."""
    manifest = tables.read(corpus / "manifest.parquet", tables.MANIFEST)
    if sources := tables.read_sources(corpus):
        tables.write(folder / tables.SOURCES_FILE, tables.SOURCES, {"song": [*sources], "source": [*sources.values()]})
    beats_of = read_beats(beats)
    layout = layout_of(settings, manifest)
    run = Parallel(n_jobs=workers(), return_as="generator")

    songs = dict(sorted(zip(manifest["song"], manifest["audio"], strict=True)))
    missing = sorted(set(songs) - set(beats_of))
    if missing:
        raise MotionBeatError(f"{beats} has no beats of {', '.join(missing)}: run `dvc repro beats`")
    trained = set(manifest["song"][manifest["split"] == "train"])
    jobs = (
        delayed(_song)(name, corpus / path, beats_of[name], layout, settings, settings.lattices * (name in trained))
        for name, path in songs.items()
    )
    song_parts = list(progress(run(jobs), len(songs), "songs"))
    audio = _write_tokens(
        folder, "audio", tables.AUDIO_TOKENS, tables.LATTICE_AUDIO, [parts for _, parts in song_parts]
    )
    grids = {name: of_song for name, (of_song, _) in zip(songs, song_parts, strict=True)}

    clips = [dict(zip(manifest, row, strict=True)) for row in zip(*manifest.values(), strict=True)]
    jobs = (delayed(_clip)(clip, corpus, grids[clip["song"]], layout, settings.coverage) for clip in clips)
    danced = list(progress(run(jobs), len(clips), "clips"))
    if not any(len(parts[0]["beat"]) for parts in danced):
        raise MotionBeatError(
            f"{corpus}: no clip covers a whole beat of its song: check offset_s and duration_s in the manifest"
        )
    motion = _write_tokens(folder, "motion", tables.MOTION_TOKENS, tables.LATTICE_MOTION, danced)

    _write_statistics(folder / "statistics.parquet", motion, audio, layout)
    layout.write(folder / "layout.json")
    return layout


def _song(
    name: str, path: Path, beats: Beats, layout: Layout, settings: Settings, lattices: int
) -> tuple[list[Beats | None], list[Columns]]:
    """A song's grids, the beats first and then its lattices (none where it is too short), and its tokens on each."""
    wave = decode.load(path, SAMPLE_RATE)
    mel = log_mel(wave, SAMPLE_RATE, layout.mel_bands)
    duration_s = len(wave) / SAMPLE_RATE
    grids: list[Beats | None] = [beats]
    for number in range(lattices):
        grids.append(lattice(name, number, duration_s, settings.lattice_min_s, settings.lattice_max_s))
    return grids, _on_grids(grids, lambda grid: _audio_columns(name, mel, grid, layout))


def _clip(
    clip: dict[str, Any], corpus: Path, grids: list[Beats | None], layout: Layout, coverage: float
) -> list[Columns]:
    """Tokens of a clip on the beats of its song and, in the training split, on each lattice."""
    with np.load(corpus / clip["motion"], allow_pickle=False) as arrays:
        joints = arrays["joints"]
        poses = arrays["poses"] if layout.rotation_start is not None else None
    signals = motion_signals(joints, poses, clip["fps"], layout)
    used = grids if clip["split"] == "train" else grids[:1]
    return _on_grids(used, lambda grid: _motion_columns(clip, signals, grid, layout, coverage))


def _on_grids(grids: list[Beats | None], pool: Callable[[Beats], Columns]) -> list[Columns]:
    """Tokens on the beats, then on each lattice that there is, with its number."""
    pooled = [(number, pool(grid)) for number, grid in enumerate(grids, -1) if grid is not None]
    return [
        columns if number < 0 else {**columns, "lattice": np.full(len(columns["beat"]), number)}
        for number, columns in pooled
    ]


def _audio_columns(name: str, mel: Floats, beats: Beats, layout: Layout) -> Columns:
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


def _motion_columns(
    clip: dict[str, Any], signals: MotionSignals, beats: Beats, layout: Layout, coverage: float
) -> Columns:
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
    return {**columns, **pooled_motion(signals, edges, layout)}


def _write_tokens(
    folder: Path, kind: str, beats: pa.Schema, lattices: pa.Schema, parts: list[list[Columns]]
) -> Columns:
    """Write the tokens on beats, which stand first in each part, and those on lattices; return the former."""
    on_beats = _joined([part[0] for part in parts], beats)
    tables.write(folder / f"{kind}.parquet", beats, on_beats)
    others = [columns for part in parts for columns in part[1:]]
    tables.write(folder / f"lattice_{kind}.parquet", lattices, _joined(others, lattices))
    return on_beats


def _joined(parts: list[Columns], schema: pa.Schema) -> Columns:
    """The rows of all parts under each other."""
    filled = [part for part in parts if len(part["beat"])]
    if not filled:
        return {field.name: np.empty((0, 0) if pa.types.is_list(field.type) else 0, object) for field in schema}
    return {name: np.concatenate([part[name] for part in filled]) for name in schema.names}


def _write_statistics(path: Path, motion: Columns, audio: Columns, layout: Layout) -> None:
    """Mean and deviation over the training split alone, shared by the sub-beats of a beat."""
    train = motion["split"] == "train"
    if not train.any():
        raise MotionBeatError("no beat of the training split: the corpus needs clips whose split is train")
    songs = np.isin(audio["song"], np.unique(motion["song"][train]))
    features = {
        "mel": audio["mel"][songs].reshape(-1, layout.audio_width),
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
