"""Claims about projection heads: what they can learn from features, and what they cannot make up."""

from pathlib import Path
from typing import Any

import conftest
import numpy as np
import pytest
import torch
from attrs import evolve
from training_parts import tiny

from motionbeat.lab import params
from motionbeat.lab.tasks import projected_baselines
from motionbeat.lab.tasks.projected_baselines import Heads
from motionbeat.lab.tasks.projection import Head, Matched, MusicInput, Reduction, beat_features, project, train_head
from motionbeat.lab.tasks.window_embeddings import Bars, Spans
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.retrieval import chance, retrieval_metrics

BEATS, CODE, SONGS, WINDOWS = 8, 4, 16, 6
LOSS: Any = {"centre": True, "temperature": 0.07, "symmetric": True}
CONFIG = evolve(
    conftest.CONFIG,
    motion_width=10,
    rotation_start=None,
    subbeats=4,
    window_beats=BEATS,
    width=16,
    layers=1,
    embedding=BEATS * CODE,
    dropout=0.0,
    contact_attention=False,
    readout="window_harmonic",
    max_beats_per_bar=4,
)


def bars(count: int, beats: int = BEATS) -> Bars:
    position = torch.arange(beats).float().remainder(4).expand(count, beats)
    return Bars(position, torch.full((count,), 4), torch.ones((count, beats), dtype=torch.bool))


def matched(seed: int, informed: bool) -> Matched:
    """Dances embedded by a fixed readout of a hidden rhythm; the music's features are a mixture of it, or noise."""
    generator = np.random.default_rng(seed)
    count, hidden, width = SONGS * WINDOWS, 6, 12
    rhythm = generator.normal(size=(count, BEATS, hidden))
    music_row = np.repeat(np.arange(count), 2)
    torch.manual_seed(5)  # the same hidden readout in all splits
    truth = Head(CONFIG, hidden, centre=True)
    mixing = np.random.default_rng(6).normal(size=(hidden, width))
    features = rhythm @ mixing if informed else generator.normal(size=(count, BEATS, width))
    with torch.no_grad():
        motion = truth(torch.as_tensor(rhythm, dtype=torch.float32), bars(count))[music_row]
    motion = motion + 0.02 * torch.as_tensor(generator.normal(size=motion.shape), dtype=torch.float32)
    motion = torch.nn.functional.normalize(motion, dim=-1)
    heard = MusicInput(torch.as_tensor(features, dtype=torch.float32), bars(count))
    song = np.array([f"song{window // WINDOWS}" for window in music_row])
    return Matched(heard, motion, music_row, song, (music_row % WINDOWS) * BEATS)


@pytest.fixture
def retrieve(settings: params.Params) -> params.Retrieve:
    return evolve(settings.retrieve, head_epochs=8, head_learning_rates=[0.01])


def outcome(head: Head, some: Matched) -> tuple[np.ndarray, np.ndarray]:
    similarity = some.motion.numpy() @ project(head, some.music).T
    return similarity, some.music_row[:, None] == np.arange(similarity.shape[1])


def test_a_head_of_features_that_hold_the_rhythm_reaches_songs_it_never_saw(retrieve: params.Retrieve) -> None:
    head, how = train_head(CONFIG, matched(0, True), matched(1, True), retrieve, **LOSS)
    assert retrieval_metrics(*outcome(head, matched(2, True)))["r10"] > 90
    assert how["val_r10"] > 90
    assert how["seed"] == retrieve.seed


def test_a_head_of_noise_is_at_chance_on_songs_it_never_saw(retrieve: params.Retrieve) -> None:
    head, _ = train_head(CONFIG, matched(0, False), matched(1, False), retrieve, **LOSS)
    similarity, relevant = outcome(head, matched(2, False))
    found, expected = retrieval_metrics(similarity, relevant), chance(relevant)
    spread = 100 * np.sqrt(expected["r10"] / 100 * (1 - expected["r10"] / 100) / (len(similarity) / 2))
    assert found["r10"] == pytest.approx(expected["r10"], abs=3 * spread)


def test_the_same_seed_gives_the_same_head_and_the_callers_random_numbers_go_on(retrieve: params.Retrieve) -> None:
    train, val = matched(0, True), matched(1, True)
    short = evolve(retrieve, head_epochs=1)
    torch.manual_seed(1)
    expected = torch.rand(1)
    heads = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        heads.append(train_head(CONFIG, train, val, short, **LOSS)[0])
        if seed == 1:
            assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(*(head.state_dict().values() for head in heads), strict=True))
    other, _ = train_head(CONFIG, train, val, evolve(short, seed=7), **LOSS)
    assert not torch.equal(next(other.parameters()), next(heads[0].parameters()))


