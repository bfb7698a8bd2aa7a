"""Data sets + frozen encoders -> data/features/<encoder>/<data set>.safetensors, and frames for the beats in the cache.

A killed run goes on where it stopped: what a file says to an encoder is kept in the cache as soon as it is known.
"""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params, registry
from motionbeat.lab.encoders.feature_cache import compute, write_set
from motionbeat.lab.encoders.interface import check
from motionbeat.lab.tasks.recognition_sets import open_set

OUTPUT = Path("data/features")


def main() -> None:
    settings = params.load()
    check(settings.encoders.names, settings.encoders)
    sets = [open_set(name, settings.tasks) for name in registry.names("data set")]
    with whole_folder(OUTPUT) as folder:
        for encoder in settings.encoders.names:
            for labelled in sets:
                audio = [item.audio for item in labelled.items]
                found = compute(encoder, settings.encoders, audio, frames=labelled.name == "gtzan")
                path = folder / encoder / f"{labelled.name}.safetensors"
                write_set(path, encoder, [item.name for item in labelled.items], found)


if __name__ == "__main__":
    run(main)
