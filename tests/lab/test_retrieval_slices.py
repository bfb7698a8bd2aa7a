"""Claims about the protocol SLICE: what a slice holds, what answers it, and that WIN is a case of it."""

from pathlib import Path

import numpy as np
import pytest
from conftest import BEATS, LAYOUT, TEMPI
from score_lookup import values

from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.retrieval_rows import DIRECTIONS, ROWS, Scoring, cosine
from motionbeat.lab.tasks.slice_protocol import Slices, cut, evaluate_slices, slice_ceiling, slice_pairs
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.tasks.window_protocol import Items, win_pairs
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.retrieval import ranks

TEMPO = {f"test{number}": tempo for number, tempo in enumerate(TEMPI["test"])}
GENRE = dict.fromkeys(TEMPO, "pop")


@pytest.fixture(scope="module")
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    sizes = {name: getattr(LAYOUT, name) for name in ("subbeats", "mel_bands", "motion_width", "rotation_start")}
    signal = {name: getattr(LAYOUT, name) for name in ("motion_fps", "contact_speed", "contact_height", "window_beats")}
    shape = {"width": 16, "layers": 1, "heads": 2, "embedding": 32, "dropout": 0.0, "max_beats_per_bar": 4}
    switches = {"centre": True, "phase_features": False, "contact_attention": True}
    choices = {"rotation": "harmonic", "readout": "window_harmonic"}
    return DualEncoder(ModelConfig(**sizes, **signal, **shape, **switches, **choices)).eval()


def clips(tokens: Tokens) -> dict[str, tuple[float, float]]:
    """Every clip of the token corpus begins with its song and lasts for all of its beats."""
    own = {clip: tokens.motion["song"][tokens.motion["clip"] == clip] for clip in np.unique(tokens.motion["clip"])}
    duration = {song: tokens.audio["duration_s"][tokens.audio["song"] == song][0] for song in set(tokens.audio["song"])}
    return {clip: (0.0, len(songs) * duration[songs[0]]) for clip, songs in own.items()}


def test_a_slice_holds_exactly_the_beats_that_lie_wholly_inside_it(tokens: Tokens) -> None:
    slices = cut(tokens, "test", clips(tokens), slice_s=5.0, stride_s=0.5)
    beat_s = np.array([60 / TEMPO[song] for song in slices.song])
    first, last = slices.beat * beat_s, (slices.beat + slices.spans.beats) * beat_s
    assert np.all(first >= slices.start_s - 1e-3)
    assert np.all(last <= slices.start_s + 5 + 1e-3)
    assert np.all(first - beat_s < slices.start_s)  # neither the beat before ...
    assert np.all(last + beat_s > slices.start_s + 5)  # ... nor the one after would fit
    assert np.array_equal(tokens.motion["clip"][slices.spans.motion_row + slices.spans.beats - 1], slices.clip)
    assert np.array_equal(tokens.audio["song"][slices.spans.audio_row], slices.song)
    assert np.array_equal(tokens.audio["beat"][slices.spans.audio_row], slices.beat)


def test_slices_are_one_item_where_they_hold_the_same_beats(tokens: Tokens) -> None:
    slices = cut(tokens, "test", clips(tokens), slice_s=5.0, stride_s=0.1)
    keys = list(zip(slices.clip, slices.beat, slices.spans.beats, strict=True))
    assert len(set(keys)) == len(keys)
    music, own = slices.music()
    keys = list(zip(music.song, music.beat, music.spans.beats, strict=True))
    assert len(set(keys)) == len(keys) < len(slices)
    for field in ("song", "beat"):
        assert np.array_equal(getattr(music, field)[own], getattr(slices, field))
    assert np.array_equal(music.spans.beats[own], slices.spans.beats)


def test_a_shift_of_up_to_a_quarter_beat_is_an_answer_and_more_is_none() -> None:
    beat_s = 60 / 120
    starts = np.array([0.0, 0.2, 0.25, 0.3, 5.0]) * beat_s
    spans = Spans(np.arange(5), np.arange(5), np.full(5, 8))
    songs = np.array(["a"] * 5, object)
    motion = Slices(np.array([f"c{i}" for i in range(5)], object), songs, starts, np.arange(5), spans)
    relevant = slice_pairs(motion, motion, np.arange(5), {"a": 120.0}).relevant
    assert relevant[0].tolist() == [True, True, True, False, False]
    assert np.array_equal(relevant, relevant.T)
    other = Slices(motion.clip, np.array(["b"] * 5, object), starts, np.arange(5), spans)
    far = np.full(5, 4)  # own music beyond a quarter beat still answers: it holds the very same beats
    assert slice_pairs(motion, other, far, {"a": 120.0}).relevant.sum(axis=1).tolist() == [1] * 5


