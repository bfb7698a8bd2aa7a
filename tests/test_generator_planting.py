"""Planted feet: where a dance says that a foot stands it stands, and all else stays as it was."""

import numpy as np
import pytest
import torch
from generator_parts import swaying

from motionbeat.corpora.synthetic.dance import dance
from motionbeat.corpora.synthetic.plan import clips
from motionbeat.corpora.synthetic.rhythm import rhythm
from motionbeat.dance.generator import vector
from motionbeat.dance.generator.planting import planted
from motionbeat.dance.generator.sampling import hold
from motionbeat.dance.scores import skating
from motionbeat.motion.skeleton import INDEX, JOINTS

LEGS = [INDEX[side + part] for side in "lr" for part in ("hip", "knee", "ankle", "toes")]
ABOVE = [joint for joint in range(24) if joint not in LEGS]
TOES = {2: INDEX["ltoes"], 3: INDEX["rtoes"]}


def placed(vectors):
    """Contacts (T, 4), joints (T, 24, 3), their rotations in the world and relative to their parents."""
    contact, root, rotations = vector.decode(torch.as_tensor(vectors, dtype=torch.float64))
    joints, turns = vector.placed(root, rotations)
    return contact.numpy() > 0.5, joints.numpy(), turns.numpy(), rotations.numpy()


def slid(vectors, speed=0.4):
    """The dance on ice: it drifts, first one way and then the other, at `speed` m/s, and its contacts know nothing."""
    there = vectors.copy()
    path = np.abs((np.arange(len(vectors)) / 60) % 2 - 1) * 2 * speed
    there[:, vector.ROOT.start] += path
    return there


@pytest.fixture(scope="module")
def dancer():
    """Vectors (T, 151) of a dancer of the embedded corpus, who stands where the contacts say so."""
    clip = next(clip for clip in clips("small") if clip.situation == "FM")
    made = dance(3, clip, rhythm(3, clip.song, [4]))
    return vector.encode(made.poses.reshape(-1, 24, 3)[::2], made.translation[::2] / made.scaling)[:450]


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


def test_knees_bend_as_they_did(dancer):
    """The plane of the knee turns with the leg: a knee that pointed forwards does not come to point backwards."""
    _, before, turned, _ = placed(slid(dancer))
    _, after, turns, _ = placed(planted(slid(dancer)))
    for side in "lr":
        hip, knee, ankle = (INDEX[side + part] for part in ("hip", "knee", "ankle"))
        for at, turn in ((before, turned), (after, turns)):
            aside = at[:, knee] - (at[:, hip] + at[:, ankle]) / 2
            assert (np.einsum("ti,ti->t", aside, turn[:, 0, :, 2]) > 0).mean() > 0.95
        assert np.linalg.norm(after[:, knee] - before[:, knee], axis=-1).max() < 0.4


def test_without_contacts_nothing_changes(dancer):
    flying = slid(dancer)
    flying[:, vector.CONTACT] = 0.2
    np.testing.assert_allclose(planted(flying), flying, atol=1e-5)


def test_where_it_dances_and_which_way_it_faces_do_not_matter(dancer):
    ice = slid(dancer)
    angle = 0.8
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    elsewhere = ice.copy()
    elsewhere[:, vector.ROOT] = ice[:, vector.ROOT] @ turn.T + [1.0, 0.0, -2.0]
    first = ice[:, vector.joint_channels(0)].reshape(-1, 2, 3) @ turn.T
    elsewhere[:, vector.joint_channels(0)] = first.reshape(-1, 6)
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
    ice[:, vector.CONTACT] = 0.0
    ice[50, 2] = 1.0
    np.testing.assert_allclose(planted(ice), np.where(np.arange(151) == 2, ice, planted(ice)), atol=1e-6)
    np.testing.assert_allclose(planted(ice)[:, vector.ROTATION], ice[:, vector.ROTATION], atol=1e-5)
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
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.35  # m a frame: no jump where the hold ends


def test_a_held_root_is_kept_and_the_legs_do_it_alone(dancer):
    ice = slid(dancer, speed=0.1)
    made = planted(ice, hold(ice, joints=[]).mask)
    np.testing.assert_allclose(made[:, vector.ROOT], ice[:, vector.ROOT], atol=1e-6)
    assert skating(placed(made)[1], 30.0) < skating(placed(ice)[1], 30.0)
    one_leg = hold(ice, joints=["lknee"], root=False)
    kept = planted(ice, one_leg.mask)
    left = [vector.joint_channels(INDEX[name]) for name in ("lhip", "lknee", "lankle")]
    for channels in left:
        np.testing.assert_allclose(kept[:, channels], ice[:, channels], atol=1e-5)
    assert np.abs(kept - ice).max() > 0.01


def test_straight_and_far_legs_give_numbers(dancer):
    """Feet said to stand while the body runs away: the legs stretch after them and nothing is NaN."""
    run = swaying(200, 20)
    run[:, vector.ROOT.start] += np.arange(200) * 0.1
    run[:, vector.CONTACT] = 1.0
    made = planted(run)
    assert np.isfinite(made).all()
    assert len(JOINTS) == placed(made)[1].shape[1]
