"""Names for params.yaml: corpora, frozen encoders and labelled data sets, each declared by one module.

A new one is a module and an entry here. The entry has what params and tables need, so that nothing is imported; the
module declares the rest: `CORPUS` (`manifest.CorpusReader`), `ENCODERS` ({name: `frame_encoder.EncoderKind`}) or
`CLIP_TASK` (`labelled_set.ClipTask`).
"""

from importlib import import_module
from types import ModuleType

from attrs import frozen

from motionbeat.errors import MotionBeatError


@frozen
class Entry:
    """name: in params.yaml. module: declares it. title: for readers.

    short: an encoder's title before "+ head". warning: about conclusions from figures on a corpus.
    """

    name: str
    module: str
    title: str
    short: str = ""
    warning: str = ""


_CORPORA, _ENCODERS, _LABELLED = (f"motionbeat.lab.{room}" for room in ("corpora", "encoders", "labelled"))
ENTRIES: dict[str, tuple[Entry, ...]] = {
    "corpus": (
        Entry(
            "synthetic",
            f"{_CORPORA}.synthetic_corpus",
            "the synthetic corpus (music and dance made by the project, with rhythm as the only link)",
            warning="Figures on the synthetic corpus say nothing about real dance or real music. They show that the "
            "pipeline works, and how well the method does compared with the best possible score, which is known.",
        ),
        Entry(
            "aistpp",
            f"{_CORPORA}.aistpp.aistpp_corpus",
            "AIST++ (motion capture of 30 dancers to 60 pieces of music)",
        ),
        Entry(
            "dance_with_melody",
            f"{_CORPORA}.dance_with_melody",
            "Dance with Melody (motion capture of cha-cha, rumba and waltz)",
            warning="In this corpus the phase of the beats between dance and music is not verified. Figures on it "
            "show that the pipeline runs on real recordings; no gain in alignment can be read from them.",
        ),
        Entry("folder", f"{_CORPORA}.folder", "a folder of songs and dances with a clips.csv"),
        Entry(
            "choreographed",
            f"{_CORPORA}.choreographed",
            "a folder of songs, with made dances that follow their beats and accents",
            warning="The dances of this corpus are made from onsets, which the music's features contain too. Figures "
            "on it say nothing about real dance, and the best possible score is unknown.",
        ),
    ),
    "encoder": (  # in the order of the table's rows
        Entry("motionbeat", f"{_ENCODERS}.motionbeat_encoder", "MotionBeat (ours)", "our states"),
        Entry("motionbeat_timbre", f"{_ENCODERS}.motionbeat_encoder", "MotionBeat and timbre", "our states and timbre"),
        Entry("random", f"{_ENCODERS}.motionbeat_encoder", "MotionBeat, untrained", "untrained"),
        Entry("mel", f"{_ENCODERS}.motionbeat_encoder", "log-mel spectrogram", "log-mel"),
        Entry("musicnn", f"{_ENCODERS}.musicnn", "musicnn"),
        Entry("wav2vec2", f"{_ENCODERS}.wav2vec2", "wav2vec 2.0"),
        Entry("clap", f"{_ENCODERS}.clap", "CLAP"),
        Entry("wav2clip", f"{_ENCODERS}.wav2clip", "Wav2CLIP"),
        Entry("jukebox", f"{_ENCODERS}.jukebox", "Jukebox"),
    ),
    "data set": (
        Entry("gtzan", f"{_LABELLED}.gtzan", "GTZAN"),
        Entry("magnatagatune", f"{_LABELLED}.magnatagatune", "MagnaTagATune"),
        Entry("nsynth", f"{_LABELLED}.nsynth", "NSynth"),
        Entry("emomusic", f"{_LABELLED}.emomusic", "Emomusic"),
    ),
}


def names(kind: str) -> tuple[str, ...]:
    """Every name of a kind (a key of ENTRIES)."""
    return tuple(entry.name for entry in ENTRIES[kind])


def entry_of(kind: str, name: str) -> Entry:
    """The entry of a name; if it is unknown, `MotionBeatError` lists the known ones."""
    for entry in ENTRIES[kind]:
        if entry.name == name:
            return entry
    raise MotionBeatError(f"{kind} {name!r} is unknown; expected one of {', '.join(names(kind))}")


def module_of(kind: str, name: str) -> ModuleType:
    """The module that declares a name. `imports` counts `registry.module_of("KIND", ...)` as imports of all of them."""
    return import_module(entry_of(kind, name).module)
