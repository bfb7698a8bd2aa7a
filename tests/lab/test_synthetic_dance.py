"""The synthetic corpus's dancers: on the floor, moved by their event model, and as lively as a real dancer."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motionbeat.dance.foot_contact import physical_foot_contact
from motionbeat.dance.kinetic import kinetic_features
from motionbeat.lab.corpora.pickles import load_arrays
from motionbeat.lab.synthetic import dance_events
from motionbeat.lab.synthetic.body import arm, elbow, two_link
from motionbeat.lab.synthetic.choreography import choreography
from motionbeat.lab.synthetic.dance_events import realised
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.plan import FPS, clips, tempo
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.lab.synthetic.style import style
from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import FEET, INDEX, REST_OFFSETS

SEED = 3
ADVANCED = [clip for clip in clips("small") if clip.situation == "FM"]
SOME = [ADVANCED[0], ADVANCED[50], ADVANCED[100]]
MANY = [clip for clip in clips("full") if not clip.broken][::61]
TOES = [INDEX["ltoes"], INDEX["rtoes"]]
ON_FLOOR = 0.0225  # m: of a toe joint that stands at 2 cm
REAL_CLIP = Path(__file__).parents[3] / "shared" / "data" / "aistpp" / "motions" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl"
# Of gBR_sBM_cAll_d04_mBR0_ch01 of AIST++ (CC BY 4.0) on the neutral rest body, as `liveliness` measures it.
REAL = {
    "root speed 50 %": 0.466,
    "root speed 95 %": 0.781,
    "feet speed 75 %": 0.709,
    "feet speed 95 %": 2.60,
    "hands speed 50 %": 2.18,
    "hands speed 95 %": 3.93,
    "chest speed 50 %": 0.362,
    "head speed 50 %": 0.360,
    "contact": 0.423,
    "horizontal energy": 0.942,
    "vertical energy": 0.606,
    "expenditure": 7.50,
    "PFC": 0.466,
}


def danced_clip(clip):
    pattern = rhythm(SEED, clip.song, [4])
    moved = dance(SEED, clip, pattern)
    joints = forward_kinematics(moved.poses.reshape(-1, 24, 3), moved.translation / moved.scaling)
    return clip, pattern, moved, joints.astype(float)


@pytest.fixture(scope="module")
def danced():
    return [danced_clip(clip) for clip in SOME]


@pytest.fixture(scope="module")
def many():
    return [danced_clip(clip) for clip in MANY]


def speeds(joints):
    return np.linalg.norm(np.diff(joints, axis=0), axis=2) * FPS


def liveliness(joints):
    """The figures of REAL: m/s, m^2/s^2, m/s^2 and, without unit, contact and PFC."""
    groups = {"root": [0], "feet": list(FEET), "hands": [20, 21], "chest": [9], "head": [15]}
    speed = speeds(joints)
    energy = kinetic_features(joints, FPS, reference_bug=False).reshape(24, 3).mean(axis=0)
    found = {
        "contact": foot_contacts(joints, FPS, 0.3, 0.05).mean(),
        "horizontal energy": energy[0],
        "vertical energy": energy[1],
        "expenditure": energy[2],
        "PFC": physical_foot_contact(joints, FPS),
    }
    for name in REAL:
        if "speed" in name:
            group, _, percent, _ = name.split()
            found[name] = np.percentile(speed[:, groups[group]], float(percent))
    return found


@pytest.fixture(scope="module")
def lively(many):
    return [liveliness(joints) for _, _, _, joints in many]


def planted(joints):
    """(T, 2) frames well inside a stand of the left and the right ball: on the floor three frames before and after."""
    down = joints[:, TOES, 1] < ON_FLOOR
    inside = down.copy()
    for shift in (1, 2, 3):
        inside[shift:] &= down[:-shift]
        inside[:-shift] &= down[shift:]
    inside[: FPS // 2] = False  # the first frames may be the end of a swing
    return inside


def test_a_planted_foot_stays_where_it_is(danced, many):
    """The ball of the foot: it turns about it and lifts its heel."""
    for clip, _, _, joints in danced + many:
        stands = planted(joints)
        assert stands.mean() > 0.3, clip.name
        assert speeds(joints)[:, TOES][stands[1:]].max() < 0.05, clip.name


def test_feet_stand_on_the_floor_and_heads_are_up(danced, many):
    for clip, _, _, joints in danced + many:
        lowest = joints[:, FEET, 1].min(axis=1)
        assert abs(np.median(lowest) - 0.02) < 0.005, clip.name
        assert joints[..., 1].min() > 0.019, clip.name
        assert (joints[:, INDEX["head"], 1] > joints[:, INDEX["root"], 1] + 0.35).all(), clip.name
        assert np.median(joints[:, 0, 1]) > 0.75 and joints[:, 0, 1].min() > 0.65, clip.name
        assert joints[:, 0, 1].max() < 1.25, clip.name


def test_rotations_never_jump(danced, many):
    """No joint turns by more than 45 degrees in a frame, and arms by no more than 30."""
    for clip, _, moved, joints in danced + many:
        assert speeds(joints).max() < 14, clip.name
        poses = Rotation.from_rotvec(moved.poses.reshape(-1, 3).astype(float))
        frames = np.arange(len(poses)).reshape(-1, 24)
        turned = np.degrees((poses[frames[:-1].ravel()].inv() * poses[frames[1:].ravel()]).magnitude()).reshape(-1, 24)
        assert turned.max() < 45, clip.name
        assert turned[:, INDEX["lshoulder"] :].max() < 30, clip.name


def test_knees_bend_forwards_and_elbows_too(danced, many):
    for clip, _, moved, joints in danced + many:
        leftwards = joints[:, INDEX["lhip"]] - joints[:, INDEX["rhip"]]
        for side in "lr":
            hip, knee, ankle = (joints[:, INDEX[side + name]] for name in ("hip", "knee", "ankle"))
            hinge = np.cross(knee - hip, ankle - knee)
            assert (np.sum(hinge * leftwards, axis=1) > 0).all(), f"{clip.name}: {side}knee"
            bend = Rotation.from_rotvec(moved.poses.reshape(-1, 24, 3)[:, INDEX[side + "elbow"]].astype(float))
            # In the T pose the palms' side, where the forearm bends to, is ahead.
            forearm = bend.apply(REST_OFFSETS[INDEX[side + "wrist"]])
            upper_arm = REST_OFFSETS[INDEX[side + "elbow"]]
            ahead = forearm[:, 2] - upper_arm[2] * forearm[:, 0] / upper_arm[0]
            assert (ahead > 0).all(), f"{clip.name}: {side}elbow"


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
    assert ((knee - 0.5 * target) @ forward > -0.15).all()


@pytest.mark.parametrize("left", [True, False])
def test_an_arm_reaches_the_place_it_is_sent_to(left):
    places, poles = np.array([[0.1, -0.2, 0.3], [0.2, 0.3, 0.1]]), np.array([[0.5, -1.0, -0.2], [1.0, -0.6, 0.0]])
    shoulders, bends = arm(places, poles, left)
    side, mirror = ("l", 1.0) if left else ("r", -1.0)
    forearms = elbow(bends, left) @ REST_OFFSETS[INDEX[side + "wrist"]]
    assert np.allclose(shoulders.apply(REST_OFFSETS[INDEX[side + "elbow"]] + forearms), places * [mirror, 1, 1])


def test_a_body_in_the_air_falls_as_gravity_has_it(many):
    """Where a jump's both feet are off the floor, the pelvis accelerates by about -g."""
    falls, air = [], 0
    for _, _, _, joints in many:
        up = (joints[:, TOES, 1] > 0.05).all(axis=1)
        air += up.mean()
        middle = up.copy()
        for shift in (1, 2, 3):
            middle[shift:] &= up[:-shift]
            middle[:-shift] &= up[shift:]
        falls.append(np.diff(joints[:, 0, 1], 2)[middle[1:-1]] * FPS**2)
    assert len(np.concatenate(falls)) > 100
    assert np.median(np.concatenate(falls)) == pytest.approx(-9.81, abs=2.5)
    assert 0.01 < air / len(many) < 0.25


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
    assert np.concatenate(marked).mean() == pytest.approx(dance_events.RELIABILITY, abs=0.02)
    assert np.concatenate(spontaneous).mean() == pytest.approx(dance_events.SPONTANEOUS, abs=0.005)
    assert np.concatenate(lateness).mean() == pytest.approx(dance_events.LATENESS_S, abs=0.002)
    assert np.concatenate(lateness).std() == pytest.approx(dance_events.LATENESS_SPREAD_S, abs=0.002)
    assert np.concatenate(deviation).std() == pytest.approx(dance_events.STRENGTH_SPREAD, rel=0.15)


