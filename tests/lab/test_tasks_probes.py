"""Probes, folds and the rows of a clip task."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from score_lookup import by_name, values

from motionbeat.errors import MotionBeatError
from motionbeat.lab.labelled.labelled_set import BeatLabels, Item, LabelledSet
from motionbeat.lab.tasks import beat_probe, clip_tasks, probes, recognition_sets
from motionbeat.lab.tasks.recognition_sets import Fold, folds_of, parts


@pytest.fixture
def options(settings):
    return evolve(settings.tasks, epochs=30, hidden=32, learning_rates=[1e-3, 1e-2], bootstrap=200, beat_batch=512)


def separable(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes on a circle, which a line separates, far from the origin and of unequal scale."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 3, count)
    angle = classes * 2 * np.pi / 3
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.15 * generator.normal(size=(count, 2))
    return (features * [1, 100] + [50, -3000]).astype(np.float32), classes


def labelled(kind: str, labels: list, classes: tuple[str, ...] = ("a", "b", "c")) -> LabelledSet:
    splits = ["train"] * (len(labels) // 2) + ["val"] * (len(labels) // 4)
    splits += ["test"] * (len(labels) - len(splits))
    items = [
        Item(f"clip{i:04d}", Path(f"{i}.wav"), split, f"group{i // 2}", label)
        for i, (split, label) in enumerate(zip(splits, labels, strict=True))
    ]
    return LabelledSet("gtzan", kind, classes, tuple(items), "clip", "lists")  # type: ignore[arg-type]


def clips_score(kind: str) -> probes.Score:
    data = labelled(kind, [])
    return lambda outputs, targets: clip_tasks._main_score(data, outputs, targets)


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_a_probe_learns_classes_that_features_separate(options, name) -> None:
    probe = probes.fit(name, "classes", 3, separable(200, 0), separable(80, 1), options)
    features, classes = separable(300, 2)
    assert np.mean(probe(features).argmax(axis=1) == classes) > 0.97


def test_only_the_hidden_layer_learns_what_no_line_separates(options) -> None:
    def ring(seed: int) -> tuple[np.ndarray, np.ndarray]:
        features = np.random.default_rng(seed).normal(size=(400, 2)).astype(np.float32)
        return features, (np.hypot(*features.T) > 1.2).astype(np.int64)

    right = {}
    for name in ("linear", "mlp"):
        probe = probes.fit(name, "classes", 2, ring(0), ring(1), options)
        right[name] = np.mean(probe(ring(2)[0]).argmax(axis=1) == ring(2)[1])
    assert right["mlp"] > 0.9 > 0.65 > right["linear"]


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_the_grid_at_once_gives_what_its_best_learning_rate_gives_alone(options, name) -> None:
    train, val = separable(100, 0), separable(50, 1)
    both = probes.fit(name, "classes", 3, train, val, options)
    alone = probes.fit(name, "classes", 3, train, val, evolve(options, learning_rates=[both.learning_rate]))
    np.testing.assert_array_equal(both(val[0]), alone(val[0]))
    assert both.epoch == alone.epoch


def test_a_probe_does_not_depend_on_the_scale_and_centre_of_its_features(options) -> None:
    (features, classes), val = separable(100, 0), separable(50, 1)
    probe = probes.fit("linear", "classes", 3, (features, classes), val, options)
    moved = probes.fit("linear", "classes", 3, (features * 4 + 128, classes), (val[0] * 4 + 128, val[1]), options)
    np.testing.assert_allclose(probe(val[0]), moved(val[0] * 4 + 128), atol=2e-2)


def test_a_feature_that_never_changes_does_no_harm(options) -> None:
    train, val = separable(100, 0), separable(50, 1)
    wider = [(np.column_stack([x, np.full(len(x), 7, np.float32)]), y) for x, y in (train, val)]
    probe = probes.fit("linear", "classes", 3, *wider, options)
    assert np.isfinite(probe(wider[1][0])).all()


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize("kind", ["classes", "tags", "regression"])
def test_a_learning_rate_that_diverges_loses_and_is_refused_only_without_another(options, kind, name) -> None:
    def data(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        features, classes = separable(count, seed)
        noise = np.random.default_rng(seed).normal(size=(count, 400)).astype(np.float32)
        return np.column_stack([features, noise]), classes if kind == "classes" else np.eye(3)[classes]

    train, val = data(100, 0), data(50, 1)
    chosen = evolve(options, epochs=5, learning_rates=[1e-2])
    alone = probes.fit(name, kind, 3, train, val, chosen, clips_score(kind))
    both = probes.fit(name, kind, 3, train, val, evolve(chosen, learning_rates=[3e37, 1e-2]), clips_score(kind))
    np.testing.assert_array_equal(both(val[0]), alone(val[0]))
    with pytest.raises(MotionBeatError, match=rf"the {name} probe gives NaN .* tasks\.learning_rates = \[3e\+37\]"):
        probes.fit(name, kind, 3, train, val, evolve(chosen, learning_rates=[3e37]), clips_score(kind))


def test_training_stops_after_patience_and_keeps_the_best_epoch(options) -> None:
    train, losses = separable(100, 0), []

    def peak(outputs: np.ndarray, _: np.ndarray) -> float:
        losses.append(len(losses) + 1)
        return -abs(len(losses) - 6.0)

    chosen = evolve(options, epochs=100, patience=3, learning_rates=[1e-2])
    assert probes.fit("linear", "classes", 3, train, separable(50, 1), chosen, peak).epoch == 6
    assert len(losses) == 9


def test_groups_stay_whole_and_folds_differ_by_one_group_at_most() -> None:
    groups = [f"g{i // 3}" for i in range(60)]
    strata = [i // 12 for i in range(60)]
    fold = folds_of(groups, strata, 5, 0)
    assert all(len({f for f, own in zip(fold, groups, strict=True) if own == group}) == 1 for group in groups)
    assert np.ptp(np.bincount(fold)) <= 3
    np.testing.assert_array_equal(fold, folds_of(groups, strata, 5, 0))
    assert (fold != folds_of(groups, strata, 5, 1)).any()
    for stratum in range(5):  # each of four groups of a stratum is in a fold of its own
        assert len(set(fold[np.array(strata) == stratum])) == 4
    with pytest.raises(MotionBeatError, match="2 groups of clips for 5 folds"):
        folds_of(["a", "b"], [0, 0], 5, 0)
    with pytest.raises(MotionBeatError, match=r"tasks\.folds = 2"):
        folds_of(groups, strata, 2, 0)


def test_every_clip_is_tested_once_and_never_with_its_group_in_training() -> None:
    data = labelled("classes", [i % 3 for i in range(60)])
    rounds = parts(data, "folds", 5, 0)
    tested = np.concatenate([part.test for part in rounds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(60))
    for part in rounds:
        sides = [{data.items[i].group for i in side} for side in (part.train, part.val, part.test)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    (official,) = parts(data, "official", 5, 0)
    assert [len(side) for side in (official.train, official.val, official.test)] == [30, 15, 15]


def test_features_that_hold_the_answer_score_100_and_noise_scores_like_the_constant_row(options) -> None:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 3, 240)
    data = labelled("classes", targets.tolist())
    rounds = parts(data, "official", 5, 0)
    rows = {
        "motionbeat": clip_tasks.answers(np.eye(3, dtype=np.float32)[targets], data, rounds, options),
        "mel": clip_tasks.answers(generator.normal(size=(240, 3)).astype(np.float32), data, rounds, options),
        "constant": clip_tasks.constant(data, rounds),
    }
    scores = clip_tasks.scores("genre", rows, data, rounds, options)
    found = by_name(scores)
    assert values(scores, "genre", "motionbeat") == {"accuracy": 100, "accuracy_linear": 100, "accuracy_mlp": 100}
    noise, less = (found["genre", row, "accuracy"] for row in ("mel", "motionbeat minus mel"))
    assert noise.low < 100 / 3 < noise.high and noise.n == 60
    assert less.value == pytest.approx(100 - noise.value) and less.low > 30
    expected = 100 * np.mean(targets[180:] == np.bincount(targets[:120]).argmax())
    assert found["genre", "constant", "accuracy"].value == expected
    about = recognition_sets.about(data, rounds, options)
    assert about["test"] == 60 and about["groups"] == 30


def test_tags_of_several_rounds_are_scored_by_their_ranks_within_each_round(options) -> None:
    """Every round ranks perfectly on a scale of its own; one tag in five is marked, in every round."""
    marks = np.arange(100) % 5 == 0
    data = labelled("tags", [(float(mark),) for mark in marks], ("guitar",))
    rounds = [Fold(np.arange(0), np.arange(0), np.arange(20 * k, 20 * k + 20)) for k in range(5)]
    own = marks + 0.01 * np.random.default_rng(0).random(100)
    scaled = np.concatenate([10.0 ** (k - 2) * (own[20 * k : 20 * k + 20] - 7 * k) for k in range(5)])[:, None]
    outcome = clip_tasks.Outcome({"chosen": scaled, "linear": -scaled})
    found = by_name(clip_tasks.scores("tagging", {"mel": outcome}, data, rounds, options))
    area = found["tagging", "mel", "roc_auc"]
    assert area.value == area.low == area.high == found["tagging", "mel", "average_precision"].value == 100
    assert found["tagging", "mel", "roc_auc_linear"].value == 0


def test_the_row_that_hears_nothing_has_half_the_area_over_folds_too(options) -> None:
    marks = np.random.default_rng(0).random((110, 3)) < [0.1, 0.3, 0.5]
    data = labelled("tags", [tuple(map(float, row)) for row in marks])
    for split in ("folds", "official"):
        rounds = parts(data, split, 5, 0)
        rows = {"constant": clip_tasks.constant(data, rounds)}
        found = values(clip_tasks.scores("tagging", rows, data, rounds, options), "tagging", "constant")
        assert found["roc_auc"] == pytest.approx(50, abs=1e-9)


def test_regression_is_in_the_targets_own_units_over_folds(options) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(120, 4)).astype(np.float32)
    targets = 5 + features[:, :2] * [0.3, 2.0]
    data = labelled("regression", [tuple(row) for row in targets.tolist()], ("arousal", "valence"))
    rounds = parts(data, "folds", 5, 0)
    found = clip_tasks.answers(
        features, data, rounds, evolve(options, heads=["linear"], epochs=100, learning_rates=[3e-2])
    )
    rows = {"mel": found, "constant": clip_tasks.constant(data, rounds)}
    scores = clip_tasks.scores("emotion", rows, data, rounds, options)
    assert min(values(scores, "emotion", "mel").values()) > 95
    assert max(values(scores, "emotion", "constant").values()) < 0


def test_a_beat_probe_finds_beats_that_a_frame_shows_and_none_in_noise(options) -> None:
    generator = np.random.default_rng(0)
    clip_beats = [0.1 * i + np.arange(0.2, 16 - 0.1 * i, 0.5) for i in range(8)]
    data = labelled("beats", [BeatLabels(beats, None) for beats in clip_beats], ())
    noise = [generator.normal(size=(800, 4)).astype(np.float16) for _ in data.items]
    shown = [frames.copy() for frames in noise]
    for frames, beats in zip(shown, clip_beats, strict=True):
        frames[np.round(beats[beats < 15.9] / 0.02).astype(int), 1] += 8
    rounds: list[Fold] = parts(data, "official", 5, 0)
    rows = {name: beat_probe.answers(x, data, rounds, options) for name, x in (("motionbeat", shown), ("mel", noise))}
    found = by_name(beat_probe.scores("beat_tracking", rows, [16.0] * 2, data, rounds, options))
    assert min(found["beat_tracking", "motionbeat", metric].value for metric in ("f1", "f1_peaks")) > 0.95
    noisy = found["beat_tracking", "mel", "f1_peaks"]
    assert noisy.value < 0.5 and noisy.n == 2 and rows["mel"].probes[0]["head"] == "linear"


def test_a_cross_validation_says_what_its_folds_keep_apart(settings) -> None:
    tasks = evolve(settings.tasks, gtzan=evolve(settings.tasks.gtzan, split="folds"))
    data = labelled("classes", [i % 3 for i in range(60)])
    assert (
        recognition_sets.about(data, parts(data, "folds", 5, 0), tasks)["split"] == "5-fold cross-validation over clips"
    )


def test_the_clips_of_a_cross_validation_are_counted_over_all_its_rounds(settings) -> None:
    rounds = [Fold(np.arange(train), np.arange(val), np.arange(2)) for train, val in ((10, 4), (20, 6), (30, 8))]
    data = labelled("classes", [0] * 60)
    found = recognition_sets.about(data, rounds, settings.tasks)
    assert [found[key] for key in ("train", "val", "test", "rounds")] == [20, 6, 6, 3]
    assert "rounds" not in recognition_sets.about(data, rounds[:1], settings.tasks)


@pytest.mark.parametrize(
    "spelled", ["data/standins/gtzan", "./data/standins/x/../gtzan/", "{here}/data/standins/gtzan"]
)
def test_a_stand_in_is_known_however_its_root_is_spelled(settings, tmp_path, monkeypatch, spelled) -> None:
    monkeypatch.chdir(tmp_path)
    root = spelled.format(here=tmp_path)
    assert recognition_sets.is_standin("gtzan", evolve(settings.tasks, gtzan=evolve(settings.tasks.gtzan, root=root)))
    moved = evolve(settings.tasks, gtzan=evolve(settings.tasks.gtzan, root="data/gtzan"))
    assert not recognition_sets.is_standin("gtzan", moved)


def test_a_data_set_that_is_not_there_is_refused_with_its_key(settings, tmp_path) -> None:
    tasks = evolve(settings.tasks, nsynth=evolve(settings.tasks.nsynth, root=str(tmp_path / "nowhere")))
    with pytest.raises(MotionBeatError, match=r"tasks\.nsynth\.root = .*nowhere: no such folder"):
        recognition_sets.open_set("nsynth", tasks)
