"""The report of a run as one HTML page: no script, style, font or image from elsewhere.

Reading is at the edge (`read_corpus`, `clips.read_clip`), `render` is a pure function of what was read; the same
inputs give the same bytes.
"""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.params import Params
from motionbeat.lab.render.drawn_clip import Dance
from motionbeat.lab.render.stick_figure import BARS, filmstrip
from motionbeat.lab.results.dance_films import Gallery
from motionbeat.lab.results.dance_tables import Generated
from motionbeat.lab.results.dance_tables import table as dance_table
from motionbeat.lab.results.figures import History, inline_svg, training_curves
from motionbeat.lab.results.recognition_tables import NOTE, STANDIN_NOTE, Recognition, sizes
from motionbeat.lab.results.recognition_tables import table as recognition_table
from motionbeat.lab.results.result_files import Results
from motionbeat.lab.results.result_tables import (
    DIRECTIONS,
    METRICS,
    PAPER_NOTE,
    Table,
    facts,
    flat,
    plain,
    retrieval_tables,
)
from motionbeat.lab.results.template import environment

CORPORA = {
    "synthetic": "the embedded corpus: music and dance made by the project itself, with rhythm as the only link",
    "aistpp": "AIST++: motion capture of 30 dancers to 60 pieces of music",
    "dance_with_melody": "Dance with Melody: motion capture of cha-cha, rumba and waltz",
    "folder": "songs and dances of a folder, as its clips.csv lists them",
}
WARNINGS = {
    "synthetic": "Figures on the embedded corpus say nothing about real dance or real music. They show that the "
    "pipeline works, and how far the method gets where the best possible score is known.",
    "dance_with_melody": "In this corpus the phase of the beats between dance and music is not verified. Figures on it "
    "show that the pipeline runs on real recordings; no gain in alignment can be read from them.",
}
Columns = dict[str, NDArray[Any]]


def clip_to_draw(manifest: Columns, clip: str) -> str:
    """The clip named by report.clip, or the first test clip when that is empty; refused where there is no such clip."""
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
        own = manifest["split"] == split
        songs = np.unique(manifest["song"][own].astype(str))
        tempi = [_tempo(beats["time_s"][beats["song"] == song]) for song in songs]
        meters = np.unique(beats["beats_per_bar"][np.isin(beats["song"].astype(str), songs)])
        rows[split] = (
            f"{int(own.sum()):,}",
            str(len(songs)),
            ", ".join(np.unique(manifest["genre"][own].astype(str))),
            f"{float(manifest['duration_s'][own].sum()) / 60:.1f}",
            f"{min(tempi):.0f}\u2013{max(tempi):.0f}" if tempi else "",
            ", ".join(str(meter) for meter in meters),
        )
    columns = ("split", "clips", "songs", "genres", "dance (min)", "tempo (BPM)", "beats per bar")
    return facts("The corpus by split; tempo and meter as tracked", columns, rows)


def _tempo(times: NDArray[np.floating]) -> float:
    """Mean tempo in BPM: single intervals are too coarse, as trackers round beats to a frame."""
    return 60 * (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else float("nan")


def render(
    results: Results,
    history: History,
    manifest: Columns,
    beats: Columns,
    dance: Dance,
    params: Params,
    recognition: Recognition,
    generated: Generated | None = None,
    gallery: Gallery | None = None,
) -> str:
    """The whole page. manifest, beats: as `motionbeat.lab.tables.read` gives them.

    generated, gallery: of the dance generators; none where they have not been run.
    """
    from markupsafe import Markup

    generated, gallery = generated or Generated({}), gallery or Gallery()
    curves = training_curves(history, int(results.train["best_epoch"]))
    strip = filmstrip(dance.joints, dance.fps, dance.beat_times, dance.bar_positions, dance.contacts, dance.onsets)
    template = environment("motionbeat.lab.results").get_template("page.html.j2")
    return template.render(
        corpus=CORPORA[params.corpus.name],
        warning=WARNINGS.get(params.corpus.name, ""),
        headline=_headlines(results),
        retrieval=retrieval_tables(results, params.train.seed),
        paper_note=PAPER_NOTE,
        window_beats=params.tokens.window_beats,
        resamplings=params.retrieve.bootstrap,
        slice_s=params.retrieve.slice_s,
        slice_stride_s=params.retrieve.slice_stride_s,
        head_components=params.retrieve.head_components,
        recognition=recognition_table(recognition),
        recognition_note=f"{NOTE} {STANDIN_NOTE}" if recognition.standins else NOTE,
        recognition_sizes=sizes(recognition),
        generated=dance_table(generated),
        generated_note=generated.note,
        gallery=gallery,
        training=facts("The kept model and its training", ("", "value"), flat(results.train)),
        curves=Markup(inline_svg(curves, "training", _describe_curves(history, results))),
        dance=dance,
        bars=BARS,
        strip=Markup(inline_svg(strip, "dance", _describe_dance(dance))),
        beats=facts(f"Beat tracking ({params.beats.tracker})", ("", "value"), flat(results.beats)),
        corpus_facts=corpus_table(manifest, beats),
        parameters=facts("Every parameter of this run", ("parameter", "value"), _parameters(params)),
    )


def _headlines(results: Results) -> list[dict[str, str]]:
    lines = []
    for direction, title in DIRECTIONS.items():
        figures, bounds = results.retrieve["win"][direction], results.intervals["win"][direction]
        low, high = bounds["model"]["r10"]
        ceiling = figures["ceiling"]["r10"]
        lines.append(
            {
                "title": title,
                "metric": METRICS["r10"],
                "value": f"{figures['model']['r10']:.1f}",
                "interval": f"{low:.1f}\u2013{high:.1f}",
                "chance": f"{bounds['chance']['r10']:.1f}",
                "ceiling": "unknown" if ceiling is None else f"{ceiling:.1f}",
                "n": f"{figures['model']['n']:,}",
                "gallery": f"{bounds['gallery']:,}",
            }
        )
    return lines


def _describe_curves(history: History, results: Results) -> str:
    first, last = history["loss"][0], history["loss"][-1]
    return (
        f"Training curves over {len(history['epoch'])} epochs: the total loss goes from {first:.3g} to {last:.3g}; "
        f"the kept epoch is {results.train['best_epoch']}."
    )


def _describe_dance(dance: Dance) -> str:
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
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _leaves(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return found


def read_corpus(corpus: Path, beats: Path) -> tuple[Columns, Columns]:
    """The manifest of the corpus folder and the table of beats."""
    return tables.read(corpus / "manifest.parquet", tables.MANIFEST), tables.read(beats, tables.BEATS)
