"""What the tests of the report have in common: a dance, the metrics of a run, and the page made of a run's folder."""

from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from motionbeat.files import write_json
from motionbeat.lab import params
from motionbeat.lab.render.drawn_clip import read_clip
from motionbeat.lab.results.dance_films import Gallery
from motionbeat.lab.results.page import Extras, clip_to_draw, read_corpus, render
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.results.training_curves import COLUMNS, read_history
from motionbeat.lab.tasks import score_table
from motionbeat.lab.tasks.retrieval_rows import Scoring
from motionbeat.lab.tasks.window_protocol import Items, evaluate
from motionbeat.motion.kinematics import forward_kinematics

FPS, BPM, BEATS = 30.0, 120.0, 16


def dance(turn: float = 0.0) -> np.ndarray:
    """(T, 24, 3) m: arms and knees swing once a beat; the dancer faces +z, turned by `turn` about y."""
    frames = int(BEATS * 60 / BPM * FPS)
    swing = np.sin(2 * np.pi * np.arange(frames) / FPS * BPM / 60)
    poses = np.zeros((frames, 24, 3))
    poses[:, 0, 1] = turn
    poses[:, 16, 2], poses[:, 17, 2] = -1 + 0.4 * swing, 1 + 0.4 * swing
    poses[:, 4, 0], poses[:, 5, 0] = np.maximum(swing, 0), np.maximum(-swing, 0)
    return forward_kinematics(poses, np.tile([0.0, 0.95, 0.0], (frames, 1)))


def write_metrics(folder: Path, truth: bool = True) -> None:
    songs, generator = 6, np.random.default_rng(0)
    windows = [(f"clip{song}{dancer}", f"s{song}", 4 * k) for song in range(songs) for dancer in "ab" for k in range(3)]
    music = [(f"s{song}", 4 * k) for song in range(songs) for k in range(3)]
    clip, song, start = zip(*windows, strict=True)
    facts = {f"s{i}": 80.0 + i for i in range(songs)}, {f"s{i}": "pop" if i % 2 else "rock" for i in range(songs)}
    items = Items(clip, song, start, *zip(*music, strict=True), *facts)
    of_music = generator.normal(size=(len(music), 8))
    ceiling = generator.normal(size=(len(windows), len(music))) if truth else None
    of_motion = of_music[items.music_of_motion] + generator.normal(size=(len(windows), 8))
    rows = {"mel_projected": of_music + generator.normal(size=of_music.shape)}
    scores, sizes = evaluate(items, of_music, of_motion, ceiling, Scoring(0.1, 50, 0), rows)
    scores += [evolve(score, task=score.task.replace("win", "slice")) for score in scores if "win" in score.task]
    about = {"sizes": sizes | {"slice": sizes["win"]}, "heads": {"mel_projected": {"seed": 3}}}
    score_table.write(folder, "retrieve", scores, {}, about)
    train = {"best_epoch": 20, "epochs": 30, "score": 0.8, "jitter_accuracy": 0.9, "parameters": 123456}
    write_json(folder / "train.json", train)
    write_json(folder / "beats.json", {"songs": 2, "f_measure": 0.98765})
    lines = [",".join(COLUMNS)]
    for epoch in range(1, 31):
        validated = ["50", "51", "0.9", "", "0.7"] if epoch % 10 == 0 else [""] * 5
        lines.append(",".join([str(epoch), *[f"{6 / epoch:.4f}"] * 7, "5e-4", *validated]))
    (folder / "train_history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def page(folder: Path, **changes: Any) -> str:
    settings = params.load(folder / "params.yaml")
    manifest, beats = read_corpus(folder / "data/corpus", folder / "data/beats/beats.parquet")
    name = clip_to_draw(manifest, changes.get("clip", ""))
    shown = read_clip(folder / "data/corpus", name, folder / "data/beats/beats.parquet")
    history = read_history(folder / "metrics/train_history.csv")
    results = ResultsTable.read(folder / "metrics")
    extras = Extras(changes.get("gallery", Gallery()), seconds=changes.get("seconds", {}))
    return render(results, history, manifest, beats, shown, settings, extras)
