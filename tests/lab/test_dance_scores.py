"""A row of the table: shuffles and chance, intervals, skating, and rows whose figures are known beforehand."""

import warnings

import numpy as np
import pytest
from generator_parts import corpus, small_model, small_settings

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import generator_rows
from motionbeat.lab.generator.dance_scores import Danced, Features, as_scores, pieces, score, skating
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import FEET

FPS = 30.0
RNG = np.random.default_rng(0)


def dancer(period_s, seed, seconds=20.0):
    """One who stops at every multiple of `period_s` and moves fastest half-way between."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * FPS)) / FPS
    swing = np.sin(np.pi * (times / period_s - 0.5))
    poses = swing[:, None, None] * generator.uniform(0.2, 0.6, (24, 3))
    return forward_kinematics(poses, np.stack([0 * times, 0.9 + 0.03 * swing, 0 * times], axis=1))


def dances():
    periods = {"slow": 0.757, "middle": 0.611, "fast": 0.463}  # whole frames would tie two displacements
    return [
        Danced(song, dancer(period, seed), FPS, np.arange(0, 20.0, period))
        for seed in (1, 2)
        for song, period in periods.items()
    ]


@pytest.fixture(scope="module")
def row():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score(dances(), Features.of(dances()), bootstrap=200)


def test_dancers_who_stop_on_their_song_s_beats_beat_other_songs_and_shifted_music(row):
    for definition in ("bailando", "fact"):
        assert row[f"bas_{definition}"] > 0.8
        assert row[f"bas_{definition}_shuffled_z"] > 5 and row[f"bas_{definition}_chance_z"] > 5
        assert row[f"bas_{definition}_shuffled"] < 0.5


def test_a_set_is_no_farther_from_itself_than_nothing_and_its_interval_holds_the_mean(row):
    assert row["fid_k"] == pytest.approx(0, abs=0.1) and row["fid_g"] == pytest.approx(0, abs=0.1)
    assert row["pfc_low"] <= row["pfc"] <= row["pfc_high"]
    assert row["dances"] == 6 and row["pieces"] == 24


def test_fid_warns_of_too_few_pieces():
    with pytest.warns(UserWarning, match="the value means little"):
        score(dances()[:2], Features.of(dances()), bootstrap=10)


@pytest.mark.filterwarnings("ignore:frechet_distance")
def test_one_who_stands_still_has_no_contact_error_no_beats_and_skates_nowhere():
    still = score(generator_rows.static(dances()), Features.of(dances()), bootstrap=50)
    assert still["pfc"] == still["skating"] == 0.0
    assert still["bas_bailando"] == still["bas_bailando_chance"] == still["bas_bailando_chance_z"] == 0.0


@pytest.mark.filterwarnings("ignore:frechet_distance")
@pytest.mark.parametrize("which", [[0, 3], [0, 1, 3, 4]], ids=["one song", "two songs"])
def test_with_fewer_than_three_songs_no_two_shuffles_differ_and_there_is_no_such_figure(which):
    figures = score([dances()[number] for number in which], Features.of(dances()), bootstrap=10)
    assert "bas_bailando_shuffled_z" not in figures and "bas_bailando_chance_z" in figures
    (pfc,) = (
        each for each in as_scores({f"ours.{name}": value for name, value in figures.items()}) if each.metric == "pfc"
    )
    assert (pfc.low is None) == (which == [0, 3])  # an interval over one song would have no width


def test_skating_is_the_horizontal_speed_of_feet_on_the_floor():
    joints = np.zeros((60, 24, 3), np.float32)
    joints[:, :, 1] = 1.0
    joints[:, FEET, 1] = 0.0
    joints[:, FEET, 2] = 0.3 * np.arange(60)[:, None] / FPS
    assert skating(joints, FPS) == pytest.approx(0.3, rel=1e-5)
    joints[:, FEET[0], 1] = np.where(np.arange(60) < 30, 0.0, 0.5)  # a foot that is lifted may fly as fast as it likes
    joints[30:, FEET[0], 2] += 5.0 * np.arange(1, 31)
    assert skating(joints, FPS) < 0.75


def test_pieces_are_whole_and_of_five_seconds():
    dance = Danced("s", np.zeros((470, 24, 3), np.float32), FPS, np.arange(3.0))
    assert [len(piece) for piece in pieces(dance)] == [150, 150, 150]
    with pytest.raises(MotionBeatError, match="1 pieces of 5 s in 1 dances"):
        Features.of([Danced("s", dance.joints[:200], FPS, dance.beats)])


def test_the_rows_of_the_table_are_as_long_as_asked_and_beside_their_own_beats(settings):
    vectors, music = corpus()
    beats = {song: np.arange(0.1, 10.0, 0.5) for song in music}
    real = generator_rows.ground_truth(vectors, beats, 6.0)
    assert [len(dance.joints) for dance in real] == [180] * 6
    np.testing.assert_allclose(real[1].beats, beats["b"] - 0.5)  # the dance begins half a second into its song
    model = small_model()
    small = small_settings(settings, length_s=6.0)
    made = generator_rows.danced(generator_rows.sampled(model, music, small, 2.0), beats, plant=True)
    assert [dance.song for dance in made] == ["a", "b", "c"]
    assert all(dance.joints.shape == (180, 24, 3) for dance in made)
    noisy = generator_rows.noise(model, real, 0)
    assert np.abs(np.diff(noisy[0].joints, axis=0)).mean() > 10 * np.abs(np.diff(real[0].joints, axis=0)).mean()
    with pytest.raises(
        MotionBeatError, match=r"song a, dance.length_s = 4: the song lasts 4.00 s, shorter than a slice"
    ):
        generator_rows.sampled(model, music, small_settings(settings, length_s=4.0), 2.0)
    with pytest.raises(MotionBeatError, match="all dances are shorter"):
        generator_rows.ground_truth(vectors, beats, 4.0)


def test_without_guidance_the_row_is_the_same_for_any_music(settings):
    _, music = corpus()
    turned = dict(zip(music, [music["c"], music["a"], music["b"]], strict=True))
    small = small_settings(settings, length_s=6.0)
    one, two = (generator_rows.sampled(small_model(), heard, small, 0.0) for heard in (music, turned))
    assert all(np.array_equal(a.joints, b.joints) for (_, a), (_, b) in zip(one, two, strict=True))
    assert not np.array_equal(one[0][1].joints, one[1][1].joints)
