"""Claims about WIN, SEQ and the rows of the retrieval table."""

from typing import Any

import numpy as np
import pytest
from score_lookup import by_name, values

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.retrieval_rows import ADDITIVE, DIRECTIONS, ROWS, Scoring, posterior, tempo_similarity
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
FEW = Scoring(temperature=0.1, bootstrap=20, seed=0)
TABLES = [f"{protocol}.{direction}" for protocol in ("win", "seq") for direction in DIRECTIONS]


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
    scores, _ = evaluate(some, *perfect(some), None, FEW)
    for table in TABLES:
        found = values(scores, table, "model")
        assert found["r1"] == 100 and found["meanr"] == 1 and found["nll"] < 0.1


def test_a_projected_encoder_goes_through_the_same_ranking_as_the_model():
    some = items()
    music, motion = perfect(some)
    noise = np.random.default_rng(9).normal(size=music.shape)
    rows = {"mel_projected": music, "random_projected": noise}
    scores, _ = evaluate(some, noise, motion, None, FEW, rows)
    swapped, _ = evaluate(some, music, motion, None, FEW)
    found = by_name(scores)
    for table in TABLES:
        assert values(scores, table, "mel_projected") == values(swapped, table, "model")
        assert values(scores, table, "random_projected") == values(scores, table, "model")
        perfect_row = found[table, "mel_projected", "r1"]
        assert perfect_row.low == perfect_row.high == 100
    with pytest.raises(MotionBeatError, match="mel_projected: 5 music"):
        evaluate(some, music, motion, None, FEW, {"mel_projected": music[:5]})


def test_a_difference_of_two_rows_is_paired_by_song():
    """The second row is the first one in all but one song: the difference hardly moves, each row alone does."""
    some = items()
    music, motion = perfect(some)
    generator = np.random.default_rng(3)
    blurred = music + 2.5 * generator.normal(size=music.shape)
    other = blurred.copy()
    other[some.music_song == "song0"] = generator.normal(size=(3, 32))
    scores, _ = evaluate(some, blurred, motion, None, Scoring(0.1, 500, 0), {"mel_projected": other})
    found = by_name(scores)
    for table in TABLES[:2]:
        ours, theirs, less = (
            found[table, row, "meanr"] for row in ("model", "mel_projected", "model minus mel_projected")
        )
        assert less.value == pytest.approx(ours.value - theirs.value)
        assert less.low <= less.value <= less.high
        same = found[table, "model minus random", "nll"]
        assert same.value == pytest.approx(found[table, "model", "nll"].value - found[table, "random", "nll"].value)
    assert ("win.music_to_motion", "model minus model", "r1") not in found


def test_the_model_and_the_ceiling_are_normalised_by_one_and_the_same_function():
    """Given the model's cosines over the temperature as a ceiling, both rows of it are the model's."""
    some = items()
    music, motion = perfect(some)
    music = music + 2 * np.random.default_rng(5).normal(size=music.shape)
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (motion, music)]
    ceiling = np.round(unit[0] @ unit[1].T, 7) / FEW.temperature
    scores, _ = evaluate(some, music, motion, ceiling, FEW)
    for direction in DIRECTIONS:
        table = f"win.{direction}"
        for end in ("", "_normalised"):
            ours, best = values(scores, table, f"model{end}"), values(scores, table, f"ceiling{end}")
            assert ours == pytest.approx(best)
    for metric in ("r1", "meanr"):  # one dance's order of songs stays, one song's order of dances does not
        plain, normalised = (
            values(scores, "win.motion_to_music", f"model{end}")[metric] for end in ("", "_normalised")
        )
        assert plain == normalised
    assert values(scores, "win.music_to_motion", "model") != values(scores, "win.music_to_motion", "model_normalised")


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


def test_the_additive_ceiling_stands_beside_the_full_one_in_win_where_it_is_given():
    some = items()
    music, motion = perfect(some)
    ceiling = np.random.default_rng(2).normal(size=(len(motion), len(music)))
    scores, _ = evaluate(some, music, motion, ceiling, FEW, additive=ceiling)
    for table in TABLES:
        for end in ("", "_normalised"):
            beside = values(scores, table, f"{ADDITIVE}{end}")
            assert beside == (values(scores, table, f"ceiling{end}") if table.startswith("win") else {})
    assert not any(score.row.startswith(ADDITIVE) for score in evaluate(some, music, motion, ceiling, FEW)[0])


