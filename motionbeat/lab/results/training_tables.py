"""Tables of the training and of the beat tracker, from metrics/train.json and beats.json."""

from collections.abc import Mapping

from motionbeat.lab.results.printed_tables import Cell, Group, Row, Table, facts
from motionbeat.lab.results.results_table import ResultsTable

TRAINING = {
    "parameters": ("weights of both encoders", "{:,.0f}"),
    "epochs": ("epochs trained", "{:.0f}"),
    "best_epoch": ("kept epoch", "{:.0f}"),
    "score": ("validation score", "{:.3f}"),
    "val_r10_music_to_motion": ("validation R@10, music to motion", "{:.1f} %"),
    "val_r10_motion_to_music": ("validation R@10, motion to music", "{:.1f} %"),
    "jitter_accuracy": ("the true pair beats the same dance a beat off", "{:.3f}"),
    "tempo_accuracy": ("the true pair beats another song of this tempo", "{:.3f}"),
    "loss": ("training loss, all terms", "{:.3f}"),
    "loss_ecl": ("contrastive loss (ECL)", "{:.3f}"),
    "loss_sral": ("rhythm alignment loss (SRAL)", "{:.3f}"),
    "loss_sral_beat": ("SRAL, beats", "{:.3f}"),
    "loss_sral_bar": ("SRAL, bars", "{:.3f}"),
    "loss_rhythm": ("loss of the rhythm heads", "{:.3f}"),
    "loss_contact": ("loss of the contact head", "{:.3f}"),
}
BEATS = {
    "songs": ("songs", "{:.0f}"),
    "beats": ("beats", "{:,.0f}"),
    "with_truth": ("songs whose beats are known", "{:.0f}"),
    "f_measure": ("F-measure of beats", "{:.3f}"),
    "downbeat_f_measure": ("F-measure of downbeats", "{:.3f}"),
    "cmlt": ("CMLt", "{:.3f}"),
    "amlt": ("AMLt", "{:.3f}"),
    "tempo_error_percent": ("tempo error", "{:.2f} %"),
    "tempo_error_folded_percent": ("tempo error, folded", "{:.2f} %"),
    "lag_ms": ("median lag of the tracker", "{:+.1f} ms"),
}
_PAIRS = {
    "onset_own": "music's onsets from music",
    "contact_own": "dance's contacts from the dance",
    "onset_to_contact": "dance's contacts from music",
    "contact_to_onset": "music's onsets from the dance",
    "detected": "detected onsets with detected contacts",
}
_CURVES = {
    "": "correlation",
    "_elsewhere": "with other songs",
    "_beyond": "beyond other songs",
    "_beat": "by beats",
    "_ap": "average precision",
    "_auc": "ROC-AUC",
}
_MASSES = {
    "accent_own": "music's accents from music",
    "energy_own": "dance's energy from the dance",
    "accent_to_energy": "dance's energy from music",
    "energy_to_accent": "music's accents from the dance",
    "detected": "detected accents with detected energy",
    "profile_accent": "music's accents from the mean bar",
    "profile_energy": "dance's energy from the mean bar",
    "uniform_to_accent": "music's accents from a flat bar",
    "uniform_to_energy": "dance's energy from a flat bar",
}


def in_words(values: Mapping[str, float | None], words: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str]]:
    """{name: (text,)} of the values with a name in `words`, in that order; other values follow under their own
    names.
    """
    named = {
        name: ("" if values[key] is None else pattern.format(values[key]),)
        for key, (name, pattern) in words.items()
        if key in values
    }
    layers = {key: value for key, value in values.items() if key.startswith("alpha_")}
    others = {
        key.replace("_", " "): ("" if value is None else f"{value:.4g}",)
        for key, value in values.items()
        if key not in words and key not in layers and not key.startswith("agreement_")
    }
    if layers:
        named["strengths of contact-guided attention, by layer"] = (_strengths(layers),)
    return named | others


def _strengths(layers: Mapping[str, float | None]) -> str:
    kinds: dict[str, list[str]] = {}
    for key, value in layers.items():
        kind, _, _ = key.removeprefix("alpha_").rpartition("_")
        kinds.setdefault(kind, []).append("" if value is None else f"{value:.3f}")
    return "; ".join(f"{kind}s {', '.join(values)}" for kind, values in kinds.items())


def training_table(results: ResultsTable) -> Table:
    """The kept model and its training."""
    return facts(
        "The kept model and its training", ("", "value"), in_words(results.metrics("train", "model"), TRAINING)
    )


def beats_table(results: ResultsTable, tracker: str) -> Table:
    """The beat tracker against the known beats, if there are some."""
    return facts(f"Beat tracking ({tracker})", ("", "value"), in_words(results.metrics("beats", "tracker"), BEATS))


def agreement_tables(results: ResultsTable) -> list[Table]:
    """How well the rhythm heads agree with the detected curves; empty if nothing was measured."""
    rate = results.value("train", "model", "agreement_contact_rate")
    if rate is None:
        return []
    curves = [
        Row(title, tuple(_agreement(results, f"{name}{end}") for end in _CURVES)) for name, title in _PAIRS.items()
    ]
    mean_bar = {"": "profile_contact", "_ap": "profile_ap", "_auc": "profile_auc"}
    curves.append(
        Row("dance's contacts from the mean bar", tuple(_agreement(results, mean_bar.get(k)) for k in _CURVES))
    )
    mean_bar = {"": "profile_onset"}
    curves.append(Row("music's onsets from the mean bar", tuple(_agreement(results, mean_bar.get(k)) for k in _CURVES)))
    masses = [Row(title, (_agreement(results, f"{name}_emd"),)) for name, title in _MASSES.items()]
    caption = f"Rhythm curves, predicted and detected (chance of average precision: {rate:.2f})"
    return [
        Table(caption, ("", *_CURVES.values()), (Group("", tuple(curves)),)),
        Table("Rhythm within the bar", ("", "distance (bins)"), (Group("", tuple(masses)),)),
    ]


def _agreement(results: ResultsTable, name: str | None) -> Cell:
    value = None if name is None else results.value("train", "model", f"agreement_{name}")
    return Cell("", reason="\u2013") if value is None else Cell(f"{value:.3f}")
