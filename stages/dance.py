"""data/corpus + data/beats + encoders -> models/dance, metrics/dance.json: one generator an encoder, and its scores.

A killed run is gone on with by the same command. Several GPUs: torchrun --nproc-per-node 4 -m stages dance.
"""

from pathlib import Path

import numpy as np
import torch
from attrs import frozen

from motionbeat.errors import run
from motionbeat.files import cache_folder, whole_folder
from motionbeat.lab import params, tables
from motionbeat.lab.encoders.feature_cache import FRAME_S, compute
from motionbeat.lab.encoders.interface import open_encoder
from motionbeat.lab.generator import generator_rows
from motionbeat.lab.generator.dance_gallery import write_gallery
from motionbeat.lab.generator.dance_scores import Danced, Features, as_scores, headline, score
from motionbeat.lab.generator.dance_slices import Dances, Slices, read_dances
from motionbeat.lab.generator.generator_checkpoint import Checkpoint, key
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.generator_training import new_generator, train
from motionbeat.lab.generator.motion_vector import FPS
from motionbeat.lab.generator.music_condition import Music, checked
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance, generate
from motionbeat.lab.params import Params
from motionbeat.lab.tasks import score_table
from motionbeat.lab.training.ranks import Ranks
from motionbeat.model.device import best_device, make_deterministic

CORPUS, BEATS, MODELS = Path("data/corpus"), Path("data/beats/beats.parquet"), Path("models/dance")
SHOWN = 2
"""Songs that the gallery has a dance to, of each generator."""


@frozen(eq=False)
class Trained:
    """A trained generator, the music of the test songs as it hears it, the loss of each step, and its checkpoint."""

    model: DanceGenerator
    music: dict[str, Music]
    losses: list[float]
    checkpoint: Checkpoint


def main() -> None:
    settings = params.load()
    make_deterministic(settings.dance.seed)
    ranks = Ranks.join()
    test = read_dances(CORPUS, "test")
    beats = tables.read(BEATS, tables.BEATS)
    by_song = {song: beats["time_s"][beats["song"] == song] for song in sorted(set(test.song))}
    real = generator_rows.ground_truth(test, by_song, settings.dance.length_s)
    training = read_dances(CORPUS, "train")
    generators: dict[str, Trained] = {
        name: trained(name, settings, training, test, ranks) for name in settings.dance.encoders
    }
    if ranks.first:
        scores = as_scores(figures(generators, real, by_song, settings))
        score_table.write(Path("metrics"), "dance", scores, headline(scores))
        with whole_folder(MODELS) as folder:
            for name, one in generators.items():
                write_gallery(folder / "gallery", name, shown(one, settings))
                one.model.cpu().save(folder / name)
            write_gallery(folder / "gallery", "ground_truth", *danced(test, settings))
        for one in generators.values():
            one.checkpoint.remove()
    ranks.leave()


def trained(name: str, settings: Params, training: Dances, test: Dances, ranks: Ranks) -> Trained:
    """A generator that hears the encoder `name`."""
    identity = open_encoder(name, settings.encoders).identity
    songs = sorted({*training.song, *test.song})
    heard = compute(name, settings.encoders, [CORPUS / "audio" / f"{song}.flac" for song in songs], frames=True)
    music = {}
    for song, features in zip(songs, heard, strict=True):
        frames = features.frames()
        music[song] = checked(song, frames, np.arange(len(frames)) * FRAME_S)
    slices = Slices(training, music, device := best_device())
    model = new_generator(settings.dance, name, identity, slices)
    name_of_run = key(settings.dance, identity, slices, device, ranks.count)
    ranks.check_same(
        name_of_run[:12],
        "params, data or code, of which these are digests",
        "Start all from the same commit, params.yaml and data",
    )
    checkpoint = Checkpoint(cache_folder() / "dance" / f"{name_of_run}.safetensors")
    losses = train(model, slices, settings.dance, checkpoint, ranks)
    return Trained(model, {song: music[song] for song in sorted(set(test.song))}, losses, checkpoint)


def shown(one: Trained, settings: Params) -> dict[str, GeneratedDance]:
    """A generator's dances to the first test songs, for the gallery."""
    found = {}
    for song in sorted(one.music)[:SHOWN]:
        condition = one.music[song].condition(min(settings.dance.length_s, float(one.music[song].times[-1])))
        found[song] = generate(
            one.model,
            condition,
            seed=settings.dance.seed,
            guidance=settings.dance.guidance,
            steps=settings.dance.sampling_steps,
            eta=settings.dance.sampling_noise,
            plant=settings.dance.plant_feet,
        )
    return found


def danced(test: Dances, settings: Params) -> tuple[dict[str, GeneratedDance], dict[str, float]]:
    """A real dance to each of the same songs, and s into the song at which it begins."""
    first = {song: test.song.index(song) for song in sorted(set(test.song))[:SHOWN]}
    frames = int(settings.dance.length_s * FPS)
    dances = {song: as_dance(torch.as_tensor(test.vectors[row][:frames])) for song, row in first.items()}
    return dances, {song: test.offset_s[row] for song, row in first.items()}


def figures(
    generators: dict[str, Trained], real: list[Danced], beats: dict[str, np.ndarray], settings: Params
) -> dict[str, float]:
    """Every row's figures, as row.measure: each encoder's generator, and what it is to be read beside."""
    first, dance = next(iter(generators.values())), settings.dance

    def made(one: Trained, music: dict[str, Music], guidance: float) -> list[tuple[str, GeneratedDance]]:
        return generator_rows.sampled(one.model, music, dance, guidance)

    def ready(dances: list[tuple[str, GeneratedDance]], plant: bool = dance.plant_feet) -> list[Danced]:
        return generator_rows.danced(dances, beats, plant)

    sets = {
        "ground_truth": real,
        "static": generator_rows.static(real),
        "noise": generator_rows.noise(first.model, real, dance.seed),
        "no_music": ready(made(first, first.music, 0.0)),
        "shuffled": ready(made(first, generator_rows.swapped(first.music), dance.guidance)),
    }
    found: dict[str, float] = {}
    for name, one in generators.items():
        dances = made(one, one.music, dance.guidance)
        sets[name] = ready(dances)
        if one is first and dance.plant_feet:
            sets["unplanted"] = ready(dances, plant=False)
        found[f"{name}.loss"] = float(np.mean(one.losses[-max(1, len(one.losses) // 10) :]))
        found[f"{name}.parameters"] = float(sum(weight.numel() for weight in one.model.parameters()))
    reference = Features.of(real)
    for name, scored in sets.items():
        row = score(scored, reference, settings.dance.bootstrap, settings.dance.seed)
        found |= {f"{name}.{measure}": value for measure, value in row.items()}
    return found


if __name__ == "__main__":
    run(main)
