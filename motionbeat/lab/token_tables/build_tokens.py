"""Corpus2Tokens: from the corpus and its beats to the token tables."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from motionbeat.audio.mel import mel_of_song
from motionbeat.beats.grid import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.corpora import beats_table
from motionbeat.lab.item_cache import ItemCache, Values
from motionbeat.lab.token_tables.lattices import lattice
from motionbeat.motion.feature_blocks import feature_slices
from motionbeat.parallel import in_parallel
from motionbeat.tokens.layout import Layout
from motionbeat.tokens.signals import (
    MotionSignals,
    covered,
    mel_tokens,
    motion_signals,
    onset_tokens,
    pooled_motion,
)

if TYPE_CHECKING:
    from motionbeat.lab.params import Tokens as Settings

Floats = NDArray[np.float32]
Columns = dict[str, NDArray[Any]]
_AT_ONCE = 4096  # sub-beats per step of the statistics


def layout_of(settings: "Settings", manifest: Columns) -> Layout:
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


def build(corpus: Path, beats: Path, settings: "Settings", folder: Path) -> Layout:
    """Write the tokens on beats and on lattices, statistics.parquet and layout.json into `folder`."""
    manifest = tables.read(corpus / "manifest.parquet", tables.MANIFEST)
    if sources := tables.read_sources(corpus):
        tables.write(folder / tables.SOURCES_FILE, tables.SOURCES, {"song": [*sources], "source": [*sources.values()]})
    beats_of = beats_table.beats_grids(tables.read(beats, tables.BEATS))
    layout = layout_of(settings, manifest)
    kept = ItemCache.of("tokens", __name__)

    songs = dict(sorted(zip(manifest["song"], manifest["audio"], strict=True)))
    missing = sorted(set(songs) - set(beats_of))
    if missing:
        raise MotionBeatError(f"{beats} has no beats of {', '.join(missing)}: run `dvc repro beats`")
    trained = set(manifest["song"][manifest["split"] == "train"])
    lengths = settings.lattice_min_s, settings.lattice_max_s
    of_songs = [
        (kept, name, corpus / path, beats_of[name], layout, settings.lattices * (name in trained), lengths)
        for name, path in songs.items()
    ]
    grids = {}
    with _writing(folder, "audio", tables.AUDIO_TOKENS, tables.LATTICE_AUDIO) as write:
        for name, (of_song, parts) in zip(songs, in_parallel(_song, of_songs, "songs"), strict=True):
            grids[name] = of_song
            write(parts)

    clips = [dict(zip(manifest, row, strict=True)) for row in zip(*manifest.values(), strict=True)]
    of_clips = [(kept, clip, corpus, grids[clip["song"]], layout, settings.coverage) for clip in clips]
    beats_danced = 0
    with _writing(folder, "motion", tables.MOTION_TOKENS, tables.LATTICE_MOTION) as write:
        for parts in in_parallel(_clip, of_clips, "clips"):
            beats_danced += len(parts[0]["beat"])
            write(parts)
    if not beats_danced:
        raise MotionBeatError(
            f"{corpus}: no clip covers a whole beat of its song: check offset_s and duration_s in the manifest"
        )

    _write_statistics(folder, layout)
    layout.write(folder / "layout.json")
    return layout


@contextmanager
def _writing(
    folder: Path, kind: str, beats: pa.Schema, lattices: pa.Schema
) -> Iterator[Callable[[list[Columns]], None]]:
    """Yield functions that add the tokens of a song or clip: first those on beats, then those on lattices."""
    with (
        tables.in_groups(folder / f"{kind}.parquet", beats) as on_beats,
        tables.in_groups(folder / f"lattice_{kind}.parquet", lattices) as on_lattices,
    ):

        def write(parts: list[Columns]) -> None:
            for append, part in zip([on_beats, *[on_lattices] * (len(parts) - 1)], parts, strict=True):
                if len(part["beat"]):
                    append(part)

        yield write


def _song(
    kept: ItemCache, name: str, path: Path, beats: Beats, layout: Layout, lattices: int, lengths_s: tuple[float, float]
) -> tuple[list[Beats | None], list[Columns]]:
    """A song's grids, the beats first and then its lattices (None if it is too short), and its tokens on each."""

    def grids(duration_s: float) -> list[Beats | None]:
        return [beats, *(lattice(name, number, duration_s, *lengths_s) for number in range(lattices))]

    def pooled() -> Values:
        mel, duration_s = mel_of_song(path, None, layout.mel_bands)
        return {
            "duration_s": duration_s,
            **_on_grids(grids(duration_s), lambda grid: _audio_columns(mel, grid, layout)),
        }

    values = kept.get([name, path, beats, layout, lattices, lengths_s], pooled)
    duration_s = values.pop("duration_s")
    return grids(duration_s), _of_grids(values, song=name)


