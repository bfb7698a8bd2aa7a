"""The ceilings of retrieval on a synthetic corpus: the scores with perfectly detected accents and events.

*additive* is the best score of any sum over 16ths, *full* the score by the rules of the generator for a whole window.
Only the difference between them can come from attention, or from another model that reads several 16ths together.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.synthetic import likelihood, truth
from motionbeat.lab.synthetic.truth_windows import Window, motion_windows, music_windows

FULL = "ceiling_full"
FORMS = {"ceiling_additive": likelihood.additive, FULL: likelihood.full}
"""The ceilings in tables of retrieval, and how each is computed."""


def ceilings(
    folder: Path, motion: Sequence[Window], music: Sequence[Window], beats: int
) -> dict[str, NDArray[np.float64]]:
    """For each name in FORMS, log-likelihoods (motion windows, music windows) of events given accents.

    folder: a synthetic corpus. motion: (clip, start), music: (song, start), start in the song in seconds, moved to the
    nearest true beat. beats: length of all windows; beats beyond the end of a clip or a song are left out on both
    sides. Raises `MotionBeatError` when a clip or a song is not in the truth, or a window begins outside of it.
    """
    return {name: event_log_likelihood(folder, motion, music, beats, name) for name in FORMS}


def event_log_likelihood(
    folder: Path, motion: Sequence[Window], music: Sequence[Window], beats: int, form: str = FULL
) -> NDArray[np.float64]:
    """One of the `ceilings`, by its name in FORMS."""
    return FORMS[form](
        motion_windows(folder, motion, beats), music_windows(folder, music, beats), truth.context_of(folder)
    )
