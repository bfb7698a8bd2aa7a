"""The embedded corpus's dancers: they stand on the floor, and move when their event model says."""

from itertools import pairwise

import numpy as np
import pytest

from motionbeat.corpora.synthetic import events as event_model
from motionbeat.corpora.synthetic.body import two_link
from motionbeat.corpora.synthetic.dance import dance
from motionbeat.corpora.synthetic.events import realised
from motionbeat.corpora.synthetic.plan import FPS, clips, tempo
from motionbeat.corpora.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import FEET, INDEX

SEED = 3
ADVANCED = [clip for clip in clips("small") if clip.situation == "FM"]
SOME = [ADVANCED[0], ADVANCED[50], ADVANCED[100]]


@pytest.fixture(scope="module")
def danced():
    made = []
    for clip in SOME:
        pattern = rhythm(SEED, clip.song, [4])
        moved = dance(SEED, clip, pattern)
        joints = forward_kinematics(moved.poses.reshape(-1, 24, 3), moved.translation / moved.scaling)
        made.append((clip, pattern, moved, joints.astype(float)))
    return made


def test_a_planted_foot_stays_where_it_is(danced):
    for clip, _, moved, joints in danced:
        for foot, ankle in enumerate(("lankle", "rankle")):
            mine = [time for time, which in moved.landings if which == foot]
            rises = joints[:, INDEX[ankle], 1] > joints[:, INDEX[ankle], 1].min() + 0.002
            speed = np.linalg.norm(np.diff(joints[:, INDEX[ankle]], axis=0), axis=1) * FPS
            planted = ~(rises[1:] | rises[:-1])
            # The last frame of a swing is lower than the threshold and not yet still.
            for time in mine:
                frame = int(time * FPS)
                planted[max(0, frame - 2) : frame + 2] = False
            swing_starts = np.flatnonzero(np.diff(rises.astype(int)) == 1)
            for frame in swing_starts:
                planted[max(0, frame - 2) : frame + 2] = False
            assert planted.mean() > 0.3, clip.name
            assert speed[planted].max() < 0.05, clip.name


def test_feet_stand_on_the_floor_and_heads_are_up(danced):
    for _, _, _, joints in danced:
        lowest = joints[:, FEET, 1].min(axis=1)
        assert abs(np.median(lowest) - 0.02) < 0.01
        assert joints[..., 1].min() > -0.01
        assert (joints[:, INDEX["head"], 1] > joints[:, INDEX["root"], 1] + 0.35).all()
        assert (np.median(joints[:, INDEX["root"], 1]) > 0.8) and (joints[:, INDEX["root"], 1].max() < 1.0)


def test_joint_rotations_never_jump(danced):
    for clip, _, moved, joints in danced:
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=2) * FPS
        assert speed.max() < 12, clip.name
        assert np.percentile(speed, 50) > 0.15
        assert np.abs(np.diff(moved.poses, axis=0)).max() < 1.0


def test_inverse_kinematics_reaches_its_target():
    rng = np.random.default_rng(0)
    thigh, shank = np.array([0.04, -0.39, 0.0]), np.array([-0.01, -0.42, -0.04])
    target = rng.normal([0, -0.5, 0], 0.2, (50, 3))
    target *= np.minimum(1, 0.8 / np.linalg.norm(target, axis=1))[:, None]
    forward = np.array([0.0, 0.0, 1.0])
    upper, lower = two_link(np.zeros((50, 3)), target, np.tile(forward, (50, 1)), thigh, shank, forward)
    knee = upper @ thigh
    assert np.allclose(knee + lower @ shank, target, atol=1e-9)
    assert np.allclose(upper @ np.swapaxes(upper, 1, 2), np.eye(3), atol=1e-9)
    middle = 0.5 * target
    assert ((knee - middle) @ forward > -0.15).all()


def test_accents_are_marked_as_reliably_as_stated():
    marked, spontaneous, lateness, deviation = [], [], [], []
    for clip in ADVANCED[::4]:
        accents = rhythm(SEED, clip.song, [4]).accents
        events = realised(SEED, clip, rhythm(SEED, clip.song, [4]))
        happened = events.strength > 0
        marked.append(happened[accents > 0])
        spontaneous.append(happened[accents == 0])
        slots = np.arange(accents.shape[1]) * 15 / tempo(clip.song)
        lateness.append((events.time_s - slots)[happened])
        deviation.append((events.strength - accents)[happened & (accents > 0)])
    assert np.concatenate(marked).mean() == pytest.approx(event_model.RELIABILITY, abs=0.02)
    assert np.concatenate(spontaneous).mean() == pytest.approx(event_model.SPONTANEOUS, abs=0.005)
    assert np.concatenate(lateness).mean() == pytest.approx(event_model.LATENESS_S, abs=0.002)
    assert np.concatenate(lateness).std() == pytest.approx(event_model.LATENESS_SPREAD_S, abs=0.002)
    assert np.concatenate(deviation).std() == pytest.approx(event_model.STRENGTH_SPREAD, rel=0.15)


def _by_slot(curve, times, slots):
    """Sum of a curve within each 16th."""
    return np.array([curve[(times >= a) & (times < b)].sum() for a, b in pairwise(slots)])


def test_events_are_seen_in_the_body_and_not_only_in_the_truth(danced):
    """Kinetic energy of arms rises in the 16ths of hits, and a foot lands in those of steps."""
    for clip, _, moved, joints in danced:
        slots = np.arange(clip.beats * 4 + 1) * 15 / tempo(clip.song)
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=2) * FPS
        times = (np.arange(len(speed)) + 0.5) / FPS
        arms = _by_slot((speed[:, [18, 19, 20, 21]] ** 2).sum(axis=1), times, slots)
        hits = moved.events.strength[1] > 0
        # A hit also moves the arms in the 16th after it, so compare with 16ths that are away from any hit.
        away = ~(hits | np.roll(hits, 1) | np.roll(hits, -1))
        assert np.median(arms[hits]) > 3 * np.median(arms[away])
        down = joints[1:, [10, 11], 1] < 0.03
        still = down & (speed[:, [10, 11]] < 0.3)
        begins = (still[1:] & ~still[:-1]).any(axis=1)
        landed = _by_slot(begins.astype(float), times[1:], slots) > 0
        steps = moved.events.strength[0] > 0
        near = landed | np.roll(landed, -1)
        assert near[steps].mean() > 0.75
        assert landed[~steps & ~np.roll(steps, 1) & ~np.roll(steps, -1)].mean() < 0.1


def test_a_choreography_is_the_same_dance_to_another_song():
    """The order of moves belongs to the choreography: the poses reached do not depend on the song."""
    from motionbeat.corpora.synthetic.choreography import choreography, style

    same = [clip for clip in ADVANCED if clip.choreography_id == ADVANCED[0].choreography_id]
    assert len({clip.song for clip in same}) > 1
    first, second = (choreography(SEED, clip) for clip in same[:2])
    assert np.array_equal(first.poses.as_quat(), second.poses.as_quat())
    assert np.array_equal(first.centre, second.centre)
    assert style(SEED, 4) != style(SEED, 5)
