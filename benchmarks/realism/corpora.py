"""The corpora for the comparison, read by the package's readers."""

from pathlib import Path

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from benchmarks.realism.motion import Dance
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.corpora import aistpp, dance_with_melody
from motionbeat.lab.corpora.aistpp import aistpp_names

SYNTHETIC, AISTPP, MELODY, SONGS = "synthetic corpus", "AIST++ (real)", "Dance with Melody (real)", "real songs"


@frozen
class ComparedCorpus:
    """A corpus to compare: its dances, and the files of its songs by name."""

    dances: list[Dance]
    songs: dict[str, Path]


def synthetic(folder: Path, most: int) -> ComparedCorpus:
    """The corpus of a folder data/corpus; of more than `most` clips, so many spread evenly over their sorted names.

    Raises `MotionBeatError` for a folder that is none, and for a clip without its file.
    """
    if most < 1:
        raise MotionBeatError(f"--most-clips {most}: give at least 1")
    manifest = tables.read(folder / "manifest.parquet", tables.MANIFEST)
    count = len(manifest["clip"])
    if not count:
        raise MotionBeatError(f"{folder / 'manifest.parquet'} has no clips: run `dvc repro corpus`")
    chosen = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    dances = []
    for row in chosen:
        path = folder / str(manifest["motion"][row])
        try:
            with np.load(path, allow_pickle=False) as arrays:
                joints, poses = arrays["joints"], arrays.get("poses")
        except (OSError, ValueError, KeyError) as error:
            raise MotionBeatError(f"{path} cannot be read ({error}): run `dvc repro corpus`") from None
        bpm, offset_s = manifest["nominal_bpm"][row], float(manifest["offset_s"][row])
        fps = float(manifest["fps"][row])
        beats = None if bpm is None or np.isnan(bpm) else beats_within(float(bpm), offset_s, len(joints) / fps)
        dances.append(Dance(str(manifest["clip"][row]), str(manifest["song"][row]), joints, fps, poses, beats))
    songs = {str(song): folder / str(audio) for song, audio in zip(manifest["song"], manifest["audio"], strict=True)}
    return ComparedCorpus(dances, dict(sorted(songs.items())))


def beats_within(bpm: float, offset_s: float, duration_s: float) -> NDArray[np.float64]:
    """Beats of the nominal grid, in seconds from `offset_s` into the song, that fall into a clip of `duration_s`."""
    times = np.arange(int((offset_s + duration_s) * bpm / 60) + 1) * 60 / bpm - offset_s
    return times[(times >= 0) & (times < duration_s)]


def real_aistpp(pickles: list[Path]) -> list[Dance]:
    """AIST++ motions, with the nominal grid of the song that their names say."""
    dances = []
    for path in pickles:
        motion = aistpp.read_motion(path)
        name = aistpp_names.parse(path.stem)
        if name is None:
            raise MotionBeatError(f"--aistpp {path}: not named as AIST++ does, {aistpp_names.FORM}; rename it")
        beats = beats_within(aistpp_names.nominal_bpm(name.song), 0.0, len(motion.joints) / motion.fps)
        dances.append(Dance(path.stem, name.song, motion.joints, motion.fps, motion.poses, beats))
    return dances


def melody(folder: Path) -> ComparedCorpus:
    """Dance with Melody; no beats, since their phase in the music is not verified, and no rotations."""
    corpus = dance_with_melody.read(folder)
    motions = {clip.name: clip.read() for clip in sorted(corpus.clips, key=lambda clip: clip.name)}
    dances = [Dance(name, name, motion.joints, motion.fps) for name, motion in motions.items()]
    return ComparedCorpus(dances, {song.name: song.audio for song in sorted(corpus.songs, key=lambda song: song.name)})
