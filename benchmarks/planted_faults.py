"""What the checks of stage corpus find of planted faults: python -m benchmarks.planted_faults

Reads a finished corpus. Each fault is planted in one clip of ten, and all clips are checked together, as in the stage.
Changed copies of recordings, and of dances, are compared with the originals as if they were in another split; `--songs`
adds recordings.

found: faulty clips that are named, or pairs of original and copy. false alarms: other clips, or other pairs, that are
named, and their number. In the rows "nothing" no fault is planted: all clips, and all pairs of recordings or dances
(those that a corpus has twice are therefore counted).
"""

import argparse
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from attrs import evolve, frozen
from numpy.typing import NDArray

from motionbeat.audio import decode
from motionbeat.audio.song_files import songs_in
from motionbeat.errors import run
from motionbeat.lab import tables
from motionbeat.lab.corpora import leaks, quality
from motionbeat.lab.corpora.manifest import SAMPLE_RATE, Clip, Motion
from motionbeat.lab.corpora.sound_series import at_rate, loudness, onsets
from motionbeat.lab.item_cache import ItemCache
from motionbeat.lab.params import MotionChecks
from motionbeat.lab.synthetic import made_music
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import MIRRORED
from motionbeat.parallel import in_parallel

T = TypeVar("T")
Array = NDArray[Any]
CHECKS = MotionChecks()
_SHARE_OF_CLIPS, _RECORDINGS, _DANCES = 0.1, 35, 25
_COMPARED_S, _COPIED_S = 60, 40
_BLOCK = 1 << 16  # samples; libsndfile crashes if some whole songs are written in one call


@frozen(eq=False)
class Danced:
    """A clip with its music; other: the music of another clip."""

    music: Array
    motion: Motion
    offset_s: float
    other: Array


@frozen(eq=False)
class Features:
    """What the checks know of a clip and of its music."""

    offset_s: float
    measured: quality.Measured
    series: leaks.Series
    onsets: Array


@frozen
class Row:
    """Of so many planted faults so many were found; of so many others, so many were named."""

    kind: str
    fault: str
    planted: int
    found: int
    alarms: int
    others: int


def _late(samples: Array, seconds: float) -> Array:
    """The samples after a silence; with negative seconds, without their begin."""
    count = round(seconds * SAMPLE_RATE)
    return np.pad(samples, (count, 0)) if count > 0 else samples[-count:]


def _silent(clip: Danced, begin: float, end: float) -> Danced:
    part = np.arange(len(clip.music)) / len(clip.music)
    return evolve(clip, music=np.where((part >= begin) & (part < end), np.float32(0), clip.music))


def _music_late(clip: Danced, ms: int) -> Danced:
    return evolve(clip, music=_late(clip.music, ms / 1000))


def _faster(clip: Danced, factor: float) -> Danced:
    """The dance at another speed, and no longer than before."""
    joints = resample(clip.motion.joints, factor, 1.0)[: len(clip.motion.joints)]
    return evolve(clip, motion=Motion(joints, None, clip.motion.fps))


def _begins_later(clip: Danced, seconds: float) -> Danced:
    """A wrong offset; the dance is cut, so that it ends where it did."""
    joints = clip.motion.joints[: -round(seconds * clip.motion.fps)]
    return evolve(clip, motion=Motion(joints, None, clip.motion.fps), offset_s=clip.offset_s + seconds)


def _encoded(samples: Array, name: str, subtype: str) -> Array:
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", SAMPLE_RATE, channels=1, format=name, subtype=subtype) as file:
        for begin in range(0, len(samples), _BLOCK):
            file.write(np.clip(samples[begin : begin + _BLOCK], -1, 1))
    content.seek(0)
    return np.asarray(soundfile.read(content, dtype="float32")[0])


@cache
def _other_song() -> Array:
    """20 s of a song that is in no corpus, since its seed is unusual."""
    return made_music.render(90_001, "mBR60", rhythm(90_001, "mBR60", [4]))[: 20 * SAMPLE_RATE]


def _turned(joints: Array, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(joints @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) + [3.0, 0.0, -1.0])


def _mirrored(joints: Array) -> Array:
    return np.asarray(joints[:, MIRRORED] * np.array([-1, 1, 1]))