def test_masked_beats_and_what_is_equal_in_all_beats_change_nothing() -> None:
    features = torch.randn(3, BEATS, 6)
    mask = torch.arange(BEATS) < torch.tensor([[5], [8], [3]])
    some = bars(3)._replace(mask=mask)
    head = Head(CONFIG, 6, centre=True)
    expected = head(features, some)
    spoilt = features.masked_fill(~mask[..., None], float("nan"))
    assert torch.equal(head(spoilt, some), expected)
    assert torch.allclose(head(features + torch.randn(3, 1, 6), some), expected, atol=1e-5)
    assert torch.allclose(head(features[:1, :5], bars(1, 5))[0], expected[0], atol=1e-6)


@pytest.mark.parametrize("readout", ["window_harmonic", "bar_harmonic", "mean"])
def test_a_head_has_the_model_s_own_readout_and_width(readout: str) -> None:
    head = Head(evolve(CONFIG, readout=readout), 6, centre=False)
    assert head(torch.randn(2, BEATS, 6), bars(2)).shape == (2, CONFIG.embedding)


def test_windows_on_overlapping_beats_of_a_song_are_no_negatives() -> None:
    some = matched(0, True)
    same = some.same(np.array([0, 1, 2, 2 * WINDOWS]))
    expected: Any = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert same.int().tolist() == expected


def test_components_keep_all_that_correlated_features_hold_at_one_scale() -> None:
    generator = np.random.default_rng(0)
    hidden = generator.normal(size=(500, 3))
    rows = 100 + hidden @ generator.normal(size=(3, 9)) * generator.uniform(0.1, 50, size=9)
    reduce = Reduction.fit(rows, components=128, seed=0)
    found = reduce(rows)
    assert found.shape == (500, 10)  # nine, and a column of zeros
    assert np.abs(found[:, 3:]).max() < 1e-4  # three hold everything
    again = np.linalg.lstsq(np.c_[found[:, :3], np.ones(500)], rows, rcond=None)[0]
    assert np.allclose(np.c_[found[:, :3], np.ones(500)] @ again, rows, atol=1e-2)
    assert np.mean(found[:, :9].astype(float) ** 2) == pytest.approx(1, rel=0.01)
    assert reduce(rows.reshape(20, 25, 9)).shape == (20, 25, 10)
    assert Reduction.fit(rows, components=2, seed=0)(rows).shape == (500, 2)


def test_a_constant_feature_is_no_component_and_nothing_is_divided_by_zero() -> None:
    rows = np.c_[np.ones(50), np.random.default_rng(0).normal(size=50)]
    found = Reduction.fit(rows, components=2, seed=0)(rows)
    assert np.isfinite(found).all()
    assert np.abs(found).min(axis=0).max() < 1


def test_frames_are_averaged_over_each_part_of_a_beat_and_the_last_one_holds_beyond_the_end() -> None:
    frames = np.repeat(np.arange(20.0), 10)[:, None] * [1.0, -1.0]  # a step every 0.2 s at 50 frames per second
    frames = frames[5:]  # frame t is centred on t / 50 s: steps at 0.1 s, 0.3 s ...
    found = beat_features(frames, 50.0, np.array([0.2, 1.0, 1.8]), 2)
    assert found.shape == (2, 4)
    assert np.allclose(found[:, 0], [2, 6], atol=0.1)
    assert np.allclose(found[:, 0] + found[:, 1], 0)
    beyond = beat_features(frames, 50.0, np.array([3.6, 6.0, 8.0]), 1)
    assert np.allclose(beyond[1], [19, -19])


def test_true_accents_stand_at_the_beats_whose_they_are(token_folder, settings, monkeypatch, tmp_path) -> None:
    tokens = Tokens.load(token_folder)
    asked = {"win": Spans.of(tokens.windows("test", tokens.layout.window_beats, "bar"))}
    heads = Heads(tiny(settings, tokens).eval(), tokens, asked, settings.retrieve, 0.1, True)
    told, subbeats = {}, tokens.layout.subbeats

    def truth(folder: Path, windows: list[tuple[str, float]], beats: int, parts: int) -> np.ndarray:
        assert (folder, beats, parts) == (tmp_path, 1, subbeats)
        return np.stack([np.full((parts, 3), len(song) + time) for song, time in windows])

    monkeypatch.setattr(projected_baselines, "true_accents", truth)
    monkeypatch.setattr(Heads, "_train", lambda self, features, rows, centre: told.update(features, rows=rows))
    heads.of_accents(tmp_path)
    rows = asked["win"].rows(asked["win"].audio_row)
    expected = np.array([len(song) for song in tokens.audio["song"]]) + tokens.audio["time_s"]
    assert told["win"].shape == (*rows.shape, 3 * subbeats)
    np.testing.assert_allclose(told["win"], np.repeat(expected[rows][..., None], 3 * subbeats, -1), rtol=1e-6)
