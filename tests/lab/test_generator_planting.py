"""Planted feet: where a dance says that a foot stands it stands, and all else stays as it was."""

import numpy as np
import pytest
import torch
from generator_parts import swaying

from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.dance_scores import skating
from motionbeat.lab.generator.planting import planted
from motionbeat.lab.generator.sampling import hold
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.plan import clips
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.skeleton import FEET, INDEX

LEGS = [INDEX[side + part] for side in "lr" for part in ("hip", "knee", "ankle", "toes")]
ABOVE = [joint for joint in range(24) if joint not in LEGS]
TOES = {2: INDEX["ltoes"], 3: INDEX["rtoes"]}


def placed(vectors):
    """Contacts (T, 4), joints (T, 24, 3), their rotations in the world and relative to their parents."""
    contact, root, rotations = motion_vector.decode(torch.as_tensor(vectors, dtype=torch.float64))
    joints, turns = motion_vector.placed(root, rotations)
    return contact.numpy() > 0.5, joints.numpy(), turns.numpy(), rotations.numpy()


def slid(vectors, speed=0.4, axis=0):
    """The dance on ice: it drifts, first one way and then the other, at `speed` m/s, and its contacts know nothing."""
    there = vectors.copy()
    path = np.abs((np.arange(len(vectors)) / 60) % 2 - 1) * 2 * speed
    there[:, motion_vector.ROOT.start + axis] += path
    return there


@pytest.fixture(scope="module")
def dancer():
    """Vectors (T, 151) of a dancer of the synthetic corpus, who stands where the contacts say so."""
    clip = next(clip for clip in clips("small") if clip.situation == "FM")
    made = dance(3, clip, rhythm(3, clip.song, [4]))
    return motion_vector.encode(made.poses.reshape(-1, 24, 3)[::2], made.translation[::2] / made.scaling)[:450]


def test_feet_that_are_said_to_stand_stand(dancer):
    ice = slid(dancer)
    contact, before, *_ = placed(ice)
    _, after, *_ = placed(planted(ice))
    for column, toes in TOES.items():
        steady = contact[1:, column] & contact[:-1, column]
        long = np.convolve(contact[:, column], np.ones(5), "same")[1:] >= 4  # a contact of one frame is none
        slide, still = (np.linalg.norm(np.diff(at[:, toes], axis=0), axis=-1)[steady & long] for at in (before, after))
        assert steady.mean() > 0.3 and np.median(slide) > 0.01
        assert still.max() < 1e-4
    assert skating(after, 30.0) < 0.4 * skating(before, 30.0)


def test_a_dance_that_stands_already_stays_as_it_is(dancer):
    _, before, *_ = placed(dancer)
    _, after, *_ = placed(planted(dancer))
    assert np.abs(after - before).mean() < 0.005
    assert np.abs(after[:, ABOVE] - before[:, ABOVE]).max() < 0.02


def test_above_the_hips_nothing_turns_and_feet_keep_their_direction(dancer):
    ice = slid(dancer)
    contact, before, turned, own = placed(ice)
    still, after, turns, new = placed(planted(ice))
    np.testing.assert_array_equal(still, contact)
    np.testing.assert_allclose(new[:, ABOVE], own[:, ABOVE], atol=1e-5)
    feet = [INDEX["lankle"], INDEX["rankle"], INDEX["ltoes"], INDEX["rtoes"]]
    np.testing.assert_allclose(turns[:, feet], turned[:, feet], atol=1e-5)
    np.testing.assert_allclose(after[:, 0, 1], before[:, 0, 1], atol=1e-6)


@pytest.mark.parametrize("axis", [0, 2], ids=["sideways", "forwards"])
def test_knees_bend_as_they_did(dancer, axis):
    """The knee's hinge turns with the leg: a knee that pointed forwards does not come to point backwards."""
    ice = slid(dancer, 0.8, axis)
    held = hold(ice, joints=[]).mask  # the body stays, so the legs turn most
    _, after, turns, _ = placed(planted(ice, held))
    for side in "lr":
        hip, knee, ankle = (INDEX[side + part] for part in ("hip", "knee", "ankle"))
        aside = after[:, knee] - (after[:, hip] + after[:, ankle]) / 2
        assert np.einsum("ti,ti->t", aside, turns[:, hip, :, 2]).min() > -1e-3


def standing(frames=180, bend=0.05):
    """Vectors (T, 151) of one who stands on nearly straight legs, in contact with both feet all the time."""
    poses = np.zeros((frames, 24, 3))
    for side in "lr":
        poses[:, INDEX[side + "hip"], 0], poses[:, INDEX[side + "knee"], 0] = -bend / 2, bend
    return motion_vector.encode(poses, np.tile([0.0, 0.92, 0.0], (frames, 1)))