def _clip(
    kept: ItemCache, clip: dict[str, Any], corpus: Path, grids: list[Beats | None], layout: Layout, coverage: float
) -> list[Columns]:
    """Tokens of a clip on the beats of its song and, in the training split, on each lattice."""
    path, used = corpus / clip["motion"], grids if clip["split"] == "train" else grids[:1]
    times = clip["fps"], clip["offset_s"], clip["duration_s"]

    def pooled() -> Values:
        with np.load(path, allow_pickle=False) as arrays:
            joints = arrays["joints"]
            poses = arrays["poses"] if layout.rotation_start is not None else None
        signals = motion_signals(joints, poses, clip["fps"], layout)
        return _on_grids(used, lambda grid: _motion_columns(signals, grid, layout, *times[1:], coverage))

    values = kept.get([path, *times, used, layout, coverage], pooled)
    return _of_grids(values, clip=clip["clip"], song=clip["song"], split=clip["split"])


def _on_grids(grids: list[Beats | None], pool: Callable[[Beats], Columns]) -> Values:
    """Columns on the beats, named "-1 NAME", and on each existing lattice, named "NUMBER NAME"."""
    pooled = [(number, pool(grid)) for number, grid in enumerate(grids, -1) if grid is not None]
    return {f"{number} {name}": values for number, columns in pooled for name, values in columns.items()}


def _of_grids(values: Values, **names: str) -> list[Columns]:
    """The columns of `_on_grids`, grid by grid, together with columns of a constant name or number."""
    grids: dict[int, Columns] = {}
    for key, column in values.items():
        grid, name = key.split()
        grids.setdefault(int(grid), {})[name] = column
    for number, columns in grids.items():
        count = len(columns["beat"])
        columns |= {name: np.full(count, text, object) for name, text in names.items()}
        if number >= 0:
            columns["lattice"] = np.full(count, number)
    return [grids[number] for number in sorted(grids)]


def _audio_columns(mel: Floats, beats: Beats, layout: Layout) -> Columns:
    edges = beats.edges()
    count = len(beats.times)
    return {
        "beat": np.arange(count),
        "time_s": beats.times,
        "duration_s": np.diff(edges),
        "bar_position": beats.positions - 1,
        "beats_per_bar": np.full(count, beats.beats_per_bar),
        "mel": mel_tokens(mel, edges, layout),
        "onset": onset_tokens(mel, edges, layout),
    }


def _motion_columns(
    signals: MotionSignals, beats: Beats, layout: Layout, offset_s: float, duration_s: float, coverage: float
) -> Columns:
    index = covered(beats, offset_s, duration_s, coverage)
    columns: Columns = {
        "beat": index,
        "bar_position": beats.positions[index] - 1,
        "beats_per_bar": np.full(len(index), beats.beats_per_bar),
    }
    if len(index) == 0:
        empty = np.empty((0, 0), np.float32)
        return {**columns, "features": empty, "contact": empty, "energy": empty}
    edges = beats.edges()[index[0] : index[-1] + 2] - offset_s
    return {**columns, **pooled_motion(signals, edges, layout)}


def _write_statistics(folder: Path, layout: Layout) -> None:
    """Write mean and deviation over the training split, common to the sub-beats of a beat."""
    danced = list(tables.groups(folder / "motion.parquet", ["split", "song"]))
    songs = {song for rows in danced for song in rows["song"][rows["split"] == "train"]}
    if not songs:
        raise MotionBeatError("no beat of the training split: the corpus needs clips whose split is train")

    def mel() -> Iterator[Floats]:
        for rows in tables.groups(folder / "audio.parquet", ["song", "mel"]):
            yield from _pieces(rows["mel"][[song in songs for song in rows["song"]]], layout.audio_width)

    def motion() -> Iterator[Floats]:
        for rows in tables.groups(folder / "motion.parquet", ["split", "features"]):
            yield from _pieces(rows["features"][rows["split"] == "train"], layout.motion_width)

    columns: dict[str, list[Any]] = {"kind": [], "feature": [], "mean": [], "std": []}
    for kind, parts in (("mel", mel), ("motion", motion)):
        mean = _mean(parts())
        variance = _mean((part - mean) ** 2 for part in parts())
        columns["kind"] += [kind] * len(mean)
        columns["feature"] += range(len(mean))
        columns["mean"] += mean.tolist()
        columns["std"] += np.sqrt(variance).tolist()
    tables.write(folder / "statistics.parquet", tables.STATISTICS, columns)


def _pieces(values: Floats, width: int) -> Iterator[Floats]:
    rows = values.reshape(-1, width)
    return (rows[begin : begin + _AT_ONCE] for begin in range(0, len(rows), _AT_ONCE))


def _mean(parts: Iterable[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Mean over the rows of all parts, added in order, so that the division into parts has no effect."""
    total, count = np.zeros((1, 1)), 0
    for part in parts:
        total = np.concatenate([np.broadcast_to(total, (1, part.shape[1])), part]).sum(axis=0, keepdims=True)
        count += len(part)
    return np.asarray(total[0] / count)
