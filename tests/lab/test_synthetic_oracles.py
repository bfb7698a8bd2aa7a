"""The truth as input of a model: true accents and true events on the grid of the tokens."""

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.synthetic import truth
from motionbeat.lab.synthetic.oracles import true_accents, true_events
from motionbeat.lab.synthetic.rhythm import rhythm

SONG, CLIP, BEAT_S = "mBR61", "gBR_sFM_cAll_d04_mBR61_ch20", 60 / 90
SLOTS, DANCED = 256, 128


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus's truth alone: a song, and a clip that ends half-way through it."""
    folder = tmp_path_factory.mktemp("truth")
    accents = rhythm(0, SONG, [4]).accents
    events = accents[:, :DANCED] * (np.random.default_rng(0).random((3, DANCED)) < 0.7)
    slots = np.arange(SLOTS)
    with truth.writing(folder) as (songs, clips, contacts):
        songs(
            {"song": [SONG] * SLOTS, "slot": slots, "time_s": slots * BEAT_S / 4, "bar_position": slots // 4 % 4}
            | {"beats_per_bar": [4] * SLOTS, "kit": [0] * SLOTS}
            | dict(zip(("low", "back", "high"), accents, strict=True))
        )
        clips(
            {"clip": [CLIP] * DANCED, "song": [SONG] * DANCED, "choreography": ["c"] * DANCED, "slot": slots[:DANCED]}
            | {"context": [0.0] * DANCED}
            | dict(zip(("step", "hit", "bounce"), events, strict=True))
            | {f"{kind}_time_s": slots[:DANCED] * BEAT_S / 4 for kind in ("step", "hit", "bounce")}
        )
        contacts({"clip": [], "time_s": [], "foot": []})
    return folder, accents, events


def test_on_four_sub_beats_the_grid_is_the_truth_itself(made):
    folder, accents, events = made
    starts = [0.0, 3 * BEAT_S, 10.2 * BEAT_S]
    heard = true_accents(folder, [(SONG, start) for start in starts], 16, 4)
    seen = true_events(folder, [(CLIP, start) for start in starts], 16, 4)
    assert heard.shape == seen.shape == (3, 64, 3) and heard.dtype == seen.dtype == np.float32
    for number, beat in enumerate((0, 3, 10)):
        assert np.allclose(heard[number], accents[:, 4 * beat : 4 * beat + 64].T)
        assert np.allclose(seen[number], events[:, 4 * beat : 4 * beat + 64].T)


@pytest.mark.parametrize("subbeats", [8, 12, 16])
def test_on_a_finer_grid_every_accent_stands_at_its_time_and_nothing_else_does(made, subbeats):
    folder, accents, _ = made
    heard = true_accents(folder, [(SONG, 0.0)], 16, subbeats)[0]
    assert heard.shape == (16 * subbeats, 3)
    assert np.allclose(heard[:: subbeats // 4], accents[:, :64].T)
    assert np.isclose(heard.sum(), accents[:, :64].sum())


@pytest.mark.parametrize("subbeats", [1, 2, 3])
def test_on_a_coarser_grid_the_strongest_stands_for_those_that_share_a_part(made, subbeats):
    folder, accents, _ = made
    heard = true_accents(folder, [(SONG, 0.0)], 16, subbeats)[0].reshape(16, subbeats, 3)
    beats = accents[:, :64].reshape(3, 16, 4).transpose(1, 2, 0)
    assert np.allclose(heard.max(axis=1), beats.max(axis=1))
    assert np.allclose(heard[:, 0], beats[:, : -(-4 // subbeats)].max(axis=1))


def test_rows_of_the_token_tables_are_windows_of_one_beat(made):
    folder, _, _ = made
    rows = true_accents(folder, [(SONG, beat * BEAT_S) for beat in range(16)], 1, 8)
    assert np.array_equal(rows.reshape(-1, 3), true_accents(folder, [(SONG, 0.0)], 16, 8)[0])


def test_beyond_the_end_of_a_clip_nothing_happens(made):
    folder, _, events = made
    seen = true_events(folder, [(CLIP, 24 * BEAT_S)], 16, 4)[0]
    assert np.allclose(seen[:32], events[:, 96:128].T) and not seen[32:].any()


def test_what_the_truth_does_not_hold_is_refused(made):
    folder, _, _ = made
    with pytest.raises(MotionBeatError, match="no mBR62"):
        true_accents(folder, [("mBR62", 0.0)], 16, 4)
    with pytest.raises(MotionBeatError, match="no beat at 30"):
        true_events(folder, [(CLIP, 30.0)], 16, 4)
    with pytest.raises(MotionBeatError, match="subbeats = 0"):
        true_accents(folder, [(SONG, 0.0)], 16, 0)
