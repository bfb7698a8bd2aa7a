"""data/corpus + data/beats + encoders -> models/dance, metrics/dance.json: one generator an encoder, and its scores.

After a kill the same command resumes the training. Several GPUs: torchrun --nproc-per-node 4 -m stages dance.
"""

from pathlib import Path

from motionbeat.errors import run
from motionbeat.files import whole_folder
from motionbeat.lab import params
from motionbeat.lab.generator.dance_scores import HEADLINE, as_scores
from motionbeat.lab.generator.dance_slices import read_dances
from motionbeat.lab.generator.generator_rows import grids_of_songs, ground_truth, ruled, scores
from motionbeat.lab.generator.trained_generators import TrainedGenerator, trained_generator, write_generators
from motionbeat.lab.tasks import score_table
from motionbeat.lab.training.ranks import Ranks
from motionbeat.model.device import make_deterministic

CORPUS, BEATS, MODELS = Path("data/corpus"), Path("data/beats/beats.parquet"), Path("models/dance")


def main() -> None:
    settings = params.load()
    dance, encoders = settings.dance, settings.encoders
    make_deterministic(dance.seed)
    ranks = Ranks.init()
    test = read_dances(CORPUS, "test", dance.songs)
    grids = grids_of_songs(BEATS, test.song)
    beats = {song: grid.times for song, grid in grids.items()}
    real = ground_truth(test, beats, dance.length_s)
    training = read_dances(CORPUS, "train")
    generators: dict[str, TrainedGenerator] = {
        name: trained_generator(name, encoders, dance, CORPUS, training, test, ranks) for name in dance.encoders
    }
    if ranks.is_main:
        rules = ruled(CORPUS, grids, dance)
        rows = as_scores(scores(generators, real, rules, beats, dance))
        score_table.write(Path("metrics"), "dance", rows, HEADLINE)
        with whole_folder(MODELS) as folder:
            write_generators(folder, generators, rules, test, dance)
        for trained in generators.values():
            trained.checkpoint.remove()
    ranks.leave()


if __name__ == "__main__":
    run(main)
