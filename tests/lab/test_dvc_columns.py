"""What `dvc metrics show` and `dvc exp show` print: few columns, by names of their own."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from motionbeat.files import read_json
from motionbeat.lab.generator import dance_scores
from motionbeat.lab.results.results_table import ResultsTable
from motionbeat.lab.tasks import recognition_sets, retrieval_task
from motionbeat.lab.tasks.score_table import Headline, Score, write
from motionbeat.lab.training.history import History

ROOT = Path(__file__).parents[2]
STAGES = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
MOST = 15
CLIP_TASKS = {task.name: task.shown for task in recognition_sets.declared_tasks().values()}
HEADLINE: dict[str, Headline] = CLIP_TASKS | {
    "retrieve": retrieval_task.HEADLINE,
    "beat_tracking": recognition_sets.BEAT_HEADLINE,
    "dance": dance_scores.HEADLINE,
}


def best_of(epoch: int) -> History:
    recalls = {"val_r10_music_to_motion": 90.0, "val_r10_motion_to_music": 80.0}
    return History(best_epoch=epoch, best={"score": -1.0, "val_nll_music_to_motion": 2.0, **recalls})


def test_all_columns_together_are_few_and_no_name_stands_twice() -> None:
    """DVC puts the file's name before a column whose name is in two files."""
    names = [*best_of(7).headline(), *(name for columns in HEADLINE.values() for name in columns)]
    assert len(names) == len(set(names)) <= MOST
    assert not [name for name in names if "." in name]


def test_dvc_knows_no_other_metrics_than_these() -> None:
    listed = {next(iter(entry)) for stage in STAGES.values() for entry in stage.get("metrics", [])}
    assert listed == {"metrics/validation.json", *(f"metrics/{task}.json" for task in HEADLINE)}


@pytest.mark.parametrize("task", HEADLINE)
def test_a_run_has_each_figure_that_is_named(task: str) -> None:
    results = ResultsTable.read(ROOT / "metrics")
    assert not [key for key in HEADLINE[task].values() if results.score(*key) is None]


def test_a_task_writes_the_figures_it_has_and_leaves_out_the_undefined(tmp_path: Path) -> None:
    rows = [Score("emotion", "motionbeat", "r2_valence", 0.25), Score("emotion", "mel", "r2_valence", 0.5)]
    undefined = Score("emotion", "motionbeat", "r2_arousal", None)
    write(tmp_path, "emotion", [*rows, undefined], HEADLINE["emotion"])
    assert read_json(tmp_path / "emotion.json", "") == {"emotion_r2_valence": 0.25}
    write(tmp_path, "genre", rows, HEADLINE["genre"])
    assert read_json(tmp_path / "genre.json", "") == {}


def test_validation_is_that_of_the_epoch_that_was_kept() -> None:
    assert best_of(7).headline() == {
        "best_epoch": 7,
        "val_r10_music_to_motion": 90.0,
        "val_r10_motion_to_music": 80.0,
    }


def test_a_task_prints_the_figures_that_dvc_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "genre", [Score("genre", "motionbeat", "accuracy", 62.53)], HEADLINE["genre"])
    assert capsys.readouterr().out == "genre: genre_accuracy 62.53, all in genre_table.csv\n"
