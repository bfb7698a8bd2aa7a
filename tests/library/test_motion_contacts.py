"""Foot contacts: thresholds in metres and seconds, each clip's own floor, pulses where contact begins."""

import numpy as np
import pytest

from motionbeat.motion.contacts import contact_pulses, foot_contacts
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import FEET

SPEED, HEIGHT = 0.3, 0.05


def stepping(fps, seconds=7.8, floor=0.0):
    """Feet that stand for half a second and swing 0.3 m up and down for half a second, left against right."""
    times = np.arange(int(seconds * fps) + 1) / fps
    joints = np.zeros((len(times), 24, 3))
    joints[..., 1] = 1.0 + floor
    for place, joint in enumerate(FEET):
        phase = (times + 0.5 * (place % 2)) % 1.0
        swing = np.clip(2 * phase - 1, 0, 1)
        joints[:, joint, 1] = floor + 0.08 * (place < 2) + 0.15 * (1 - np.cos(2 * np.pi * swing))
    return joints


def test_feet_touch_the_floor_half_of_the_time_and_in_turn():
    contacts = foot_contacts(stepping(60), 60, SPEED, HEIGHT)
    assert contacts.shape == (469, 4)
    np.testing.assert_allclose(contacts.mean(axis=0), 0.55, atol=0.06)
    np.testing.assert_array_equal(contacts[:, 0], contacts[:, 2])
    assert (contacts[:, 0] | contacts[:, 1]).all()


def test_contacts_do_not_depend_on_where_the_floor_is_nor_on_the_ankles_height():
    reference = foot_contacts(stepping(60), 60, SPEED, HEIGHT)
    np.testing.assert_array_equal(foot_contacts(stepping(60, floor=1.7), 60, SPEED, HEIGHT), reference)


@pytest.mark.parametrize("fps", [30, 120])
def test_contacts_agree_across_frame_rates(fps):
    at_60 = foot_contacts(stepping(60), 60, SPEED, HEIGHT)
    other = foot_contacts(stepping(fps), fps, SPEED, HEIGHT)
    agreement = (at_60[::2] == other) if fps == 30 else (at_60 == other[::2])
    assert agreement.mean() > 0.95
    assert (contact_pulses(at_60).sum(axis=0) == contact_pulses(other).sum(axis=0)).all()


def test_resampled_motion_has_the_same_contact_pulses():
    joints = stepping(60)
    pulses = contact_pulses(foot_contacts(resample(joints, 60, 30), 30, SPEED, HEIGHT))
    np.testing.assert_array_equal(
        pulses.sum(axis=0), contact_pulses(foot_contacts(joints, 60, SPEED, HEIGHT)).sum(axis=0)
    )


def test_a_foot_that_slides_or_hangs_is_in_no_contact():
    joints = stepping(60)
    sliding = joints.copy()
    sliding[..., 0] = np.arange(len(joints))[:, None] * (0.4 / 60)
    assert not foot_contacts(sliding, 60, SPEED, HEIGHT).any()
    hanging = np.tile(joints[:1], (100, 1, 1))
    hanging[10:, FEET[0], 1] += 0.06
    hanging[:, FEET[0], 1] -= 1e-9
    contacts = foot_contacts(hanging, 60, SPEED, HEIGHT)
    assert contacts[:9, 0].all() and not contacts[12:, 0].any() and contacts[:, 1].all()


def test_a_pulse_is_where_contact_begins_and_the_first_frame_is_no_beginning():
    contacts = np.array([[1, 1, 0, 0, 1, 1, 1, 0, 1]], bool).T
    np.testing.assert_array_equal(np.flatnonzero(contact_pulses(contacts)[:, 0]), [4, 8])
    assert not contact_pulses(np.ones((5, 4), bool)).any()
