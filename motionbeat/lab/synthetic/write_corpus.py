"""Write the synthetic corpus in AIST++'s form: motions, wav, splits, ignore list, and the truth next to them."""

import io
import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_folder
from motionbeat.lab.item_cache import ItemCache, Values
from motionbeat.lab.synthetic import made_music, truth
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.plan import SAMPLE_RATE, SUBBEATS, PlannedClip, tempo
from motionbeat.lab.synthetic.rhythm import PARTS, Rhythm, rhythm
from motionbeat.parallel import in_parallel

_PICKLE_PROTOCOL = 4

Made = tuple[truth.Columns, list[tuple[truth.Columns, truth.Columns]]]


def generate(
    folder: Path, planned: Sequence[PlannedClip], seed: int, meters: Sequence[int], context: float = 0.0
) -> None:
    """Make the whole corpus in `folder`, which is replaced.

    planned: its clips, of `song_plan.planned`. meters: beats per bar, distributed over the songs. context: 0 (every
    accent is marked at once) to 1 (see `context`). A song's or a clip's bytes depend on its name, seed, meters and
    context only, and memory on the number of workers. Raises `MotionBeatError` for a wrong meter.
    """
    if not meters or any(beats not in range(2, 8) for beats in meters):
        raise MotionBeatError(f"corpus.meters = {list(meters)}; expected beats per bar from 2 to 7")
    dances: dict[str, list[PlannedClip]] = {}
    for clip in sorted(planned, key=lambda clip: (clip.song, clip.name)):
        dances.setdefault(clip.song, []).append(clip)
    with whole_folder(folder) as unfinished:
        for name in ("motions", "wav", "splits"):
            (unfinished / name).mkdir()
        _write_lists(unfinished, sorted(planned, key=lambda clip: clip.name))
        kept = ItemCache.of("synthetic", __name__)
        calls = [(unfinished, of_song, seed, list(meters), context, kept) for of_song in dances.values()]
        with truth.writing(unfinished) as (songs, clips, contacts):
            for song, pairs in in_parallel(_make_song, calls, "songs and dances"):
                songs(song)
                for danced, landings in pairs:
                    clips(danced)
                    contacts(landings)


def _write_lists(folder: Path, planned: Sequence[PlannedClip]) -> None:
    for split in ("train", "val", "test"):
        names = [clip.name for clip in planned if clip.split == split]
        (folder / "splits" / f"crossmodal_{split}.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "ignore_list.txt").write_text("".join(f"{clip.name}\n" for clip in planned if clip.broken))


def _make_song(
    folder: Path, dances: list[PlannedClip], seed: int, meters: Sequence[int], context: float, kept: ItemCache
) -> Made:
    """Write one song and its dances; return their ground truth."""
    song = dances[0].song
    pattern = rhythm(seed, song, meters)
    made = kept.get([seed, song, pattern], lambda: {"wav": _bytes(_wav(seed, song, pattern))})
    (folder / "wav" / f"{song}.wav").write_bytes(made["wav"])
    pairs = []
    for clip in dances:
        danced = kept.get([seed, clip, pattern, context], partial(_danced, seed, clip, pattern, context))
        (folder / "motions" / f"{clip.name}.pkl").write_bytes(danced["pkl"])
        events = danced["strength"], danced["time_s"]
        clip_truth = truth.clip_columns(clip.name, song, clip.choreography_id, context, *events)
        pairs.append((clip_truth, truth.contact_columns(clip.name, danced["landings"])))
    return _song_truth(song, pattern, made_music.timbre(seed, song).kit), pairs


def _wav(seed: int, song: str, pattern: Rhythm) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, made_music.render(seed, song, pattern), SAMPLE_RATE, subtype="PCM_16", format="WAV")
    return file.getvalue()


def _danced(seed: int, clip: PlannedClip, pattern: Rhythm, context: float) -> Values:
    made = dance(seed, clip, pattern, context)
    columns = {
        "smpl_poses": made.poses,
        "smpl_scaling": np.array([made.scaling], np.float32),
        "smpl_trans": made.translation,
    }
    return {
        "pkl": _bytes(pickle.dumps(columns, protocol=_PICKLE_PROTOCOL)),
        "strength": made.events.strength.tolist(),
        "time_s": made.events.time_s.tolist(),
        "landings": made.landings,
    }


def _bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


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
