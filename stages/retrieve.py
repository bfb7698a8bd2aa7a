"""models/motionbeat + data/tokens -> metrics/retrieve.json: three protocols, both directions, every row."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab import params, tables
from motionbeat.lab.encoders import feature_cache
from motionbeat.lab.encoders.interface import check
from motionbeat.lab.synthetic.likelihood import event_log_likelihood
from motionbeat.lab.tasks.projected_baselines import Frames, Heads
from motionbeat.lab.tasks.slice_protocol import Slices, cut, evaluate_slices, slice_ceiling, slice_pairs
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.tasks.window_protocol import Items, evaluate
from motionbeat.lab.token_tables.token_windows import Tokens, Windows
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

CORPUS = Path("data/corpus")
TRUTH = CORPUS / "source"
MODEL = Path("models/motionbeat")
OWN = "motionbeat"
OF_THE_MODEL = (OWN, "mel", "random")
"""Encoders that are the model, or take their configuration and statistics from it."""


def main() -> None:
    settings = params.load()
    wanted = settings.retrieve
    check_model(settings.encoders)
    make_deterministic(wanted.seed)
    torch.set_num_threads(1)  # heads are so small that a second thread only waits, on a busy machine for minutes
    tokens, manifest = Tokens.load(Path("data/tokens")), tables.read(CORPUS / "manifest.parquet", tables.MANIFEST)
    windows = tokens.windows("test", tokens.layout.window_beats, every="bar")
    if not len(windows):
        raise MotionBeatError(
            f"no test clip has {tokens.layout.window_beats} beats: lower tokens.window_beats in params.yaml"
        )
    model = DualEncoder.load(MODEL)
    _, first = np.unique(windows.audio_row, return_index=True)
    music = windows.take(first)
    slices = cut(tokens, "test", placed(manifest), wanted.slice_s, wanted.slice_stride_s)
    slice_music, own = slices.music()

    spans = {"win": Spans.of(music), "slice": slice_music.spans}
    rows, heads = projected(model, tokens, spans, manifest, settings)
    heard = {"model": {name: embed_music(model, tokens, part)[0] for name, part in spans.items()}} | rows
    what = items(tokens, windows, music, manifest)
    metrics, intervals = evaluate(
        what,
        heard["model"]["win"],
        embed_motion(model, tokens, Spans.of(windows)),
        likelihood(tokens, windows.clip, windows.audio_row, music.song, music.audio_row, windows.beats),
        wanted.bootstrap,
        wanted.seed,
        {row: embedded["win"] for row, embedded in rows.items()},
    )
    metrics["slice"], intervals["slice"] = evaluate_slices(
        slice_pairs(slices, slice_music, own, what.tempo),
        what.tempo,
        what.genre,
        {row: embedded["slice"] for row, embedded in heard.items()},
        embed_motion(model, tokens, slices.spans),
        best_slices(tokens, slices, slice_music),
        wanted.bootstrap,
        wanted.seed,
    )
    write_json(Path("metrics/retrieve.json"), metrics)
    write_json(Path("metrics/retrieve_intervals.json"), intervals | {"heads": heads})


def check_model(encoders: params.Encoders) -> None:
    """Raise `MotionBeatError` where the rows of our own encoders would be of another model than the one ranked here."""
    named = [name for name in encoders.names if name in OF_THE_MODEL]
    if named and Path(encoders.motionbeat).resolve() != MODEL.resolve():
        raise MotionBeatError(
            f"encoders.motionbeat = {encoders.motionbeat}, but retrieval ranks with {MODEL}, and its rows of "
            f"{', '.join(named)} would be of two models: set encoders.motionbeat to {MODEL} (a model from elsewhere "
            f"can be copied there), or leave {', '.join(named)} out of encoders.names"
        )


def placed(manifest: dict[str, NDArray[Any]]) -> dict[str, tuple[float, float]]:
    """Where each clip begins in its song and how long it is, in seconds."""
    places = zip(manifest["offset_s"].tolist(), manifest["duration_s"].tolist(), strict=True)
    return dict(zip(manifest["clip"], places, strict=True))


def projected(
    model: DualEncoder,
    tokens: Tokens,
    spans: dict[str, Spans],
    manifest: dict[str, NDArray[Any]],
    settings: params.Params,
) -> tuple[dict[str, dict[str, NDArray[np.float32]]], dict[str, Any]]:
    """{row: {protocol: music embeddings}} of every encoder through its head, and how each head was trained."""
    loss, encoders = settings.loss, settings.encoders
    check([name for name in encoders.names if name != OWN], encoders)
    heads = Heads(model, tokens, spans, settings.retrieve, loss.temperature, loss.symmetric)
    audio = {song: CORPUS / path for song, path in sorted(zip(manifest["song"], manifest["audio"], strict=True))}
    rows, trained = {}, {}
    for name in encoders.names:
        row = f"{name}_projected"
        if name == OWN:
            rows[row], trained[row] = heads.of_states()
        else:
            found = feature_cache.compute(name, encoders, list(audio.values()), frames=True)
            rows[row], trained[row] = heads.of_frames(frames_of(dict(zip(audio, found, strict=True))))
    return rows, trained


def frames_of(songs: dict[str, feature_cache.Features]) -> Frames:
    return lambda song: songs[song].frames()


def items(tokens: Tokens, windows: Windows, music: Windows, manifest: dict[str, NDArray[Any]]) -> Items:
    """What is ranked, with the tempo (of the tracked beats) and the genre of each song."""
    songs = np.unique(tokens.windows("test", 1).song)
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


def best_slices(tokens: Tokens, motion: Slices, music: Slices) -> NDArray[np.float64] | None:
    """The ceiling of SLICE, where the corpus has its truth."""
    if not TRUTH.is_dir():
        return None

    def of_equal_length(seen: Slices, heard: Slices, beats: int) -> NDArray[np.float64]:
        found = likelihood(tokens, seen.clip, seen.spans.audio_row, heard.song, heard.spans.audio_row, beats)
        assert found is not None
        return found

    return slice_ceiling(motion, music, of_equal_length)


def likelihood(
    tokens: Tokens, clip: NDArray[Any], clip_row: NDArray[Any], song: NDArray[Any], song_row: NDArray[Any], beats: int
) -> NDArray[np.float64] | None:
    """Log-likelihood of each stretch of dance under each stretch of music, where the corpus has its truth."""
    if not TRUTH.is_dir():
        return None
    times = tokens.audio["time_s"]
    return event_log_likelihood(
        TRUTH,
        list(zip(clip, times[clip_row], strict=True)),
        list(zip(song, times[song_row], strict=True)),
        beats,
    )


if __name__ == "__main__":
    run(main)
