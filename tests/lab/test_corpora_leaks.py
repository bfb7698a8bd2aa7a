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
from motionbeat.lab.corpora.sound_series import FLOOR_DB, at_rate, loudness
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


@pytest.mark.parametrize("change", ["softer", "cut", "cut between frames", "after a pause", "noisy", "mp3"])
def test_the_same_recording_under_two_names_is_found_and_another_song_is_not(tmp_path, songs, change) -> None:
    first, other = songs
    if change == "mp3":
        soundfile.write(tmp_path / "a.mp3", first, RATE)
        second = soundfile.read(tmp_path / "a.mp3")[0]
    else:
        noise = np.random.default_rng(0).normal(0, 1e-3, len(first))
        second = {
            "softer": 0.2 * first,
            "cut": first[31_000:300_000],
            "cut between frames": first[RATE // 40 :],
            "after a pause": np.pad(first, (10 * RATE, 10 * RATE)),
            "noisy": first + noise,
        }[change]
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


def test_a_recording_that_is_in_two_splits_by_the_corpus_is_compared_with_other_splits(songs) -> None:
    clips = [
        Clip(f"{song}{split}", song, "g", split, 0.0, partial(given, None))  # type: ignore[arg-type]
        for song, split in (("a", "val"), ("a", "test"), ("b", "train"))
    ]
    twice = {"a": series(songs[0]), "b": series(0.5 * songs[0])}
    (found,) = quality.leaked(clips, {}, twice, 0.5)
    assert found.startswith("songs a (test and val) and b (train) are the same recording")


BEATS = [np.cumsum(np.random.default_rng(n).uniform(0.4, 0.6, 50)) for n in range(8)]
LOUD = np.zeros((600, 16), np.float32)


def pulses(times: np.ndarray, width: int) -> np.ndarray:
    found = np.zeros(1500)
    found[(times[(times >= 0) & (times < 30)] * 50).astype(int)] = 1
    return quality.smooth(found, width)


def table_of(landings: dict[int, np.ndarray], level: np.ndarray = LOUD, count: int = 8) -> list[dict[str, str]]:
    """Feet that land on the drums of as many songs, but at other times in those of `landings`; and song 3's level."""
    clips = [Clip(f"c{n}", f"s{n}", "g", "train", 0.0, partial(given, None)) for n in range(count)]  # type: ignore[arg-type]
    measured = {
        f"c{n}": quality.Measured(
            np.zeros((120, 72), np.float32), pulses(landings.get(n, BEATS[n]), 9), 1.0, 5.0, 0.0, ()
        )
        for n in range(count)
    }
    heard = {f"s{n}": pulses(BEATS[n], 5) for n in range(count)}
    return quality.rows(clips, measured, heard, {f"s{n}": level if n == 3 else LOUD for n in range(count)}, CHECKS)


@pytest.mark.parametrize(
    ("landings", "words"),
    [
        (BEATS[3] + 0.2, "200 ms later relative to its music than usual"),
        (BEATS[3] - 0.3, "300 ms earlier relative to its music than usual"),
        (BEATS[3] + 0.5, "500 ms later relative to its music than usual"),
        (BEATS[3] - 1.0, "1000 ms earlier relative to its music than usual"),
        (BEATS[3] + 5.0, "does not fit its music, or 5.0 s later"),
        (BEATS[3] * 2, "fits its music at twice the speed"),
        (BEATS[3] / 2, "fits its music at half the speed"),
    ],
)
def test_a_dance_that_does_not_fit_its_music_is_named_in_the_table(tmp_path: Path, landings, words) -> None:
    table = table_of({3: landings})
    assert [row["clip"] for row in table if row["odd"]] == ["c3"]
    assert words in table[3]["odd"]
    quality.write(tmp_path / "quality.csv", table)
    written = csv.DictReader((tmp_path / "quality.csv").read_text(encoding="utf-8").splitlines())
    assert [row["odd"] != "" for row in written] == [n == 3 for n in range(8)]


def test_a_delay_of_60_ms_is_usual_and_one_of_all_clips_or_of_the_only_one_is_named() -> None:
    assert not any(row["odd"] for row in table_of({3: BEATS[3] + 0.06}))
    for count in (1, 8):
        table = table_of({n: BEATS[n] + 0.3 for n in range(count)}, count=count)
        assert all("300 ms later" in row["odd"] for row in table)


def test_music_that_pauses_in_a_dance_is_named() -> None:
    level = LOUD.copy()
    level[100:170] = FLOOR_DB
    assert [row["odd"] for row in table_of({}, level) if row["odd"]] == [
        "its music is silent for 3.5 s: is this the right file, and is it complete?"
    ]
    level[100:130] = 0.0
    assert not any(row["odd"] for row in table_of({}, level))


@pytest.mark.parametrize("peak", [0.0, 2**-15])
def test_a_recording_without_sound_is_silent_however_quiet_it_is(peak) -> None:
    noise = peak * np.random.default_rng(0).integers(-1, 2, 2 * RATE)
    assert (loudness(noise, RATE) == FLOOR_DB).all()
    assert not (loudness(1e-3 * np.sin(np.arange(2 * RATE) / 20), RATE) == FLOOR_DB).all(axis=1).any()
