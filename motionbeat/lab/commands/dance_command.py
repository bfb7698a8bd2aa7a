"""`motionbeat dance`: a song to a dance."""

import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.errors import MotionBeatError
from motionbeat.lab.commands.render_command import Tracker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from motionbeat.lab.generator.sampling import GeneratedDance

    Grid = tuple[NDArray[np.float64], NDArray[np.integer]]

_LARGEST_SEED = 2**31 - 1


class Form(StrEnum):
    """What a dance is written as."""

    mp4 = "mp4"
    npz = "npz"
    pkl = "pkl"
    bvh = "bvh"


def dance(
    song: Annotated[Path, typer.Argument(help="Audio file: wav, flac, ogg, mp3 or au.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file.", show_default="SONG.mp4 in this folder")
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help="mp4: stick figure with the music. npz: arrays. pkl: AIST++. bvh: Blender and others, in metres.",
            show_default="the output's ending",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=_LARGEST_SEED, help="Another seed is another dance.")] = 0,
    start: Annotated[float, typer.Option(help="Begin so many seconds into the song.")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="Dance so many seconds, at least 5.", show_default="to the song's end")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="Weight of the music: 0 ignores it, 1 is as trained, more exaggerates.",
            show_default="dance.guidance of params.yaml",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Of the sampler: fewer are faster and rougher.",
            show_default="dance.sampling_steps of params.yaml",
        ),
    ] = None,
    plant: Annotated[
        bool,
        typer.Option(
            "--plant/--no-plant", help="Make feet stand still where the dance says that they stand; else they slide."
        ),
    ] = True,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Go on from this dance (.npz, .pkl): begin with its last --hold seconds.", show_default=False
        ),
    ] = None,
    end_with: Annotated[
        Path | None,
        typer.Option(help="Lead into this dance (.npz, .pkl): end with its first --hold seconds.", show_default=False),
    ] = None,
    hold: Annotated[float, typer.Option(help="Seconds that --start-from and --end-with hold fixed.")] = 1.0,
    model: Annotated[Path, typer.Option(help="Folder of a dance generator, as the dance stage writes it.")] = Path(
        "models/dance/motionbeat"
    ),
    encoder_model: Annotated[
        str | None,
        typer.Option(
            help="Model that hears the song: the one that the generator was trained with.",
            show_default="models/motionbeat",
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Width and height of the video, pixels, even.")] = 720,
    tracker: Annotated[
        Tracker, typer.Option(help="Who finds the beats, which flash in the video; none for no beats.")
    ] = Tracker.madmom,
) -> None:
    """Dance to a song: a video, or a file for other programs.

    The same song, seed and options give the same dance. It also prints how fast the feet slide (skating), whether the
    body speeds up while both feet move (PFC, lower is better), and how well the dance keeps the beat (BAS: moments of
    least speed by two definitions, and landings of the feet) beside what chance gives: below about z = 2 it does not.

    Examples: motionbeat dance song.wav -o dance.mp4 --seed 3 --seconds 20, or for Blender: -o dance.bvh; to go from
    one dance to another: --start-from one.npz --end-with other.npz.
    """
    path, kind = _target(song, output, form)
    if kind is Form.mp4 and find_spec("av") is None:
        raise MotionBeatError(
            "videos are written by PyAV, which is not installed: pip install 'motionbeat[pipeline,video]', or give "
            "another --format"
        )
    from motionbeat.audio import decode
    from motionbeat.lab.generator import dance_files, dance_song
    from motionbeat.lab.generator.generator_model import DanceGenerator
    from motionbeat.lab.generator.motion_vector import FPS
    from motionbeat.lab.generator.sampling import generate
    from motionbeat.lab.render.drawn_clip import SAMPLE_RATE
    from motionbeat.model.device import best_device, make_deterministic

    if not (model / "config.json").is_file():
        raise MotionBeatError(
            f"{model / 'config.json'} is missing: name the folder of a dance generator by --model, or train one by "
            "`dvc repro dance`"
        )
    guidance, steps = _sampling(guidance, steps)
    make_deterministic(0)
    music = decode.load(song, SAMPLE_RATE)
    encoder = dance_song.listener(DanceGenerator.load(model).config.encoder, encoder_model)
    generator = DanceGenerator.load(model, encoder.name, encoder.identity)
    heard = dance_song.condition(encoder, song, len(music) / SAMPLE_RATE, start, seconds)
    held = dance_song.held_ends(len(heard), start_from, end_with, hold)
    print(f"{song}: dancing to {len(heard) / FPS:.1f} s", file=sys.stderr, flush=True)
    made = generate(
        generator.to(best_device()), heard, seed=seed, guidance=guidance, steps=steps, held=held, plant=plant
    )
    (times, positions), note = _beats(song, tracker)
    if kind is Form.mp4:
        _film(path, song, made, music, start, (times, positions), f"generated, seed {seed}", size)
    else:
        dance_files.write(path, made)
    print(f"{song}: {len(made.joints) / made.fps:.1f} s of dance, seed {seed} -> {path}")
    for line in _scores(made, times - start):
        print(line)
    if note:
        print(note, file=sys.stderr)


def _sampling(guidance: float | None, steps: int | None) -> tuple[float, int]:
    """Guidance and steps; what is None is taken from the working folder's params.yaml, or else from the package's."""
    from motionbeat.lab import params
    from motionbeat.lab.params.shipped import shipped

    if guidance is not None and steps is not None:
        return guidance, steps
    here = Path("params.yaml")
    settings = params.load(here if here.is_file() else shipped(here.name)).dance
    return (
        settings.guidance if guidance is None else guidance,
        settings.sampling_steps if steps is None else steps,
    )


def _target(song: Path, output: Path | None, form: Form | None) -> tuple[Path, Form]:
    """The file, and what it is: by --format or by its ending, which must agree."""
    if output is None:
        kind = form or Form.mp4
        return Path(f"{song.stem}.{kind.value}"), kind
    ending = output.suffix.lower().removeprefix(".")
    if ending not in list(Form):
        raise MotionBeatError(f"{output}: give it a name that ends in {', '.join(f'.{kind}' for kind in Form)}")
    if form is not None and form.value != ending:
        raise MotionBeatError(f"{output} ends in .{ending}, but --format is {form.value}: leave one of them out")
    return output, Form(ending)


def _beats(song: Path, tracker: Tracker) -> tuple["Grid", str]:
    """Times and bar positions (0 = downbeat) of the song's beats, and why there are none."""
    import numpy as np

    from motionbeat.beats import track

    nothing = np.empty(0), np.empty(0, int)
    if tracker is Tracker.none:
        return nothing, ""
    try:
        found = track(song, tracker=tracker.value)
    except MotionBeatError as error:
        return nothing, f"no beats: {error}"
    return (found.times, found.positions - 1), ""


def _film(
    path: Path,
    song: Path,
    made: "GeneratedDance",
    music: "NDArray[np.float32]",
    start: float,
    grid: "Grid",
    caption: str,
    size: int,
) -> None:
    from motionbeat.lab.render import video
    from motionbeat.lab.render.drawn_clip import assembled

    shown = assembled(song.stem, caption, made.joints, made.fps, music, start, grid, "")
    video.render(path, shown, size=size)


def _scores(made: "GeneratedDance", beats: "NDArray[np.float64]") -> list[str]:
    """Lines about the dance; beats: (N,) s from its first frame."""
    import numpy as np

    from motionbeat.dance.alignment import DEFINITIONS, beat_alignment_against_chance
    from motionbeat.dance.foot_contact import physical_foot_contact
    from motionbeat.lab.generator.dance_scores import Danced, pieces, skating

    parts = pieces(Danced("", made.joints, made.fps, beats))
    contact = np.mean([physical_foot_contact(part, made.fps) for part in parts])
    lines = [f"foot skating {skating(made.joints, made.fps):.2f} m/s; PFC {contact:.3f} (x 10^4, mean of 5-s pieces)"]
    if not ((beats >= 0) & (beats < len(made.joints) / made.fps)).any():
        return [*lines, "BAS not computed: no beats"]
    found = {name: beat_alignment_against_chance(made.joints, made.fps, beats, name) for name in DEFINITIONS}
    told = (f"{one.value:.3f} ({name}; chance {one.chance:.3f}, z {one.z:+.1f})" for name, one in found.items())
    return [*lines, f"BAS {', '.join(told)}"]
