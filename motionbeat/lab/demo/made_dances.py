"""Song2Dance for the page: by rules, or by a trained generator, which also fills gaps."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from motionbeat.audio.decode import Sound
from motionbeat.lab.demo.job_queue import Say
from motionbeat.lab.demo.song_analysis import AnalysedSong
from motionbeat.lab.generator.rule_dancer import dance_by_rules
from motionbeat.lab.generator.sampling import GeneratedDance, Held, generate

if TYPE_CHECKING:
    from motionbeat.lab.encoders.frame_encoder import FrozenEncoder
    from motionbeat.lab.generator.generator_model import DanceGenerator
    from motionbeat.lab.params import Dance

Dancer = Callable[[AnalysedSong, int, Say], GeneratedDance]
_LARGEST_SEED = 2**31


def by_rules(song: AnalysedSong, seed: int, say: Say) -> GeneratedDance:
    """A dance of the synthetic corpus's dancers to the accents of a song; another seed is another one."""
    say("dancing")
    return dance_by_rules(song.sound, None, song.beats, seed % _LARGEST_SEED)


@frozen(eq=False)
class LearnedDancer:
    """A trained generator, the encoder of its music, and how it is sampled. A `Dancer`."""

    generator: "DanceGenerator"
    encoder: "FrozenEncoder"
    settings: "Dance"

    @classmethod
    def open(cls, folder: Path, encoder_model: str | None) -> "LearnedDancer":
        """Arguments and errors as those of `motionbeat dance`."""
        from motionbeat.lab import params
        from motionbeat.lab.generator import dance_song
        from motionbeat.lab.generator.generator_model import DanceGenerator
        from motionbeat.lab.params.shipped import shipped
        from motionbeat.model.device import best_device

        encoder = dance_song.listener(DanceGenerator.load(folder).config.encoder, encoder_model)
        generator = DanceGenerator.load(folder, encoder.name, encoder.identity).to(best_device())
        return cls(generator, encoder, params.load(shipped("params.yaml")).dance)

    def __call__(self, song: AnalysedSong, seed: int, say: Say) -> GeneratedDance:
        say("dancing, which takes a while")
        return self.part(song.sound, seed)

    def part(
        self, sound: Sound, seed: int, begin_s: float = 0.0, length_s: float | None = None, held: Held | None = None
    ) -> GeneratedDance:
        """A dance to a part of a song, whose `held` frames are given. Errors as those of `generate`."""
        from motionbeat.lab.generator import dance_song

        return generate(
            self.generator,
            dance_song.condition(self.encoder, dance_song.Part.of(sound, begin_s, length_s)),
            seed=seed % _LARGEST_SEED,
            guidance=self.settings.guidance,
            steps=self.settings.sampling_steps,
            held=held,
        )


@cache
def shipped_dancer() -> LearnedDancer:
    """The generator that comes with the package."""
    from motionbeat.weights import GENERATOR, SHIPPED

    return LearnedDancer.open(GENERATOR, str(SHIPPED))
