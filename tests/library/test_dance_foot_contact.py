"""PFC: closed forms, its dependence on the frame rate, the vertical axis, and a literal loop as oracle."""

import math

import numpy as np
import pytest

from motionbeat.dance import physical_foot_contact
from motionbeat.errors import MotionBeatError


def dancing(fps=30.0, seconds=6.0):
    """Smooth movement of all joints with all frequencies far below any frame rate."""
    rng = np.random.default_rng(5)
    times = np.arange(round(seconds * fps) + 1)[:, None, None, None] / fps
    frequency, phase = rng.uniform(0.2, 1.5, (24, 3, 4)), rng.uniform(0, 2 * np.pi, (24, 3, 4))
    waves = rng.uniform(0.02, 0.1, (24, 3, 4)) * np.sin(2 * np.pi * frequency * times + phase)
    return waves.sum(axis=-1) + rng.normal(size=(24, 3))


def loop(joints, up=1):
    """The definition frame by frame, at 30 frames per second."""
    ground = [axis for axis in range(3) if axis != up]
    strengths, products = [], []
    for t in range(len(joints) - 2):
        a = [(joints[t + 2, 0, x] - 2 * joints[t + 1, 0, x] + joints[t, 0, x]) * 900 for x in range(3)]
        a[up] = max(a[up], 0.0)
        strengths.append(math.sqrt(sum(x * x for x in a)))
        step = {j: math.dist(joints[t + 2, j, ground], joints[t + 1, j, ground]) for j in (7, 8, 10, 11)}
        products.append(min(step[7], step[10]) * min(step[8], step[11]))
    return 1e4 * sum(s / max(strengths) * p for s, p in zip(strengths, products, strict=True)) / len(products)


def test_it_is_the_definition_frame_by_frame():
    assert physical_foot_contact(dancing()) == pytest.approx(loop(dancing()), rel=1e-12)
    assert physical_foot_contact(dancing(), up="z") == pytest.approx(loop(dancing(), up=2), rel=1e-12)


def test_gliding_feet_under_a_root_that_is_pushed_evenly_have_the_product_of_their_steps():
    joints = np.zeros((50, 24, 3))
    frames = np.arange(50)
    joints[:, 0, 0] = 0.001 * frames**2  # the same acceleration in every frame: A = 1
    joints[:, [7, 10], 2] = 0.03 * frames[:, None]
    joints[:, [8, 11], 0] = -0.02 * frames[:, None]
    joints[:, 11, 0] *= 5  # the slower of ankle and toes counts
    assert physical_foot_contact(joints) == pytest.approx(1e4 * 0.03 * 0.02)


@pytest.mark.parametrize("drift", [0.0, 0.013])
def test_a_root_that_stands_or_glides_scores_zero_and_not_nan(drift):
    joints = dancing()
    joints[:, 0] = np.arange(len(joints))[:, None] * drift + 0.7
    assert physical_foot_contact(joints) == 0.0
    assert physical_foot_contact(joints.astype(np.float32)) == 0.0
    assert physical_foot_contact(np.ones((60, 24, 3)), fps=60) == 0.0


def test_one_planted_foot_is_enough_and_falling_counts_for_nothing():
    planted = dancing()
    planted[:, 10] = planted[0, 10]
    assert physical_foot_contact(planted) == 0.0
    falling = dancing()
    falling[:, 0] = [0.1, 0.0, 0.2]
    falling[:, 0, 1] = -0.005 * np.arange(len(falling)) ** 2
    assert physical_foot_contact(falling) == 0.0
    rising = falling * [1, -1, 1]
    assert physical_foot_contact(rising) > 1


def test_without_resampling_half_the_rate_is_four_times_the_value():
    raw = [physical_foot_contact(dancing(fps), fps, resampled=False) for fps in (60, 30)]
    assert raw[1] / raw[0] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("fps", [25.0, 60.0, 120.0])
def test_brought_to_30_frames_a_second_every_rate_agrees(fps):
    assert physical_foot_contact(dancing(fps), fps) == pytest.approx(physical_foot_contact(dancing()), rel=0.02)


def test_place_and_facing_do_not_matter_and_size_counts_squared():
    joints, angle = dancing(), 0.8
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    value = physical_foot_contact(joints)
    assert physical_foot_contact(joints @ turn.T + [3.0, -1.0, 2.0]) == pytest.approx(value)
    assert physical_foot_contact(2 * joints) == pytest.approx(4 * value)


def test_z_up_is_y_up_turned_by_90_degrees_about_x():
    joints = dancing()
    turned = np.stack([joints[..., 0], -joints[..., 2], joints[..., 1]], axis=-1)
    assert physical_foot_contact(turned, up="z") == pytest.approx(physical_foot_contact(joints))
    assert physical_foot_contact(turned) != pytest.approx(physical_foot_contact(joints), rel=0.05)


@pytest.mark.parametrize(
    ("joints", "options", "message"),
    [
        (np.zeros((9, 22, 3)), {}, r"shape \(9, 22, 3\); give \(frames, 24, 3\)"),
        (np.full((9, 24, 3), np.nan), {}, "NaN or infinity in frame 0"),
        (np.zeros((2, 24, 3)), {}, "2 frames at 30 frames per second; give at least 3"),
        (np.zeros((0, 24, 3)), {"fps": 60}, "0 frames"),
        (np.zeros((9, 24, 3)), {"fps": 0}, "fps = 0; give"),
        (np.zeros((9, 24, 3)), {"fps": float("nan")}, "fps = nan; give"),
        (np.zeros((9, 24, 3)), {"up": "x"}, "up = 'x'; give y or z"),
        (np.full((9, 24, 3), "a"), {}, "give metres as numbers"),
        (80.0 * (np.arange(24)[:, None] == 12) * np.ones((9, 1, 3)), {}, "139 m from the neck; give metres"),
    ],
)
def test_unusable_joints_are_refused_with_the_fix(joints, options, message):
    with pytest.raises(MotionBeatError, match=f"physical_foot_contact: .*{message}"):
        physical_foot_contact(joints, **options)
