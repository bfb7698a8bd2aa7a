"""Claims about the pictures of the report: transport, attention, the bar's plane, rows by genre, and the stages."""

from pathlib import Path

import numpy as np
import ot
import pandas as pd
import pytest
import torch

from motionbeat.lab.results.model_pictures import bar_plane
from motionbeat.lab.results.portrait import Circle, attention_weights, circular_plan
from motionbeat.lab.results.result_pictures import confusion_picture, shift_picture
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks.retrieval_rows import Pairs, Scoring, by_genre
from motionbeat.lab.tasks.score_table import COLUMNS
from motionbeat.losses.emd import wasserstein_circle
from motionbeat.model.attention import PhaseAttention

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("bins", [2, 7, 32])
def test_the_plan_around_the_circle_moves_the_masses_at_least_cost(bins):
    stream = np.random.default_rng(bins)
    p, q = stream.dirichlet(np.full(bins, 0.5), size=2)
    plan = circular_plan(p, q)
    np.testing.assert_allclose(plan.sum(axis=1), p, atol=1e-12)
    np.testing.assert_allclose(plan.sum(axis=0), q, atol=1e-12)
    apart = np.abs(np.subtract.outer(np.arange(bins), np.arange(bins)))
    around = np.minimum(apart, bins - apart).astype(float)
    assert (plan * around).sum() == pytest.approx(ot.emd2(p, q, around), abs=1e-9)
    assert (plan * around).sum() == pytest.approx(float(wasserstein_circle(*torch.as_tensor(np.stack([p, q])))))


def test_attention_as_it_is_drawn_mixes_the_values_into_the_modules_output():
    torch.manual_seed(0)
    module = PhaseAttention(8, 2, 0.0, 3).eval()
    x, angles, contact = torch.randn(1, 5, 8), torch.randn(1, 5, 2), torch.rand(1, 5, 3)
    mask = torch.tensor([[True, True, True, True, False]])
    weights = attention_weights(module, x, angles, mask, contact)
    assert torch.allclose(weights.sum(-1), torch.ones(1, 2, 5)) and not weights[..., 4].any()
    values = module.queries_keys_values(x, angles)[2] * (1 + contact @ module.alpha_value)[:, None, :, None]
    mixed = module.out((weights @ values).transpose(1, 2).reshape(1, 5, 8))
    assert torch.allclose(mixed, module(x, angles, mask, contact), atol=1e-6)


def test_what_turns_once_a_bar_lies_on_a_circle_in_its_plane_and_what_turns_twice_in_its_middle():
    phase = np.arange(16) % 4 / 4
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 4)))[0].T
    turns = [f(2 * np.pi * k * phase) for k in (1, 2) for f in (np.cos, np.sin)]
    flat, part = bar_plane(Circle(np.stack(turns, axis=1) @ axes + 3, phase))
    np.testing.assert_allclose(np.hypot(*flat.T), 1, atol=1e-9)
    angle = np.unwrap(np.arctan2(flat[:4, 1], flat[:4, 0]))
    np.testing.assert_allclose(np.abs(np.diff(angle)), np.pi / 2, atol=1e-9)
    assert part == pytest.approx(1 / 2)


def test_the_recalls_by_genre_have_that_of_all_as_their_mean_over_queries():
    stream, songs = np.random.default_rng(1), np.array(["a", "a", "b", "c", "c", "c"])
    pairs = Pairs(songs, songs, np.eye(6, dtype=bool))
    similarity = np.eye(6) + stream.normal(size=(6, 6))
    scores = by_genre(pairs, similarity, {"a": "pop", "b": "pop", "c": "rock"}, Scoring(0.1, 20, 0))
    for direction, whole in (("music_to_motion", similarity.T), ("motion_to_music", similarity)):
        rows = [score for score in scores if score.task == f"genre.{direction}"]
        assert [(score.row, score.n) for score in rows] == [("pop", 3), ("rock", 3)]
        right = 100 * (whole.argmax(axis=1) == np.arange(6)).mean()
        assert np.average([score.value for score in rows], weights=[score.n for score in rows]) == pytest.approx(right)


def results(*rows: tuple, **about: dict) -> ResultsTable:
    return ResultsTable(pd.DataFrame(list(rows), columns=list(COLUMNS)), about)


def test_the_shift_curve_has_a_place_for_each_shift_and_stands_only_where_it_was_measured():
    assert shift_picture(results()) is None
    rows = [("shift", f"{shift} beats", "accuracy", 0.9, 0.8, 1.0, 50) for shift in ("0.5", "1", "16")]
    svg = shift_picture(results(*rows)).svg
    assert [f">{name}<" in svg for name in ("0.5", "1", "16", "8")] == [True, True, True, False]


def test_a_confusion_says_how_many_clips_are_right_and_that_the_recordings_are_stand_ins():
    counts = {"classes": ["pop", "rock"], "counts": [[3, 1], [2, 4]]}
    picture = confusion_picture(results(genre={"confusion": counts, "standin": True}), "genre", "ours")
    assert "70 % on the diagonal" in picture.caption and "stand-ins" in picture.caption
    assert all(f">{number}<" in picture.svg for number in (1, 2, 3, 4))
    assert confusion_picture(results(), "genre", "ours") is None
