"""The rule-based dancer: any meter and length, and feet that answer the music and not its beats."""

import numpy as np
import pytest

from motionbeat.beats import Beats
from motionbeat.dance.alignment import motion_beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator.rule_dancer import dance_by_rules

RATE = 22_050
BEAT_S = 0.6


def kicks(seconds, late_s=0.0):
    """Low thuds, one a beat, `late_s` after it."""
    times = np.arange(round(seconds * RATE)) / RATE
    since = (times - late_s) % BEAT_S
    return 0.8 * np.sin(2 * np.pi * 60 * since) * np.exp(-since / 0.05)


def beats(seconds, meter=4, first=0.0):
    times = np.arange(first, seconds, BEAT_S)
    return Beats(times, np.arange(len(times)) % meter + 1, meter)


@pytest.mark.parametrize(("meter", "seconds"), [(3, 5.03), (4, 20.0), (5, 21.4), (7, 60.0)])
def test_a_dance_lasts_as_long_as_its_song_in_any_meter(meter, seconds):
    dance = dance_by_rules(kicks(seconds), RATE, beats(seconds - 2.0, meter, first=1.4), seed=1)
    assert dance.joints.shape == (int(seconds * 30), 24, 3) and dance.fps == 30
    assert np.isfinite(dance.joints).all() and dance.joints[..., 1].min() > -0.05
    moving = np.linalg.norm(np.diff(dance.joints[:, 1:], axis=0), axis=-1).mean(axis=1)
    assert moving[:30].max() > 1e-3 and moving[-30:].max() > 1e-3


@pytest.mark.parametrize("late_s", [0.0, BEAT_S / 2])
def test_feet_land_on_the_accents_wherever_they_are_among_the_beats(late_s):
    dances = [dance_by_rules(kicks(40.0, late_s), RATE, beats(40.0), seed) for seed in range(3)]
    landings = np.concatenate([motion_beats(dance.joints, 30, "landing") for dance in dances])
    after = (landings - late_s) % BEAT_S
    away = np.minimum(after, BEAT_S - after)  # at random half of them would be within a quarter of a beat
    assert np.mean(away < BEAT_S / 8) > 0.6


def test_the_seed_decides_the_dance():
    one, two, other = (dance_by_rules(kicks(8.0), RATE, beats(8.0), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.vectors, two.vectors)
    assert np.abs(one.joints - other.joints).max() > 0.1


def test_beats_after_the_end_are_refused():
    with pytest.raises(MotionBeatError, match="give the duration of the audio"):
        dance_by_rules(kicks(8.0), RATE, beats(12.0))