def test_a_ceiling_that_knows_the_answer_is_perfect_and_without_truth_it_is_empty():
    some = items()
    truth = np.where(some.music_of_motion[:, None] == np.arange(len(some.music_song)), -1.0, -9.0)
    with_truth, _ = evaluate(some, *perfect(some), truth, FEW)
    without, _ = evaluate(some, *perfect(some), None, FEW)
    for table in TABLES:
        for row in ("ceiling", "ceiling_normalised"):
            assert values(with_truth, table, row)["r1"] == 100
            empty = by_name(without)[table, row, "r1"]
            assert empty.value is None and empty.low is None and empty.n > 0
        assert (table, "model minus ceiling", "r1") not in by_name(without)


def test_tempo_alone_folds_double_and_half_and_ties_tempi_that_round_to_one_bpm():
    similarity = tempo_similarity(np.array([80.0]), np.array([80.2, 160.0, 40.0, 100.0, 200.0, 320.0]))[0]
    assert similarity[:3].tolist() == [0, 0, 0]
    assert similarity[3] == pytest.approx(-np.log2(1.25), abs=1e-6)
    assert similarity[3] == similarity[4]
    assert similarity[5] == -1


def test_tempo_and_genre_narrow_the_gallery_but_do_not_name_the_window():
    some = items()
    scores, _ = evaluate(some, *perfect(some), None, FEW)
    tempo, genre, chance = (
        values(scores, "win.motion_to_music", row) for row in ("tempo_only", "genre_only", "chance")
    )
    assert tempo["meanr"] == (2 * 3 - 1) / 2 + 1 and tempo["r1"] == pytest.approx(100 / 6)
    assert genre["meanr"] == (4 * 3 - 1) / 2 + 1 and genre["r5"] == pytest.approx(100 * 5 / 12)
    assert tempo["meanr"] < genre["meanr"] < chance["meanr"]
    assert "nll" not in tempo and "nll" in chance


def test_random_embeddings_stand_near_chance_and_follow_the_seed():
    some = items()
    ranks = []
    for seed in range(15):
        scores, _ = evaluate(some, *perfect(some), None, Scoring(0.1, 1, seed))
        ranks.append(values(scores, "win.motion_to_music", "random")["meanr"])
    assert np.mean(ranks) == pytest.approx(values(scores, "win.motion_to_music", "chance")["meanr"], rel=0.05)
    again, _ = evaluate(some, *perfect(some), None, Scoring(0.1, 1, 14))
    assert again == scores
    assert len(set(ranks)) > 10


def test_every_row_has_every_metric_and_the_sizes_are_those_of_the_galleries():
    some = items()
    scores, sizes = evaluate(some, *perfect(some), None, FEW)
    for protocol, gallery in (("win", (SONGS * 8, SONGS * 3)), ("seq", (SONGS * DANCES, SONGS * DANCES))):
        for direction, size in zip(DIRECTIONS, gallery, strict=True):
            table = f"{protocol}.{direction}"
            rows = {score.row for score in scores if score.task == table and " minus " not in score.row}
            assert rows == {*ROWS, "chance"}
            assert set(values(scores, table, "model")) == {"r1", "r5", "r10", "medr", "meanr", "nll"}
            other = gallery[1 - gallery.index(size)] if protocol == "win" else size
            assert sizes[protocol][direction] == {"queries": other, "gallery": size, "songs": SONGS}
            assert by_name(scores)[table, "model", "r1"].n == other


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"music_start": [0] * (SONGS * 3)}, "occurs twice"),
        ({"music_song": ["song0"], "music_start": [0]}, "motion window has no music window"),
        ({"motion_start": [0] * (SONGS * 8)}, "has no dance"),
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
        evaluate(some, music, motion[:10], None, FEW)
    with pytest.raises(MotionBeatError, match="finite values of shape"):
        evaluate(some, music, motion, np.full((len(motion), len(music)), -np.inf), FEW)
    with pytest.raises(MotionBeatError, match="zero or not finite"):
        evaluate(some, 0 * music, motion, None, FEW)
