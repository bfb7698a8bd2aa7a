"""Small stand-ins for the recognition tasks' data sets, in their official layouts, synthesised.

They let every task run offline through the real readers, and no more: a score on them says nothing about music.
"""

from pathlib import Path


def generate(folder: Path, name: str, seed: int) -> None:
    """Make the stand-in for `name` (gtzan, magnatagatune, nsynth or emomusic) in `folder`, which is replaced.

    The bytes depend on name and seed only. The four together take 60 MB, and 20 s on two cores. Raises
    `MotionBeatError` for another name.
    """
    from motionbeat.corpora.synthetic.downstream import writing

    writing.generate(folder, name, seed)