def test_feet_land_at_their_times(danced, many):
    """Down within two frames of the true landing, and off the floor shortly before."""
    for clip, _, moved, joints in danced + many:
        heights = joints[:, TOES, 1]
        for number, (time, foot) in enumerate(moved.landings):
            frame = int(np.ceil(time * FPS))
            leaves_at_once = (foot, True) in ((f, t < time + 0.3) for t, f in moved.landings[number + 1 :])
            if not leaves_at_once and 6 <= frame < len(joints) - 2:
                assert heights[frame + 1, foot] < ON_FLOOR, f"{clip.name} at {time}"
                assert heights[frame - 4, foot] > ON_FLOOR, f"{clip.name} at {time}"


def _by_slot(curve, slots):
    """Mean of a curve within each 16th."""
    times = (np.arange(len(curve)) + 0.5) / FPS
    return np.array([curve[(times >= a) & (times < b)].mean() for a, b in pairwise(slots)])


def _signs(joints, poses):
    """What tells of a step, a hit and a bounce in the motion alone: (3, T - 1).

    Steps touch down, hits turn shoulders and elbows fast, bounces drop the pelvis while the shoulders are drawn up.
    """
    velocity = np.diff(joints, axis=0) * FPS
    down = joints[:, TOES, 1] < 0.03
    touches = (down[1:] & ~down[:-1]).any(axis=1).astype(float)
    arms = Rotation.from_rotvec(poses.reshape(-1, 24, 3)[:, 16:20].astype(float).reshape(-1, 3))
    turned = (arms[:-4].inv() * arms[4:]).magnitude().reshape(-1, 4) * FPS
    drawn = np.diff((joints[:, [16, 17], 1] - joints[:, [13, 14], 1]).mean(axis=1)) * FPS
    return np.stack([touches, (turned**2).sum(axis=1), 2 * drawn - velocity[:, 0, 1]])


