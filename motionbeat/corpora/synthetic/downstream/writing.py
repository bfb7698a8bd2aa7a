"""Write a stand-in data set: its audio in parallel, its annotations, and a plain warning beside them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.files import whole_folder, workers
from motionbeat.progress import counted

_BLOCK = 1 << 15  # samples; libsndfile crashes on some long compressed files written at once
_README = """Synthesised stand-in for {title}, made by MotionBeat from seed {seed}.

It has the official layout of {title}, so that the recognition tasks run without a download, through the same
reader. It is not {title} and holds none of it: {items}.
Scores on it mean nothing about music. Put the real data set in its place before quoting any number.
"""


def generate(folder: Path, name: str, seed: int) -> None:
    """See `motionbeat.corpora.synthetic.downstream.generate`."""
    from motionbeat.corpora.synthetic.downstream import emomusic, gtzan, magnatagatune, nsynth

    sets = {
        "gtzan": ("GTZAN", gtzan),
        "magnatagatune": ("MagnaTagATune", magnatagatune),
        "nsynth": ("NSynth", nsynth),
        "emomusic": ("Emomusic", emomusic),
    }
    if name not in sets:
        raise MotionBeatError(f"stand-in {name!r} is unknown; expected one of {', '.join(sets)}")
    title, module = sets[name]
    with whole_folder(folder) as unfinished:
        readme = _README.format(title=title, seed=seed, items=module.CONTENT)
        (unfinished / "README.txt").write_text(readme, encoding="utf-8")
        module.write(unfinished, seed)


def in_parallel(make: Callable[..., None], arguments: Iterable[tuple], what: str) -> None:
    """Call `make` with each tuple of arguments, in parallel processes; each call writes its own file."""
    calls = [delayed(make)(*each) for each in arguments]
    list(counted(Parallel(n_jobs=workers(), return_as="generator")(calls), len(calls), what))


def write_audio(path: Path, samples: NDArray[np.floating], rate: int, target_rate: int | None = None) -> None:
    """Write mono samples as the format that the suffix names (wav, flac: 16 bit; mp3), resampled if asked for."""
    import soundfile
    import soxr

    values = np.asarray(samples, np.float32)
    if target_rate is not None and target_rate != rate:
        values, rate = soxr.resample(values, rate, target_rate), target_rate
    kind = path.suffix[1:].upper()
    subtype = "MPEG_LAYER_III" if kind == "MP3" else "PCM_16"
    path.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(path, "w", rate, channels=1, format=kind, subtype=subtype) as file:
        for begin in range(0, len(values), _BLOCK):
            file.write(np.clip(values[begin : begin + _BLOCK], -1, 1))
