"""The rows of the generators' table: real dances, generated ones, and trivial baselines (static pose, noise)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attrs import evolve
from numpy.typing import NDArray

from motionbeat.audio import decode, mel
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.corpora import beats_table
from motionbeat.lab.generator.dance_scores import Danced, Features, score
from motionbeat.lab.generator.dance_slices import Dances
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.motion_vector import FPS, FRAMES, WIDTH
from motionbeat.lab.generator.music_condition import Music
from motionbeat.lab.generator.planting import planted
from motionbeat.lab.generator.rule_dancer import dance_by_rules
from motionbeat.lab.generator.sampling import GeneratedDance, as_dance, dance_to
from motionbeat.lab.generator.trained_generators import TrainedGenerator
from motionbeat.lab.item_cache import ItemCache, Values, digest_of
from motionbeat.lab.params import Dance, NonNegative
from motionbeat.model.device import seed_of
from motionbeat.parallel import in_parallel
from motionbeat.progress import counted


def grids_of_songs(path: Path, songs: Iterable[str]) -> dict[str, Beats]:
    """The beats of each song, from the table that the beats stage wrote."""
    grids = beats_table.beats_grids(tables.read(path, tables.BEATS))
    return {song: grids[song] for song in sorted(set(songs))}


def scores(
    generators: Mapping[str, TrainedGenerator],
    real: Sequence[Danced],
    rules: Sequence[tuple[str, GeneratedDance]],
    beats: Mapping[str, NDArray[np.float64]],
    settings: Dance,
) -> dict[str, float]:
    """The figures of all rows, as row.measure: the generator of each encoder, real dances, and the baselines.

    rules: the result of `ruled`. The rows without music, with music of other songs, and with unplanted feet are of the
    first generator.
    """
    first, planted_feet = next(iter(generators.values())), settings.plant_feet
    without = sampled(first.model, first.music, settings, 0.0)
    shuffled = sampled(first.model, swapped(first.music), settings, settings.guidance)
    rows = {
        "ground_truth": list(real),
        "rules": danced(rules, beats, plant=False),
        "static": static(real),
        "noise": noise(first.model, real, settings.seed),
        "no_music": danced(without, beats, planted_feet),
        "shuffled": danced(shuffled, beats, planted_feet),
    }
    figures: dict[str, float] = {}
    for name, trained in generators.items():
        dances = sampled(trained.model, trained.music, settings, settings.guidance)
        rows[name] = danced(dances, beats, planted_feet)
        if trained is first and planted_feet:
            rows["unplanted"] = danced(dances, beats, plant=False)
        figures[f"{name}.loss"] = float(np.mean(trained.losses[-max(1, len(trained.losses) // 10) :]))
        figures[f"{name}.parameters"] = float(sum(weight.numel() for weight in trained.model.parameters()))
    reference = Features.of(real)
    calls = [(dances_of_row, reference, settings.bootstrap, settings.seed) for dances_of_row in rows.values()]
    for name, row in zip(rows, in_parallel(score, calls, "rows of the table"), strict=True):
        figures |= {f"{name}.{measure}": value for measure, value in row.items()}
    return figures


def ground_truth(dances: Dances, beats: Mapping[str, NDArray[np.float64]], length_s: float) -> list[Danced]:
    """The first `length_s` seconds of the dances with the beats of their songs; dances shorter than a slice are left
    out.

    beats: (N,) s in the song, by song. Raises `MotionBeatError` if all dances are shorter than a slice.
    """
    dances_to_score = []
    for song, offset, vectors in zip(dances.song, dances.offset_s, dances.vectors, strict=True):
        joints = as_dance(torch.as_tensor(vectors[: int(length_s * FPS)])).joints
        if len(joints) >= FRAMES:
            dances_to_score.append(Danced(song, joints, FPS, beats[song] - offset))
    if not dances_to_score:
        raise MotionBeatError(
            f"all dances are shorter than a slice of {FRAMES / FPS:g} s: use longer dances, or raise dance.length_s"
        )
    return dances_to_score


def ruled(corpus: Path, grids: Mapping[str, Beats], settings: Dance) -> list[tuple[str, GeneratedDance]]:
    """Dances by rules to the first seconds of each song, with the same number per song and the same seeds as `sampled`.

    corpus: the folder that the corpus stage wrote. grids: beats by song.
    """
    dances = []
    for place, (song, grid) in enumerate(counted(sorted(grids.items()), len(grids), "songs with dances by rules")):
        samples = decode.load(corpus / "audio" / f"{song}.flac", mel.SAMPLE_RATE)
        samples = samples[: round(settings.length_s * mel.SAMPLE_RATE)]
        within = grid.times < len(samples) / mel.SAMPLE_RATE
        beats = evolve(grid, times=grid.times[within], positions=grid.positions[within])
        for number in range(settings.dances_per_song):
            seed = seed_of(settings.seed, place, number)
            dances.append((song, dance_by_rules(samples, mel.SAMPLE_RATE, beats, seed)))
    return dances


def sampled(
    model: DanceGenerator, music: Mapping[str, Music], settings: Dance, guidance: float
) -> list[tuple[str, GeneratedDance]]:
    """Pairs (song, dance): several dances of the model to the first seconds of each song, each with its own seed.

    Feet are not planted. On a CPU dances are made in parallel, each in one thread, since such a small model does not
    become faster with two. Raises `MotionBeatError` for a song that is shorter than a slice.
    """
    chosen = evolve(settings, guidance=NonNegative(guidance), plant_feet=False)
    kept = ItemCache.of("dances", __name__)
    weights = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    device = model.offset.device.type
    of_model = [
        digest_of([weights, model.config]),
        device,
        *(settings.length_s, guidance, settings.sampling_steps, settings.sampling_noise),
    ]
    jobs = [(song, number) for song in sorted(music) for number in range(settings.dances_per_song)]
    calls = [
        # another seed for every dance, so that no two rows of the table have the same noise
        (kept, of_model, model, song, music[song], chosen, seed_of(settings.seed, place, number))
        for place, (song, number) in enumerate(jobs)
    ]
    what = f"dances, guidance {guidance:g}"
    made: Iterable[NDArray[np.float32]]
    if device == "cpu":
        made = in_parallel(_vectors, calls, what)
    else:
        made = (_vectors(*call) for call in counted(calls, len(calls), what))
    return [(song, as_dance(torch.tensor(vectors))) for (song, _), vectors in zip(jobs, made, strict=True)]


def _vectors(
    kept: ItemCache, of_model: list[Any], model: DanceGenerator, song: str, music: Music, settings: Dance, seed: int
) -> NDArray[np.float32]:
    def make() -> Values:
        return {"vectors": dance_to(model, music, settings, seed).vectors}

    try:
        return kept.get([*of_model, music, seed], make)["vectors"]
    except MotionBeatError as error:
        raise MotionBeatError(
            f"song {song}, dance.length_s = {settings.length_s:g}: {error}, or leave the song out"
        ) from None


def danced(
    dances: Sequence[tuple[str, GeneratedDance]], beats: Mapping[str, NDArray[np.float64]], plant: bool
) -> list[Danced]:
    """Sampled dances with the beats of their songs, for `score`; plant: with their feet planted."""
    return [
        Danced(
            song, as_dance(torch.as_tensor(planted(dance.vectors))).joints if plant else dance.joints, FPS, beats[song]
        )
        for song, dance in dances
    ]


def swapped(music: Mapping[str, Music]) -> dict[str, Music]:
    """Each song's name with the music of the next one in the order of names: a control experiment with the wrong music.

    Raises `MotionBeatError` if there is one song only.
    """
    songs = sorted(music)
    if len(songs) < 2:
        raise MotionBeatError("with one test song, music cannot be swapped: give a corpus with at least 2")
    return {song: music[other] for song, other in zip(songs, [*songs[1:], songs[0]], strict=True)}


def static(real: Sequence[Danced]) -> list[Danced]:
    """Real dances frozen in their first frame."""
    return [evolve(dance, joints=np.repeat(dance.joints[:1], len(dance.joints), axis=0)) for dance in real]


def noise(model: DanceGenerator, real: Sequence[Danced], seed: int) -> list[Danced]:
    """The noise from which generation starts, as dances of the same lengths as the real ones."""
    generator = torch.Generator().manual_seed(seed)
    offset, scale = model.offset.cpu(), model.scale.cpu()
    dances = []
    for dance in real:
        drawn = torch.randn((len(dance.joints), WIDTH), generator=generator)
        dances.append(evolve(dance, joints=as_dance(0.5 * (drawn + 1) * scale + offset).joints))
    return dances
