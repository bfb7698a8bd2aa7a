"""Files2Dance: a motion file and an audio file that belong to no corpus, as input for `scene` and `video`."""

from pathlib import Path

import numpy as np

from motionbeat.audio import decode
from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import plausibility
from motionbeat.lab.corpora.formats import Hints, read_motion
from motionbeat.lab.params import MotionChecks
from motionbeat.lab.render.drawn_clip import SAMPLE_RATE, DrawnDance, assembled, read_beats

_OPTIONS = "; outside clips.csv the columns fps, up, unit and person are --motion-fps, --up, --unit and --person"


def read_files(
    motion: Path,
    audio: Path | None,
    hints: Hints | None = None,
    beats: Path | None = None,
    tracker: str | None = "madmom",
) -> DrawnDance:
    """Read a dance that belongs to no corpus; motion: a file in a format of `corpora.formats.read_motion`.

    audio: its music, which begins with the first frame; with None it is silent and has no beats. hints: facts that the
    motion file lacks, as in clips.csv.
    beats: a beats.parquet with the beats of a song named as the audio file without its ending; without it they are
    tracked by `tracker` (see `motionbeat.beats.track`); with tracker none there are no beats.
    """
    if not motion.is_file():
        raise MotionBeatError(f"{motion} is missing: name the dance with --motion")
    try:
        danced = read_motion(motion, hints)
    except MotionBeatError as error:
        raise MotionBeatError(f"{error}{_OPTIONS}" if "column" in str(error) else str(error)) from None
    doubts = "\n".join(f"note: {motion}: {doubt}" for doubt in plausibility.doubts(danced, MotionChecks()))
    if audio is None:
        if beats is not None:
            raise MotionBeatError(f"{beats} has beats by song, and no song is named: give the music by --audio")
        silence = np.zeros(round(len(danced.joints) / danced.fps * SAMPLE_RATE), np.float32)
        nothing = np.empty(0), np.empty(0, int)
        return assembled(motion.stem, "no music", danced.joints, danced.fps, silence, 0.0, nothing, doubts)
    music = decode.load(audio, SAMPLE_RATE)
    note = ""
    if beats is not None:
        times, positions, note = read_beats(beats, beats, audio.stem)
    elif tracker is not None:
        from motionbeat.beats import track

        tracked = track(audio, tracker=tracker)
        times, positions = tracked.times, tracked.positions - 1
    else:
        times, positions = np.empty(0), np.empty(0, int)
    caption = f"music {audio.name}"
    note = "\n".join(filter(None, (doubts, note)))
    return assembled(motion.stem, caption, danced.joints, danced.fps, music, 0.0, (times, positions), note)
