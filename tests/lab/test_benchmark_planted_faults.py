"""Planted faults: one that is found is counted, sound clips and unlike recordings are not."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve

from benchmarks import planted_faults
from motionbeat.lab.corpora import leaks, quality
from motionbeat.lab.corpora.manifest import SAMPLE_RATE, Clip, Corpus, Motion, Song, write_corpus
from motionbeat.lab.corpora.sound_series import FLOOR_DB
from motionbeat.lab.synthetic import made_music, plan
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics

SONGS, SECONDS = ("mBR60", "mPO66"), 10


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginnings of two songs of the synthetic corpus, and a dance to each."""
    folder = tmp_path_factory.mktemp("planted")
    clips = []
    for song in SONGS:
        pattern = rhythm(0, song, [4])
        soundfile.write(
            folder / f"{song}.wav", made_music.render(0, song, pattern)[: SECONDS * SAMPLE_RATE], SAMPLE_RATE
        )
        danced = dance(0, plan.PlannedClip(song, "FM", 1, 1, "train"), pattern)
        poses = danced.poses.reshape(-1, 24, 3)[: SECONDS * 60].astype(np.float64)
        joints = forward_kinematics(poses, danced.translation[: SECONDS * 60] / danced.scaling)
        clips.append(Clip(f"d{song}", song, "g", "train", 0.0, partial(Motion, joints.astype(np.float32), None, 60.0)))
    write_corpus(Corpus([Song(song, folder / f"{song}.wav") for song in SONGS], clips), folder / "corpus")
    return folder / "corpus"


def test_found_faults_are_counted_and_sound_items_are_not(corpus: Path) -> None:
    rows = {(row.kind, row.fault): row for row in planted_faults.measure(corpus)}
    assert {fault for kind, fault in rows if kind == "clips"} == {"nothing", *planted_faults.CLIPS}
    for kind, others in (("clips", 2), ("recordings", 1), ("dances", 1)):
        assert rows[kind, "nothing"] == planted_faults.Row(kind, "nothing", 0, 0, 0, others)
    for fault in ("song silent", "second half of the song missing"):
        assert rows["clips", fault] == planted_faults.Row("clips", fault, 1, 1, 0, 1)
    for fault, found in (("unchanged", 2), ("ogg", 2), ("inside a longer one", 2)):
        assert rows["recordings", fault] == planted_faults.Row("recordings", fault, 2, found, 0, 2)
    for fault, found in (("unchanged", 2), ("mirrored", 2), ("read at half its frame rate", 0)):
        assert rows["dances", fault] == planted_faults.Row("dances", fault, 2, found, 0, 2)


def test_a_named_pair_is_found_if_it_is_a_copy_and_a_false_alarm_if_it_is_not() -> None:
    noise = [np.random.default_rng(n).normal(size=(200, 16)).astype(np.float32) for n in range(3)]
    copied = [
        {"unchanged": noise[0], "changed": noise[0]},
        {"unchanged": noise[1], "changed": noise[0]},
        {"unchanged": noise[2], "changed": np.zeros_like(noise[2])},
    ]
    nothing, _, changed = planted_faults.pair_rows(
        "recordings", [noise[0], noise[1], noise[0]], copied, leaks.same_songs
    )
    assert nothing == planted_faults.Row("recordings", "nothing", 0, 0, 1, 3)
    assert changed == planted_faults.Row("recordings", "changed", 3, 1, 1, 6)


def test_a_named_clip_is_found_if_the_fault_was_planted_in_it_and_a_false_alarm_if_not() -> None:
    measured = quality.Measured(np.zeros((120, 72), np.float32), np.zeros(300, np.float32), 1.0, 5.0, 0.0, ())
    sound = planted_faults.Features(0.0, measured, np.zeros((120, 16), np.float32), np.zeros(300, np.float32))
    silent = evolve(sound, series=np.full((120, 16), FLOOR_DB, np.float32))
    faults = dict.fromkeys(planted_faults.CLIPS, sound) | {"song silent": silent}
    rows = {row.fault: row for row in planted_faults.clip_rows([sound, silent, sound], {2: faults})}
    assert rows["nothing"] == planted_faults.Row("clips", "nothing", 0, 0, 1, 3)
    assert rows["another song"] == planted_faults.Row("clips", "another song", 1, 0, 1, 2)
    assert rows["song silent"] == planted_faults.Row("clips", "song silent", 1, 1, 1, 2)
