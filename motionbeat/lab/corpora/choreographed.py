"""Songs2Corpus: dances of the synthetic dancers to any folder of audio; no motion data is needed.

Beats come from a file NAME.beats next to NAME.ogg, or from a tracker. Audio without a regular pulse (silence, speech,
free rhythm) is left out and listed. Events and foot landings of the dances are known and written as truth; the accents
of the songs are only measured, so they are not. A song's split, dancers and dances follow from its bytes and the seed,
not from other songs, file names or workers, and finished dances are cached.
"""

import csv
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from motionbeat.audio import decode, mel
from motionbeat.audio.song_files import SONG_SUFFIXES, song_paths
from motionbeat.beats import Beats, librosa_tracker, madmom_tracker, track
from motionbeat.beats.beats_text import read_beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import digest_of
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import beats_table
from motionbeat.lab.corpora.manifest import Clip, Corpus, CorpusReader, Motion, Song
from motionbeat.lab.item_cache import ItemCache, Values, read_entry
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.choreographer import choreograph, pieces
from motionbeat.lab.synthetic.choreographer_accents import accents_of
from motionbeat.lab.synthetic.plan import FPS
from motionbeat.lab.tables import SPLITS
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.parallel import in_parallel

FOLDER = "choreographed"
"""Folder next to the manifest: truth of the dances, and left_out.csv."""
CLEAREST_NOISE = 0.4
"""Least pulse clarity of a tracked song, see `choreographer_accents.pulse_clarity`.

Measured with librosa's beats: four passages of spoken prompts 0.19 to 0.38, noise 0.07, clicks at random 0.26; 14 GTZAN
clips 0.29 to 0.82, two of them (classical, jazz) below 0.4; four free songs by their annotated beats 0.42 to 0.73.
"""
UNUSABLE = "silent, or not decodable as audio"
UNSTEADY = "no regular pulse: speech, noise or free rhythm"
SHORT = "too few beats for a clip"
TWICE = "the same file as another song"
_UNSAFE = re.compile(r"[^\w.-]+")


@attrs.frozen
class _Danced:
    """The result for a song: the file of its dances, or the reason why it has none."""

    digest: str
    entry: Path
    reason: str = ""
    detail: str = ""


def read(settings: params.Corpus, trackers: params.Beats, working: Path) -> Corpus:
    """The corpus of the audio files in `settings.songs_root` and its subfolders.

    Writes the truth of the dances to `working`/choreographed and the songs' beats to `working`/beats.parquet. Raises
    `MotionBeatError` for a folder without audio, a wrong beats file, and a split without songs.
    """
    root = Path(settings.songs_root)
    paths = audio_files(root)
    names = song_names(root, paths)
    if trackers.tracker == "librosa" and not all(path.with_suffix(".beats").is_file() for path in paths):
        librosa_tracker.compile_once()
    kept, beats_kept = (ItemCache.of(kind, __name__) for kind in (FOLDER, "tracked"))
    danced = list(
        in_parallel(_dance, [(path, settings, trackers, kept, beats_kept) for path in paths], "songs danced to")
    )

    splits = splits_of({one.digest for one in danced if not one.reason}, settings)
    songs, clips, left_out = [], [], []
    columns: list[tuple[truth.Columns, truth.Columns]] = []
    grids: dict[str, Beats] = {}
    first: dict[str, str] = {}
    for path, name, one in zip(paths, names, danced, strict=True):
        if first.setdefault(one.digest, name) != name:
            left_out.append((name, TWICE, first[one.digest]))
        elif one.reason:
            left_out.append((name, one.reason, one.detail))
        else:
            songs.append(Song(name, path))
            split = splits[one.digest]
            made = read_entry(one.entry)
            grids[name] = Beats(made["times"], made["positions"], **made["grid"])
            for number, clip in enumerate(made["clips"]):
                title = f"{name}_b{clip['first_beat']:04d}_{clip['choreography']}"
                read_motion = partial(_read_motion, one.entry, number)
                clips.append(
                    Clip(title, name, clip["genre"], split, clip["offset_s"], read_motion, (one.entry, number))
                )
                columns.append(_truth(title, name, clip))
    columns.sort(key=lambda pair: pair[0]["clip"][0])
    (working / FOLDER).mkdir(parents=True)
    truth.write_dances(working / FOLDER, [pair[0] for pair in columns], [pair[1] for pair in columns])
    _write_left_out(working / FOLDER / "left_out.csv", left_out)
    tables.write(working / "beats.parquet", tables.BEATS, beats_table.beats_columns(grids))
    _refuse_missing_split(root, settings, songs, clips)
    return Corpus(songs, clips, {reason: [n for n, why, _ in left_out if why == reason] for _, reason, _ in left_out})


def audio_files(root: Path) -> list[Path]:
    """The songs below a folder, sorted. Raises `MotionBeatError` if there is no such folder or no song."""
    if not root.is_dir():
        raise MotionBeatError(f"{root} is not a folder: set corpus.songs_root in params.yaml to a folder of songs")
    paths = song_paths(root)
    if not paths:
        raise MotionBeatError(
            f"{root} holds no audio ({' '.join(SONG_SUFFIXES)}): set corpus.songs_root in params.yaml"
        )
    return paths


def song_names(root: Path, paths: list[Path]) -> list[str]:
    """A name for each song: its path below `root`, with its suffix only if two names would be equal otherwise."""
    plain = [_UNSAFE.sub("_", str(path.relative_to(root).with_suffix(""))).strip("_.-") for path in paths]
    full = [f"{name}_{path.suffix[1:].lower()}" for name, path in zip(plain, paths, strict=True)]
    names = [long if plain.count(name) > 1 else name for name, long in zip(plain, full, strict=True)]
    return [name or f"song{number}" for number, name in enumerate(names)]


