"""The realism page: each measure on movement and sound of known value, and the whole command on a tiny corpus."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.realism import __main__ as command
from benchmarks.realism import corpora, figure, motion, music
from benchmarks.realism.document import Column, document, ratios
from benchmarks.realism.summary import cell, number, place, summarise
from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.motion.kinematics import rest_joints
from motionbeat.motion.skeleton import FEET, INDEX

FPS = 60.0
SHARED = Path(__file__).parents[3] / "shared" / "data"


def swaying(seconds=8.0, size=0.3, hz=1.0, fps=FPS):
    """The rest pose, all joints swaying together along x."""
    t = np.arange(round(seconds * fps)) / fps
    joints = np.tile(rest_joints(), (len(t), 1, 1))
    joints[..., 0] += size * np.sin(2 * np.pi * hz * t)[:, None]
    return joints


def dance(joints, fps=FPS, **known):
    return motion.Dance("clip", "song", joints, fps, **known)


def click_track(seconds=8.0, bpm=120.0, rate=22_050, noise=0.001):
    rng = np.random.default_rng(1)
    samples = noise * rng.normal(size=round(seconds * rate))
    for beat in np.arange(0.2, seconds - 0.1, 60 / bpm):
        start = round(beat * rate)
        samples[start : start + 2000] += 0.7 * np.exp(-np.arange(2000) / 300) * rng.normal(size=2000).clip(-1, 1)
    return samples.clip(-1, 1)


def test_a_sway_has_the_speeds_energy_and_spectrum_of_a_sine():
    found = motion.measures(dance(swaying()))
    fastest = 0.3 * 2 * np.pi
    for group in motion.GROUPS:
        assert found[f"{group}, 50 %"] == pytest.approx(fastest * np.sin(np.pi / 4), rel=0.02)
        assert found[f"{group}, 99 %"] == pytest.approx(fastest, rel=0.02)
    for part in motion.PARTS:
        assert found[f"{part}, horizontal energy (m²/s²)"] == pytest.approx(fastest**2 / 2, rel=0.05)
        assert found[f"{part}, vertical energy (m²/s²)"] == pytest.approx(0, abs=1e-12)
    assert found["all joints, median (m/s²)"] == pytest.approx(fastest * 2 * np.pi * np.sin(np.pi / 4), rel=0.02)
    assert found["velocity spectrum of the hands, centroid (Hz)"] == pytest.approx(1.0, abs=0.1)
    assert found["velocity power of the feet beyond 6 Hz (%)"] < 0.1
    assert found["root travel over the floor (m/s)"] == pytest.approx(4 * 0.3, rel=0.02)
    assert found["floor used in 6 s, longer side (m)"] == pytest.approx(2 * 0.3, rel=0.03)
    assert found["vertical range of the root in 6 s (m)"] == 0


def test_jitter_is_seen_as_power_at_high_frequencies():
    shaking = swaying() + 0.01 * np.random.default_rng(0).normal(size=(480, 24, 3))
    quiet, loud = (motion.measures(dance(joints)) for joints in (swaying(), shaking))
    name = "velocity power of the hands beyond 6 Hz (%)"
    assert loud[name] > 5 > 0.1 > quiet[name]


def test_contacts_are_timed_from_start_to_end_and_those_that_the_clip_cuts_are_left_out():
    contacts = np.array([[1, 1, 0, 1, 1, 1, 0, 1], [0, 1, 0, 0, 0, 0, 1, 1], [1] * 8, [0] * 8], bool).T
    np.testing.assert_allclose(motion.contact_durations(contacts, 10.0), [0.3, 0.1])


def test_planted_feet_do_not_slide_and_dragged_ones_slide_at_their_speed():
    joints = swaying()
    joints[:, FEET] = rest_joints()[list(FEET)]
    planted = motion.measures(dance(joints))
    assert planted["a foot joint is in contact (% of frames)"] == 100
    assert planted["sliding while in contact (cm/s)"] == 0 and planted["PFC (30 frames/s)"] == 0
    joints[:, FEET, 2] += (np.arange(len(joints)) * 0.12 / FPS)[:, None]
    assert motion.measures(dance(joints))["sliding while in contact (cm/s)"] == pytest.approx(12)


def test_rotations_reach_as_far_as_the_joint_turns_from_its_mean():
    poses = np.zeros((600, 24, 3))
    poses[:, [INDEX["lknee"], INDEX["rknee"]], 0] = np.linspace(0, 1.0, 600)[:, None]
    found = motion.measures(dance(swaying(10.0), poses=poses))
    assert found["knees (degrees)"] == pytest.approx(np.degrees(0.5 * 0.95), rel=0.01)
    assert found["elbows (degrees)"] == pytest.approx(0, abs=1e-4)


def test_rest_on_the_beat_is_told_from_rest_between():
    joints, turning = swaying(20.0), np.arange(40) * 0.5 + 0.253  # a sine of 1 Hz turns at 0.25, 0.75, ... s
    on, off = (motion.measures(dance(joints, beat_times=beats)) for beats in (turning, turning[:-1] + 0.25))
    assert on["bailando: score"] > 0.8 > 0.1 > off["bailando: score"]
    assert on["fact: z"] > 1 > -0.5 > off["fact: z"]
    assert on[motion.ON_THE_BEAT] < 0.5 and off[motion.ON_THE_BEAT] > 1.4
    assert "bailando: score" not in motion.measures(dance(joints))


def test_a_coarse_recording_is_asked_for_places_only():
    names = set(motion.measures(dance(swaying(fps=6.0), 6.0)))
    assert names == set(motion.SECTIONS["Way of the root"])
    middling = set(motion.measures(dance(swaying(fps=20.0), 20.0)))
    assert "PFC (30 frames/s)" in middling and "all joints, median (m/s²)" not in middling


def test_every_measure_stands_in_the_table_and_every_row_has_a_measure():
    joints, poses = swaying() + 0.02 * np.random.default_rng(0).normal(size=(480, 24, 3)), np.zeros((480, 24, 3))
    found = motion.measures(dance(joints, poses=poses, beat_times=np.arange(16) * 0.5))
    assert set(found) | {"duration of a contact, median (s)", "sliding while in contact (cm/s)"} == {
        name for names in motion.SECTIONS.values() for name in names
    }


def test_clicks_have_their_tempo_rate_and_regularity(tmp_path):
    soundfile.write(tmp_path / "clicks.wav", click_track(12.0), 22_050)
    found = music.measures(tmp_path / "clicks.wav")
    assert set(found) == {name for names in music.SECTIONS.values() for name in names}
    assert found["tempo (BPM)"] == pytest.approx(120, abs=4)
    assert found["onsets a second"] == pytest.approx(2, abs=0.15)
    assert found["onsets a beat"] == pytest.approx(1, abs=0.1)
    assert found["regularity: autocorrelation of the envelope at one beat"] > 0.8
    assert found["crest factor (dB)"] > 15


def test_a_tone_has_its_own_centroid_the_crest_of_a_sine_and_no_level_range(tmp_path):
    t = np.arange(6 * 22_050) / 22_050
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 1500 * t), 22_050)
    found = music.measures(tmp_path / "tone.wav")
    assert found["spectral centroid (Hz)"] == pytest.approx(1500, rel=0.02)
    assert found["crest factor (dB)"] == pytest.approx(20 * np.log10(np.sqrt(2)), abs=0.05)
    assert found["level range, 10 % to 95 % (dB)"] < 0.2
    loud_and_soft = np.where(t < 3, 1.0, 0.1) * np.sin(2 * np.pi * 440 * t)
    assert music.level_range(loud_and_soft) == pytest.approx(20, abs=0.1)


def test_intervals_hold_the_mean_and_draw_whole_songs():
    rng = np.random.default_rng(4)
    items = [{"x": float(v)} for v in rng.normal(5, 1, 200)]
    alone = summarise(items, [str(i) for i in range(200)], ["x", "y"])
    low, high = alone["x"].interval
    assert low < alone["x"].value < high and high - low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.2)
    assert "y" not in alone
    songs = [{"x": float(v)} for v in np.repeat(rng.normal(5, 1, 20), 10)]
    of_songs = summarise(songs, [str(i // 10) for i in range(200)], ["x"])["x"].interval
    assert of_songs[1] - of_songs[0] > 2 * (high - low)
    assert summarise(items, ["same"] * 200, ["x"])["x"].interval is None


def test_a_clip_is_placed_among_others():
    items = [{"x": float(v)} for v in range(10)] + [{}]
    assert place(items, "x", 2.5) == 30 and place(items, "x", -1) == 0 and place(items, "x", 0) == 5
    assert place(items, "y", 1.0) is None


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (12.345, "12.3"), (0.5, "0.500"), (0.00012, "0.0001"), (-1e-9, "0.0000")]
)
def test_numbers_have_three_digits_and_no_exponent(value, text):
    assert number(value) == text


def test_a_missing_measure_is_a_dash_and_one_clip_has_no_interval():
    means = summarise([{"x": 2.0}], ["a"], ["x"])
    assert cell(None) == "-" and cell(means["x"]) == "2.00"


def test_the_page_names_what_is_far_from_real_and_nothing_else():
    ours = [motion.measures(dance(swaying(size=size))) for size in (0.1, 0.11)]
    real = motion.measures(dance(swaying(size=0.3)))
    columns = [
        Column(corpora.SYNTHETIC, ours, ["a", "b"]),
        Column(corpora.AISTPP, [real], ["c"]),
    ]
    found = ratios(*columns)
    assert found["hands, 50 %"] == pytest.approx(0.35, rel=1e-3)
    page = document(columns, [], {}, "command", None)
    below, above = page.split("Further below:")[1].split("Further above:")
    assert "hands, 50 %: x 0.350" in below and "centroid" not in page.split("###")[0]
    assert "at least one is (% of frames): x 3.00" in above and "hands" not in above.split("In brackets")[0]


def test_the_clip_of_median_energy_is_shown():
    dances = [dance(swaying(2.0, size)) for size in (0.5, 0.1, 0.3)] + [dance(swaying(4.0, 9.0, fps=6.0), 6.0)]
    assert figure.typical(dances) is dances[2] and figure.typical(dances[3:]) is None


def test_beats_of_a_clip_are_counted_from_its_own_start():
    np.testing.assert_allclose(corpora.beats_within(120, 0.0, 2.0), [0, 0.5, 1, 1.5])
    np.testing.assert_allclose(corpora.beats_within(120, 0.7, 1.0), [0.3, 0.8])


@pytest.fixture
def tiny_corpus(tmp_path):
    """Four clips to two songs in the pipeline's form, and beats.json where the pipeline puts it."""
    folder = tmp_path / "data" / "corpus"
    (folder / "motion").mkdir(parents=True)
    (folder / "audio").mkdir()
    columns = {name: [] for name in tables.MANIFEST.names}
    for song, bpm in (("mBR0", 80.0), ("mBR4", 120.0)):
        soundfile.write(folder / "audio" / f"{song}.flac", click_track(6.0, bpm), 22_050)
        for number_ in (1, 2):
            clip = f"gBR_sBM_cAll_d0{number_}_{song}_ch01"
            joints = swaying(6.0, 0.1 * number_, bpm / 120).astype(np.float32)
            np.savez(folder / "motion" / f"{clip}.npz", joints=joints, poses=np.zeros_like(joints))
            row = {
                "clip": clip,
                "song": song,
                "genre": "BR",
                "split": "train",
                "fps": 60.0,
                "frames": len(joints),
                "duration_s": 6.0,
                "offset_s": 0.0,
                "has_rotations": True,
                "motion": f"motion/{clip}.npz",
                "audio": f"audio/{song}.flac",
                "nominal_bpm": bpm,
                "nominal_beats_per_bar": 4,
            }
            for name, value in row.items():
                columns[name].append(value)
    tables.write(folder / "manifest.parquet", tables.MANIFEST, columns)
    (tmp_path / "metrics").mkdir()
    beats = {"songs": 2, "with_truth": 2, "f_measure": 0.97, "downbeat_f_measure": 0.9}
    (tmp_path / "metrics" / "beats.json").write_text(json.dumps(beats))
    return folder


