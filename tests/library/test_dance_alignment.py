"""Beat alignment: literal definitions, dances with known beats, chance, and every frame rate the same."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelextrema

from motionbeat.dance import beat_alignment, beat_alignment_against_chance, motion_beats
from motionbeat.dance.alignment import DEFINITIONS
from motionbeat.errors import MotionBeatError
from motionbeat.motion.skeleton import INDEX

BOTH = pytest.mark.parametrize("definition", ["bailando", "fact"])
ALL = pytest.mark.parametrize("definition", DEFINITIONS)


def swinging(period_s, seconds=20.0, fps=60.0, lag_s=0.0):
    """All joints swing between two places and are slowest at lag + k * period."""
    t = np.arange(round(seconds * fps) + 1) / fps
    joints = np.zeros((len(t), 24, 3))
    beside_the_frames = 0.003  # else two displacements would be equally small, and neither strictly least
    joints[..., 0] = 0.3 * np.cos(np.pi * (t - lag_s - beside_the_frames) / period_s)[:, None]
    return joints


def stepping(landings, seconds, fps=60.0, lift_s=0.2, feet=("l", "r")):
    """One who stands, and lifts the next foot `lift_s` before each landing, forwards by 10 cm in a smooth arc."""
    t = np.arange(round(seconds * fps)) / fps
    joints = np.zeros((len(t), 24, 3))
    joints[:, :, 1] = 1.0
    for side in "lr":
        joints[:, [INDEX[side + "ankle"], INDEX[side + "toes"]], 1] = 0.0
    for number, landing in enumerate(landings):
        foot = [INDEX[feet[number % len(feet)] + part] for part in ("ankle", "toes")]
        s = np.clip((t - (landing - lift_s)) / lift_s, 0, 1)
        joints[:, foot, 1] += (0.2 * np.sin(np.pi * s))[:, None]
        joints[:, foot, 2] += (0.1 * s)[:, None]
    return joints


def noise(seconds=30, fps=60):
    rng = np.random.default_rng(2)
    return gaussian_filter1d(rng.normal(size=(seconds * fps, 24, 3)), 6, axis=0)


def literal(joints, beat_times, definition):
    """The definitions in frames at 60 a second, with loops."""
    steps = [[math.dist(joints[t + 1, j], joints[t, j]) for j in range(24)] for t in range(len(joints) - 1)]
    if definition == "bailando":
        speed = gaussian_filter1d(np.mean(steps, axis=1), 5)
        moves = argrelextrema(speed, np.less)[0]
        averaged, others = np.asarray(beat_times) * 60, moves
    else:
        speed = np.concatenate([[0], np.sum(steps, axis=1)])
        moves = argrelextrema(speed, np.less, order=10)[0]
        averaged, others = moves, np.asarray(beat_times) * 60
    return np.mean([math.exp(-(min(abs(b - m) for m in others) ** 2) / (2 * 3**2)) for b in averaged])


@BOTH
def test_it_is_the_definition_in_frames(definition):
    joints, beats = noise(), np.arange(0.2, 29.9, 0.47)
    assert beat_alignment(joints, 60, beats, definition) == pytest.approx(literal(joints, beats, definition), rel=1e-9)


@BOTH
def test_a_dance_that_rests_on_every_beat_aligns_and_one_that_rests_between_does_not(definition):
    beats = np.arange(1, 39) * 0.5
    # displacements belong to a frame, so a minimum lies up to a frame beside the rest; two rests have no beat
    assert beat_alignment(swinging(0.5), 60, beats, definition) > 0.9
    assert beat_alignment(swinging(0.5, lag_s=0.25), 60, beats, definition) < 0.02


@BOTH
def test_a_dance_late_by_sigma_scores_exp_of_minus_a_half(definition):
    beats = np.arange(1, 39) * 0.5
    found = motion_beats(swinging(0.5, lag_s=0.05), 60, definition)
    late = np.abs(found[:, None] - beats).min(axis=1)
    np.testing.assert_allclose(late[1:-1], 0.05, atol=1.01 / 60)
    expected = math.exp(-0.5)
    assert beat_alignment(swinging(0.5, lag_s=0.05), 60, beats, definition) == pytest.approx(expected, abs=0.22)


def test_music_beats_without_a_rest_lower_bailando_and_rests_without_a_beat_lower_fact():
    every, half = np.arange(1, 39) * 0.5, np.arange(1, 20) * 1.0
    slow, quick = swinging(1.0), swinging(0.5)
    assert beat_alignment(slow, 60, every, "bailando") == pytest.approx(0.5, abs=0.06)
    assert beat_alignment(slow, 60, every, "fact") > 0.93
    assert beat_alignment(quick, 60, half, "bailando") > 0.93
    assert beat_alignment(quick, 60, half, "fact") == pytest.approx(0.5, abs=0.06)


@ALL
def test_who_stands_still_or_glides_scores_zero(definition):
    beats = np.arange(20) * 0.5
    assert beat_alignment(np.ones((600, 24, 3)), 60, beats, definition) == 0.0
    still = beat_alignment_against_chance(np.ones((600, 24, 3)), 60, beats, definition)
    assert (still.value, still.chance, still.chance_std, still.z) == (0.0, 0.0, 0.0, 0.0)


@BOTH
@pytest.mark.parametrize("fps", [30.0, 120.0])
def test_other_frame_rates_agree(definition, fps):
    beats = np.arange(1, 39) * 0.5
    other = beat_alignment(swinging(0.5, fps=fps), fps, beats, definition)
    assert other == pytest.approx(beat_alignment(swinging(0.5), 60, beats, definition), abs=0.05)


@ALL
def test_place_and_facing_do_not_matter(definition):
    joints, beats, c, s = noise(10), np.arange(1, 19) * 0.5, math.cos(0.7), math.sin(0.7)
    turned = joints @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + [1.0, 2.0, 3.0]
    assert beat_alignment(turned, 60, beats, definition) == pytest.approx(beat_alignment(joints, 60, beats, definition))


@ALL
def test_beats_beyond_the_motion_and_their_order_do_not_count(definition):
    joints, beats = noise(10), np.arange(1, 19) * 0.5
    more = np.concatenate([[-3.0, 10.0, 77.0], beats[::-1]])
    assert beat_alignment(joints, 60, more, definition) == beat_alignment(joints, 60, beats, definition)


@BOTH
def test_noise_is_at_chance_and_a_dance_on_the_beat_far_above_it(definition):
    beats = np.arange(0.3, 29.8, 0.5)
    at_random = beat_alignment_against_chance(noise(), 60, beats, definition)
    assert abs(at_random.z) < 3 and 0.1 < at_random.chance < 0.7
    assert at_random.value == beat_alignment(noise(), 60, beats, definition)
    irregular = np.cumsum(np.random.default_rng(0).uniform(0.4, 0.9, 40))  # else most shifts would fit as well
    t = np.arange(round(irregular[-1] * 60)) / 60
    phase = np.interp(t, np.concatenate([[0], irregular]), np.arange(41))
    joints = np.zeros((len(t), 24, 3))
    joints[..., 0] = 0.3 * np.cos(np.pi * phase)[:, None]
    on_beat = beat_alignment_against_chance(joints, 60, irregular, definition)
    assert on_beat.value > 0.7 and on_beat.z > 5
    assert on_beat.z == pytest.approx((on_beat.value - on_beat.chance) / on_beat.chance_std)


def test_chance_depends_on_its_seed_alone():
    joints, beats = noise(10), np.arange(1, 19) * 0.5
    first, again, other = (beat_alignment_against_chance(joints, 60, beats, seed=seed) for seed in (1, 1, 2))
    assert first == again and first.value == other.value and first.chance != other.chance
    assert first.chance == pytest.approx(other.chance, abs=4 * first.chance_std / math.sqrt(200))


@pytest.mark.parametrize("fps", [30.0, 60.0, 120.0])
def test_feet_that_come_down_on_the_beats_score_one_by_landings_and_those_that_come_down_between_do_not(fps):
    beats = np.arange(1, 20) * 0.5
    on, off = stepping(beats, 10, fps), stepping(beats[:-1] + 0.25, 10, fps)
    np.testing.assert_allclose(motion_beats(on, fps, "landing"), beats, atol=1.01 / min(fps, 60))
    assert beat_alignment(on, fps, beats, "landing") > 0.85
    assert beat_alignment(off, fps, beats, "landing") < 0.01
    late = beat_alignment(stepping(beats[:-1] + 0.05, 10), 60, beats, "landing")
    assert late == pytest.approx(math.exp(-0.5), abs=0.22)


def test_every_foot_lands_for_itself_and_one_that_trembles_lands_once():
    both = stepping([1.0, 1.1, 2.0, 2.1], 4, lift_s=0.15)
    assert len(motion_beats(both, 60, "landing")) == 4
    for frames, landings in ((2, 1), (9, 2)):
        trembling = stepping([1.0], 3)
        trembling[70 : 70 + frames, [[INDEX["ltoes"]], [INDEX["lankle"]]], 1] += 0.2
        assert len(motion_beats(trembling, 60, "landing")) == landings
    assert len(motion_beats(stepping([0.0], 3), 60, "landing")) == 0  # whether it stood before is not known
    gliding = stepping([], 3)
    gliding[:, :, 0] += (np.arange(len(gliding)) / 60)[:, None]
    assert len(motion_beats(gliding, 60, "landing")) == 0


def test_landings_of_irregular_steps_are_far_above_chance_and_without_music_at_it():
    times = np.cumsum(np.random.default_rng(0).uniform(0.4, 0.9, 40))
    steps = stepping(times, times[-1] + 0.5)
    on_beat = beat_alignment_against_chance(steps, 60, times, "landing")
    assert on_beat.value > 0.85 and on_beat.z > 5
    other = np.cumsum(np.random.default_rng(1).uniform(0.4, 0.9, 40))
    assert abs(beat_alignment_against_chance(steps, 60, other, "landing").z) < 3


@ALL
def test_rounding_is_no_movement(definition):
    rounded = 3 + np.random.default_rng(0).uniform(-1e-6, 1e-6, (600, 24, 3))
    assert beat_alignment(rounded, 60.0, np.arange(0, 10, 0.5), definition) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definition": "edge"}, "definition = 'edge'; give one of bailando, fact, landing"),
        ({"beat_times": [50.0]}, "none of the 1 beat_times lies within the 1.00 s"),
        ({"beat_times": []}, "none of the 0 beat_times"),
        ({"beat_times": [np.nan]}, "finite seconds"),
        ({"beat_times": [[0.1]]}, r"shape \(1, 1\)"),
        ({"beat_times": [0.5, 0.5, 0.9]}, "give each beat once"),
        ({"beat_times": [0, 30, 60, 90]}, "in seconds, not in frames"),
        ({"joints": np.zeros((3, 24, 3))}, "3 frames"),
        ({"fps": -1}, "fps = -1"),
    ],
)
def test_unusable_input_is_refused_with_the_fix(options, message):
    given = {"joints": np.zeros((60, 24, 3)), "fps": 60.0, "beat_times": [0.5]} | options
    with pytest.raises(MotionBeatError, match=message):
        beat_alignment(**given)


def test_a_chance_level_needs_two_shifts():
    with pytest.raises(MotionBeatError, match="shifts = 1; give at least 2"):
        beat_alignment_against_chance(np.zeros((60, 24, 3)), 60, [0.5], shifts=1)
