"""What is measured of a run: where each figure lies among the metrics, and how it is printed."""

from collections.abc import Iterable, Mapping

from attrs import frozen

_PROBED = ("genre", "tagging", "instrument", "emotion")


@frozen
class Measure:
    """A figure of metrics/FILE.json by its dotted key. `better`: 1 if more is better, -1 if less is."""

    file: str
    key: str
    heading: str
    decimals: int
    better: int = 1

    @property
    def stage(self) -> str:
        """The stage that writes the file."""
        return "probe" if self.file in _PROBED else self.file

    @property
    def name(self) -> str:
        """File and key, as flat metrics are named."""
        return f"{self.file}.{self.key}"


R1_TO_MOTION = Measure("retrieve", "win.music_to_motion.model.r1", "R@1 music to motion", 1)
R1_TO_MUSIC = Measure("retrieve", "win.motion_to_music.model.r1", "R@1 motion to music", 1)
JITTER = Measure("train", "jitter_accuracy", "jitter accuracy", 3)
TEMPO = Measure("train", "tempo_accuracy", "tempo accuracy", 3)
BAS = Measure("dance", "motionbeat.bas_bailando", "BAS", 3)
PFC = Measure("dance", "motionbeat.pfc", "PFC", 3, better=-1)
BEAT_F1 = Measure("beat_tracking", "motionbeat.f1", "Beat F1", 3)

CORE = (R1_TO_MOTION, R1_TO_MUSIC, JITTER, TEMPO)
PAPERS: Mapping[int, tuple[Measure, ...]] = {
    1: (
        PFC,
        Measure("dance", "motionbeat.dist_k", "Dist_k", 2),
        Measure("dance", "motionbeat.dist_g", "Dist_g", 2),
        BAS,
        BEAT_F1,
        Measure("beat_tracking", "motionbeat.cmlt", "CMLt", 3),
        Measure("beat_tracking", "motionbeat.amlt", "AMLt", 3),
        Measure("tagging", "motionbeat.roc_auc", "ROC", 1),
        Measure("tagging", "motionbeat.average_precision", "AP", 1),
        Measure("genre", "motionbeat.accuracy", "Genre ACC", 1),
        Measure("instrument", "motionbeat.accuracy", "Instrument ACC", 1),
        Measure("emotion", "motionbeat.r2_valence", "R2 valence", 1),
        Measure("emotion", "motionbeat.r2_arousal", "R2 arousal", 1),
    ),
    3: (BAS, BEAT_F1, PFC, R1_TO_MOTION),
}
_AGREEMENT = "agreement_"
_OF_THE_DATA = ("contact_rate", "detected", "uniform_", "profile_")  # what every model is held against, not a model's


def of_table(table: int, known: Iterable[str]) -> tuple[Measure, ...]:
    """The paper's columns of a table, then the learning core's own, without repetition.

    known: names of the metrics that runs have; of them those of SRAL's agreement are added.
    """
    return tuple(dict.fromkeys((*PAPERS[table], *CORE, *agreements(known))))


def agreements(known: Iterable[str]) -> tuple[Measure, ...]:
    """How far predicted and detected rhythm curves agree: the keys `agreement_*` of metrics/train.json.

    An earth mover's distance (`..._emd`) is better when small, a correlation or a precision when large. `..._beyond`
    is what SRAL's claim is about: a fixed profile of the bar has none of it, and beats most models in the others.
    """
    keys = sorted(
        f"{_AGREEMENT}{name}"
        for name in {
            full.removeprefix(f"train.{_AGREEMENT}") for full in known if full.startswith(f"train.{_AGREEMENT}")
        }
        if not name.startswith(_OF_THE_DATA) and not name.endswith("_elsewhere")
    )
    return tuple(Measure("train", key, key.replace("_", " "), 3, -1 if key.endswith("_emd") else 1) for key in keys)
