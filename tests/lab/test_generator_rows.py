"""The rows of the generator's table: what is danced to which music, and against whose beats it is scored."""

import numpy as np
import pytest
import soundfile
from generator_parts import small_model, small_settings, sounding

from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import generator_rows

MUSIC = {
    song: sounding(6.0, period, number) for number, (song, period) in enumerate({"a": 0.5, "b": 0.6, "c": 0.8}.items())
}
BEATS = {song: np.arange(0.1, 6.0, 0.5) + 0.05 * number for number, song in enumerate(MUSIC)}


def test_swapped_every_song_gets_the_music_of_another_and_none_is_left_out():
    swapped = generator_rows.swapped(MUSIC)
    assert list(swapped) == list(MUSIC)
    assert all(swapped[song] is not MUSIC[song] for song in MUSIC)
    assert {id(music) for music in swapped.values()} == {id(music) for music in MUSIC.values()}
    with pytest.raises(MotionBeatError, match="with one test song, music cannot be swapped"):
        generator_rows.swapped({"a": MUSIC["a"]})


def test_a_dance_to_swapped_music_has_the_seed_and_the_beats_of_its_own_song(settings):
    """So that the rows of right and of wrong music differ by the music and by nothing else."""
    model, short = small_model(), small_settings(settings, length_s=5.0)

    def row(music, guidance):
        return generator_rows.danced(generator_rows.sampled(model, music, short, guidance), BEATS, plant=True)

    own, other = row(MUSIC, 1.0), row(generator_rows.swapped(MUSIC), 1.0)
    unconditional, of_other = row(MUSIC, 0.0), row(generator_rows.swapped(MUSIC), 0.0)
    for one, two, three, four in zip(own, other, unconditional, of_other, strict=True):
        assert one.song == two.song
        np.testing.assert_array_equal(one.beats, two.beats)
        np.testing.assert_array_equal(three.joints, four.joints)
        assert np.abs(one.joints - two.joints).max() > 1e-4


def test_music_shorter_than_a_slice_is_refused_by_the_song_s_name(settings):
    with pytest.raises(
        MotionBeatError, match=r"song a, dance.length_s = 20: the song lasts 3\.97 s, shorter than a slice"
    ):
        generator_rows.sampled(small_model(), {"a": sounding(4.0, 0.5)}, small_settings(settings), 1.0)


def test_by_rules_as_many_dances_are_made_of_each_song_s_first_seconds(settings, tmp_path):
    rate, seconds = 22_050, {"a": 9.0, "b": 5.5}
    (tmp_path / "audio").mkdir()
    grids = {}
    for number, (song, length) in enumerate(seconds.items()):
        since = (np.arange(round(length * rate)) / rate) % (0.5 + 0.1 * number)
        soundfile.write(tmp_path / f"audio/{song}.flac", np.sin(400 * since) * np.exp(-since / 0.05), rate)
        times = np.arange(0, length, 0.5 + 0.1 * number)
        grids[song] = Beats(times, np.arange(len(times)) % 4 + 1, 4)
    made = generator_rows.ruled(tmp_path, grids, small_settings(settings, length_s=6.0, dances_per_song=2))
    assert [(song, len(dance.joints)) for song, dance in made] == [("a", 180), ("a", 180), ("b", 165), ("b", 165)]
    assert len({dance.vectors.tobytes() for _, dance in made}) == 4


def test_the_same_dances_are_scored_with_their_feet_as_they_are_and_planted(settings):
    model, short = small_model(), small_settings(settings, length_s=5.0)
    dances = generator_rows.sampled(model, MUSIC, short, 1.0)
    bare, planted = (generator_rows.danced(dances, BEATS, plant) for plant in (False, True))
    for (song, dance), one, two in zip(dances, bare, planted, strict=True):
        assert one.song == two.song == song
        np.testing.assert_array_equal(one.joints, dance.joints)
        assert np.abs(one.joints - two.joints).max() > 1e-3
