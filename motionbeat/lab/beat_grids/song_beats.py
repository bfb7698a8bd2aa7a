"""Manifest2Beats: the beat grids of all songs of a corpus, each tracked once, in parallel and resumably."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.beats import Beats, librosa_tracker, madmom_tracker, nominal, track
from motionbeat.beats.grid import EDGE_S
from motionbeat.errors import MotionBeatError
from motionbeat.files import guarded, read_json, set_aside, whole_file
from motionbeat.lab.params import Beats as Options
from motionbeat.progress import counted

_CODE_VERSION = 1  # raise it when a change of decode or of a tracker changes its beats: old cache entries are left
_MOST_LISTED = 20


@attrs.frozen
class Song:
    """One song of a corpus: its audio file, and tempo and meter where the corpus declares them."""

    name: str
    audio: Path
    nominal_bpm: float | None = None
    nominal_beats_per_bar: int | None = None


@attrs.frozen(eq=False)
class Tracked:
    """The beats of a song, and the duration of its audio."""

    beats: Beats
    duration_s: float


def songs_of(manifest: Mapping[str, NDArray[Any]], folder: Path) -> list[Song]:
    """The songs of a manifest's clips, sorted by name; audio paths are relative to `folder`.

    Raises `MotionBeatError` where clips of one song name different audio, tempo or meter.
    """
    songs: dict[str, Song] = {}
    rows = zip(
        *(manifest[key] for key in ("clip", "song", "audio", "nominal_bpm", "nominal_beats_per_bar")), strict=True
    )
    for clip, name, audio, bpm, meter in rows:
        song = Song(str(name), folder / str(audio), _given(bpm), _whole(meter))
        if songs.setdefault(song.name, song) != song:
            raise MotionBeatError(
                f"manifest: clip {clip} and an earlier clip differ in audio, nominal_bpm or nominal_beats_per_bar of "
                f"song {name}; run the corpus stage again"
            )
    return [songs[name] for name in sorted(songs)]


def _given(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _whole(value: Any) -> int | None:
    return None if _given(value) is None else int(value)


def truth(song: Song, duration_s: float) -> Beats | None:
    """The grid that the corpus declares for the song, None where it declares none."""
    if song.nominal_bpm is None or song.nominal_beats_per_bar is None:
        return None
    return nominal.grid(duration_s, song.nominal_bpm, song.nominal_beats_per_bar)


def track_all(
    songs: list[Song], options: Options, cache: Path, workers: int, known: Mapping[str, Beats] | None = None
) -> dict[str, Tracked]:
    """Track every song once, `workers` at a time, each in one thread; those of `known` beats keep them.

    The beats of a song are kept in `cache` under a key of its audio's bytes, the tracker, its options and its
    version, so that a killed run resumes with the songs that are left. The result does not depend on `workers`, on
    the order of work or on the cache. Songs that cannot be used are refused together, after all others are done.
    """
    import joblib

    given = {name: Tracked(grid, _duration(song)) for song in songs if (grid := (known or {}).get(name := song.name))}
    songs = [song for song in songs if song.name not in given]
    if not songs:
        return dict(sorted(given.items()))
    if options.tracker == "nominal":
        _refuse_without_nominal(songs)
    version = _version(options)
    cache.mkdir(parents=True, exist_ok=True)
    if options.tracker == "librosa" and not all(_entry(song, version, cache).is_file() for song in songs):
        librosa_tracker.compile_once()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        work = joblib.Parallel(n_jobs=max(1, min(workers, len(songs))), return_as="generator_unordered")
        results = work(joblib.delayed(_track_or_refuse)(song, options, version, cache) for song in songs)
        by_song = dict(counted(results, len(songs), "songs"))
    refused = [f"{name}: {by_song[name]}" for name in sorted(by_song) if isinstance(by_song[name], str)]
    if refused:
        more = f"\n  ... and {len(refused) - _MOST_LISTED} more" if len(refused) > _MOST_LISTED else ""
        raise MotionBeatError(
            f"{len(refused)} of {len(songs)} songs have no usable beats; repair their audio, leave their clips out "
            "of the corpus, or set beats.tracker in params.yaml:\n  " + "\n  ".join(refused[:_MOST_LISTED]) + more
        )
    by_song |= given
    return {name: result for name, result in sorted(by_song.items()) if isinstance(result, Tracked)}


def _duration(song: Song) -> float:
    import soundfile

    info = soundfile.info(song.audio)
    return float(info.frames / info.samplerate)


def _refuse_without_nominal(songs: list[Song]) -> None:
    without = [song.name for song in songs if song.nominal_bpm is None or song.nominal_beats_per_bar is None]
    if without:
        raise MotionBeatError(
            f"beats.tracker = nominal, but the manifest has no nominal tempo and meter for {', '.join(without[:20])}"
            f"{' ...' if len(without) > 20 else ''}; set beats.tracker to madmom or librosa in params.yaml"
        )


def _version(options: Options) -> str:
    """Everything besides audio and a song's nominal tempo that the tracked beats depend on."""
    named: dict[str, Any] = {"code": _CODE_VERSION, "tracker": options.tracker}
    if options.tracker == "madmom":
        named |= {"library": madmom_tracker.version(), "beats_per_bar": options.beats_per_bar}
        named |= {"min_bpm": options.min_bpm, "max_bpm": options.max_bpm}
    elif options.tracker == "librosa":
        named |= {"library": librosa_tracker.version()}
    return json.dumps(named, sort_keys=True)