def test_slices_of_a_whole_window_at_every_bar_rank_as_win_does(tokens: Tokens, model: DualEncoder) -> None:
    """One song, so that bar and window last as many seconds in all of its dances."""
    beat_s = 60 / TEMPO["test0"]
    own = np.isin(tokens.motion["song"], ["test0"])
    one = Tokens(tokens.audio, {k: v[own] for k, v in tokens.motion.items()}, tokens.statistics, tokens.layout)
    window, bar = LAYOUT.window_beats * beat_s, 4 * beat_s
    slices = cut(one, "test", clips(one), window, bar)
    windows = one.windows("test", LAYOUT.window_beats, every="bar")
    assert np.array_equal(slices.spans.motion_row, windows.motion_row)
    music, index = slices.music()
    pairs = slice_pairs(slices, music, index, TEMPO)
    _, first = np.unique(windows.audio_row, return_index=True)
    distinct = windows.take(first)
    items = Items(windows.clip, windows.song, windows.start, distinct.song, distinct.start, TEMPO, GENRE)
    expected = win_pairs(items)
    assert np.array_equal(pairs.relevant, expected.relevant)
    for some, spans in ((pairs, (music.spans, slices.spans)), (expected, (Spans.of(distinct), Spans.of(windows)))):
        heard, seen = embed_music(model, one, spans[0])[0], embed_motion(model, one, spans[1])
        found = [ranks(*some.both_directions(cosine(seen, heard))[way][:2]).tolist() for way in DIRECTIONS]
        if some is pairs:
            first_found = found
    assert found == first_found


def test_an_embedding_of_a_slice_is_that_of_its_beats_alone(tokens: Tokens, model: DualEncoder) -> None:
    """Slices of 4 to 8 beats in one batch, padded, as each by itself."""
    beats = np.array([4, 8, 5, 7])
    spans = Spans(np.arange(4), np.arange(4) + 3, beats)
    together = embed_music(model, tokens, spans)[0], embed_motion(model, tokens, spans)
    for index in range(4):
        alone = spans.take([index])
        assert np.allclose(embed_music(model, tokens, alone)[0][0], together[0][index], atol=1e-5)
        assert np.allclose(embed_motion(model, tokens, alone)[0], together[1][index], atol=1e-5)


def test_the_ceiling_compares_slices_of_as_many_beats_only() -> None:
    beats = np.array([3, 4, 3])
    spans = Spans(np.arange(3), np.arange(3), beats)
    some = Slices(*(np.array(["a", "b", "c"], object),) * 2, np.zeros(3), np.arange(3), spans)

    def likelihood(motion: Slices, music: Slices, count: int) -> np.ndarray:
        assert set(motion.spans.beats) == set(music.spans.beats) == {count}
        return np.zeros((len(motion), len(music)))

    assert np.array_equal(np.isfinite(slice_ceiling(some, some, likelihood)), beats[:, None] == beats)


def test_rows_of_slices_go_through_the_ranking_with_a_ceiling_that_forbids(tokens: Tokens) -> None:
    slices = cut(tokens, "test", clips(tokens), slice_s=3.0, stride_s=0.5)
    music, own = slices.music()
    heard = np.random.default_rng(0).normal(size=(len(music), 16))
    truth = np.where(own[:, None] == np.arange(len(music)), 0.0, -np.inf)
    pairs = slice_pairs(slices, music, own, TEMPO)
    rows = {"model": heard, "mel_projected": -heard}
    scores, _ = evaluate_slices(pairs, TEMPO, GENRE, rows, heard[own], truth, Scoring(0.1, 20, 0))
    for way in DIRECTIONS:
        by_row = {row: values(scores, f"slice.{way}", row) for row in (*ROWS, "mel_projected", "chance")}
        for row in ("model", "ceiling", "ceiling_normalised"):
            assert by_row[row]["meanr"] == 1
        assert by_row["ceiling"]["nll"] == pytest.approx(0, abs=1e-9)
        assert by_row["mel_projected"]["meanr"] > by_row["chance"]["meanr"]
        for metric in ("r1", "r5", "r10"):  # all tie
            assert by_row["genre_only"][metric] == pytest.approx(by_row["chance"][metric])


def test_clips_too_short_for_a_slice_are_left_out_and_a_split_without_any_is_refused(tokens: Tokens) -> None:
    long = cut(tokens, "test", clips(tokens), slice_s=BEATS * 0.6, stride_s=0.5)
    assert {clip[-1] for clip in long.clip} == {"0", "1"}  # the third dance of a song has a window's beats alone
    with pytest.raises(MotionBeatError, match=r"100 s: lower retrieve\.slice_s"):
        cut(tokens, "test", clips(tokens), slice_s=100.0, stride_s=0.5)
