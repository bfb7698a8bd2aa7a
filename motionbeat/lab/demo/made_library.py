"""The library that the page searches where none is named: songs of the synthetic corpus and dances to them.

One song a genre and two dances to each, made at the first start and kept in the cache as files that `motionbeat search`
reads as well. Their beats are known and are not tracked.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from motionbeat.audio import decode
from motionbeat.audio.mel import SAMPLE_RATE as MODEL_RATE
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.files import cache_folder, whole_folder
from motionbeat.index import Index
from motionbeat.inference import MotionBeat
from motionbeat.lab.standins.standin_files import write_audio
from motionbeat.lab.synthetic import made_music, plan
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.progress import counted
from motionbeat.search.index_file import model_digest
from motionbeat.search.rhythm_windows import motion_windows, music_windows

GENRES = {
    "BR": "Break",
    "PO": "Pop",
    "LO": "Lock",
    "MH": "Middle hip-hop",
    "LH": "LA hip-hop",
    "HO": "House",
    "WA": "Waack",
    "KR": "Krump",
    "JS": "Street jazz",
    "JB": "Ballet jazz",
}
"""The genres of AIST++, whose rhythms the made songs imitate."""
SONGS = tuple(f"m{genre}{number % plan.TEMPI}" for number, genre in enumerate(GENRES))
DANCES = 2
"""Of each song, by two dancers."""
_SEED = 0
_VERSION = 1  # raise it when what is made changes
_FILE = "library.mbi"


def made_library(model: MotionBeat, tracker: str | None = None, songs: tuple[str, ...] = SONGS) -> Index:
    """The index of the made songs and dances, from the cache or made now (about 3 s a song).

    tracker: of queries. songs: names of the synthetic corpus.
    """
    key = hashlib.sha256(json.dumps([_VERSION, tracker, songs, model_digest(model)]).encode()).hexdigest()[:16]
    folder = (cache_folder() / "demo" / key).resolve()
    try:
        index = Index.open(folder / _FILE, model)
        if all(piece.path.is_file() for piece in index.pieces):
            return index
    except MotionBeatError:
        pass  # not there, or cut short: made now
    index = Index(model, tracker)
    with whole_folder(folder) as unfinished:
        for song in counted(songs, len(songs), "making songs and dances to search"):
            _add_song(index, song, unfinished, folder)
        index.save(unfinished / _FILE)
    return index


def _add_song(index: Index, song: str, folder: Path, final: Path) -> None:
    """Make a song and its dances in `folder`, which will be `final`, and add them to the index."""
    pattern, bpm, genre = rhythm(_SEED, song, [4]), plan.tempo(song), song[1:3]
    title = f"{GENRES[genre]} {bpm:.0f}"
    wave = made_music.render(_SEED, song, pattern)
    write_audio(folder / f"{title}.flac", wave, plan.SAMPLE_RATE)
    count = np.arange(plan.SONG_BEATS)
    beats = Beats(count * 60 / bpm, count % pattern.beats_per_bar + 1, pattern.beats_per_bar)
    content = hashlib.sha256((folder / f"{title}.flac").read_bytes()).hexdigest()
    sound = decode.as_mono(wave, plan.SAMPLE_RATE, MODEL_RATE)
    index.add(
        f"{title}.flac", music_windows(index.model, sound, MODEL_RATE, [(1.0, beats)])[0], "song", str(final), content
    )
    listed = "".join(f"{time:.6f} {place}\n" for time, place in zip(beats.times, beats.positions, strict=True))
    for number in range(DANCES):
        clip = plan.PlannedClip(song, "FM", plan.FIRST_DANCER[genre] + number, 1, "")
        made = dance(_SEED, clip, pattern)
        poses = made.poses.reshape(-1, 24, 3)
        joints = forward_kinematics(poses, made.translation / made.scaling)
        name = f"{title}, dancer {number + 1}"
        np.savez(folder / f"{name}.npz", joints=joints, poses=poses, fps=np.float64(plan.FPS))
        (folder / f"{name}.beats").write_text(listed, encoding="utf-8")
        content = hashlib.sha256((folder / f"{name}.npz").read_bytes()).hexdigest()
        index.add(
            f"{name}.npz", motion_windows(index.model, joints, plan.FPS, beats, poses), "dance", str(final), content
        )
