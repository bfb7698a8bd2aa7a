"""Manifest2Beats: the beat grids of all songs of a corpus, tracked in parallel; a stopped run can be resumed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.beats import Beats, librosa_tracker, madmom_tracker, nominal, track
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora.song import Song
from motionbeat.lab.item_cache import ItemCache, Values
from motionbeat.parallel import in_parallel

if TYPE_CHECKING:
    from motionbeat.lab.params import Beats as Options

_MOST_LISTED = 20


@attrs.frozen(eq=False)
class Tracked:
    """The beats of a song, and the duration of its audio."""

    beats: Beats
    duration_s: float


def songs_of(manifest: Mapping[str, NDArray[Any]], folder: Path) -> list[Song]:
    """The songs of a manifest's clips, sorted by name; audio paths are relative to `folder`.

    Raises `MotionBeatError` if clips of one song name different audio, tempo or meter.
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
    """The nominal grid of the song in the corpus, None if it has no nominal tempo."""
    if song.nominal_bpm is None or song.nominal_beats_per_bar is None:
        return None
    return nominal.grid(duration_s, song.nominal_bpm, song.nominal_beats_per_bar)


def track_all(songs: list[Song], options: "Options", known: Mapping[str, Beats] | None = None) -> dict[str, Tracked]:
    """Track every song once, in parallel, each in one thread; songs with `known` beats keep them.

    Beats are cached under the audio's bytes, the tracker and its options (`item_cache`), so that a killed run resumes
    with the remaining songs. The result does not depend on workers, on the order of work or on the cache. Songs that
    cannot be used are all listed in one error, after the others are done.
    """
    given = {name: Tracked(grid, _duration(song)) for song in songs if (grid := (known or {}).get(name := song.name))}
    songs = [song for song in songs if song.name not in given]
    if songs and options.tracker == "nominal":
        _refuse_without_nominal(songs)
    if songs and options.tracker == "librosa":
        librosa_tracker.compile_once()
    kept = ItemCache.of("beats", __name__)
    tracked = in_parallel(_track_or_refuse, [(song, options, kept) for song in songs], "songs")
    by_song = dict(zip((song.name for song in songs), tracked, strict=True))
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


def _track_or_refuse(song: Song, options: "Options", kept: ItemCache) -> Tracked | str:
    """The song's beats, or the reason why it has none."""
    if not song.audio.is_file():
        return f"{song.audio} does not exist; run the corpus stage again"
    chosen = _chosen(song, options)
    try:
        values = kept.get([song.audio, options.tracker, chosen], lambda: _values(_track(song, options.tracker, chosen)))
    except MotionBeatError as error:
        return str(error)
    duration_s = values.pop("duration_s")
    return Tracked(Beats(**values), duration_s)


def _chosen(song: Song, options: "Options") -> dict[str, Any]:
    """The tracker's options."""
    if options.tracker == "nominal":
        return {"bpm": song.nominal_bpm, "beats_per_bar": song.nominal_beats_per_bar}
    if options.tracker == "madmom":
        return {"beats_per_bar": options.beats_per_bar, "min_bpm": options.min_bpm, "max_bpm": options.max_bpm}
    return {}


def _track(song: Song, tracker: str, chosen: dict[str, Any]) -> Tracked:
    rate = madmom_tracker.SAMPLE_RATE if tracker == "madmom" else librosa_tracker.SAMPLE_RATE
    samples = decode.load(song.audio, rate)
    return Tracked(track(samples, rate, tracker, **chosen), len(samples) / rate)


def _values(tracked: Tracked) -> Values:
    beats = tracked.beats
    plain = {"beats_per_bar": int(beats.beats_per_bar), "downbeats": beats.downbeats, "duration_s": tracked.duration_s}
    return {"times": beats.times, "positions": beats.positions, **plain}