def _track_or_refuse(song: Song, options: Options, version: str, cache: Path) -> tuple[str, Tracked | str]:
    """The song's name with its beats, or with the reason why it has none."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    try:
        with threadpool_limits(1):
            return song.name, _track_cached(song, options, version, cache)
    except MotionBeatError as error:
        return song.name, str(error)


def _track_cached(song: Song, options: Options, version: str, cache: Path) -> Tracked:
    if not song.audio.is_file():
        raise MotionBeatError(f"{song.audio} does not exist; run the corpus stage again")
    entry = _entry(song, version, cache)
    if entry.is_file():
        try:
            return _read(entry)
        except MotionBeatError as error:
            set_aside(entry, error)
    tracked = _track(song, options)
    with whole_file(entry) as unfinished:
        unfinished.write_text(json.dumps(_as_plain(tracked)), encoding="utf-8")
    return tracked


def _entry(song: Song, version: str, cache: Path) -> Path:
    """Where the song's beats are kept; a song without audio has no such file."""
    key = hashlib.sha256(json.dumps([song.name, song.nominal_bpm, song.nominal_beats_per_bar, version]).encode())
    key.update(song.audio.read_bytes() if song.audio.is_file() else b"")
    return cache / f"{key.hexdigest()}.json"


def _track(song: Song, options: Options) -> Tracked:
    rate = madmom_tracker.SAMPLE_RATE if options.tracker == "madmom" else librosa_tracker.SAMPLE_RATE
    samples = decode.load(song.audio, rate)
    chosen: dict[str, Any] = {}
    if options.tracker == "nominal":
        chosen = {"bpm": song.nominal_bpm, "beats_per_bar": song.nominal_beats_per_bar}
    elif options.tracker == "madmom":
        chosen = {"beats_per_bar": options.beats_per_bar, "min_bpm": options.min_bpm, "max_bpm": options.max_bpm}
    return Tracked(track(samples, rate, options.tracker, **chosen), len(samples) / rate)


def _as_plain(tracked: Tracked) -> dict[str, Any]:
    beats = tracked.beats
    return {
        "times": beats.times.tolist(),
        "positions": beats.positions.tolist(),
        "beats_per_bar": int(beats.beats_per_bar),
        "downbeats": beats.downbeats,
        "duration_s": tracked.duration_s,
    }


def _read(entry: Path) -> Tracked:
    with guarded(entry, "is a damaged cache entry", "delete it and run again"):
        plain = read_json(entry, "delete it and run again")
        duration_s = plain.pop("duration_s")
        found = Tracked(Beats(**plain), float(duration_s))
        if not found.beats.times[-1] <= found.duration_s + EDGE_S:
            raise ValueError("beats after the end of the audio")
        return found
