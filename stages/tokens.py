"""data/corpus + data/beats -> data/tokens: one row per beat."""

import sys
from pathlib import Path

from motionbeat.errors import MotionBeatError, run
from motionbeat.files import whole_folder, write_json
from motionbeat.lab import params
from motionbeat.lab.token_tables.build_tokens import build
from motionbeat.lab.token_tables.token_windows import Tokens


def main() -> None:
    settings = params.load().tokens
    with whole_folder(Path("data/tokens")) as folder:
        build(Path("data/corpus"), Path("data/beats/beats.parquet"), settings, folder)
        tokens = Tokens.load(folder, lattices=True, lists=())
        windows = {split: len(tokens.windows(split, settings.window_beats)) for split in ("train", "val", "test")}
        if not windows["train"]:
            raise MotionBeatError(
                f"no training clip has {settings.window_beats} beats: lower tokens.window_beats in params.yaml"
            )
    short = tokens.short_clips(settings.window_beats)
    on_lattices = len(tokens.lattices.windows("train", settings.window_beats)) if tokens.lattices else 0
    summary = {
        "beats_of_audio": len(tokens.audio["beat"]),
        "beats_of_motion": len(tokens.motion["beat"]),
        "clips_shorter_than_a_window": len(short),
        "windows": windows,
        "windows_on_lattices": on_lattices,
    }
    write_json(Path("metrics/tokens.json"), summary)
    for split, stage in (("val", "train"), ("test", "retrieve")):
        if not windows[split]:
            print(
                f"warning: no {split} clip has {settings.window_beats} beats, and stage {stage} will refuse: lower "
                "tokens.window_beats in params.yaml",
                file=sys.stderr,
            )
    if short:
        shown = ", ".join(short[:5]) + (" ..." if len(short) > 5 else "")
        print(f"skipped, shorter than a window of {settings.window_beats} beats: {len(short)} ({shown})")
    print(f"windows of {settings.window_beats} beats: " + ", ".join(f"{name} {n}" for name, n in windows.items()))
    if on_lattices:
        print(f"windows of {settings.window_beats} intervals on lattices: train {on_lattices}")


if __name__ == "__main__":
    run(main)