def test_the_command_writes_the_same_page_and_figure_twice(tiny_corpus, tmp_path):
    made = []
    for run in ("first", "second"):
        page, drawn = tmp_path / run / "docs" / "realism.md", tmp_path / run / "docs" / "realism.png"
        songs = str(tiny_corpus / "audio")
        given = ["--synthetic", str(tiny_corpus), "--songs", songs, "--markdown", str(page), "--figure", str(drawn)]
        command.run(given)
        made.append((page.read_text(encoding="utf-8"), drawn.read_bytes()))
    assert made[0] == made[1]
    text, png = made[0]
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and "](realism.png)" in text
    assert "synthetic corpus 4" in text and "beats F = 0.970, downbeats F = 0.900" in text
    assert not re.search(r"\bnan\b|\binf\b|/tmp", text)
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {3, 4}  # dances of one corpus, songs of two


@pytest.mark.slow
def test_without_metrics_the_songs_are_tracked_now(tiny_corpus):
    (tiny_corpus.parents[1] / "metrics" / "beats.json").unlink()
    found = command._tracked(tiny_corpus)
    assert found["songs"] == 2 and 0 <= found["f_measure"] <= 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--synthetic", "{tmp}/nowhere"], "manifest.parquet is missing"),
        (["--synthetic", "{corpus}", "--most-clips", "0"], "--most-clips 0: give at least 1"),
        (["--synthetic", "{corpus}", "--songs", "{tmp}/metrics"], "no audio there"),
        (["--synthetic", "{corpus}", "--aistpp", "{tmp}/metrics/beats.json"], "beats.json"),
    ],
)
def test_what_is_not_there_is_refused(tiny_corpus, tmp_path, given, message):
    with pytest.raises(MotionBeatError, match=message):
        command.run([text.format(tmp=tmp_path, corpus=tiny_corpus) for text in given])


@pytest.mark.real
def test_the_real_dances_are_read_each_as_far_as_its_frames_go(tmp_path):
    (real,) = corpora.real_aistpp(sorted((SHARED / "aistpp" / "motions").glob("*.pkl")))
    assert len(real.beat_times) == 16
    found = motion.measures(real)
    assert set(found) == {name for names in motion.SECTIONS.values() for name in names}
    assert found["fact: z"] > 1 and found[motion.ON_THE_BEAT] < 0.8
    for pair in ("DANCE_C_2", "DANCE_R_2", "DANCE_W_7"):
        (tmp_path / pair).symlink_to(SHARED / "dance_with_melody" / pair)
    ballroom = corpora.melody(tmp_path).dances
    fine = [of for of in ballroom if of.fps >= motion.COARSE_FPS]
    assert {of.name[6] for of in fine} == {"C", "R"} and {of.name[6] for of in ballroom} == {"C", "R", "W"}
