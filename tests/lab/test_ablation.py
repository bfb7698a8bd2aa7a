"""Ablations: the right experiments are queued, only those that belong to a table count, and gaps say why."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import presets
from motionbeat.lab.results import (
    ablation_page,
    ablation_results,
    ablation_tables,
    experiment_queue,
    experiments,
)
from motionbeat.lab.results.measures import PAPERS, Measure
from motionbeat.lab.results.result_tables import Cell, as_text
from motionbeat.lab.results.seeds import estimate, paired
from motionbeat.lab.results.variants import FULL, TABLES, variants

ROOT = Path(__file__).parents[2]
PARAMS: dict[str, dict[str, Any]] = {
    "corpus": {"name": "synthetic", "seed": 0, "root": "data/raw"},
    "model": {"rotation": "harmonic", "contact_attention": True, "readout": "mean"},
    "train": {"seed": 0, "epochs": 80},
    "tasks": {"gtzan": {"root": "data/standins/gtzan"}},
    "report": {"clip": ""},
}
TURNED: dict[str, dict[str, Any]] = {
    "no-bep-no-cga": {"model.rotation": "rotary", "model.contact_attention": False},
    "bep-only": {"model.contact_attention": False},
    "cga-only": {"model.rotation": "rotary"},
    FULL: {},
}


def entry(variant: str, seed: int, r1: float = 20.0, state: str | None = None, **knobs: Any) -> dict[str, Any]:
    """One experiment as `dvc exp show --json` has it; knobs: section__knob=value."""
    values = copy.deepcopy(PARAMS)
    values["train"]["seed"] = values["corpus"]["seed"] = seed
    turned = TURNED[variant] | {key.replace("__", "."): value for key, value in knobs.items()}
    for name, value in turned.items():
        section, _, knob = name.partition(".")
        values[section][knob] = value
    metrics = {
        "metrics/retrieve.json": {"data": {"win": {"music_to_motion": {"model": {"r1": r1}}}}},
        "metrics/train.json": {"data": {"jitter_accuracy": 0.9, "agreement_onset_own": 0.5, "note": "text"}},
        "metrics/beat_tracking.json": {"error": {"msg": "not there"}},
    }
    data = {"params": {"params.yaml": {"data": values}}, "metrics": metrics}
    return {
        "name": f"table3-{variant}-seed{seed}",
        "executor": {"state": state} if state else None,
        "revs": [{"data": data, "error": None}],
    }


def shown(*entries: dict[str, Any]) -> dict[str, experiments.Experiment]:
    commits = [{"rev": "workspace", "experiments": None}, {"rev": "abc", "experiments": list(entries)}]
    return experiments.parse(json.loads(json.dumps(commits)))


def collected(*entries: dict[str, Any], seeds: int = 2) -> ablation_results.Ablation:
    return ablation_results.collect(3, seeds, shown(*entries), TURNED)


def line_of(ablation: ablation_results.Ablation, variant: str) -> ablation_results.Line:
    return next(line for line in ablation.lines if line.variant.name == variant)


R1 = "retrieve.win.music_to_motion.model.r1"


def test_an_interval_is_scipys_t_interval() -> None:
    values = [33.7, 34.6, 31.2, 35.0]
    found = estimate(values)
    assert found is not None
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((np.mean(values), low, high, 4))


def test_one_seed_has_a_mean_and_no_interval_and_none_has_nothing() -> None:
    one = estimate([3.0])
    assert one is not None and (one.mean, one.low, one.high, one.n) == (3.0, None, None, 1)
    assert estimate([]) is None


def test_a_paired_interval_is_scipys_of_the_paired_t_test_and_ignores_how_hard_a_corpus_is() -> None:
    ours, base = {0: 30.0, 1: 52.0, 2: 41.0}, {2: 40.5, 1: 50.0, 0: 29.0, 7: 99.0}
    found = paired(ours, base)
    test = stats.ttest_rel([30.0, 52.0, 41.0], [29.0, 50.0, 40.5]).confidence_interval(0.95)
    assert found is not None and (found.low, found.high, found.n) == pytest.approx((test.low, test.high, 3))
    harder = {seed: value - 10 * seed for seed, value in base.items()}
    moved = paired({seed: value - 10 * seed for seed, value in ours.items()}, harder)
    assert moved is not None and moved.mean == pytest.approx(found.mean)


def test_a_waiting_experiment_has_no_metrics_though_dvc_shows_those_of_its_commit() -> None:
    known = shown(entry(FULL, 0, state="queued"), entry(FULL, 1, state="failed"), entry("bep-only", 0))
    assert known["table3-full-seed0"].metrics == {} and known["table3-full-seed1"].metrics == {}
    assert known["table3-full-seed0"].params["train.seed"] == 0
    assert known["table3-bep-only-seed0"].metrics[R1] == 20.0


def test_of_two_experiments_of_one_name_the_one_that_ended_well_counts() -> None:
    known = shown(entry(FULL, 0, state="failed"), entry(FULL, 0, 31.0, state="success"), entry(FULL, 0, state="queued"))
    assert known["table3-full-seed0"].metrics[R1] == 31.0


def test_means_and_paired_differences_are_those_of_the_seeds_in_common() -> None:
    ablation = collected(
        entry(FULL, 0, 30.0), entry(FULL, 1, 40.0), entry("bep-only", 0, 28.0), entry("bep-only", 1, 37.0)
    )
    figure = line_of(ablation, "bep-only").figures[R1]
    assert figure.over_seeds is not None and figure.over_seeds.mean == 32.5
    assert figure.minus_full is not None and figure.minus_full.mean == -2.5
    assert line_of(ablation, FULL).figures[R1].minus_full is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (entry("bep-only", 0, model__contact_attention=True), "model.contact_attention = True, not False"),
        (entry("bep-only", 0, corpus__seed=1), "corpus.seed = 1, not 0"),
        (entry("bep-only", 0, train__epochs=1), "train.epochs = 1, table3-no-bep-no-cga-seed0 has 80"),
    ],
)
def test_an_experiment_with_other_knobs_does_not_count(wrong: dict[str, Any], why: str) -> None:
    ablation = collected(entry(FULL, 0), entry("no-bep-no-cga", 0), wrong, seeds=1)
    line = line_of(ablation, "bep-only")
    assert line.seeds == () and why in line.notes[0]
    assert line.figures[R1].over_seeds is None


def test_an_empty_cell_says_why() -> None:
    ablation = collected(entry(FULL, 0), entry(FULL, 1), entry("cga-only", 0, state="failed"))
    line = line_of(ablation, FULL)
    assert line.figures["dance.motionbeat.pfc"].reason == "the dance stage has not run"
    assert line.figures["beat_tracking.motionbeat.f1"].reason == "the beat_tracking stage has not run"
    assert line.figures["train.tempo_accuracy"].reason == "metrics/train.json has no tempo_accuracy"
    assert line_of(ablation, "bep-only").figures[R1].reason == "seeds 0, 1: no experiment"
    assert line_of(ablation, "cga-only").figures[R1].reason == "seed 0: failed; seed 1: no experiment"


def test_the_full_model_of_the_other_table_is_the_same_and_counts() -> None:
    other = entry(FULL, 0) | {"name": "table1-full-seed0"}
    assert line_of(collected(other, seeds=1), FULL).seeds == (0,)


def test_metrics_of_agreement_become_columns_and_a_distance_is_better_when_small() -> None:
    ablation = collected(entry(FULL, 0), seeds=1)
    assert ablation_tables.heading_of(ablation.measures[-1]) == "agreement onset own \u2191"
    found = ablation_results.of_table(3, {"train.agreement_accent_to_energy_emd"})
    assert found[-1].better == -1


def test_the_papers_figures_stand_in_columns_of_their_own() -> None:
    table = ablation_tables.comparison(collected(entry(FULL, 0, 30.0), seeds=1))
    printed = {name: place - 1 for place, name in enumerate(table.columns)}
    full = table.groups[0].rows[-1]
    assert full.cells[printed["R@1 music to motion \u2191, paper"]] == Cell("22.1")
    assert full.cells[printed["R@1 music to motion \u2191, ours"]] == Cell("30.0")
    assert full.cells[printed["PFC \u2193, paper"]] == Cell("1.55")
    assert full.cells[printed["PFC \u2193, ours"]].text == ""


def test_the_page_needs_nothing_from_elsewhere_and_is_the_same_each_time() -> None:
    ablation = collected(entry(FULL, 0, 30.0), entry(FULL, 1, 33.0), entry("bep-only", 0, 29.0))
    text = ablation_page.html(ablation)
    assert text == ablation_page.html(ablation)
    assert "<svg" in text and "src=" not in text and "<script" not in text and "http" not in text.split("<svg")[0]
    assert "model.readout" in text and "31.5" in text


def test_knobs_that_a_variant_turned_or_no_figure_follows_from_are_not_called_shared() -> None:
    neither = entry("no-bep-no-cga", 0, report__clip="another")
    assert collected(entry(FULL, 0), neither, seeds=1).common == {
        "corpus.name": "synthetic",
        "corpus.root": "data/raw",
        "model.readout": "mean",
        "train.epochs": 80,
        "tasks.gtzan.root": "data/standins/gtzan",
    }


def test_the_notes_say_what_stands_in_for_bep_and_for_the_papers_sets() -> None:
    said = " ".join(ablation_tables.notes(collected(entry(FULL, 0), seeds=1)))
    assert "with the beat index alone (rotary)" in said and "take the place of the paper's sets (gtzan)" in said
    other = entry(FULL, 0, **{"tasks__gtzan": {"root": "/data/gtzan"}})
    assert "stand-ins" not in " ".join(ablation_tables.notes(collected(other, seeds=1)))


def test_table_1_has_all_columns_of_the_paper_and_a_missing_one_names_its_stage() -> None:
    knobs: dict[str, dict[str, Any]] = {row.name: {} for row in TABLES[1]}
    name = "table1-full-seed0"
    metrics = {"tagging.motionbeat.roc_auc": 70.7, "emotion.motionbeat.r2_valence": -6.56}
    params = {"train.seed": 0, "corpus.name": "aistpp"}
    known = {name: experiments.Experiment(name, "success", params, metrics, frozenset({"tagging", "emotion"}))}
    ablation = ablation_results.collect(1, 1, known, knobs)
    printed = ablation_tables.comparison(ablation).columns
    headings = ("ROC", "AP", "Genre ACC", "Instrument ACC", "R2 valence", "R2 arousal")
    assert all(
        f"{heading} \u2191, {of}" in printed
        for heading in headings
        for of in (ablation_tables.PAPER, ablation_tables.OURS)
    )
    full = line_of(ablation, FULL)
    assert [full.variant.paper[heading] for heading in headings] == ["91.2", "40.8", "79.2", "70.8", "61.2", "73.8"]
    assert full.figures["genre.motionbeat.accuracy"].reason == "the probe stage has not run"
    assert all(len(row.paper) == 13 for row in TABLES[1])


@pytest.mark.parametrize("measure", PAPERS[1], ids=lambda measure: measure.name)
def test_the_columns_of_table_1_are_keys_of_the_metrics_that_the_pipeline_writes(measure: Measure) -> None:
    path = ROOT / "metrics" / f"{measure.file}.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there: its stage has not run")
    known = experiments.flat(json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(known[measure.key], float)


def test_a_table_without_any_experiment_is_printed_with_reasons() -> None:
    ablation = collected()
    assert "<svg" not in ablation_page.html(ablation)
    assert "no experiment" in ablation_page.markdown(ablation)
    table = ablation_tables.details(ablation)
    assert "(seeds 0, 1: no experiment)" in as_text(table, table.columns[1:])


def wanted(table: int = 3, seeds: int = 2, **chosen: Any) -> list[experiment_queue.Wanted]:
    knobs = {key.replace("__", "."): value for key, value in chosen.items()}
    return experiment_queue.wanted(table, seeds, knobs, ROOT / "params.yaml", ROOT / "presets")


@pytest.mark.parametrize("table", TABLES)
def test_every_variant_is_queued_once_a_seed_with_its_presets_knobs(table: int) -> None:
    needed = wanted(table, 3, corpus__name="synthetic")
    assert len({item.name for item in needed}) == len(needed) == 3 * len(variants(table))
    for item in needed:
        assert item.flags["train.seed"] == item.flags["corpus.seed"] == item.seed
        turned = (
            presets.overrides(item.variant.preset, ROOT / "presets", ROOT / "params.yaml")
            if item.variant.preset
            else {}
        )
        assert turned.items() <= item.flags.items() and item.params.items() >= item.flags.items()
        assert item.command[:5] == ("exp", "run", "--queue", "-n", item.name)


def test_on_a_corpus_of_recordings_a_seed_is_of_the_training_alone() -> None:
    item = wanted(seeds=2, corpus__name="aistpp", corpus__root="/data/aist")[-1]
    assert item.flags["train.seed"] == 1 and "corpus.seed" not in item.flags
    assert experiment_queue.relative_root(item) is None
    assert experiment_queue.relative_root(wanted(corpus__name="aistpp", corpus__root="data/aist")[0]) == "data/aist"


def test_what_is_there_is_not_queued_again_and_what_failed_is() -> None:
    needed = wanted(3, 1)
    states = {"table3-no-bep-no-cga-seed0": "success", "table3-bep-only-seed0": "failed", "table1-full-seed0": "queued"}
    params = {item.variant.name: item.params for item in needed}
    known = {
        name: experiments.Experiment(name, state, params[name.partition("-")[2].removesuffix("-seed0")])
        for name, state in states.items()
    }
    todo, there = experiment_queue.missing(needed, known)
    assert [item.name for item in todo] == ["table3-bep-only-seed0", "table3-cga-only-seed0"]
    assert there == ["table3-no-bep-no-cga-seed0: success", "table1-full-seed0: queued"]


def test_an_experiment_of_this_name_with_other_knobs_is_refused() -> None:
    item = wanted(3, 1, train__epochs=40)[-1]
    other = experiments.Experiment(item.name, "success", {**item.params, "train.epochs": 80, "report.clip": "x"})
    with pytest.raises(MotionBeatError, match=r"train.epochs = 80 \(not 40\).*dvc exp remove table3-full-seed0"):
        experiment_queue.missing([item], {item.name: other})


def test_a_variant_that_turns_nothing_is_noticed() -> None:
    assert experiment_queue.idle(wanted(3, 1)) == []
    assert experiment_queue.idle(wanted(1, 1, loss__alpha=0.0)) == ["without-sral"]


@pytest.mark.parametrize("number", [0, 2])
def test_other_tables_are_refused(number: int) -> None:
    with pytest.raises(MotionBeatError, match="expected 1"):
        wanted(number)


def test_no_seeds_and_unknown_knobs_are_refused() -> None:
    with pytest.raises(MotionBeatError, match="at least 1"):
        wanted(3, 0)
    with pytest.raises(MotionBeatError, match="no such knob"):
        wanted(3, 1, train__epoch=4)
    with pytest.raises(MotionBeatError, match=r"train.epochs = 'many'"):
        wanted(3, 1, train__epochs="many")
    for text in ("epochs=4", "train.epochs", "train.seed=1"):
        with pytest.raises(MotionBeatError, match="-S"):
            experiment_queue.overrides([text])
    with pytest.raises(MotionBeatError, match=r"--set train.epochs=\[: the value is not valid YAML"):
        experiment_queue.assignments(["train.epochs=["], "--set")
    assert experiment_queue.overrides(["train.learning_rate=1e-4", "corpus.meters=[3, 4]", "model.centre=false"]) == {
        "train.learning_rate": 1e-4,
        "corpus.meters": [3, 4],
        "model.centre": False,
    }


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"dvc.yaml, params.yaml, .dvc not here"):
        experiments.check_project(tmp_path)