@pytest.mark.parametrize("bend", [0.0, 0.02, 0.15])
def test_straight_knees_bend_forwards_when_they_have_to(bend):
    sway = standing(bend=bend)
    sway[:, motion_vector.ROOT.start + 1] -= 0.1 * np.sin(np.pi * np.arange(180) / 60) ** 2
    sway[:, motion_vector.ROOT.start + 2] += 0.3 * np.sin(np.pi * np.arange(180) / 45)
    sway[:, motion_vector.CONTACT] = 1.0
    made = planted(sway)
    assert np.isfinite(made).all()
    _, joints, turns, _ = placed(made)
    for side in "lr":
        hip, knee, ankle = (INDEX[side + part] for part in ("hip", "knee", "ankle"))
        aside = joints[:, knee] - (joints[:, hip] + joints[:, ankle]) / 2
        assert np.einsum("ti,ti->t", aside, turns[:, 0, :, 2]).min() > -0.005


def toe_to_heel(break_at=None):
    """One who drifts at 0.4 m/s over toes said to stand in frames 30-60 and ankles said to stand in 30-90."""
    walk = standing(bend=0.4)
    walk[:, motion_vector.ROOT.start] += np.arange(180) / 75
    walk[:, motion_vector.CONTACT] = 0.0
    walk[30:90, :2] = walk[30:60, 2:4] = 1.0
    if break_at is not None:
        walk[break_at : break_at + 2, motion_vector.CONTACT] = 0.0
    return walk


@pytest.mark.parametrize("break_at", [None, 45])
def test_a_foot_rolls_from_toes_to_heel_and_over_breaks_without_a_jump(break_at):
    walk = toe_to_heel(break_at)
    _, joints, *_ = placed(planted(walk))
    feet = joints[:, list(FEET)]
    assert np.linalg.norm(np.diff(feet, axis=0), axis=-1).max() < 0.17  # m a frame: 5 m/s
    if break_at is None:
        assert np.ptp(feet[36:84], axis=0).max() < 1e-3


def test_a_foot_that_never_stands_goes_along_with_the_other():
    hop = standing(bend=0.4)
    hop[:, motion_vector.ROOT.start] += 0.2 * np.sin(np.pi * np.arange(180) / 60)
    hop[:, [1, 3]] = 0.0
    _, before, *_ = placed(hop)
    _, after, *_ = placed(planted(hop))
    hip, ankle = INDEX["rhip"], INDEX["rankle"]
    apart = np.linalg.norm((after[:, ankle] - after[:, hip]) - (before[:, ankle] - before[:, hip]), axis=-1)
    assert np.ptp(after[:, INDEX["ltoes"]], axis=0).max() < 1e-3 and apart.max() < 0.25
    body = np.ptp(after[:, 0, 0] - after[:, INDEX["ltoes"], 0])
    assert body < 0.3 * np.ptp(before[:, 0, 0])  # the body stands above its foot, not half way between two wishes


def test_without_contacts_nothing_changes(dancer):
    for flying in (slid(dancer), swaying(200, 20), standing(bend=0.0)):
        flying[:, motion_vector.CONTACT] = 0.2
        np.testing.assert_array_equal(planted(flying), flying)


def test_what_are_no_rotations_quite_are_changed_in_the_legs_alone(dancer):
    rough = slid(dancer) + 0.02 * np.random.default_rng(0).normal(size=dancer.shape).astype(np.float32)
    made = planted(rough)
    legs = [channel for joint in LEGS for channel in np.r_[motion_vector.joint_channels(joint)]]
    others = [
        i
        for i in range(motion_vector.WIDTH)
        if i not in legs and i not in (motion_vector.ROOT.start, motion_vector.ROOT.start + 2)
    ]
    np.testing.assert_array_equal(made[:, others], rough[:, others])


def test_where_it_dances_and_which_way_it_faces_do_not_matter(dancer):
    ice = slid(dancer)
    angle = 0.8
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    elsewhere = ice.copy()
    elsewhere[:, motion_vector.ROOT] = ice[:, motion_vector.ROOT] @ turn.T + [1.0, 0.0, -2.0]
    first = ice[:, motion_vector.joint_channels(0)].reshape(-1, 2, 3) @ turn.T
    elsewhere[:, motion_vector.joint_channels(0)] = first.reshape(-1, 6)
    expected = placed(planted(ice))[1] @ turn.T + [1.0, 0.0, -2.0]
    np.testing.assert_allclose(placed(planted(elsewhere))[1], expected, atol=1e-4)


