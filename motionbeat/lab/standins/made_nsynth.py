"""Stand-in for NSynth: single notes of 11 instrument families, test and validation on unseen instruments."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from motionbeat.lab.labelled.nsynth import FAMILIES, FOLDERS
from motionbeat.lab.standins import standin_files, voices
from motionbeat.lab.synthetic.plan import stream
from motionbeat.parallel import in_parallel

CONTENT = "it has 116 synthetic notes of 4 s, synth_lead in train only"
RATE = 16_000
_HELD_S, _LENGTH_S = 3.0, 4.0
_INSTRUMENTS = {"train": (6, 1), "val": (2, 1), "test": (3, 1)}  # instruments per family, notes per instrument
_SOURCES = ("acoustic", "electronic", "synthetic")
_VELOCITIES = (25, 50, 75, 100, 127)


@frozen
class Note:
    """One note of one instrument."""

    split: str
    family: str
    instrument: str  # NSynth's name of it: family, source and a number
    source: int
    number: int  # of the instrument in the set
    pitch: int
    velocity: int

    @property
    def name(self) -> str:
        """NSynth's name of the note."""
        return f"{self.instrument}-{self.pitch:03d}-{self.velocity:03d}"


def plan(seed: int) -> list[Note]:
    """All notes. As in NSynth no instrument is in two splits, and synth_lead is in train only."""
    notes = []
    number = 0
    for family in FAMILIES:
        local = 0
        for split, (instruments, each) in _INSTRUMENTS.items():
            if family == "synth_lead" and split != "train":
                continue
            for _ in range(instruments):
                rng = stream(seed, "nsynth", family, str(local))
                source = 2 if family == "synth_lead" else int(rng.integers(3))
                name = f"{family}_{_SOURCES[source]}_{local:03d}"
                low, high = _range(family)
                pitches = rng.choice(np.arange(low, high + 1), each, replace=False)
                velocities = rng.choice(_VELOCITIES, each)
                notes += [
                    Note(split, family, name, source, number, int(pitch), int(velocity))
                    for pitch, velocity in zip(pitches, velocities, strict=True)
                ]
                local, number = local + 1, number + 1
    return notes


def write(folder: Path, seed: int) -> None:
    """Write all notes and the three examples.json into `folder`."""
    notes = plan(seed)
    for split, name in FOLDERS.items():
        (folder / name / "audio").mkdir(parents=True)
        rows = {note.name: _row(index, note) for index, note in enumerate(notes) if note.split == split}
        text = json.dumps(rows, indent=1, sort_keys=True)
        (folder / name / "examples.json").write_text(text + "\n", encoding="utf-8")
    list(in_parallel(_make, ((folder, seed, note) for note in notes), "notes"))


def _make(folder: Path, seed: int, planned: Note) -> None:
    path = folder / FOLDERS[planned.split] / "audio" / f"{planned.name}.wav"
    standin_files.write_audio(path, render(seed, planned), voices.RATE, RATE)


def render(seed: int, planned: Note) -> voices.Sound:
    """The note's wave, of 4 s at `voices.RATE`: held for 3 s."""
    made = stream(seed, "nsynth instrument", planned.instrument)
    kind = made.choice(voices.FAMILIES[planned.family])
    voice = voices.varied(made, voices.VOICES[str(kind)], 1.3)
    rng = stream(seed, "nsynth note", planned.name)
    level = planned.velocity / 127
    wave = np.zeros(round(_LENGTH_S * voices.RATE))
    sound = voices.note(rng, voice, planned.pitch, _HELD_S, level)
    wave[: len(sound)] = 0.8 * sound
    return wave + rng.normal(0, 10 ** rng.uniform(-4, -2.5), len(wave))


def _range(family: str) -> tuple[int, int]:
    """Pitches of all voices of a family, and a fifth beyond, so that pitch alone says little."""
    ranges = [(voices.VOICES[name].low, voices.VOICES[name].high) for name in voices.FAMILIES[family]]
    return max(low for low, _ in ranges) - 7, min(high for _, high in ranges) + 7


def _row(index: int, planned: Note) -> dict[str, Any]:
    return {
        "note": index,
        "note_str": planned.name,
        "instrument": planned.number,
        "instrument_str": planned.instrument,
        "pitch": planned.pitch,
        "velocity": planned.velocity,
        "sample_rate": RATE,
        "qualities": [0] * 10,
        "qualities_str": [],
        "instrument_family": FAMILIES.index(planned.family),
        "instrument_family_str": planned.family,
        "instrument_source": planned.source,
        "instrument_source_str": _SOURCES[planned.source],
    }
