"""Song2Dance for the page: by rules, or by a trained generator where one is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionbeat.lab.demo.job_queue import Say
from motionbeat.lab.demo.shown_library import drawn
from motionbeat.lab.demo.song_analysis import AnalysedSong
from motionbeat.lab.generator.rule_dancer import dance_by_rules

Dancer = Callable[[AnalysedSong, int, Say], dict[str, Any]]
_LARGEST_SEED = 2**31


def by_rules(song: AnalysedSong, seed: int, say: Say) -> dict[str, Any]:
    """A dance of the synthetic corpus's dancers to the accents of a song; another seed is another one."""
    say("dancing")
    made = dance_by_rules(song.sound, None, song.beats, seed % _LARGEST_SEED)
    return {"dance": drawn(made.joints, made.fps)}


def by_generator(folder: Path, encoder_model: str | None) -> Dancer:
    """A dancer that is a trained generator. Arguments and errors as those of `motionbeat dance`."""
    from motionbeat.lab import params
    from motionbeat.lab.generator import dance_song
    from motionbeat.lab.generator.generator_model import DanceGenerator
    from motionbeat.lab.generator.sampling import generate
    from motionbeat.lab.params.shipped import shipped

    settings = params.load(shipped("params.yaml")).dance
    encoder = dance_song.listener(DanceGenerator.load(folder).config.encoder, encoder_model)
    generator = DanceGenerator.load(folder, encoder.name, encoder.identity)

    def dance(song: AnalysedSong, seed: int, say: Say) -> dict[str, Any]:
        say("dancing, which takes a while")
        condition = dance_song.condition(encoder, dance_song.Part.of(song.sound))
        made = generate(
            generator,
            condition,
            seed=seed % _LARGEST_SEED,
            guidance=settings.guidance,
            steps=settings.sampling_steps,
        )
        return {"dance": drawn(made.joints, made.fps)}

    return dance
