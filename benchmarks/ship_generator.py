"""Train a dance generator on features of the shipped model and put it into the package: a card is written beside it.

`python -m benchmarks.ship_generator --songs songs.csv`, in a folder with params.yaml, data/corpus and data/beats of a
corpus (`dvc repro beats`); the size and length of the training are those of the section dance. After a kill the same
command resumes. The figures on the card are of the weights as they ship, in float16.
"""

import argparse
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import asdict, evolve

from benchmarks.ship_model import MOST_BYTES
from motionbeat import __version__
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import whole_folder
from motionbeat.lab import params
from motionbeat.lab.generator.dance_slices import read_dances
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.generator_rows import grids_of_songs, ground_truth, ruled, scores
from motionbeat.lab.generator.trained_generators import trained_generator
from motionbeat.lab.training.model_card import data, differences
from motionbeat.lab.training.ranks import Ranks
from motionbeat.model.device import best_device, make_deterministic
from motionbeat.weights import GENERATOR, SHIPPED

CORPUS, BEATS = Path("data/corpus"), Path("data/beats/beats.parquet")
ENCODER = "motionbeat"
WEIGHTS = "model.safetensors"
ROWS = {
    "ground_truth": "dances of the corpus",
    ENCODER: "this generator",
    "unplanted": "this generator, feet not planted",
    "shuffled": "this generator, other songs' music",
    "no_music": "this generator without music",
    "rules": "rule-based dancer",
}


def main() -> None:
    """Train, write the weights, score them and write their card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, help="songs.csv of `motionbeat songs`, for the licences of the music")
    parser.add_argument("--limits", default="", help="a sentence on what the generator was not tried on")
    parser.add_argument("--output", type=Path, default=GENERATOR, help="folder of the package's generator")
    options = parser.parse_args()
    settings = params.load()
    make_deterministic(settings.dance.seed)
    encoders = evolve(settings.encoders, motionbeat=str(SHIPPED))
    test = read_dances(CORPUS, "test", settings.dance.songs)
    grids = grids_of_songs(BEATS, test.song)
    beats = {song: grid.times for song, grid in grids.items()}
    real = ground_truth(test, beats, settings.dance.length_s)
    training = read_dances(CORPUS, "train")
    trained = trained_generator(ENCODER, encoders, settings.dance, CORPUS, training, test, Ranks())
    with whole_folder(options.output) as folder:
        trained.model.cpu().save(folder, half=True)
        shipped = evolve(trained, model=DanceGenerator.load(folder).to(best_device()))
        figures = scores({ENCODER: shipped}, real, ruled(CORPUS, grids, settings.dance), beats, settings.dance)
        content = (folder / WEIGHTS).read_bytes()
        if len(content) + (SHIPPED / WEIGHTS).stat().st_size > MOST_BYTES:
            raise MotionBeatError(f"{WEIGHTS} has {len(content):,} bytes: with the encoder at most {MOST_BYTES:,}")
        card = lines(settings, figures, hashlib.sha256(content).hexdigest(), options.songs, options.limits)
        (folder / "card.md").write_text("\n".join(card) + "\n", encoding="utf-8")
    trained.checkpoint.remove()
    print(f"{options.output}: {len(content):,} bytes")


def lines(
    settings: params.Params, figures: Mapping[str, float], digest: str, songs: Path | None, limits: str
) -> Iterator[str]:
    """The lines of the card; figures: those of `generator_rows.scores`; digest: SHA-256 of the weights."""
    yield f"# The dance generator of motionbeat {__version__}"
    yield ""
    yield f"{figures[f'{ENCODER}.parameters']:,.0f} weights, float16, trained with seed {settings.dance.seed} by"
    yield "`python -m benchmarks.ship_generator` on features of the model that comes with the package."
    yield f"SHA-256 of {WEIGHTS}: {digest}"
    yield ""
    yield "## Data"
    yield from data(settings, songs)
    yield ""
    yield "## Settings"
    yield "Those of the sections corpus, beats and dance of params.yaml, but for:"
    default = asdict(params.load(Path(__file__).parents[1] / "params.yaml"))
    for section, values in asdict(settings).items():
        if section in ("corpus", "beats", "dance"):
            yield from (f"- `{key}`: {value}" for key, value in differences(values, default[section], f"{section}."))
    yield ""
    yield "## Figures"
    yield "Songs not used in training, BAS and chance: by how many deviations it is above the same dances with"
    yield "music shifted in time (z) and with the beats of other songs (z of songs). The rule-based dancer knows"
    yield "the beats by which dances are scored; generators do not."
    yield ""
    yield "| row | dances | BAS landings, z, z of songs | FACT | Bailando | skating, m/s | PFC | Dist_k | Dist_g |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row, title in ROWS.items():
        if f"{row}.dances" in figures:
            of = {name.partition(".")[2]: value for name, value in figures.items() if name.startswith(f"{row}.")}
            cells = [f"{of['dances']:.0f}", *(_alignment(of, name) for name in ("landing", "fact", "bailando"))]
            cells += [f"{of[name]:.2f}" for name in ("skating", "pfc", "dist_k", "dist_g")]
            yield f"| {title} | {' | '.join(cells)} |"
    yield ""
    yield "## Limits"
    yield limits or "None stated."


def _alignment(row: Mapping[str, float], definition: str) -> str:
    name = f"bas_{definition}"
    shuffled = f", {row[f'{name}_shuffled_z']:+.1f}" if f"{name}_shuffled_z" in row else ""
    return f"{row[name]:.3f}, {row[f'{name}_chance_z']:+.1f}{shuffled}"


if __name__ == "__main__":
    run(main)
