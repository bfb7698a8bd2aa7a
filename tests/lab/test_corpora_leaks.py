"""One recording or one dance in two splits is found by content; a dance shifted against its music is named."""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bvh_files import synthetic_dance

from motionbeat.errors import MotionBeatError
from motionbeat.lab.corpora import leaks, quality
from motionbeat.lab.corpora.manifest import Clip, Corpus, Motion, Song, write_corpus
from motionbeat.lab.corpora.sound_series import at_rate, loudness
from motionbeat.lab.params import MotionChecks
from motionbeat.lab.synthetic import made_music, plan
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics

RATE = 44_100
CHECKS = MotionChecks()


@pytest.fixture(scope="module")
def joints() -> np.ndarray:
    return forward_kinematics(*synthetic_dance(frames=480))


@pytest.fixture(scope="module")
def songs() -> list[np.ndarray]:
    names = list(dict.fromkeys(clip.song for clip in plan.clips("small")))[:2]
    return [made_music.render(0, name, rhythm(0, name, [4]))[: 8 * RATE] for name in names]


def series(samples: np.ndarray) -> np.ndarray:
    return at_rate(loudness(samples, RATE), leaks.SOUND_RATE)


def dance(joints: np.ndarray, fps: float = 60.0) -> np.ndarray:
    return leaks.dance_series(Motion(joints.astype(np.float32), None, fps))


def turned(joints: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return joints @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) + [3.0, 0.0, -1.0]


def in_a_mirror(joints: np.ndarray) -> np.ndarray:
    return joints[:, leaks._SWAPPED] * [-1, 1, 1]


@pytest.mark.parametrize(
    ("change", "fps", "mirrored"),
    [
        (lambda joints: joints, 60.0, False),
        (lambda joints: joints[97:], 60.0, False),
        (lambda joints: joints[::2], 30.0, False),
        (lambda joints: 1.25 * joints, 60.0, False),
        (lambda joints: turned(joints, 1.0), 60.0, False),
        (lambda joints: turned(in_a_mirror(joints), 2.0)[31:400], 60.0, True),
    ],
    ids=["copy", "cut", "rate", "a taller body", "turned", "mirrored and cut"],
)
def test_the_same_dance_in_two_splits_is_found(joints, change, fps, mirrored) -> None:
    pair = {"a": dance(joints), "b": dance(change(joints), fps)}
    (found,) = leaks.same_dances(pair, {"a": "train", "b": "test"}, 0.5)
    assert (found.first, found.second, found.mirrored) == ("a", "b", mirrored)
    assert not list(leaks.same_dances(pair, {"a": "train", "b": "train"}, 0.5))


def test_a_dance_that_is_cut_between_two_features_is_found() -> None:
    fast = forward_kinematics(*synthetic_dance(3, frames=480))
    assert list(leaks.same_dances({"a": dance(fast), "b": dance(fast[3:])}, {"a": "train", "b": "test"}, 0.5))


def test_another_part_of_a_dance_is_no_leak(joints) -> None:
    pair = {"a": dance(joints[:240]), "b": dance(joints[240:])}
    assert not list(leaks.same_dances(pair, {"a": "train", "b": "test"}, 0.5))


@pytest.mark.parametrize("change", ["softer", "cut", "noisy", "mp3"])
def test_the_same_recording_under_two_names_is_found_and_another_song_is_not(tmp_path, songs, change) -> None:
    first, other = songs
    if change == "mp3":
        soundfile.write(tmp_path / "a.mp3", first, RATE)
        second = soundfile.read(tmp_path / "a.mp3")[0]
    else:
        noise = np.random.default_rng(0).normal(0, 1e-3, len(first))
        second = {"softer": 0.2 * first, "cut": first[31_000:300_000], "noisy": first + noise}[change]
    split_of = {"a": "train", "b": "val", "c": "test"}
    named = {"a": series(first), "b": series(second), "c": series(other)}
    found = list(leaks.same_songs(named, split_of, 0.5))
    assert [(leak.first, leak.second) for leak in found] == [("a", "b")]


def given(motion: Motion) -> Motion:
    return motion


def test_the_stage_refuses_a_dance_in_two_splits_and_names_both(tmp_path: Path, joints, songs) -> None:
    for number, samples in enumerate(songs):
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE)
    made = [Motion(part.astype(np.float32), None, 60.0) for part in (joints, in_a_mirror(joints))]
    clips = [
        Clip(name, f"s{number}", "g", split, 0.0, partial(given, made[number]))
        for number, (name, split) in enumerate((("one", "train"), ("two", "test")))
    ]
    corpus = Corpus([Song(f"s{number}", tmp_path / f"{number}.wav") for number in range(2)], clips)
    write_corpus(corpus, tmp_path / "out")
    with pytest.raises(MotionBeatError, match=r"clips one \(train\) and two \(test\) are the same dance, mirrored"):
        quality.check(corpus, tmp_path / "out", CHECKS, strict=False)


def test_a_shifted_dance_is_named_in_the_table(tmp_path: Path) -> None:
    """Feet that land on drums: eight clips on the beat, one of them 0.2 s late."""
    rng = np.random.default_rng(0)
    onsets = {f"s{n}": np.zeros(600, np.float32) for n in range(8)}
    measured, clips = {}, []
    for number, (song, drums) in enumerate(onsets.items()):
        beats = np.cumsum(rng.uniform(0.4, 0.6, 22))
        drums[(beats * 50).astype(int)] = 1
        late = 0.2 if number == 3 else 0.0
        landings = np.zeros(600)
        landings[((beats + late) * 50).astype(int)] = 1
        steady = quality.Measured(np.zeros((120, 72), np.float32), quality.smooth(landings, 9), 1.0, 5.0, 0.0, ())
        measured[f"c{number}"] = steady
        clips.append(Clip(f"c{number}", song, "g", "train", 0.0, partial(given, None)))  # type: ignore[arg-type]
    table = quality.rows(clips, measured, {k: quality.smooth(v, 5) for k, v in onsets.items()}, CHECKS)
    assert [row["clip"] for row in table if row["odd"]] == ["c3"]
    assert "200 ms later relative to its music" in table[3]["odd"]
    quality.write(tmp_path / "quality.csv", table)
    written = csv.DictReader((tmp_path / "quality.csv").read_text(encoding="utf-8").splitlines())
    assert [row["odd"] != "" for row in written] == [n == 3 for n in range(8)]
