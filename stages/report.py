"""metrics + data/corpus + data/beats + models/dance/gallery -> data/report: one page that needs no network."""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import guarded, whole_folder
from motionbeat.lab import params
from motionbeat.lab.render.drawn_clip import read_clip
from motionbeat.lab.results.dance_films import films
from motionbeat.lab.results.figures import read_history
from motionbeat.lab.results.page import clip_to_draw, read_corpus, render
from motionbeat.lab.results.results_table import ResultsTable

CORPUS, BEATS, METRICS, GALLERY, REPORT = (
    Path("data/corpus"),
    Path("data/beats/beats.parquet"),
    Path("metrics"),
    Path("models/dance/gallery"),
    Path("data/report"),
)


def main() -> None:
    settings = params.load()
    results, history = ResultsTable.read(METRICS), read_history(METRICS / "train_history.csv")
    manifest, beats = read_corpus(CORPUS, BEATS)
    name, limits = clip_to_draw(manifest, settings.report.clip), settings.tokens
    dance = read_clip(CORPUS, name, BEATS, limits.contact_speed, limits.contact_height)
    gallery = films(GALLERY, CORPUS, manifest, beats)
    with guarded(METRICS, "holds results of another form", "run `dvc repro`"):
        page = render(results, history, manifest, beats, dance, settings, gallery)
    with whole_folder(REPORT) as folder:
        (folder / "index.html").write_text(page, encoding="utf-8")
    print(f"{REPORT / 'index.html'}: open it in a browser")


if __name__ == "__main__":
    run(main)
