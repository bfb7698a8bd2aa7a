"""Stand-in for GTZAN: ten made-up styles with the names of its genres, with the true beats of each clip."""

from pathlib import Path

from attrs import frozen

from motionbeat.lab.labelled.gtzan import LISTS
from motionbeat.lab.standins import band, standin_files
from motionbeat.lab.standins.band import Style
from motionbeat.lab.standins.voices import RATE, VOICES, varied
from motionbeat.lab.synthetic.plan import stream
from motionbeat.parallel import in_parallel

CONTENT = "it has 60 synthetic clips of 12 s, of ten made-up styles with the names of its genres"
SECONDS = 12.0
_CLIPS = {"train": 3, "val": 1, "test": 2}  # per genre
_BORROWED = 0.2  # chance that an instrument comes from another style


STYLES = {
    "blues": Style((70, 120), "JB", "guitar melody 1, piano comp 1, electric bass walk 1.2", 0.5, swing=0.6),
    "classical": Style((65, 140), "WA", "violin melody 1, strings pad 1, cello walk 0.8", waltz=0.5),
    "country": Style(
        (90, 140), "LO", "guitar strum 1.2, violin melody 0.7, electric bass bass 1", 0.35, waltz=0.3, minor=0.1
    ),
    "disco": Style((112, 130), "HO", "synth bass arpeggio 1, strings pad 0.8, electric piano comp 0.8", 1.1),
    "hiphop": Style((80, 104), "MH", "synth bass bass 1.6, electric piano pad 0.5, male voice melody 0.8", 1.3),
    "jazz": Style((100, 190), "WA", "trumpet melody 0.9, piano comp 0.9, electric bass walk 1", 0.3, swing=0.6),
    "metal": Style(
        (110, 180),
        "KR",
        "overdriven guitar riff 1.4, overdriven guitar pad 0.9, electric bass bass 0.8",
        0.9,
        minor=0.9,
    ),
    "pop": Style((92, 130), "PO", "female voice melody 1, synth pad pad 0.9, synth bass bass 0.9", 0.8, minor=0.3),
    "reggae": Style((65, 92), "LO", "organ offbeat 1.4, electric bass bass 1.6, guitar offbeat 0.6", 0.6),
    "rock": Style((100, 150), "BR", "overdriven guitar comp 1, male voice melody 0.8, electric bass bass 1", 0.9),
}


@frozen
class GtzanClip:
    """One clip by name and split."""

    genre: str
    number: int
    split: str

    @property
    def name(self) -> str:
        """GTZAN's name of the clip."""
        return f"{self.genre}.{self.number:05d}"


def plan() -> list[GtzanClip]:
    """All clips: for each genre 3 train, 1 val, 2 test."""
    splits = [split for split, count in _CLIPS.items() for _ in range(count)]
    return [GtzanClip(genre, number, split) for genre in STYLES for number, split in enumerate(splits)]


def write(folder: Path, seed: int) -> None:
    """Write clips, beats and the three lists into `folder`."""
    clips = plan()
    for split, name in LISTS.items():
        lines = [f"{clip.genre}/{clip.name}.wav\n" for clip in clips if clip.split == split]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    (folder / "beats").mkdir()
    list(in_parallel(_make, ((folder, seed, clip) for clip in clips), "clips"))


def _make(folder: Path, seed: int, clip: GtzanClip) -> None:
    made = piece(seed, clip)
    samples = band.perform(stream(seed, "gtzan performance", clip.name), made)
    standin_files.write_audio(folder / "genres" / clip.genre / f"{clip.name}.flac", samples, RATE)
    times, positions = made.beats()
    lines = [f"{time:.3f}\t{position}\n" for time, position in zip(times, positions, strict=True)]
    (folder / "beats" / f"gtzan_{clip.name.replace('.', '_')}.beats").write_text("".join(lines), encoding="utf-8")


def piece(seed: int, clip: GtzanClip) -> band.Piece:
    """The music of a clip: instruments of its style, some from other styles, over one rhythm."""
    rng = stream(seed, "gtzan", clip.name)
    style = STYLES[clip.genre]
    tempo = float(rng.uniform(*style.tempo))
    meter = 3 if rng.random() < style.waltz else 4
    strangers = [voice for other in STYLES.values() for voice, _, _ in other.parts]
    parts = []
    for voice, role, gain in style.parts:
        played = str(rng.choice(strangers)) if rng.random() < _BORROWED else voice
        parts.append(band.BandPart(varied(rng, VOICES[played]), role, gain * 10 ** float(rng.uniform(-4, 4) / 20)))
    accents = style.accents(rng, tempo, meter)
    return band.Piece(
        seconds=SECONDS,
        tempo=tempo,
        first_beat_s=-float(rng.uniform(0, meter * 60 / tempo)),
        rhythm=accents,
        parts=tuple(parts),
        key=int(rng.integers(12)),
        scale="minor" if rng.random() < style.minor else "major",
        drums=style.drums * 10 ** float(rng.uniform(-4, 4) / 20),
        swing=style.swing,
        density=float(rng.uniform(0.3, 0.7)),
        brightness=float(rng.normal(0, 1)),
        loudness=float(10 ** (rng.uniform(-10, -1) / 20)),
    )