CLIPS: dict[str, Callable[[Danced], Danced]] = {
    **{f"music {ms} ms late": partial(_music_late, ms=ms) for ms in (160, 300, 440, 500, 1000)},
    **{f"music {ms} ms early": partial(_music_late, ms=-ms) for ms in (160, 300, 440, 500, 1000)},
    **{f"dance at {factor} of its speed": partial(_faster, factor=factor) for factor in (2.0, 0.5, 1.25)},
    "offset 3.3 s too large": partial(_begins_later, seconds=3.3),
    "another song": lambda clip: evolve(clip, music=clip.other),
    "second quarter of the song silent": partial(_silent, begin=0.25, end=0.5),
    "song silent after a quarter": partial(_silent, begin=0.25, end=1),
    "song silent": partial(_silent, begin=0, end=1),
    "second half of the song missing": lambda clip: evolve(clip, music=clip.music[: len(clip.music) // 2]),
}
RECORDINGS: dict[str, Callable[[Array], Array]] = {
    "unchanged": lambda x: x,
    "cut by 25 ms": lambda x: _late(x, -0.025),
    "cut at both ends": lambda x: x[len(x) // 10 : -len(x) // 2],
    "ogg": lambda x: _encoded(x, "OGG", "VORBIS"),
    "mp3": lambda x: _encoded(x, "MP3", "MPEG_LAYER_III"),
    "20 dB softer": lambda x: 0.1 * x,
    "clipped": lambda x: np.clip(6 * x, -1, 1),
    "echo": lambda x: x + 0.6 * _late(x, 0.11)[: len(x)],
    "after 30 s of silence": lambda x: _late(x, 30),
    "inside a longer one": lambda x: np.concatenate([_other_song(), x, _other_song()]),
    "1 % faster": lambda x: np.interp(np.arange(0, len(x) - 1, 1.01), np.arange(len(x)), x),
}
DANCES: dict[str, Callable[[Array, float], tuple[Array, float]]] = {
    "unchanged": lambda j, fps: (j, fps),
    "mirrored": lambda j, fps: (_mirrored(j), fps),
    "cut at both ends": lambda j, fps: (j[37:-91], fps),
    "turned and moved": lambda j, fps: (_turned(j, 1.0), fps),
    "24 frames per second": lambda j, fps: (resample(j, fps, 24.0), 24.0),
    "mirrored, turned, cut, 30 frames": lambda j, fps: (_turned(_mirrored(resample(j, fps, 30.0)), 2.0)[41:], 30.0),
    "1.3 times as tall": lambda j, fps: (1.3 * j, fps),
    "1 % slower": lambda j, fps: (resample(j, fps, 1.01 * fps), fps),
    "read at half its frame rate": lambda j, fps: (j, fps / 2),
}


def measure(corpus: Path, folders: Sequence[Path] = ()) -> Iterator[Row]:
    """The rows of clips, recordings and dances; folders: of further recordings."""
    table, kept = tables.read(corpus / "manifest.parquet", tables.MANIFEST), ItemCache.of("quality", quality.__name__)
    motions = [(corpus / str(path), float(fps)) for path, fps in zip(table["motion"], table["fps"], strict=True)]
    audio = [corpus / str(path) for path in table["audio"]]
    songs = list(dict.fromkeys([*audio, *(path for folder in folders for path in songs_in(folder))]))
    heard = dict(zip(songs, in_parallel(quality._hear, [(kept, path) for path in songs], "songs"), strict=True))
    measured = in_parallel(quality._measured, [(kept, *motion, CHECKS) for motion in motions], "clips")
    clips = [
        Features(float(offset_s), each, *heard[path])
        for offset_s, each, path in zip(table["offset_s"], measured, audio, strict=True)
    ]
    drawn = np.random.default_rng(0)
    chosen = sorted(drawn.choice(len(clips), max(int(_SHARE_OF_CLIPS * len(clips)), 1), replace=False).tolist())
    others = [drawn.choice([str(path) for path in dict.fromkeys(audio) if path != audio[at]]) for at in chosen]
    calls = [(*motions[at], audio[at], Path(other), clips[at]) for at, other in zip(chosen, others, strict=True)]
    yield from clip_rows(clips, dict(zip(chosen, in_parallel(_faulty, calls, "faulty clips"), strict=True)))
    copied = list(in_parallel(_copied_recording, [(path,) for path in _spread(songs, _RECORDINGS)], "recordings"))
    series = [series[: int(_COMPARED_S * leaks.SOUND_RATE)] for series, _ in heard.values()]
    yield from pair_rows("recordings", series, copied, leaks.same_songs)
    copied = list(in_parallel(_copied_dance, _spread(motions, _DANCES), "dances"))
    yield from pair_rows("dances", [each.measured.series for each in clips], copied, leaks.same_dances)


def clip_rows(clips: Sequence[Features], faulty: Mapping[int, Mapping[str, Features]]) -> Iterator[Row]:
    """A row for each fault of `CLIPS`; faulty: by the clip's number and the fault."""
    for fault in ("nothing", *CLIPS):
        planted = {} if fault == "nothing" else {str(at): faults[fault] for at, faults in faulty.items()}
        now = {str(at): clip for at, clip in enumerate(clips)} | planted
        found = quality.rows(
            [Clip(name, name, "", "train", each.offset_s, _no_motion) for name, each in now.items()],
            {name: each.measured for name, each in now.items()},
            {name: each.onsets for name, each in now.items()},
            {name: each.series for name, each in now.items()},
            CHECKS,
        )
        odd = {row["clip"] for row in found if row["odd"]}
        alarms, others = odd - planted.keys(), len(now) - len(planted)
        yield Row("clips", fault, len(planted), len(odd & planted.keys()), len(alarms), others)


def pair_rows(
    kind: str,
    items: Sequence[leaks.Series],
    copied: Sequence[Mapping[str, leaks.Series]],
    compare: Callable[[Mapping[str, leaks.Series], Mapping[str, str], float], Iterable[leaks.Leak]],
) -> Iterator[Row]:
    """A row for each change; items: recordings or dances as they are; copied: some, by the change."""
    named = {str(number): series for number, series in enumerate(items)}
    alarms = list(compare(named, {name: name for name in named}, CHECKS.leak_share))
    yield Row(kind, "nothing", 0, 0, len(alarms), len(items) * (len(items) - 1) // 2)
    for fault in copied[0]:
        pairs = {f"{number} first": each["unchanged"] for number, each in enumerate(copied)}
        pairs |= {f"{number} second": each[fault] for number, each in enumerate(copied)}
        leaked = list(compare(pairs, {name: name.split()[1] for name in pairs}, CHECKS.leak_share))
        found = sum(leak.first.split()[0] == leak.second.split()[0] for leak in leaked)
        yield Row(kind, fault, len(copied), found, len(leaked) - found, len(copied) * (len(copied) - 1))


def _spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly spread."""
    return [items[at] for at in np.unique(np.linspace(0, len(items) - 1, most).astype(int))]


def _no_motion() -> Motion:
    raise AssertionError("the clips are measured already")


def _features(samples: Array) -> tuple[leaks.Series, Array]:
    level = loudness(samples, SAMPLE_RATE)
    return at_rate(level, leaks.SOUND_RATE), onsets(level)


def _faulty(path: Path, fps: float, audio: Path, other: Path, before: Features) -> dict[str, Features]:
    """The features of a clip with each fault; what a fault leaves as it is is not computed again."""
    music, other_music = (decode.load(song, SAMPLE_RATE) for song in (audio, other))
    clip = Danced(music, quality._motion(path, fps), before.offset_s, other_music)
    found = {}
    for fault, change in CLIPS.items():
        now = change(clip)
        measured = before.measured if now.motion is clip.motion else quality.measure(now.motion, CHECKS)
        heard = (before.series, before.onsets) if now.music is clip.music else _features(now.music)
        found[fault] = Features(now.offset_s, measured, *heard)
    return found


def _copied_recording(path: Path) -> dict[str, leaks.Series]:
    samples = decode.load(path, SAMPLE_RATE)[: _COPIED_S * SAMPLE_RATE]
    return {name: _features(change(samples))[0] for name, change in RECORDINGS.items()}


def _copied_dance(path: Path, fps: float) -> dict[str, leaks.Series]:
    joints = quality._motion(path, fps).joints.astype(np.float64)
    changed = {name: change(joints, fps) for name, change in DANCES.items()}
    return {name: leaks.dance_series(Motion(each, None, rate)) for name, (each, rate) in changed.items()}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("data/corpus"), help="(default %(default)s)")
    parser.add_argument("--songs", type=Path, nargs="*", default=[], metavar="FOLDER", help="of further recordings")
    arguments = parser.parse_args(given)
    print("| what | fault | planted in | found | false alarms |\n|" + " --- |" * 5)
    for row in measure(arguments.corpus, arguments.songs):
        print(f"| {row.kind} | {row.fault} | {row.planted} | {row.found} | {row.alarms} of {row.others} |", flush=True)


if __name__ == "__main__":
    run(main)
