"""The report of a run as one HTML page that loads no script, style, font or image from other servers.

`read_corpus` and `read_clip` read the files, `render` is a pure function of the results; the same inputs give the same
bytes.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
from attrs import asdict, field, frozen
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import registry, tables
from motionbeat.lab.params import Params
from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.filmstrip import filmstrip
from motionbeat.lab.render.playable import player_script
from motionbeat.lab.results import dance_tables, recognition_tables
from motionbeat.lab.results.dance_films import Gallery
from motionbeat.lab.results.figures import inline_svg
from motionbeat.lab.results.first_screen import first_film, key_figures, summary
from motionbeat.lab.results.model_pictures import embedding_pictures, rhythm_pictures
from motionbeat.lab.results.portrait import Portrait
from motionbeat.lab.results.printed_tables import Table, facts, plain
from motionbeat.lab.results.result_pictures import Picture, confusion_picture, genre_picture, shift_picture
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.retrieval_tables import PAPER_NOTE, retrieval_tables
from motionbeat.lab.results.template import environment
from motionbeat.lab.results.training_curves import History, training_curves
from motionbeat.lab.results.training_tables import agreement_tables, beats_table, training_table

BARS = 2
"""Bars of the dance on the first screen."""
Columns = dict[str, NDArray[Any]]
PACKAGES = ("motionbeat", "torch", "numpy", "scipy", "scikit-learn", "librosa", "pyarrow", "matplotlib", "dvc")


@frozen(eq=False)
class Extras:
    """Optional parts of the page. pipeline: an <svg> element. seconds: {stage: its duration}."""

    gallery: Gallery = field(factory=Gallery)
    portrait: Portrait | None = None
    pipeline: str = ""
    ablations: tuple[Picture, ...] = ()
    seconds: Mapping[str, float] = field(factory=dict)


def clip_to_draw(manifest: Columns, clip: str) -> str:
    """The clip named by report.clip, or the first test clip when that is empty; refused if there is no such clip."""
    if clip:
        rows = np.flatnonzero(manifest["clip"] == clip)
        if not len(rows):
            raise MotionBeatError(
                f"report.clip = {clip}: no such clip in the corpus; leave it empty for the first test clip"
            )
    else:
        rows = np.flatnonzero(manifest["split"] == "test")
        if not len(rows):
            raise MotionBeatError("the corpus has no test clip: name a clip to draw in report.clip")
    return str(manifest["clip"][rows[0]])


def corpus_table(manifest: Columns, beats: Columns) -> Table:
    """Clips, songs, genres, minutes, tempi and meters of each split."""
    rows = {}
    for split in ("train", "val", "test"):
        in_split = manifest["split"] == split
        songs = np.unique(manifest["song"][in_split].astype(str))
        tempi = [_tempo(beats["time_s"][beats["song"] == song]) for song in songs]
        meters = np.unique(beats["beats_per_bar"][np.isin(beats["song"].astype(str), songs)])
        rows[split] = (
            f"{int(in_split.sum()):,}",
            str(len(songs)),
            ", ".join(np.unique(manifest["genre"][in_split].astype(str))),
            f"{float(manifest['duration_s'][in_split].sum()) / 60:.1f}",
            f"{min(tempi):.0f}\u2013{max(tempi):.0f}" if tempi else "",
            ", ".join(str(meter) for meter in meters),
        )
    columns = ("split", "clips", "songs", "genres", "dance (min)", "tempo (BPM)", "beats per bar")
    return facts("The corpus by split; tempo and meter as tracked", columns, rows)


def _tempo(times: NDArray[np.floating]) -> float:
    """Mean tempo in BPM: single intervals are too coarse, since trackers round beats to frames."""
    return 60 * (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else float("nan")


def render(
    results: ResultsTable,
    history: History,
    manifest: Columns,
    beats: Columns,
    dance: DrawnDance,
    params: Params,
    extras: Extras | None = None,
) -> str:
    """The whole page. manifest, beats: tables from `motionbeat.lab.tables.read`."""
    from markupsafe import Markup

    extras = extras or Extras()
    gallery, portrait = extras.gallery, extras.portrait
    kept = results.value("train", "model", "best_epoch")
    if kept is None:
        raise MotionBeatError("metrics/train.json has no best_epoch: run `dvc repro`")
    best_epoch = int(kept)
    curves = training_curves(history, best_epoch)
    told = _describe_curves(history, best_epoch)
    corpora = [registry.entry_of("corpus", name) for name in params.corpus.names]
    template = environment("motionbeat.lab.results").get_template("page.html.j2")
    return template.render(
        summary=summary(results, manifest, " with ".join(corpus.title for corpus in corpora)),
        warning=" ".join(corpus.warning for corpus in corpora if corpus.warning),
        key_figures=key_figures(results),
        film=first_film(gallery),
        retrieval=retrieval_tables(results),
        paper_note=PAPER_NOTE,
        window_beats=params.tokens.window_beats,
        resamplings=params.retrieve.bootstrap,
        temperature=params.loss.temperature,
        slice_s=params.retrieve.slice_s,
        slice_stride_s=params.retrieve.slice_stride_s,
        head_components=params.retrieve.head_components,
        seeds=f"Training seed {params.train.seed}, seed of the heads and of the resamplings {params.retrieve.seed}.",
        recognition=recognition_tables.table(results),
        recognition_note=recognition_tables.note(results),
        recognition_sizes=recognition_tables.sizes(results),
        generated=dance_tables.table(results),
        generated_note=dance_tables.note(results),
        gallery=gallery,
        training=training_table(results),
        agreement=agreement_tables(results),
        curves=[Markup(inline_svg(figure, name, told)) for name, figure in curves.items()],
        retrieval_pictures=_present(shift_picture(results), genre_picture(results), *extras.ablations),
        embedding_pictures=embedding_pictures(portrait) if portrait else [],
        rhythm_pictures=rhythm_pictures(portrait) if portrait else [],
        recognition_pictures=_present(confusion_picture(results, "genre", recognition_tables.ROWS["motionbeat"])),
        pipeline=Markup(extras.pipeline),
        run_facts=facts("Versions, seeds and seconds", ("", "value"), _run_facts(params, extras.seconds)),
        dance=dance,
        bars=BARS,
        strip=Markup(filmstrip(dance, BARS, _describe_dance(dance))),
        player=Markup(player_script()),
        beats=beats_table(results, params.beats.tracker),
        corpus_facts=corpus_table(manifest, beats),
        parameters=facts("Every parameter of this run", ("parameter", "value"), _parameters(params)),
    )


def _present(*pictures: Picture | None) -> list[Picture]:
    return [picture for picture in pictures if picture is not None]


def _run_facts(params: Params, seconds: Mapping[str, float]) -> dict[str, tuple[str]]:
    rows = {"Python": (python_version(),)} | {name: (_version(name),) for name in PACKAGES}
    sections = asdict(params)
    seeds = {name: section["seed"] for name, section in sections.items() if "seed" in section}
    rows |= {f"seed of {name}": (str(seed),) for name, seed in seeds.items()}
    return rows | {f"seconds of {stage}": (f"{value:.0f}",) for stage, value in seconds.items()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _describe_curves(history: History, best_epoch: int) -> str:
    losses = history["loss"][np.isfinite(history["loss"])]  # a start model is epoch 0 there, without losses
    return (
        f"Training curves over {len(losses)} epochs: the total loss goes from {losses[0]:.3g} to {losses[-1]:.3g}; "
        f"the kept epoch is {best_epoch}."
    )


def _describe_dance(dance: DrawnDance) -> str:
    return (
        f"Clip {dance.title} as one stick figure at each beat of its first {BARS} bars, "
        "with foot contacts and the music's onset envelope below."
    )


def _parameters(params: Params) -> dict[str, tuple[str]]:
    sections = asdict(params)
    return {
        f"{section}.{key}": (plain(value) or "(empty)",)
        for section, values in sections.items()
        for key, value in _leaves(values).items()
    }


def _leaves(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested sections as {outer.inner: value}."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        leaves |= _leaves(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return leaves


def read_corpus(corpus: Path, beats: Path) -> tuple[Columns, Columns]:
    """The manifest of the corpus folder and the table of beats."""
    return tables.read(corpus / "manifest.parquet", tables.MANIFEST), tables.read(beats, tables.BEATS)
