"""Stand-in for MagnaTagATune: clips of 19 made-up scenes, tagged by their synthesised content.

Three annotators in ten miss a tag, and sometimes one adds a wrong tag.
"""

import csv
from pathlib import Path

from attrs import frozen

from motionbeat.lab.standins import band, standin_files
from motionbeat.lab.standins.band import Style
from motionbeat.lab.standins.tags import STANDARD, STYLE_TAGS, TAGS, VOICE_TAGS, VOICES_THAT_SING
from motionbeat.lab.standins.voices import RATE, VOICES, varied
from motionbeat.lab.synthetic.plan import stream
from motionbeat.parallel import in_parallel

CONTENT = "it has 114 synthetic clips of 4 s, tagged by what is synthesised in them"
SECONDS = 4.0
_MP3_RATE = 16_000  # as the files of the data set
_CLIPS = {"train": 3, "val": 1, "test": 2}  # a scene
_FOLDERS = {"train": "0123456789ab", "val": "c", "test": "def"}
_HEARD, _MISHEARD, _MISHEARD_RARE = 0.7, 0.02, 0.001
_FAST_BPM, _SLOW_BPM, _LOUD, _QUIET = 122, 88, 0.6, 0.16


# ambient is always quiet, so that this tag is in every split
SCENES = {
    "rock": Style(
        (100, 150), "BR", "overdriven guitar comp 1, male voice melody 1, electric bass bass 1", 0.9, (-6, -1)
    ),
    "metal": Style(
        (110, 180), "KR", "overdriven guitar riff 1.4, overdriven guitar pad 1, electric bass bass 0.7", 0.9, (-4, -1)
    ),
    "country": Style((85, 140), "LO", "guitar strum 1.2, female voice melody 0.9", 0.3),
    "pop": Style((92, 130), "PO", "female voice melody 1, synth pad pad 0.9, synth bass bass 0.9", 0.8),
    "techno": Style((124, 145), "HO", "synth bass arpeggio 1, synth lead riff 0.7", 1.2, (-6, -1)),
    "dance": Style((118, 132), "HO", "female voice melody 0.9, synth pad pad 0.8, synth bass bass 1.2", 1.1, (-6, -1)),
    "electronic": Style((80, 130), "PO", "synth lead melody 0.9, synth pad pad 0.9", 0.6),
    "ambient": Style((60, 80), "WA", "synth pad pad 1, synth pad drone 0.8", 0.0, (-24, -17)),
    "new age": Style((60, 95), "WA", "harp arpeggio 1, flute melody 0.8, synth pad pad 0.5", 0.0, (-22, -8)),
    "string quartet": Style((65, 140), "WA", "violin melody 1, strings pad 0.8, cello walk 0.8"),
    "piano piece": Style((60, 150), "WA", "piano arpeggio 1", 0.0, (-22, -3)),
    "harpsichord piece": Style((100, 160), "WA", "harpsichord arpeggio 1"),
    "flute piece": Style((70, 120), "WA", "flute melody 1, piano comp 0.7"),
    "opera": Style((60, 110), "WA", "female voice melody 1.4, strings pad 0.8"),
    "choir": Style((55, 85), "WA", "choir pad 1.2, choir melody 0.7", 0.0, (-20, -5)),
    "raga": Style((75, 130), "JB", "sitar melody 1, sitar drone 0.7", 0.3),
    "cello piece": Style((55, 90), "WA", "cello melody 1", 0.0, (-22, -6)),
    "ballad": Style((65, 100), "LO", "guitar arpeggio 1, male voice melody 1", 0.0, (-18, -5)),
    "oddity": Style((80, 160), "KR", "marimba riff 1, synth lead comp 0.8", 0.4, clash=0.9),
}


@frozen
class TaggedClip:
    """One clip: two clips of one track share their instruments and most of their tags."""

    scene: str
    split: str
    folder: str
    track: int
    segment: int
    careful: bool  # no annotator missed a tag, so that every tag is in every split

    @property
    def path(self) -> str:
        """mp3_path as in the data set: artist-album-track number-title-start-end."""
        scene, start = self.scene.replace(" ", "_"), int(self.segment * SECONDS)
        name = f"the_{scene}_makers-made_up-{self.track:02d}-{scene}"
        return f"{self.folder}/{name}-{start}-{int(start + SECONDS)}.mp3"

    @property
    def track_name(self) -> str:
        """The name of the track, without the position of the clip."""
        return f"{self.scene} {self.track}"


