"""Write the embedded corpus in AIST++'s form: motions, wav, splits, ignore list, and the truth beside them."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from joblib import Parallel, delayed

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_folder, workers
from motionbeat.lab.synthetic import made_music, truth
from motionbeat.lab.synthetic.made_dance import Dance, dance
from motionbeat.lab.synthetic.plan import SAMPLE_RATE, SUBBEATS, Clip, clips, tempo
from motionbeat.lab.synthetic.rhythm import PARTS, Rhythm, rhythm
from motionbeat.progress import counted

_PICKLE_PROTOCOL = 4

Made = tuple[truth.Columns, list[tuple[truth.Columns, truth.Columns]]]


def generate(folder: Path, size: str, seed: int, meters: Sequence[int]) -> None:
    """Make the whole corpus in `folder`, which is replaced.

    size: small (46 songs, 244 clips) or full (60 songs, 1,408 clips, AIST++'s split). meters: beats per bar,
    dealt out to the songs. The bytes depend on size, seed and meters only. Raises `MotionBeatError` for a wrong
    size or meter.
    """
    planned = clips(size)
    if not meters or any(beats not in range(2, 8) for beats in meters):
        raise MotionBeatError(f"corpus.meters = {list(meters)}; expected beats per bar from 2 to 7")
    songs = sorted({clip.song for clip in planned})
    with whole_folder(folder) as unfinished:
        for name in ("motions", "wav", "splits"):
            (unfinished / name).mkdir()
        _write_lists(unfinished, planned)
        tasks = (
            delayed(_make_song)(unfinished, song, [c for c in planned if c.song == song], seed, list(meters))
            for song in songs
        )
        working = Parallel(n_jobs=workers(), return_as="generator")(tasks)
        made: list[Made] = list(counted(working, len(songs), "songs and dances"))
        danced = sorted((pair for _, pairs in made for pair in pairs), key=lambda pair: pair[0]["clip"][0])
        truth.write(unfinished, [song for song, _ in made], [c for c, _ in danced], [c for _, c in danced])


def _write_lists(folder: Path, planned: list[Clip]) -> None:
    for split in ("train", "val", "test"):
        names = [clip.name for clip in planned if clip.split == split]
        (folder / "splits" / f"crossmodal_{split}.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "ignore_list.txt").write_text("".join(f"{clip.name}\n" for clip in planned if clip.broken))


def _make_song(folder: Path, song: str, dances: list[Clip], seed: int, meters: Sequence[int]) -> Made:
    """Write one song and its dances; their truth is returned."""
    pattern = rhythm(seed, song, meters)
    soundfile.write(
        folder / "wav" / f"{song}.wav", made_music.render(seed, song, pattern), SAMPLE_RATE, subtype="PCM_16"
    )
    pairs = []
    for clip in dances:
        danced = dance(seed, clip, pattern)
        columns = {
            "smpl_poses": danced.poses,
            "smpl_scaling": np.array([danced.scaling], np.float32),
            "smpl_trans": danced.translation,
        }
        (folder / "motions" / f"{clip.name}.pkl").write_bytes(pickle.dumps(columns, protocol=_PICKLE_PROTOCOL))
        pairs.append((_clip_truth(clip, danced), _contact_truth(clip, danced)))
    return _song_truth(song, pattern, made_music.timbre(seed, song).kit), pairs


def _song_truth(song: str, pattern: Rhythm, kit: int) -> truth.Columns:
    slots = np.arange(pattern.accents.shape[1])
    return {
        "song": [song] * len(slots),
        "slot": slots.tolist(),
        "time_s": (slots * 60 / tempo(song) / SUBBEATS).tolist(),
        "bar_position": (slots // SUBBEATS % pattern.beats_per_bar).tolist(),
        "beats_per_bar": [pattern.beats_per_bar] * len(slots),
        **{part: row.tolist() for part, row in zip(PARTS, pattern.accents, strict=True)},
        "kit": [kit] * len(slots),
    }


def _clip_truth(clip: Clip, danced: Dance) -> truth.Columns:
    kinds = ("step", "hit", "bounce")
    slots = danced.events.strength.shape[1]
    return {
        "clip": [clip.name] * slots,
        "song": [clip.song] * slots,
        "choreography": [clip.choreography_id] * slots,
        "slot": list(range(slots)),
        **{kind: row.tolist() for kind, row in zip(kinds, danced.events.strength, strict=True)},
        **{f"{kind}_time_s": row.tolist() for kind, row in zip(kinds, danced.events.time_s, strict=True)},
    }


def _contact_truth(clip: Clip, danced: Dance) -> truth.Columns:
    return {
        "clip": [clip.name] * len(danced.landings),
        "time_s": [time for time, _ in danced.landings],
        "foot": [("left", "right")[foot] for _, foot in danced.landings],
    }
