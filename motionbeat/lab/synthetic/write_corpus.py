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
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.plan import SAMPLE_RATE, SUBBEATS, PlannedClip, tempo
from motionbeat.lab.synthetic.rhythm import PARTS, Rhythm, rhythm
from motionbeat.progress import counted

_PICKLE_PROTOCOL = 4

_SONGS_AHEAD = 4  # made or being made, for each worker, while the truth of earlier ones is written

Made = tuple[truth.Columns, list[tuple[truth.Columns, truth.Columns]]]


def generate(
    folder: Path, planned: Sequence[PlannedClip], seed: int, meters: Sequence[int], context: float = 0.0
) -> None:
    """Make the whole corpus in `folder`, which is replaced.

    planned: its clips, of `song_plan.planned`. meters: beats per bar, dealt out to the songs. context: 0 (every accent
    is answered at once) to 1 (see `context`). A song's or a clip's bytes depend on its name, seed, meters and context
    only, and memory on the number of workers. Raises `MotionBeatError` for a wrong meter.
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
        tasks = (
            delayed(_make_song)(unfinished, planned_clips, seed, list(meters), context)
            for planned_clips in dances.values()
        )
        working = Parallel(n_jobs=workers(), return_as="generator", pre_dispatch=f"{_SONGS_AHEAD}*n_jobs")(tasks)
        with truth.writing(unfinished) as (songs, clips, contacts):
            for song, pairs in counted(working, len(dances), "songs and dances"):
                songs(song)
                for clip, landings in pairs:
                    clips(clip)
                    contacts(landings)


def _write_lists(folder: Path, planned: Sequence[PlannedClip]) -> None:
    for split in ("train", "val", "test"):
        names = [clip.name for clip in planned if clip.split == split]
        (folder / "splits" / f"crossmodal_{split}.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "ignore_list.txt").write_text("".join(f"{clip.name}\n" for clip in planned if clip.broken))


def _make_song(folder: Path, dances: list[PlannedClip], seed: int, meters: Sequence[int], context: float) -> Made:
    """Write one song and its dances; return their ground truth."""
    song = dances[0].song
    pattern = rhythm(seed, song, meters)
    soundfile.write(
        folder / "wav" / f"{song}.wav", made_music.render(seed, song, pattern), SAMPLE_RATE, subtype="PCM_16"
    )
    pairs = []
    for clip in dances:
        danced = dance(seed, clip, pattern, context)
        columns = {
            "smpl_poses": danced.poses,
            "smpl_scaling": np.array([danced.scaling], np.float32),
            "smpl_trans": danced.translation,
        }
        (folder / "motions" / f"{clip.name}.pkl").write_bytes(pickle.dumps(columns, protocol=_PICKLE_PROTOCOL))
        events = danced.events.strength.tolist(), danced.events.time_s.tolist()
        clip_truth = truth.clip_columns(clip.name, song, clip.choreography_id, context, *events)
        pairs.append((clip_truth, truth.contact_columns(clip.name, danced.landings)))
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