def test_a_foot_whose_toes_are_up_is_planted_by_its_ankle(dancer):
    ice = slid(dancer)
    ice[:, [0, 2, 3]] = 0.0
    ice[:, 0] = dancer[:, 0]
    contact, joints, *_ = placed(planted(ice))
    runs = np.convolve(contact[:, 0], np.ones(5), "same")[1:] >= 4
    stands = contact[1:, 0] & contact[:-1, 0] & runs
    moved = np.linalg.norm(np.diff(joints, axis=0), axis=-1)[stands]
    assert stands.sum() > 50 and moved[:, INDEX["lankle"]].max() < 1e-4


def test_contacts_of_one_frame_and_breaks_of_one_frame_are_none(dancer):
    ice = slid(dancer)
    ice[:, motion_vector.CONTACT] = 0.0
    ice[50, 2] = 1.0
    np.testing.assert_array_equal(planted(ice), ice)
    ice[100:130] = ice[100]  # the pose stands, the body slides
    ice[100:130, motion_vector.ROOT.start] += np.arange(30) / 75
    ice[100:130, 2] = 1.0
    ice[115, 2] = 0.0
    _, joints, *_ = placed(planted(ice))
    assert np.ptp(joints[100:130, INDEX["ltoes"]], axis=0).max() < 1e-4


def test_what_is_held_stays_and_the_feet_come_to_it(dancer):
    ice = slid(dancer)
    ends = np.zeros(len(ice), bool)
    ends[:20] = ends[-20:] = True
    made = planted(ice, hold(ice, ends).mask)
    np.testing.assert_allclose(made[ends], ice[ends], atol=1e-5)
    contact, joints, *_ = placed(made)
    inside = slice(60, -60)
    for column, toes in TOES.items():
        both = contact[inside][1:, column] & contact[inside][:-1, column]
        assert np.median(np.linalg.norm(np.diff(joints[inside, toes], axis=0), axis=-1)[both]) < 1e-4
    _, before, *_ = placed(ice)
    for end in (20, len(ice) - 20):
        feet = [np.linalg.norm(np.diff(at[end - 8 : end + 8, FEET], axis=0), axis=-1).max() for at in (before, joints)]
        assert feet[1] < feet[0] + 0.1  # m a frame: no jump where the hold ends


@pytest.mark.parametrize("contact_from", [0, 20], ids=["standing throughout", "a stance where the hold ends"])
def test_from_one_held_end_to_the_other_feet_go_smoothly(contact_from):
    drift = standing(bend=0.4)
    drift[:, motion_vector.ROOT.start] += np.arange(180) / 350
    drift[:, motion_vector.CONTACT] = 0.0
    drift[contact_from:, motion_vector.CONTACT] = 1.0
    ends = np.zeros(180, bool)
    ends[:20] = ends[-20:] = True
    made = planted(drift, hold(drift, ends).mask)
    np.testing.assert_array_equal(made[ends], drift[ends])
    _, joints, *_ = placed(made)
    assert np.linalg.norm(np.diff(joints[:, list(FEET)], axis=0), axis=-1).max() < 0.17


def test_a_held_root_is_kept_and_the_legs_do_it_alone(dancer):
    ice = slid(dancer, speed=0.1)
    made = planted(ice, hold(ice, joints=[]).mask)
    np.testing.assert_allclose(made[:, motion_vector.ROOT], ice[:, motion_vector.ROOT], atol=1e-6)
    assert skating(placed(made)[1], 30.0) < skating(placed(ice)[1], 30.0)
    one_leg = hold(ice, joints=["lknee"], root=False)
    kept = planted(ice, one_leg.mask)
    left = [motion_vector.joint_channels(INDEX[name]) for name in ("lhip", "lknee", "lankle")]
    for channels in left:
        np.testing.assert_allclose(kept[:, channels], ice[:, channels], atol=1e-5)
    assert np.abs(kept - ice).max() > 0.01


def test_legs_that_cannot_reach_their_feet_give_numbers():
    """Feet said to stand while the body runs away: the legs stretch after them and nothing is NaN."""
    run = swaying(200, 20)
    run[:, motion_vector.ROOT.start] += np.arange(200) * 0.1
    run[:, motion_vector.CONTACT] = 1.0
    made = planted(run)
    _, _, turns, _ = placed(made)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-4)
    for length in (1, 2, 3):
        assert planted(run[:length]).shape == (length, motion_vector.WIDTH)
