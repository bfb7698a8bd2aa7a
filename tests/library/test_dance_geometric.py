"""Geometric features: a literal loop over the table, poses with a known answer, and what must not matter."""

import math

import numpy as np
import pytest

from motionbeat.dance import geometric_features
from motionbeat.errors import MotionBeatError
from motionbeat.motion.kinematics import rest_joints
from motionbeat.motion.skeleton import INDEX

RNG = np.random.default_rng(3)
HL, SW, HW = 0.25683811, 0.39084836, 0.11924707
UP = (0.0, 1.0, 0.0)


def sub(x, y):
    return [x[k] - y[k] for k in range(3)]


def dot(x, y):
    return sum(x[k] * y[k] for k in range(3))


def unit(x):
    length = math.sqrt(dot(x, x))
    return [value / length for value in x]


def cross(x, y):
    return [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]


def frame_conditions(now, before):
    """The table's 32 conditions on one frame, as it is written there."""

    def p(name, frame=now):
        return [float(x) for x in frame[INDEX[name]]]

    def move(a, b, c, threshold):
        relative = sub(sub(p(c), p(a)), sub(p(c, before), p(a, before)))
        return dot(relative, unit(sub(p(b), p(a)))) * 120 > threshold

    def nmove(a, b, c, d, threshold):
        relative = sub(sub(p(d), p(a)), sub(p(d, before), p(a, before)))
        return dot(relative, unit(cross(sub(p(c), p(a)), sub(p(b), p(a))))) * 120 > threshold

    def plane(a, b, c, d, threshold):
        return dot(unit(cross(sub(p(c), p(a)), sub(p(b), p(a)))), sub(p(d), p(a))) > threshold

    def along(axis, c, d, threshold):
        return dot(unit(axis), sub(d, c)) > threshold

    def nplane(a, b, c, d, threshold):
        return along(sub(p(b), p(a)), p(c), p(d), threshold)

    def between(x, y, low, high):
        return low < math.degrees(math.acos(max(-1.0, min(1.0, dot(unit(x), unit(y)))))) < high

    def angle(a, b, c, d, low, high):
        return between(sub(p(b), p(a)), sub(p(d), p(c)), low, high)

    def fast(a, threshold):
        return math.dist(p(a), p(a, before)) * 120 > threshold

    lowest = [0.0, min(float(y) for y in now[:, 1]), 0.0]
    return [
        nmove("neck", "rhip", "lhip", "rwrist", 1.8 * HL),
        nmove("neck", "lhip", "rhip", "lwrist", 1.8 * HL),
        nplane("chest", "neck", "neck", "rwrist", 0.2 * HL),
        nplane("chest", "neck", "neck", "lwrist", 0.2 * HL),
        move("belly", "chest", "chest", 1.8 * HL),
        move("belly", "chest", "chest", 1.8 * HL),
        angle("relbow", "rshoulder", "relbow", "rwrist", 0, 110),
        angle("lelbow", "lshoulder", "lelbow", "lwrist", 0, 110),
        nplane("lshoulder", "rshoulder", "lwrist", "rwrist", 2.5 * SW),
        move("lwrist", "rwrist", "rwrist", 1.4 * HL),
        move("rwrist", "root", "lwrist", 1.4 * HL),
        move("lwrist", "root", "rwrist", 1.4 * HL),
        fast("rwrist", 2.5 * HL),
        fast("lwrist", 2.5 * HL),
        plane("root", "lhip", "ltoes", "rankle", 0.38 * HL),
        plane("root", "rhip", "rtoes", "lankle", 0.38 * HL),
        along(UP, lowest, p("rankle"), 1.2 * HL),
        along(UP, lowest, p("lankle"), 1.2 * HL),
        nplane("lhip", "rhip", "lankle", "rankle", 2.1 * HW),
        angle("rknee", "rhip", "rknee", "rankle", 0, 110),
        angle("lknee", "lhip", "lknee", "lankle", 0, 110),
        fast("rankle", 2.5 * HL),
        fast("lankle", 2.5 * HL),
        angle("neck", "root", "rshoulder", "relbow", 25, 180),
        angle("neck", "root", "lshoulder", "lelbow", 25, 180),
        angle("neck", "root", "rhip", "rknee", 50, 180),
        angle("neck", "root", "lhip", "lknee", 50, 180),
        plane("rankle", "neck", "lankle", "root", 0.5 * HL),
        between(sub(p("root"), p("neck")), UP, 70, 110),
        along((0.0, -1.0, 0.0), lowest, p("rwrist"), -1.2 * HL),
        along((0.0, -1.0, 0.0), lowest, p("lwrist"), -1.2 * HL),
        fast("root", 2.3 * HL),
    ]


def loop(joints):
    frames = [frame_conditions(joints[t], joints[t - 1]) for t in range(1, len(joints))]
    return np.mean(frames, axis=0)