def plan() -> list[TaggedClip]:
    """All clips: for each scene 5 train, 2 val, 3 test, at most two clips per track."""
    clips = []
    for number, scene in enumerate(SCENES):
        track = 0
        for split, count in _CLIPS.items():
            for index in range(count):
                track += index % 2 == 0
                folders = _FOLDERS[split]
                folder = folders[(number + track) % len(folders)]
                clips.append(TaggedClip(scene, split, folder, track, index % 2, index == 0))
    return clips


def write(folder: Path, seed: int) -> None:
    """Write all clips and annotations_final.csv into `folder`."""
    clips = plan()
    with (folder / "annotations_final.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
        table.writerow(["clip_id", *TAGS, "mp3_path"])
        for number, clip in enumerate(clips, 1):
            given = tags(seed, clip)
            table.writerow([number, *(int(tag in given) for tag in TAGS), clip.path])
    for name in sorted({clip.folder for clip in clips}):
        (folder / name).mkdir()
    list(in_parallel(_make, ((folder, seed, clip) for clip in clips), "clips"))


def _make(folder: Path, seed: int, clip: TaggedClip) -> None:
    samples = band.perform(stream(seed, "magnatagatune performance", clip.path), piece(seed, clip))
    standin_files.write_audio(folder / clip.path, samples, RATE, _MP3_RATE)


def piece(seed: int, clip: TaggedClip) -> band.Piece:
    """The music of a clip."""
    rng = stream(seed, "magnatagatune", clip.track_name)
    scene = SCENES[clip.scene]
    tempo = float(rng.uniform(*scene.tempo))
    return band.Piece(
        seconds=SECONDS,
        tempo=tempo,
        first_beat_s=-float(stream(seed, "magnatagatune start", clip.path).uniform(0, 240 / tempo)),
        rhythm=scene.accents(rng, tempo),
        parts=tuple(
            band.BandPart(varied(rng, VOICES[voice]), role, gain * 10 ** float(rng.uniform(-4, 4) / 20))
            for voice, role, gain in scene.parts
        ),
        key=int(rng.integers(12)),
        scale=str(rng.choice(["major", "minor"])),
        drums=scene.drums,
        density=float(rng.uniform(0.3, 0.8)),
        brightness=float(rng.normal(0, 1)),
        clash=scene.clash,
        loudness=float(10 ** (rng.uniform(*scene.loudness) / 20)),
    )


def truth(clip: TaggedClip, made: band.Piece) -> set[str]:
    """The tags that fit the synthesised clip: style, instruments, voices, drums, tempo and loudness."""
    voices = [voice for voice, _, _ in SCENES[clip.scene].parts]
    fitting = {tag for voice in voices for tag in VOICE_TAGS.get(voice, ())} | set(STYLE_TAGS[clip.scene])
    if not VOICES_THAT_SING.intersection(voices):
        fitting |= {"no vocals", "no vocal", "no voice"}
    if len(voices) == 1:
        fitting.add("solo")
    if made.drums:
        fitting |= {"drums", "beat", "beats"}
    fitting |= {"fast"} if made.tempo > _FAST_BPM else {"slow"} if made.tempo < _SLOW_BPM else set()
    return fitting | ({"loud"} if made.loudness > _LOUD else {"quiet", "soft"} if made.loudness < _QUIET else set())


def tags(seed: int, clip: TaggedClip) -> set[str]:
    """The tags that listeners gave the clip."""
    fitting = truth(clip, piece(seed, clip))
    rng = stream(seed, "magnatagatune listeners", clip.path)
    chance = {tag: _MISHEARD if tag in STANDARD else _MISHEARD_RARE for tag in TAGS}
    chance |= dict.fromkeys(sorted(fitting), 1.0 if clip.careful else _HEARD)
    return {tag for tag in TAGS if rng.random() < chance[tag]}
