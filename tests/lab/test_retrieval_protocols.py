"""Claims about WIN, SEQ and the rows of the retrieval table."""

import json
from typing import Any

import numpy as np
import pytest

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.retrieval_rows import DIRECTIONS, ROWS, posterior, tempo_similarity
from motionbeat.lab.tasks.window_protocol import (
    Items,
    evaluate,
    seq_pairs,
    sequence_embeddings,
    sequence_likelihood,
    win_pairs,
)
from motionbeat.retrieval import retrieval_metrics

SONGS, DANCES, STARTS = 8, 3, (0, 4, 8)


def items(**changes: Any) -> Items:
    """Each song danced by three clips; the third covers the last two windows only."""
    motion = [
        (f"clip{song}{dance}", f"song{song}", start)
        for song in range(SONGS)
        for dance in range(DANCES)
        for start in STARTS[dance == DANCES - 1 :]
    ]
    music = [(f"song{song}", start) for song in range(SONGS) for start in STARTS]
    values = {
        "motion_clip": [clip for clip, _, _ in motion],
        "motion_song": [song for _, song, _ in motion],
        "motion_start": [start for _, _, start in motion],
        "music_song": [song for song, _ in music],
        "music_start": [start for _, start in music],
        "tempo": {f"song{song}": 80.0 + 10 * (song // 2) for song in range(SONGS)},
        "genre": {f"song{song}": "pop" if song < SONGS // 2 else "jazz" for song in range(SONGS)},
    }
    return Items(**{**values, **changes})


def perfect(some: Items) -> tuple[np.ndarray, np.ndarray]:
    music = np.random.default_rng(0).normal(size=(len(some.music_song), 32))
    return music, music[some.music_of_motion]


def test_embeddings_that_say_which_window_they_are_rank_first_everywhere():
    some = items()
    metrics, _ = evaluate(some, *perfect(some), None, bootstrap=20, seed=0)
    for protocol in ("win", "seq"):
        for direction in DIRECTIONS:
            assert metrics[protocol][direction]["model"]["r1"] == 100
            assert metrics[protocol][direction]["model"]["meanr"] == 1


def test_a_projected_encoder_goes_through_the_same_ranking_as_the_model():
    some = items()
    music, motion = perfect(some)
    noise = np.random.default_rng(9).normal(size=music.shape)
    rows = {"mel_projected": music, "random_projected": noise}
    metrics, intervals = evaluate(some, noise, motion, None, 20, 0, rows)
    swapped, _ = evaluate(some, music, motion, None, 20, 0)
    for protocol in ("win", "seq"):
        for direction in DIRECTIONS:
            figures = metrics[protocol][direction]
            assert figures["mel_projected"] == swapped[protocol][direction]["model"]
            assert figures["random_projected"] == figures["model"]
            assert intervals[protocol][direction]["mel_projected"]["r1"] == [100, 100]
    with pytest.raises(MotionBeatError, match="mel_projected: 5 music"):
        evaluate(some, music, motion, None, 5, 0, {"mel_projected": music[:5]})


def test_win_answers_are_the_same_song_at_the_same_beat_and_each_music_window_stands_once():
    some = items()
    both = win_pairs(some).both_directions(np.zeros((len(some.motion_clip), len(some.music_song))))
    similarity, relevant, groups = both["motion_to_music"]
    assert similarity.shape == (SONGS * 8, SONGS * 3)
    assert np.all(relevant.sum(axis=1) == 1)
    query, answer = np.nonzero(relevant)
    assert np.array_equal(some.motion_song[query], some.music_song[answer])
    assert np.array_equal(some.motion_start[query], some.music_start[answer])
    assert np.array_equal(groups, some.motion_song)
    _, relevant, groups = both["music_to_motion"]
    assert sorted(set(relevant.sum(axis=1).tolist())) == [2, 3]
    assert np.array_equal(groups, some.music_song)


def test_seq_answers_are_all_sequences_of_the_same_song():
    _, relevant, groups = seq_pairs(items()).both_directions(np.zeros((SONGS * DANCES, SONGS * DANCES)))[
        "music_to_motion"
    ]
    assert np.all(relevant.sum(axis=1) == DANCES)
    assert len(set(groups.tolist())) == SONGS


def test_a_sequence_is_the_normalised_mean_of_its_windows_and_of_the_music_under_it():
    some = items()
    music, motion = perfect(some)
    music_mean, motion_mean = sequence_embeddings(some, music, 5 * motion)
    assert np.allclose(music_mean, motion_mean)
    last_two = music[1:3] / np.linalg.norm(music[1:3], axis=1, keepdims=True)
    expected = last_two.mean(axis=0) / np.linalg.norm(last_two.mean(axis=0))
    assert np.allclose(music_mean[DANCES - 1], expected)


def test_sequence_likelihood_is_the_mean_over_the_starts_that_both_have():
    some = items()
    likelihood = np.random.default_rng(1).normal(size=(len(some.motion_clip), len(some.music_song)))
    found = sequence_likelihood(some, likelihood)
    song_of, _ = some.sequences()
    clips = sorted(set(some.motion_clip.tolist()))
    for row, clip in enumerate(clips):
        for column, other in enumerate(clips):
            starts = set(some.motion_start[some.motion_clip == other].tolist())
            values = [
                likelihood[
                    window,
                    np.flatnonzero(
                        (some.music_song == song_of[column]) & (some.music_start == some.motion_start[window])
                    ),
                ]
                for window in np.flatnonzero(some.motion_clip == clip)
                if some.motion_start[window] in starts
            ]
            assert found[row, column] == pytest.approx(float(np.mean(values)))


def test_sequences_that_share_no_start_get_the_smallest_likelihood():
    two = Items(["a", "b"], ["s", "t"], [0, 4], ["s", "t"], [0, 4], {"s": 90.0, "t": 90.0}, {"s": "g", "t": "g"})
    assert sequence_likelihood(two, np.array([[-1.0, -2.0], [-3.0, -4.0]])).tolist() == [[-1, -4], [-4, -4]]


def test_the_posterior_keeps_the_songs_order_and_takes_away_what_a_dance_has_under_any_song():
    likelihood = np.random.default_rng(2).normal(size=(6, 5)) * 10
    found = posterior(likelihood)
    assert np.array_equal(np.argsort(found, axis=1), np.argsort(likelihood, axis=1))
    assert np.allclose(np.exp(found).sum(axis=1), 1)
    assert np.allclose(posterior(likelihood + np.arange(6)[:, None] * 100), found)


def test_the_likelihood_of_events_ranks_dances_better_when_made_a_posterior():
    """Dances drawn from accents: silent ones are likely under every song and must not stand first."""
    generator = np.random.default_rng(3)
    accents = generator.choice([0.1, 0.9], size=(40, 16))
    busy = generator.choice([0.3, 1.0], size=(120, 1))
    song = np.arange(120) % 40
    chances = accents[song] * busy
    events = generator.random((120, 16)) < chances
    probability = np.clip(accents[None] * busy[:, None], 0.01, 0.99)
    likelihood = np.where(events[:, None], np.log(probability), np.log1p(-probability)).sum(axis=2)
    relevant = np.arange(40)[:, None] == song
    raw, fair = (retrieval_metrics(values.T, relevant)["meanr"] for values in (likelihood, posterior(likelihood)))
    assert fair < raw


def test_a_ceiling_that_knows_the_answer_is_perfect_and_without_truth_it_is_empty():
    some = items()
    truth = np.where(some.music_of_motion[:, None] == np.arange(len(some.music_song)), -1.0, -9.0)
    with_truth, _ = evaluate(some, *perfect(some), truth, bootstrap=5, seed=0)
    without, intervals = evaluate(some, *perfect(some), None, bootstrap=5, seed=0)
    for protocol in ("win", "seq"):
        for direction in DIRECTIONS:
            assert with_truth[protocol][direction]["ceiling"]["r1"] == 100
            assert without[protocol][direction]["ceiling"]["r1"] is None
            assert without[protocol][direction]["ceiling"]["n"] > 0
            assert intervals[protocol][direction]["ceiling"]["medr"] is None


def test_tempo_alone_folds_double_and_half_and_ties_tempi_that_round_to_one_bpm():
    similarity = tempo_similarity(np.array([80.0]), np.array([80.2, 160.0, 40.0, 100.0, 200.0, 320.0]))[0]
    assert similarity[:3].tolist() == [0, 0, 0]
    assert similarity[3] == pytest.approx(-np.log2(1.25), abs=1e-6)
    assert similarity[3] == similarity[4]
    assert similarity[5] == -1


def test_tempo_and_genre_narrow_the_gallery_but_do_not_name_the_window():
    some = items()
    metrics, intervals = evaluate(some, *perfect(some), None, bootstrap=5, seed=0)
    rows = metrics["win"]["motion_to_music"]
    assert rows["tempo_only"]["meanr"] == (2 * 3 - 1) / 2 + 1
    assert rows["genre_only"]["meanr"] == (4 * 3 - 1) / 2 + 1
    chance_rank = intervals["win"]["motion_to_music"]["chance"]["meanr"]
    assert rows["tempo_only"]["meanr"] < rows["genre_only"]["meanr"] < chance_rank


def test_random_embeddings_stand_near_chance_and_follow_the_seed():
    some = items()
    ranks = []
    for seed in range(30):
        metrics, intervals = evaluate(some, *perfect(some), None, bootstrap=1, seed=seed)
        ranks.append(metrics["win"]["motion_to_music"]["random"]["meanr"])
    assert np.mean(ranks) == pytest.approx(intervals["win"]["motion_to_music"]["chance"]["meanr"], rel=0.05)
    again, _ = evaluate(some, *perfect(some), None, bootstrap=1, seed=29)
    assert again == metrics
    assert len(set(ranks)) > 20


def test_results_hold_every_row_and_are_plain_json():
    some = items()
    metrics, intervals = evaluate(some, *perfect(some), None, bootstrap=5, seed=0)
    assert json.loads(json.dumps([metrics, intervals], allow_nan=False)) == [metrics, intervals]
    for protocol, gallery in (("win", (SONGS * 8, SONGS * 3)), ("seq", (SONGS * DANCES, SONGS * DANCES))):
        for direction, size in zip(DIRECTIONS, gallery, strict=True):
            assert set(metrics[protocol][direction]) == set(ROWS)
            assert set(metrics[protocol][direction]["model"]) == {"n", "r1", "r5", "r10", "medr", "meanr"}
            assert set(intervals[protocol][direction]) == {*ROWS, "gallery", "songs", "chance"}
            assert intervals[protocol][direction]["gallery"] == size
            assert intervals[protocol][direction]["songs"] == SONGS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"music_start": [0] * (SONGS * 3)}, "stands twice"),
        ({"music_song": ["song0"], "music_start": [0]}, "motion window has no music window"),
        ({"motion_start": [0] * (SONGS * 8)}, "danced to by no clip"),
        ({"motion_clip": ["clip"] * (SONGS * 8)}, "this window twice"),
        ({"tempo": {}}, "no tempo"),
        ({"genre": {}}, "no genre"),
        ({"motion_song": ["song0"]}, "one length"),
    ],
)
def test_windows_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(MotionBeatError, match=message):
        items(**changes)


def test_embeddings_and_ceilings_of_the_wrong_size_or_without_direction_are_refused():
    some = items()
    music, motion = perfect(some)
    with pytest.raises(MotionBeatError, match="24 music and 10 motion"):
        evaluate(some, music, motion[:10], None, 5, 0)
    with pytest.raises(MotionBeatError, match="finite values of shape"):
        evaluate(some, music, motion, np.full((len(motion), len(music)), -np.inf), 5, 0)
    with pytest.raises(MotionBeatError, match="zero or not finite"):
        evaluate(some, 0 * music, motion, None, 5, 0)
