"""Parts2Corpus: the parts of AIST++ as a corpus; all errors are listed together."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from motionbeat.errors import MotionBeatError, refuse
from motionbeat.files import read_text
from motionbeat.lab.corpora.aistpp import (
    aistpp_layout,
    aistpp_names,
    aistpp_splits,
)
from motionbeat.lab.corpora.aistpp.aistpp_motion import read_motion
from motionbeat.lab.corpora.manifest import Clip, Corpus, Song
from motionbeat.lab.tables import SPLITS


def _four(_song: str) -> int:
    return 4


def read(root: Path, beats_per_bar: Callable[[str], int] = _four, validation: str = "official") -> Corpus:
    """The corpus in folder `root`, which must have all parts (`aistpp_layout.locate`); see `read_parts`."""
    return read_parts(aistpp_layout.locate(root), beats_per_bar, validation)


def read_parts(
    parts: aistpp_layout.Parts, beats_per_bar: Callable[[str], int] = _four, validation: str = "official"
) -> Corpus:
    """The corpus of these parts: every clip that `aistpp_splits.deal` puts into a split.

    beats_per_bar: the meter of a song (AIST++ is 4/4 throughout). validation: official or held_out. Raises
    `MotionBeatError` listing every malformed name, every listed clip without a motion, and every song without
    audio.
    """
    if parts.motions is None:
        raise MotionBeatError(f"{parts.root} has no motions: {aistpp_layout.EXPECTED}")
    if parts.ignore_list is None:
        raise MotionBeatError(
            f"{parts.root / 'ignore_list.txt'} is missing: download it (it may be empty if all clips are good)"
        )
    motions = parts.motions
    ignored = set(_names(parts.ignore_list))
    lists = {split: _names(parts.list_of(split)) for split in SPLITS}
    split_of: dict[str, str] = {}
    errors = []
    for split, listed in lists.items():
        for name in listed:
            if split_of.setdefault(name, split) != split:
                both = f"{parts.list_of(split_of[name])} and {parts.list_of(split)}"
                errors.append(f"clip {name} is on {both}: remove it from one of them")

    stems = sorted(path.stem for path in motions.glob("*.pkl"))
    found = set(stems)
    parsed = {stem: aistpp_names.parse(stem) for stem in [*stems, *split_of]}
    errors += [
        f"{motions / stem}.pkl: not named as AIST++ does, {aistpp_names.FORM}: rename or remove it"
        for stem in stems
        if not parsed[stem]
    ]
    errors += [
        f"{parts.list_of(split)} names {stem}, but {motions / stem}.pkl does not exist: "
        "unpack it or remove it from the list"
        for stem, split in split_of.items()
        if stem not in found and stem not in ignored
    ]
    if errors:  # splits depend on names, which have to be right
        refuse([*errors, *_songs_without_audio(parts, parsed, split_of, found - ignored)])

    dealt = aistpp_splits.deal(lists, ignored, stems, validation)
    refuse(_songs_without_audio(parts, parsed, dealt.split_of, found))
    clips = []
    for stem in stems:
        told = parsed[stem]
        if told and stem in dealt.split_of:
            path = motions / f"{stem}.pkl"
            motion = partial(read_motion, path)
            clips.append(Clip(stem, told.song, told.genre, dealt.split_of[stem], 0.0, motion, (path,)))
    songs = []
    for song in dict.fromkeys(clip.song for clip in clips):
        audio = parts.audio(song)
        if audio:
            songs.append(Song(song, audio, aistpp_names.nominal_bpm(song), beats_per_bar(song)))
    return Corpus(songs, clips, dealt.left_out)


def _names(path: Path) -> list[str]:
    return read_text(path, "unpack splits.zip of AIST++ there").split()


def _songs_without_audio(
    parts: aistpp_layout.Parts,
    parsed: dict[str, aistpp_names.ClipName | None],
    split_of: dict[str, str],
    found: set[str],
) -> list[str]:
    """One error for every song of a used clip that has no audio."""
    dancers: dict[str, list[str]] = {}
    for stem in sorted(found & split_of.keys()):
        name = parsed[stem]
        if name:
            dancers.setdefault(name.song, []).append(stem)
    return [_no_audio(parts, song, clips) for song, clips in dancers.items() if parts.audio(song) is None]


def _no_audio(parts: aistpp_layout.Parts, song: str, clips: list[str]) -> str:
    others = f" and {len(clips) - 1} more clips" if len(clips) > 1 else ""
    folder = parts.music[0] if parts.music else parts.root / "wav"
    where = f"{folder / song}.wav (or .flac, .mp3)"
    return f"clip {clips[0]}{others} is danced to song {song}, which has no audio: put it at {where}"
