"""`motionbeat dance`: a song to a dance."""

import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionbeat.errors import MotionBeatError
from motionbeat.files import check_output
from motionbeat.lab.commands.render_command import Tracker

if TYPE_CHECKING:
    from motionbeat.beats import Beats
    from motionbeat.lab.generator.dance_song import Ends, Part
    from motionbeat.lab.generator.sampling import GeneratedDance

_LARGEST_SEED = 2**31 - 1
_TRAINED = Path("models/dance/motionbeat")


class Form(StrEnum):
    """The file format of a dance."""

    mp4 = "mp4"
    npz = "npz"
    pkl = "pkl"
    bvh = "bvh"


class Dancer(StrEnum):
    """Who dances."""

    rules = "rules"
    learned = "learned"


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
    start: Annotated[float, typer.Option(help="Seconds of the song to skip.")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds of dance, at least 5.", show_default="to the song's end")
    ] = None,
    dancer: Annotated[
        Dancer | None,
        typer.Option(
            help="rules: fixed moves on the accents of the music, nothing trained. "
            "learned: a trained generator, from models/dance/motionbeat or, without it, the one that comes with "
            "motionbeat.",
            show_default="learned if one was trained in this folder, else rules",
        ),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            help="Weight of the music: 0 ignores it, 1 is as trained, more exaggerates it.",
            show_default="dance.guidance of params.yaml",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the sampler: fewer are faster and less accurate.",
            show_default="dance.sampling_steps of params.yaml",
        ),
    ] = None,
    plant: Annotated[
        bool,
        typer.Option(
            "--plant/--no-plant",
            help="Keep feet still while they are in contact with the floor; without it they slide.",
        ),
    ] = True,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Continue this dance (.npz, .pkl): begin with its last --hold seconds.", show_default=False),
    ] = None,
    end_with: Annotated[
        Path | None,
        typer.Option(help="Lead into this dance (.npz, .pkl): end with its first --hold seconds.", show_default=False),
    ] = None,
    hold: Annotated[float, typer.Option(help="Seconds that --start-from and --end-with hold fixed.")] = 1.0,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a dance generator, as the dance stage writes it.",
            show_default="models/dance/motionbeat, else the one that comes with motionbeat",
        ),
    ] = None,
    encoder_model: Annotated[
        str | None,
        typer.Option(
            help="Model that encodes the song: the one that the generator was trained with.",
            show_default="models/motionbeat, or the one that comes with motionbeat",
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Width and height of the video, pixels, even.")] = 720,
    tracker: Annotated[
        Tracker, typer.Option(help="Beat tracker: beats flash in the video, and --dancer rules needs them.")
    ] = Tracker.madmom,
) -> None:
    """Dance to a song: a video, or a file for other programs.

    The same song, seed and options give the same dance. It also prints how fast the feet slide (skating), whether the
    body speeds up while both feet move (PFC, lower is better), and how well the dance keeps the beat (BAS: moments of
    least speed by two definitions, and landings of the feet) with its chance level: below about z = 2 it does not keep
    the beat.

    Examples: motionbeat dance song.mp3 -o dance.mp4 --seed 3 --start 30 --seconds 20, or for Blender: -o dance.bvh; to
    go from one dance to another: --start-from one.npz --end-with other.npz.
    """
    path, kind = _target(song, output, form)
    if kind is Form.mp4 and find_spec("av") is None:
        raise MotionBeatError(
            "videos are written by PyAV, which is not installed: pip install 'motionbeat[pipeline,video]', or give "
            "another --format"
        )
    learned_only = {
        **{"--guidance": guidance, "--steps": steps, "--start-from": start_from, "--end-with": end_with},
        **{"--model": model, "--encoder-model": encoder_model},
    }
    given = [name for name, value in learned_only.items() if value is not None]
    folder = model or _generator()
    who = dancer or (Dancer.learned if given or (_TRAINED / "config.json").is_file() else Dancer.rules)
    if who is Dancer.rules and given:
        raise MotionBeatError(f"{', '.join(given)}: only for --dancer learned; leave it out or use --dancer learned")
    check_output(path, song, start_from, end_with)
    if kind is Form.mp4:
        from motionbeat.lab.render import video

        video.check_wanted(path, size=size)
    sampling = None if who is Dancer.rules else _sampling(folder, guidance, steps)
    from motionbeat.audio import decode
    from motionbeat.lab.generator import dance_files, dance_song
    from motionbeat.lab.generator.dance_song import Part

    part = Part.of(decode.decode(song), start, seconds)
    ends = dance_song.ends_of(start_from, end_with, hold, part.length_s)  # before the encoder is opened
    if sampling is None:
        from motionbeat.lab.generator.rule_dancer import dance_by_rules

        grid, note = _beats(part, tracker)
        if grid is None:
            raise MotionBeatError(
                f"{note or '--tracker none'}; a dance by rules needs beats, --dancer learned does not"
            )
        _tell(song, part, "by rules")
        made = dance_by_rules(part.music(), None, grid, seed)
    else:
        made = _learned(part, folder, encoder_model, seed, *sampling, plant, ends)
        grid, note = _beats(part, tracker)
    if kind is Form.mp4:
        _film(path, song, made, part, grid, f"{who.value}, seed {seed}", size)
    else:
        dance_files.write(path, made)
    print(f"{song}: {len(made.joints) / made.fps:.1f} s of dance, seed {seed} -> {path}")
    for line in _scores(made, grid):
        print(line)
    if note:
        print(note, file=sys.stderr)


def _tell(song: Path, part: "Part", how: str) -> None:
    print(f"{song}: dancing to {part.length_s:.1f} s {how}", file=sys.stderr, flush=True)


def _generator() -> Path:
    """The folder of the generator trained here or, without one, of the generator in the package; None without both."""
    from motionbeat.weights import GENERATOR

    return _TRAINED if (_TRAINED / "config.json").is_file() or not GENERATOR.is_dir() else GENERATOR


def _learned(
    part: "Part",
    folder: Path,
    encoder_model: str | None,
    seed: int,
    guidance: float,
    steps: int,
    plant: bool,
    ends: "Ends",
) -> "GeneratedDance":
    """A dance by the generator in `folder`."""
    from motionbeat.lab.generator import dance_song
    from motionbeat.lab.generator.generator_model import DanceGenerator
    from motionbeat.lab.generator.sampling import generate
    from motionbeat.model.device import best_device, make_deterministic
    from motionbeat.weights import GENERATOR, SHIPPED

    make_deterministic(0)
    weights = encoder_model or (str(SHIPPED) if folder == GENERATOR else None)
    encoder = dance_song.listener(DanceGenerator.load(folder).config.encoder, weights)
    generator = DanceGenerator.load(folder, encoder.name, encoder.identity)
    music = dance_song.condition(encoder, part)
    held = dance_song.held_ends(len(music), ends)
    shown = "that comes with motionbeat" if folder == GENERATOR else f"in {folder}"
    _tell(Path(part.sound.name), part, f"by the generator {shown}")
    return generate(
        generator.to(best_device()), music, seed=seed, guidance=guidance, steps=steps, held=held, plant=plant
    )


def _sampling(folder: Path, guidance: float | None, steps: int | None) -> tuple[float, int]:
    """Guidance and steps for the generator in `folder`.

    If one is None, it is read from the working folder's params.yaml, or from the package's.
    """
    from motionbeat.lab import params
    from motionbeat.lab.generator.generator_model import DanceGenerator
    from motionbeat.lab.generator.sampling import check_choices
    from motionbeat.lab.params.shipped import shipped

    if not (folder / "config.json").is_file():
        raise MotionBeatError(
            f"{folder / 'config.json'} is missing: name the folder of a dance generator with --model, train one with "
            "`dvc repro dance`, or use --dancer rules, which needs none"
        )
    if guidance is None or steps is None:
        here = Path("params.yaml")
        settings = params.load(here if here.is_file() else shipped(here.name)).dance
        guidance = settings.guidance if guidance is None else guidance
        steps = settings.sampling_steps if steps is None else steps
    check_choices(DanceGenerator.load(folder), guidance, steps)
    return guidance, steps


def _target(song: Path, output: Path | None, form: Form | None) -> tuple[Path, Form]:
    """The output file and its format: from --format or from its ending, which must agree."""
    if output is None:
        kind = form or Form.mp4
        return Path(f"{song.stem}.{kind.value}"), kind
    ending = output.suffix.lower().removeprefix(".")
    if ending not in list(Form):
        raise MotionBeatError(f"{output}: give it a name that ends in {', '.join(f'.{kind}' for kind in Form)}")
    if form is not None and form.value != ending:
        raise MotionBeatError(f"{output} ends in .{ending}, but --format is {form.value}: leave one of them out")
    return output, Form(ending)


def _beats(part: "Part", tracker: Tracker) -> "tuple[Beats | None, str]":
    """The beats of the part, and why there are none."""
    from motionbeat.lab.generator.dance_song import beats_of

    if tracker is Tracker.none:
        return None, ""
    try:
        return beats_of(part, tracker.value), ""
    except MotionBeatError as error:
        return None, f"no beats: {error}"


def _film(
    path: Path, song: Path, made: "GeneratedDance", part: "Part", beats: "Beats | None", caption: str, size: int
) -> None:
    import numpy as np

    from motionbeat.lab.render import video
    from motionbeat.lab.render.drawn_clip import SAMPLE_RATE, assembled

    grid = (np.empty(0), np.empty(0, int)) if beats is None else (beats.times, beats.positions - 1)
    music = part.music().at(SAMPLE_RATE)
    video.render(path, assembled(song.stem, caption, made.joints, made.fps, music, 0.0, grid, ""), size=size)


def _scores(made: "GeneratedDance", beats: "Beats | None") -> list[str]:
    """Text with the measures of the dance; beats: in s from its first frame."""
    import numpy as np

    from motionbeat.dance.alignment import DEFINITIONS, beat_alignment_against_chance
    from motionbeat.dance.foot_contact import physical_foot_contact
    from motionbeat.lab.generator.dance_scores import Danced, pieces, skating

    times = np.empty(0) if beats is None else beats.times
    parts = pieces(Danced("", made.joints, made.fps, times))
    contact = np.mean([physical_foot_contact(part, made.fps) for part in parts])
    lines = [f"foot skating {skating(made.joints, made.fps):.2f} m/s; PFC {contact:.3f} (x 10^4, mean of 5-s pieces)"]
    if not len(times):
        return [*lines, "BAS not computed: no beats"]
    found = {name: beat_alignment_against_chance(made.joints, made.fps, times, name) for name in DEFINITIONS}
    told = (f"{one.value:.3f} ({name}; chance {one.chance:.3f}, z {one.z:+.1f})" for name, one in found.items())
    return [*lines, f"BAS {', '.join(told)}"]
