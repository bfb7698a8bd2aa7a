"""models/motionbeat + data/tokens -> metrics/retrieve.json: both protocols, both directions, every row."""

from pathlib import Path

import numpy as np
import torch

from motionbeat import params, tables
from motionbeat.corpora.synthetic.likelihood import event_log_likelihood
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.tasks.protocols import Items, evaluate
from motionbeat.tasks.windows import embed_windows
from motionbeat.tokens.windows import Tokens, Windows

CORPUS = Path("data/corpus")
TRUTH = CORPUS / "source"


def main() -> None:
    settings = params.load()
    make_deterministic(settings.retrieve.seed)
    tokens = Tokens.load(Path("data/tokens"))
    windows = tokens.windows("test", tokens.layout.window_beats, every="bar")
    if not len(windows):
        raise MotionBeatError(
            f"no test clip has {tokens.layout.window_beats} beats: lower tokens.window_beats in params.yaml"
        )
    model = DualEncoder.load(Path("models/motionbeat"))
    _, first = np.unique(windows.audio_row, return_index=True)
    music = windows.take(first)
    music_embedding, motion_embedding = embed_windows(model, tokens, music, windows)
    metrics, intervals = evaluate(
        items(tokens, windows, music),
        music_embedding,
        motion_embedding,
        ceiling(tokens, windows, music),
        settings.retrieve.bootstrap,
        settings.retrieve.seed,
    )
    write_json(Path("metrics/retrieve.json"), metrics)
    write_json(Path("metrics/retrieve_intervals.json"), intervals)


def items(tokens: Tokens, windows: Windows, music: Windows) -> Items:
    """What is ranked, with the tempo (of the tracked beats) and the genre of each song."""
    manifest = tables.read(CORPUS / "manifest.parquet", tables.MANIFEST)
    songs = np.unique(music.song)
    # The mean, not the median, of the intervals: a tracker's times are rounded to its frames.
    interval = {song: np.mean(tokens.audio["duration_s"][tokens.audio["song"] == song]) for song in songs}
    return Items(
        motion_clip=windows.clip,
        motion_song=windows.song,
        motion_start=windows.start,
        music_song=music.song,
        music_start=music.start,
        tempo={song: 60.0 / float(seconds) for song, seconds in interval.items()},
        genre=dict(zip(manifest["song"], manifest["genre"], strict=True)),
    )


def ceiling(tokens: Tokens, windows: Windows, music: Windows) -> np.ndarray | None:
    """Log-likelihood of each dance window under each music window, where the corpus has its truth."""
    if not TRUTH.is_dir():
        return None
    times = tokens.audio["time_s"]
    return event_log_likelihood(
        TRUTH,
        list(zip(windows.clip, times[windows.audio_row], strict=True)),
        list(zip(music.song, times[music.audio_row], strict=True)),
        windows.beats,
    )


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    run(main)