def wild(frames=300):
    """Smooth movement so wild that every condition holds in some frames and fails in others."""
    rng, t = np.random.default_rng(11), np.arange(frames)[:, None, None] / 60
    waves = np.sin(2 * np.pi * rng.uniform(0.2, 0.6, (24, 3)) * t + rng.uniform(0, 2 * np.pi, (24, 3)))
    size = np.full((24, 1), 0.5)
    size[[INDEX["lwrist"], INDEX["rwrist"]]] = 1.5  # down to the feet
    return rest_joints() + size * np.sin(np.pi * t / t.max()) ** 2 * waves  # beginning and ending at rest


def standing(frames=20):
    return np.tile(rest_joints(), (frames, 1, 1))


def test_it_is_the_table_condition_by_condition_and_frame_by_frame():
    joints = wild()
    features = geometric_features(joints)
    np.testing.assert_allclose(features, loop(joints), atol=1e-12)
    assert ((features > 0) & (features < 1)).all()  # an oracle on conditions that never change tells little


def test_who_stands_in_the_rest_pose_meets_only_conditions_of_pose():
    features = geometric_features(standing())
    holds = set(np.flatnonzero(features) + 1)
    assert set(np.unique(features)) == {0.0, 1.0}
    assert holds == {9, 24, 25} | (holds & {15, 16})  # arms stretched out: wide apart, and at an angle to the trunk
    raised = standing()
    raised[:, [INDEX["rwrist"], INDEX["lwrist"]], 1] += 0.5
    assert {3, 4} <= set(np.flatnonzero(geometric_features(raised)) + 1)


@pytest.mark.parametrize(
    ("joint", "feature", "threshold"),
    [("rwrist", 13, 2.5 * HL), ("lwrist", 14, 2.5 * HL), ("rankle", 22, 2.5 * HL), ("lankle", 23, 2.5 * HL)],
)
def test_fast_is_a_displacement_times_120_above_its_threshold(joint, feature, threshold):
    for factor, expected in ((0.99, 0.0), (1.01, 1.0)):
        joints = standing()
        joints[:, INDEX[joint], 2] += np.arange(len(joints)) * factor * threshold / 120
        assert geometric_features(joints)[feature - 1] == expected


def test_one_step_of_the_root_is_one_frame_of_the_last_feature():
    joints = standing(21)
    joints[10:] += [0.0, 0.0, 0.02]
    assert geometric_features(joints)[31] == pytest.approx(1 / 20)


def test_place_and_facing_do_not_matter_but_lying_down_does():
    joints, angle = wild(), 2.0
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    features = geometric_features(joints)
    np.testing.assert_allclose(geometric_features(joints @ turn.T + [5.0, -2.0, 1.0]), features, atol=1e-9)
    lying = standing() @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).T
    assert geometric_features(lying)[28] == 1.0 and geometric_features(standing())[28] == 0.0


def test_mirroring_the_dancer_exchanges_right_and_left_but_for_planes_which_turn_over():
    joints = wild()
    mirrored = joints * [-1, 1, 1]
    names = list(INDEX)
    other = [INDEX[("r" + n[1:] if n[0] == "l" else "l" + n[1:]) if n != "root" and n[0] in "lr" else n] for n in names]
    features, swapped = geometric_features(joints), geometric_features(mirrored[:, other])
    exchanged = features.copy()
    for first in (3, 5, 7, 11, 13, 17, 20, 22, 24, 26, 30):
        exchanged[[first - 1, first]] = exchanged[[first, first - 1]]
    kept = [n for n in range(32) if n + 1 not in (1, 2, 15, 16, 28)]
    np.testing.assert_allclose(swapped[kept], exchanged[kept], atol=1e-12)


def test_features_5_and_6_are_equal_as_the_definition_ignores_the_wrists():
    features = geometric_features(wild())
    assert features[4] == features[5] > 0


def test_a_body_shrunk_to_a_point_has_finite_features():
    features = geometric_features(np.zeros((10, 24, 3)))
    assert np.isfinite(features).all() and features[[29, 30]].tolist() == [1.0, 1.0] and features.sum() == 2


def test_other_frame_rates_are_brought_to_60():
    t = np.arange(121)[:, None, None] / 120
    joints = rest_joints() + 0.3 * np.sin(2 * np.pi * RNG.uniform(0.3, 1.2, (24, 3)) * t)
    np.testing.assert_allclose(geometric_features(joints, 120), geometric_features(joints[::2]), atol=0.02)


def test_unusable_joints_are_refused():
    with pytest.raises(MotionBeatError, match="geometric_features: 1 frames"):
        geometric_features(np.zeros((1, 24, 3)))
    with pytest.raises(MotionBeatError, match=r"geometric_features: joints of shape \(10, 72\)"):
        geometric_features(np.zeros((10, 72)))
