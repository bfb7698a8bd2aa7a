"""The sets of dances that a generator's table has a row for: real ones, its own, and those any fool can make."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from attrs import evolve
from numpy.typing import NDArray

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.dance_scores import Danced
from motionbeat.lab.generator.dance_slices import Dances
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.motion_vector import FPS, FRAMES, WIDTH
from motionbeat.lab.generator.music_condition import Music
from motionbeat.lab.generator.planting import planted
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance, generate
from motionbeat.lab.params import Dance
from motionbeat.progress import counted


def ground_truth(dances: Dances, beats: Mapping[str, NDArray[np.float64]], length_s: float) -> list[Danced]:
    """The dances' first `length_s` seconds with their songs' beats, those shorter than a slice left out.

    beats: (N,) s in the song, by song. Raises `MotionBeatError` where no dance lasts a slice.
    """
    found = []
    for song, offset, vectors in zip(dances.song, dances.offset_s, dances.vectors, strict=True):
        joints = as_dance(torch.as_tensor(vectors[: int(length_s * FPS)])).joints
        if len(joints) >= FRAMES:
            found.append(Danced(song, joints, FPS, beats[song] - offset))
    if not found:
        raise MotionBeatError(
            f"no dance lasts a slice of {FRAMES / FPS:g} s: give longer ones, or raise dance.length_s"
        )
    return found


def sampled(
    model: DanceGenerator, music: Mapping[str, Music], settings: Dance, guidance: float
) -> list[tuple[str, GeneratedDance]]:
    """The model's dances to the first seconds of each song, several a song, each from a seed of its own, with songs.

    Their feet are as the model made them. Raises `MotionBeatError` for a song that is shorter than a slice.
    """
    dances = []
    jobs = [(song, number) for song in sorted(music) for number in range(settings.dances_per_song)]
    for place, (song, number) in enumerate(counted(jobs, len(jobs), f"dances, guidance {guidance:g}")):
        lasts = float(music[song].times[-1])
        condition = music[song].condition(min(settings.length_s, lasts))
        if len(condition) < FRAMES:
            raise MotionBeatError(
                f"song {song}: {lasts:.2f} s of music or dance.length_s = {settings.length_s:g} are shorter than a "
                f"slice of {FRAMES / FPS:g} s: leave the song out, or raise dance.length_s"
            )
        # a seed of its own for every dance, so that no two rows of the table share noise by chance
        seed = int(np.random.SeedSequence([settings.seed, place, number]).generate_state(1)[0])
        dance = generate(
            model,
            condition,
            seed=seed,
            guidance=guidance,
            steps=settings.sampling_steps,
            eta=settings.sampling_noise,
            plant=False,
        )
        dances.append((song, dance))
    return dances


def danced(
    dances: Sequence[tuple[str, GeneratedDance]], beats: Mapping[str, NDArray[np.float64]], plant: bool
) -> list[Danced]:
    """Sampled dances with the beats of their songs, ready to be scored; plant: with their feet planted."""
    return [
        Danced(
            song, as_dance(torch.as_tensor(planted(dance.vectors))).joints if plant else dance.joints, FPS, beats[song]
        )
        for song, dance in dances
    ]


def swapped(music: Mapping[str, Music]) -> dict[str, Music]:
    """Each song's name with the music of the next one, in the order of names: to dance to what is not played.

    Raises `MotionBeatError` where there is one song only.
    """
    songs = sorted(music)
    if len(songs) < 2:
        raise MotionBeatError("one test song has no other to be swapped with: give a corpus with at least 2")
    return {song: music[other] for song, other in zip(songs, [*songs[1:], songs[0]], strict=True)}


def static(real: Sequence[Danced]) -> list[Danced]:
    """Real dances frozen in their first frame."""
    return [evolve(dance, joints=np.repeat(dance.joints[:1], len(dance.joints), axis=0)) for dance in real]


def noise(model: DanceGenerator, real: Sequence[Danced], seed: int) -> list[Danced]:
    """The noise that generation begins with, taken for a dance: as long as each real one."""
    generator = torch.Generator().manual_seed(seed)
    offset, scale = model.offset.cpu(), model.scale.cpu()
    dances = []
    for dance in real:
        drawn = torch.randn((len(dance.joints), WIDTH), generator=generator)
        dances.append(evolve(dance, joints=as_dance(0.5 * (drawn + 1) * scale + offset).joints))
    return dances