def splits_of(digests: set[str], settings: params.Corpus) -> dict[str, str]:
    """{digest of a used song: its split}; with `held_out_songs` by the order of the digests."""
    count = settings.held_out_songs
    if not count:
        return {digest: split_of(digest, settings.held_out) for digest in digests}
    names = ["test"] * count + ["val"] * count + ["train"] * len(digests)
    return dict(zip(sorted(digests), names, strict=False))


def split_of(digest: str, held_out: float) -> str:
    """The split of a song, independent of other songs; `held_out`: the share of all songs in val, and in test."""
    place = int(digest[:13], 16) / 16**13
    return "test" if place < held_out else "val" if place < 2 * held_out else "train"


def _dance(
    path: Path, settings: params.Corpus, trackers: params.Beats, kept: ItemCache, beats_kept: ItemCache
) -> _Danced:
    """Make the dances to a song, or take them from the cache."""
    beats_file = path.with_suffix(".beats")
    annotated = beats_file.is_file()
    digest = digest_of(path, "make it readable, or move it out of the folder")
    chosen = {} if annotated else _chosen(path, trackers)
    grid = [beats_file] if annotated else [trackers.tracker, chosen]
    inputs = [settings.seed, settings.clip_beats, settings.dancers, digest, grid]

    def beats() -> Beats:
        if annotated:
            return read_beats(beats_file)
        found = beats_kept.get([digest, grid], lambda: _tracked(path, trackers.tracker, chosen))
        return Beats(found["times"], found["positions"], **found["grid"])

    made = kept.get(inputs, lambda: _dances(path, digest, settings, beats, annotated))
    return _Danced(digest, kept.entry(inputs), made.get("reason", ""), made.get("detail", ""))


def _chosen(path: Path, trackers: params.Beats) -> dict[str, Any]:
    """The tracker's options."""
    if trackers.tracker == "madmom":
        return {
            "beats_per_bar": trackers.beats_per_bar,
            "min_bpm": trackers.min_bpm,
            "max_bpm": trackers.max_bpm,
        }
    if trackers.tracker == "librosa":
        return {}
    raise MotionBeatError(
        f"{path} has no nominal tempo: set beats.tracker to madmom or librosa in params.yaml, or write its beats to "
        f"{path.with_suffix('.beats').name} beside it"
    )


def _dances(path: Path, digest: str, settings: params.Corpus, beats_of: Callable[[], Beats], annotated: bool) -> Values:
    """The song's beats and its dances, or the reason why there are none."""

    def refused(reason: str, detail: str) -> Values:
        return {"reason": reason, "detail": detail}

    try:
        samples = decode.load(path, mel.SAMPLE_RATE)
    except MotionBeatError as error:
        return refused(UNUSABLE, str(error).replace(str(path), path.name))
    try:
        beats = beats_of()
    except MotionBeatError as error:
        if annotated:
            raise
        return refused(UNSTEADY, str(error).replace(str(path), path.name))
    if not pieces(len(beats.times), settings.clip_beats):
        return refused(SHORT, f"{len(beats.times)} beats")
    accents = accents_of(samples, beats)
    if not annotated and accents.pulse < CLEAREST_NOISE:
        return refused(UNSTEADY, f"pulse clarity {accents.pulse:.2f}, below {CLEAREST_NOISE}")
    values = _grid_values(beats)
    clips = []
    made = choreograph(settings.seed, digest, beats, accents, settings.clip_beats, settings.dancers)
    for number, one in enumerate(made):
        values |= {f"{number}_poses": one.dance.poses, f"{number}_root": one.dance.translation / one.dance.scaling}
        clips.append(
            {
                **attrs.asdict(one, filter=lambda field, _: field.name != "dance"),
                "strength": one.dance.events.strength.tolist(),
                "time_s": one.dance.events.time_s.tolist(),
                "landings": one.dance.landings,
            }
        )
    return {**values, "clips": clips}


def _tracked(path: Path, tracker: str, chosen: dict[str, Any]) -> Values:
    rate = madmom_tracker.SAMPLE_RATE if tracker == "madmom" else librosa_tracker.SAMPLE_RATE
    return _grid_values(track(decode.load(path, rate), rate, tracker, **chosen))


def _grid_values(beats: Beats) -> Values:
    grid = {"beats_per_bar": int(beats.beats_per_bar), "downbeats": beats.downbeats}
    return {"times": beats.times, "positions": beats.positions, "grid": grid}


def _read_motion(entry: Path, number: int) -> Motion:
    made = read_entry(entry)
    poses = made[f"{number}_poses"].reshape(-1, 24, 3)
    return Motion(forward_kinematics(poses, made[f"{number}_root"]), poses, float(FPS))


def _truth(title: str, song: str, clip: dict[str, Any]) -> tuple[truth.Columns, truth.Columns]:
    events = truth.clip_columns(title, song, clip["choreography"], 0.0, clip["strength"], clip["time_s"])
    return events, truth.contact_columns(title, [(time, foot) for time, foot in clip["landings"]])


def _write_left_out(path: Path, left_out: list[tuple[str, str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerows([("song", "reason", "detail"), *left_out])


def _refuse_missing_split(root: Path, settings: params.Corpus, songs: list[Song], clips: list[Clip]) -> None:
    missing = [split for split in SPLITS if split not in {clip.split for clip in clips}]
    if clips and missing:
        raise MotionBeatError(
            f"{root}: none of its {len(songs)} songs is in {' or '.join(missing)}; a song's split follows from its "
            f"content: add songs, change corpus.held_out = {settings.held_out:g}, or set held_out_songs"
        )


READER: CorpusReader = read
