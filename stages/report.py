"""metrics, data, models -> data/report: one page that needs no network."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import guarded, read_json, whole_folder
from motionbeat.lab import params
from motionbeat.lab.experiments.interval_plot import ablation_pictures
from motionbeat.lab.render.drawn_clip import read_clip
from motionbeat.lab.results.dance_films import films
from motionbeat.lab.results.page import Extras, clip_to_draw, read_corpus, render
from motionbeat.lab.results.pipeline_picture import picture
from motionbeat.lab.results.portrait import portrait
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.training_curves import read_history
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.dual_encoder import DualEncoder

CORPUS, BEATS, METRICS, GALLERY, REPORT = (
    Path("data/corpus"),
    Path("data/beats/beats.parquet"),
    Path("metrics"),
    Path("models/dance/gallery"),
    Path("data/report"),
)
MODEL, TOKENS, SECONDS = Path("models/motionbeat"), Path("data/tokens"), Path("logs/seconds.json")


def main() -> None:
    settings = params.load()
    results, history = ResultsTable.read(METRICS), read_history(METRICS / "train_history.csv")
    manifest, beats = read_corpus(CORPUS, BEATS)
    name, limits = clip_to_draw(manifest, settings.report.clip), settings.tokens
    dance = read_clip(CORPUS, name, BEATS, limits.contact_speed, limits.contact_height)
    genre = dict(zip(manifest["song"].tolist(), manifest["genre"].tolist(), strict=True))
    extras = Extras(
        films(GALLERY, CORPUS, manifest, beats),
        portrait(DualEncoder.load(MODEL), Tokens.load(TOKENS), name, genre, settings.loss),
        picture(Path()),
        ablation_pictures(Path(settings.report.ablations)) if settings.report.ablations else (),
        read_json(SECONDS, "run `dvc repro`") if settings.report.timings else {},
    )
    with guarded(METRICS, "holds results of another form", "run `dvc repro`"):
        page = render(results, history, manifest, beats, dance, settings, extras)
    with whole_folder(REPORT) as folder:
        (folder / "index.html").write_text(page, encoding="utf-8")
    print(f"{REPORT / 'index.html'}: open it in a browser")


if __name__ == "__main__":
    run(main)