@pytest.mark.parametrize("kind", [0, 1, 2], ids=dance_events.EVENTS)
def test_events_can_be_read_off_the_joints_far_better_than_by_chance(danced, kind):
    """The correlation with the true events is above that with the same events shifted to any other place."""
    for clip, _, moved, joints in danced:
        slots = np.arange(clip.beats * 4 + 1) * 15 / tempo(clip.song)
        sign = _by_slot(_signs(joints, moved.poses)[kind], slots)
        truth = moved.events.strength[kind]
        if dance_events.EVENTS[kind] != "bounce":  # which comes up again in the next 16ths
            sign = sign + np.append(sign[1:], 0)  # where a hit or a landing is late it lies
        here = np.corrcoef(sign, truth)[0, 1]
        # Shifts that keep the beat keep the groove's share too, so that the song's pulse alone gains nothing.
        elsewhere = [np.corrcoef(sign, np.roll(truth, shift))[0, 1] for shift in range(4, len(truth) - 3, 4)]
        assert here > max(elsewhere) and here > 0.2, f"{clip.name}: {here:.2f}, {max(elsewhere):.2f} by chance"


def test_between_events_a_dancer_goes_on_moving_without_the_accents(monkeypatch):
    """A song of no accents is danced to as well, by feet that never leave the floor."""
    monkeypatch.setattr(dance_events, "SPONTANEOUS", 0.0)
    pattern = rhythm(SEED, SOME[0].song, [4])
    silent = type(pattern)(pattern.beats_per_bar, 0 * pattern.accents, pattern.hats)
    moved = dance(SEED, SOME[0], silent)
    joints = forward_kinematics(moved.poses.reshape(-1, 24, 3), moved.translation / moved.scaling).astype(float)
    assert not moved.landings and (joints[:, TOES, 1] < ON_FLOOR).all()
    assert np.median(speeds(joints)[:, 20]) > 0.3 and np.median(speeds(joints)[:, 0]) > 0.05


@pytest.mark.parametrize("name", REAL)
def test_dances_are_as_lively_as_a_real_one(lively, name):
    """The median clip is within a factor of two of the real one."""
    found = np.median([clip[name] for clip in lively])
    assert 0.5 < found / REAL[name] < 2, f"{name}: {found:.3f}, really {REAL[name]}"


def test_dances_differ_from_one_another(many):
    """Calm dancers and wild, travelling and not, upright and low: the middle four fifths span a good deal."""
    for measure, ratio in (
        (lambda joints: np.median(speeds(joints)[:, 20:22]), 1.5),
        (lambda joints: np.percentile(speeds(joints)[:, 0], 95), 1.5),
        (lambda joints: np.ptp(joints[:, 0, [0, 2]], axis=0).max(), 1.5),
        (lambda joints: np.ptp(joints[:, 0, 1]), 1.7),
        (lambda joints: np.percentile(joints[:, FEET, 1].max(axis=1), 98), 1.4),
    ):
        low, high = np.percentile([measure(joints) for _, _, _, joints in many], [10, 90])
        assert high / low > ratio


@pytest.mark.real
def test_the_real_clips_figures_are_those_stated():
    stored = load_arrays(REAL_CLIP)
    joints = forward_kinematics(
        stored["smpl_poses"].reshape(-1, 24, 3), stored["smpl_trans"] / stored["smpl_scaling"]
    ).astype(float)
    found = liveliness(joints)
    assert found == pytest.approx(REAL, rel=0.03)


def test_a_choreography_is_the_same_dance_to_another_song():
    """The order of moves belongs to the choreography: neither steps nor poses depend on the song."""
    same = [clip for clip in ADVANCED if clip.choreography_id == ADVANCED[0].choreography_id]
    assert len({clip.song for clip in same}) > 1
    first, second = (choreography(SEED, clip) for clip in same[:2])
    assert np.array_equal(first.poses.shoulder.as_quat(), second.poses.shoulder.as_quat())
    assert np.array_equal(first.steps.centre, second.steps.centre) and first.steps.kind == second.steps.kind
    assert first.groove.figure == second.groove.figure
    assert style(SEED, 4) != style(SEED, 5)
