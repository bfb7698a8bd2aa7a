"""Variants are compared song by song: figures against closed forms, intervals against SciPy, tables to the digit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.experiments import ablation_report, evaluate_variant, paired
from motionbeat.lab.experiments.ablation_report import RETRIEVAL, Measure, cell
from motionbeat.lab.experiments.interval_plot import ablation_pictures
from motionbeat.lab.experiments.paired import Estimate
from motionbeat.lab.tasks.group_bootstrap import ratio_interval
from motionbeat.lab.tasks.rhythm_agreement import correlation_beyond
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

R1 = "r1_music_to_motion"


def rows(variant: str, values: dict[tuple[int, int, str], tuple[float, float]]) -> pd.DataFrame:
    """values: {(corpus, training, song): (mean, n)} of one measure."""
    parts = [
        paired.as_rows(variant, corpus, training, {R1: {song: list(value)}})
        for (corpus, training, song), value in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_constant_gain_has_no_width_however_hard_the_songs_are() -> None:
    base = {(c, t, f"s{s}"): (10.0 * s + 7 * c + t, 4.0 + s) for c in (0, 1) for t in (0, 1) for s in range(5)}
    gained = {key: (value + 3, n) for key, (value, n) in base.items()}
    found = paired.estimates(pd.concat([rows("default", base), rows("gain", gained)]), 200, 0)
    mean, difference = found["gain", R1]
    assert difference is not None and mean.low is not None and mean.high is not None and mean.high - mean.low > 5
    bounds = (difference.low, difference.high, difference.seed_low, difference.seed_high)
    assert (difference.mean, *bounds) == pytest.approx([3.0] * 5)
    assert difference.by_seed == pytest.approx([3.0] * 4)
    assert found["default", R1][1] is None


def test_songs_weigh_by_their_windows_and_only_common_ones_are_paired() -> None:
    base = {(0, 0, "a"): (10.0, 1.0), (0, 0, "b"): (20.0, 3.0)}
    other = {(0, 0, "a"): (14.0, 1.0), (0, 0, "b"): (20.0, 3.0), (0, 0, "c"): (90.0, 9.0)}
    found = paired.estimates(pd.concat([rows("default", base), rows("other", other)]), 50, 0)
    assert found["default", R1][0].mean == pytest.approx((10 + 60) / 4)
    difference = found["other", R1][1]
    assert difference is not None and difference.mean == pytest.approx(1.0)
    assert difference.seed_low is None  # one seed has no spread


def test_the_bootstrap_over_songs_agrees_with_scipys() -> None:
    generator = np.random.default_rng(0)
    n = generator.integers(3, 9, 60).astype(float)
    total = n * generator.normal(2, 1, 60)

    def ratio(total: np.ndarray, n: np.ndarray, axis: int) -> np.ndarray:
        return total.sum(axis) / n.sum(axis)

    theirs = stats.bootstrap((total, n), ratio, paired=True, method="percentile", n_resamples=4000, rng=1)
    ours = ratio_interval(total, n, 4000, 1)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.03)
    assert ours == ratio_interval(total, n, 4000, 1) and ratio_interval(total[:1], n[:1], 10, 0) is None


def test_the_interval_over_seeds_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0])
    assert paired.t_interval(values) == pytest.approx(stats.t.interval(0.95, 2, values.mean(), stats.sem(values)))
    assert paired.t_interval(values[:1]) is None


def test_dances_to_the_same_music_share_one_item_of_the_gallery() -> None:
    music, song = np.array([7, 7, 9, 11]), np.array(["a", "a", "a", "b"])
    similarity = np.array([[0.9, 0.9, 0.1, 0.2], [0.1, 0.1, 0.9, 0.2], [0.3, 0.3, 0.8, 0.2], [0.4, 0.4, 0.3, 0.9]])
    found = evaluate_variant.retrieval_by_song(similarity, music, song, 0.1)
    assert found["r1_motion_to_music"] == {"a": [pytest.approx(200 / 3), 3.0], "b": [100.0, 1.0]}
    assert found[R1] == {"a": [50.0, 2.0], "b": [100.0, 1.0]}  # the second item's best dance is another item's


def test_what_every_window_shares_is_not_beyond() -> None:
    generator = np.random.default_rng(0)
    common, own = generator.normal(size=(1, 4, 4)), generator.normal(size=(6, 4, 4))
    song = np.array([0, 0, 1, 1, 2, 2])
    every = np.broadcast_to(common, (6, 4, 4))
    assert correlation_beyond(every, every, song) == pytest.approx(np.zeros(6))
    beyond = correlation_beyond(own, own, song)
    elsewhere = [
        np.mean([np.corrcoef(own[i].ravel(), own[j].ravel())[0, 1] for j in range(6) if song[j] != song[i]])
        for i in range(6)
    ]
    assert beyond == pytest.approx(1 - np.array(elsewhere))


def test_a_model_is_evaluated_on_the_songs_of_the_test_split(token_folder: Path, settings: params.Params) -> None:
    from attrs import evolve

    tokens = Tokens.load(token_folder)
    small = evolve(settings.model, width=16, heads=2, layers=1, embedding=8)
    settings = evolve(settings, model=small, tokens=evolve(settings.tokens, window_beats=8))
    torch.manual_seed(0)
    model = DualEncoder(ModelConfig.of(small, tokens.layout))
    model.set_statistics(**tokens.statistics)
    found = evaluate_variant.evaluate(model, tokens, settings, torch.device("cpu"))
    assert {*(measure.name for measure in (*RETRIEVAL, *ablation_report.AGREEMENT))} - set(found) <= {"tempo_accuracy"}
    assert all(set(songs) <= {"test0", "test1"} for songs in found.values())
    assert all(0 <= mean <= 1 for mean, _ in found["jitter_accuracy"].values())
    assert found == evaluate_variant.evaluate(model, tokens, settings, torch.device("cpu"))


def test_a_cell_is_bold_only_where_its_interval_over_songs_has_no_zero() -> None:
    measure = Measure("x", "X", 1)
    assert cell(Estimate(2.0, 1.0, 3.0, None, None, ()), measure, signed=True) == "**+2.0 [+1.0, +3.0]**"
    assert cell(Estimate(2.0, -1.0, 3.0, -2.0, 6.0, ()), measure, signed=True) == "+2.0 [-1.0, +3.0] {-2.0, +6.0}"
    assert cell(Estimate(2.0, 1.0, 3.0, None, None, ()), measure) == "2.0 [1.0, 3.0]"
    assert cell(None, measure) == ""


def test_the_report_shows_the_differences_of_an_ablations_csv(tmp_path):
    figures = {"r1_music_to_motion": {"a": [50.0, 4], "b": [60.0, 4]}}
    parts = [paired.as_rows(variant, 0, 0, figures) for variant in ("default", "no-sral")]
    pd.concat(parts[:1]).to_csv(tmp_path / "alone.csv", index=False)
    pd.concat(parts).to_csv(tmp_path / "both.csv", index=False)
    assert ablation_pictures(tmp_path / "alone.csv") == ()
    (picture,) = ablation_pictures(tmp_path / "both.csv")
    assert "R@1 music to motion" in picture.caption and "no-sral" in picture.svg
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(MotionBeatError, match=r"report\.ablations"):
        ablation_pictures(tmp_path / "other.csv")
