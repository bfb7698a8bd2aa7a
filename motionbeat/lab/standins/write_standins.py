"""Write a stand-in data set: its audio, its annotations, and a text with a warning."""

from pathlib import Path

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_folder
from motionbeat.lab.standins import made_emomusic, made_gtzan, made_magnatagatune, made_nsynth

SETS = {
    "gtzan": ("GTZAN", made_gtzan),
    "magnatagatune": ("MagnaTagATune", made_magnatagatune),
    "nsynth": ("NSynth", made_nsynth),
    "emomusic": ("Emomusic", made_emomusic),
}
_README = """Synthesised stand-in for {title}, made by MotionBeat from seed {seed}.

It has the official layout of {title}, so that the recognition tasks run without a download, through the same
reader. It is not {title} and has no part of it: {items}.
Scores on it say nothing about music. Put the real data set in its place before quoting any number.
"""


def generate(folder: Path, name: str, seed: int) -> None:
    """Make the stand-in for `name` (gtzan, magnatagatune, nsynth or emomusic) in `folder`, which is replaced.

    The bytes depend on name and seed only. The four together take 60 MB, and 20 s on two cores. Raises
    `MotionBeatError` for another name.
    """
    if name not in SETS:
        raise MotionBeatError(f"stand-in {name!r} is unknown; expected one of {', '.join(SETS)}")
    title, module = SETS[name]
    with whole_folder(folder) as unfinished:
        readme = _README.format(title=title, seed=seed, items=module.CONTENT)
        (unfinished / "README.txt").write_text(readme, encoding="utf-8")
        module.write(unfinished, seed)
