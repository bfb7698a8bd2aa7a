"""How well dances by rules and by a generator keep the beat of real recordings: python -m benchmarks.dancers SONG...

Each SONG has its true beats in NAME.beats next to it (lines of `time` or `time position`), or in GTZAN's layout in
beats/gtzan_GENRE_NUMBER.beats above it. Both dancers dance to the first --seconds, as in `motionbeat dance`: the
rule-based one to the beats of --tracker, the generator to the music alone. Both are scored by the true beats: BAS by
three definitions with chance levels (z: deviations above the same dances with music shifted in time; z of songs: with
the beats of other songs), skating and PFC.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.arguments import count
from motionbeat.audio import decode
from motionbeat.beats.beats_text import read_beats
from motionbeat.dance.alignment import DEFINITIONS
from motionbeat.errors import MotionBeatError, run
from motionbeat.files import write_json
from motionbeat.lab import params
from motionbeat.lab.generator.dance_scores import Danced, Features, score
from motionbeat.lab.generator.dance_song import Part, beats_of, condition, listener
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.generator.rule_dancer import dance_by_rules
from motionbeat.lab.generator.sampling import GeneratedDance, generate
from motionbeat.lab.params.shipped import shipped
from motionbeat.model.device import best_device, make_deterministic, seed_of
from motionbeat.progress import counted
from motionbeat.weights import SHIPPED


def main(given: Sequence[str] | None = None) -> None:
    """Dance, score and print."""
    options = _arguments(given)
    make_deterministic(0)
    settings = params.load(shipped("params.yaml")).dance
    if model := options.model:
        encoder = listener("motionbeat", str(options.encoder_model))
        generator = DanceGenerator.load(model, encoder.name, encoder.identity).to(best_device())
    rows: dict[str, list[Danced]] = {"rules": [], **({"learned": [], "no_music": []} if model else {})}
    for place, path in enumerate(counted(options.songs, len(options.songs), "songs danced to")):
        whole = decode.decode(path)
        part = Part.of(whole, 0.0, min(options.seconds, len(whole.samples) / whole.rate))
        beats, truth = beats_of(part, options.tracker), true_beats(path)
        music = condition(encoder, part) if model else np.empty((0, 0), np.float32)
        for number in range(options.dances):
            seed = seed_of(0, place, number)
            made = {"rules": dance_by_rules(part.music(), None, beats, seed)}
            for name, guidance in (("learned", float(settings.guidance)), ("no_music", 0.0)) if model else ():
                made[name] = generate(generator, music, seed=seed, guidance=guidance, steps=settings.sampling_steps)
            for name, dance in made.items():
                rows[name].append(_danced(path, dance, truth))
    reference = Features.of([dance for dances in rows.values() for dance in dances])
    found = {name: score(dances, reference, settings.bootstrap) for name, dances in rows.items()}
    for name, row in found.items():
        parts = [f"{name:9} {row['dances']:.0f} dances, skating {row['skating']:.2f} m/s, PFC {row['pfc']:.2f}"]
        for definition in DEFINITIONS:
            bas = f"bas_{definition}"
            against = f"z {row[f'{bas}_chance_z']:+.1f}"
            if f"{bas}_shuffled_z" in row:
                against += f", of songs {row[f'{bas}_shuffled_z']:+.1f}"
            parts.append(f"{definition} {row[bas]:.3f} (chance {row[f'{bas}_chance']:.3f}, {against})")
        print("; ".join(parts))
    if options.output:
        write_json(options.output, found)


def true_beats(path: Path) -> NDArray[np.float64]:
    """(N,) s of a recording's annotated beats. Raises `MotionBeatError` if there are none."""
    beside = path.with_suffix(".beats")
    above = path.parents[2] / "beats" / f"gtzan_{path.stem.replace('.', '_')}.beats" if len(path.parents) > 2 else None
    for file in (beside, above):
        if file is not None and file.is_file():
            return read_beats(file).times
    raise MotionBeatError(f"{path}: its beats are neither in {beside} nor in {above}: write them there")


def _danced(path: Path, dance: GeneratedDance, beats: NDArray[np.float64]) -> Danced:
    return Danced(str(path), dance.joints, dance.fps, beats)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="+", metavar="SONG", help="recordings with known beats")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each, at most (default %(default)s)")
    parser.add_argument("--dances", type=count, default=3, help="to each, of each dancer (default %(default)s)")
    parser.add_argument("--tracker", default="librosa", help="madmom or librosa (default %(default)s)")
    parser.add_argument("--model", type=Path, help="folder of a generator (default: rules alone)")
    parser.add_argument("--encoder-model", type=Path, default=SHIPPED, help="its encoder; the shipped one")
    parser.add_argument("--output", type=Path, help="write all figures as JSON as well")
    return parser.parse_args(given)


if __name__ == "__main__":
    run(main)
