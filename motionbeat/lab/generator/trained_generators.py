"""Train one generator for the music of each encoder, and write them with a gallery of their dances."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from attrs import frozen

from motionbeat.lab.encoders.feature_cache import FRAME_S, compute
from motionbeat.lab.encoders.interface import open_encoder
from motionbeat.lab.generator.dance_gallery import write_gallery
from motionbeat.lab.generator.dance_slices import Dances, DanceSlices
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.generator_training import generator_key, new_generator, train
from motionbeat.lab.generator.motion_vector import FPS
from motionbeat.lab.generator.music_condition import Music, checked
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance, dance_to
from motionbeat.lab.params import Dance, Encoders
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.model.device import best_device

SHOWN = 2
"""Number of songs in the gallery, each with a dance of every generator."""


@frozen(eq=False)
class TrainedGenerator:
    """A trained generator, the music of the test songs by name, the loss of each step, and the checkpoint."""

    model: DanceGenerator
    music: dict[str, Music]
    losses: list[float]
    checkpoint: Checkpoint


def trained_generator(
    name: str, encoders: Encoders, settings: Dance, corpus: Path, training: Dances, test: Dances, ranks: Ranks
) -> TrainedGenerator:
    """Train a generator with music of the encoder `name`, or resume its training.

    corpus: the folder with the songs of the training and the test dances.
    """
    identity = open_encoder(name, encoders).identity
    songs = sorted({*training.song, *test.song})
    features = compute(name, encoders, [corpus / "audio" / f"{song}.flac" for song in songs], frames=True)
    music = {}
    for song, each in zip(songs, features, strict=True):
        frames = each.frames()
        music[song] = checked(song, frames, np.arange(len(frames)) * FRAME_S)
    slices = DanceSlices(training, music, device := best_device())
    model = new_generator(settings, name, identity, slices)
    key = generator_key(settings, identity, slices, device, ranks.count)
    checkpoint = Checkpoint.of_run("dance", key, ranks)
    losses = train(model, slices, settings, checkpoint, ranks)
    return TrainedGenerator(model, {song: music[song] for song in sorted(set(test.song))}, losses, checkpoint)


def write_generators(
    folder: Path,
    generators: Mapping[str, TrainedGenerator],
    rules: Sequence[tuple[str, GeneratedDance]],
    test: Dances,
    settings: Dance,
) -> None:
    """Write each generator as folder/NAME, and dances to the first test songs as folder/gallery.

    rules: songs and dances by rules; the gallery has the first one to each song, like for real dances.
    """
    for name, trained in generators.items():
        shown = sorted(trained.music.items())[:SHOWN]
        dances = {song: dance_to(trained.model, music, settings, settings.seed) for song, music in shown}
        write_gallery(folder / "gallery", name, dances)
        trained.model.cpu().save(folder / name)
    first = {song: test.song.index(song) for song in sorted(set(test.song))[:SHOWN]}
    frames = int(settings.length_s * FPS)
    real = {song: as_dance(torch.as_tensor(test.vectors[row][:frames])) for song, row in first.items()}
    write_gallery(folder / "gallery", "rules", {song: dance for song, dance in reversed(rules) if song in first})
    write_gallery(folder / "gallery", "ground_truth", real, {song: test.offset_s[row] for song, row in first.items()})
