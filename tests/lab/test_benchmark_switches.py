"""Switches are measured one by one: what runs, what is left out, what is gone on with, and how it is compared."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from benchmarks.switches import __main__ as command
from benchmarks.switches import plan, runner, table
from motionbeat.errors import MotionBeatError

ROOT = Path(__file__).parents[2]
# stands in for the stages: writes metrics that follow from params.yaml, fails on demand
STAGES = """
import json, pathlib, sys, time
from ruamel.yaml import YAML
stage, values = sys.argv[1], YAML(typ="safe", pure=True).load(pathlib.Path("params.yaml"))
if values["loss"]["gamma"] == 9.0 and stage == "train":
    sys.exit("error: gamma is 9")
if values["loss"]["gamma"] == 8.0:
    pathlib.Path("begun").touch()
    time.sleep(60)
if stage in ("tokens", "negatives"):
    folder = pathlib.Path("data") / stage
    folder.mkdir(exist_ok=True)
    (folder / "made.txt").write_text(stage)
r1 = 30 + 5 * values["train"]["seed"] - 2 * (values["model"]["rotation"] == "none")
made = pathlib.Path("data/tokens/made.txt").exists() + 2 * pathlib.Path("data/negatives/made.txt").exists()
metrics = {
    "train": {"jitter_accuracy": 0.9, "agreement_onset_own": 0.5, "made": made},
    "retrieve": {"win": {"music_to_motion": {"model": {"r1": r1}, "random": {"r1": 1.0}, "ceiling": {"r1": None}}}},
}
pathlib.Path("metrics").mkdir(exist_ok=True)
if stage in metrics:
    pathlib.Path(f"metrics/{stage}.json").write_text(json.dumps(metrics[stage]))
    with pathlib.Path("runs.txt").open("a") as file:
        print(stage, file=file)
"""


@pytest.fixture
def corpora(tmp_path: Path) -> list[Path]:
    """Two prepared corpora, of seeds 4 and 5."""
    folders = []
    for seed in (4, 5):
        folder = tmp_path / f"prepared{seed}"
        for name in (
            "corpus/manifest.parquet",
            "beats/beats.parquet",
            "tokens/audio.parquet",
            "negatives/jitter.parquet",
        ):
            path = folder / "data" / name
            path.parent.mkdir(parents=True)
            path.write_text(f"{name} {seed}")
        yaml = YAML()
        values = yaml.load(ROOT / "params.yaml")
        values["corpus"] |= {"name": "synthetic", "seed": seed}
        yaml.dump(values, folder / "params.yaml")
        folders.append(folder)
    return folders


@pytest.fixture
def switches(tmp_path: Path) -> Path:
    path = tmp_path / "switches.yaml"
    path.write_text("turned:\n  model.rotation: none\nunknown:\n  model.nonsense: 1\n", encoding="utf-8")
    return path


@pytest.fixture
def _stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "code"
    (code / "stages").mkdir(parents=True)
    (code / "stages" / "__main__.py").write_text(STAGES, encoding="utf-8")
    monkeypatch.setattr(runner, "ROOT", code)


def run_of(folder: Path, **turned: Any) -> plan.Run:
    data = plan.Prepared.read(folder)
    settings = plan.settings_of(data, {name.replace("__", "."): value for name, value in turned.items()})
    return plan.Run("turned", data, settings)


def test_params_yaml_takes_every_switch_of_the_table_and_each_differs_from_the_default(corpora: list[Path]) -> None:
    named = plan.switches()
    assert next(iter(named)) == plan.DEFAULT and not named[plan.DEFAULT]
    runs, refused = command.planned(named, plan.prepared(corpora[:1]), {})
    assert refused == {} and len({run.key for run in runs}) == len(named)
    misspelt = {plan.DEFAULT: {}, "misspelt": {"model.rotatoin": "none"}}
    assert command.planned(misspelt, plan.prepared(corpora[:1]), {})[1] == {
        "misspelt": "params.yaml has no model.rotatoin"
    }


@pytest.mark.parametrize("module", ["motionbeat/files.py", "motionbeat/lab/params/sections.py", "stages/__main__.py"])
def test_the_digest_of_the_code_holds_every_module_that_a_stage_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    (tmp_path / module).parent.mkdir(parents=True)
    (tmp_path / module).write_text("one = 1\n")
    monkeypatch.setattr(plan, "ROOT", tmp_path)
    before = plan.code_digest()
    (tmp_path / module).write_text("one = 2\n")
    assert plan.code_digest() != before


def test_a_run_has_the_corpus_and_the_seed_of_its_data(corpora: list[Path]) -> None:
    run = run_of(corpora[1], model__rotation="none")
    assert (run.settings.corpus.seed, run.settings.train.seed, run.seed) == (5, 5, 5)
    assert run.settings.model.rotation == "none"


def test_tokens_and_negatives_are_made_anew_only_where_their_knobs_differ(corpora: list[Path]) -> None:
    assert run_of(corpora[0]).stages == ("train", "retrieve")
    assert run_of(corpora[0], tokens__subbeats=2).stages == ("tokens", "negatives", "train", "retrieve")
    assert run_of(corpora[0], negatives__jitter_shifts=[-1, 1, 2]).stages == ("negatives", "train", "retrieve")


def test_a_run_is_known_by_its_params_and_its_data(corpora: list[Path]) -> None:
    key = run_of(corpora[0]).key
    assert run_of(corpora[0]).key == key
    assert run_of(corpora[0], loss__alpha=0.3).key != key
    (corpora[0] / "data" / "tokens" / "audio.parquet").write_text("other tokens")
    assert run_of(corpora[0]).key != key


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("model.nonsense", 1, "has no model.nonsense"),
        ("corpus.size", "full", "--data"),
        ("train.seed", 3, "corpus.seed"),
    ],
)
def test_knobs_that_cannot_be_turned_are_refused(corpora: list[Path], name: str, value: Any, why: str) -> None:
    with pytest.raises(MotionBeatError, match=why):
        plan.settings_of(plan.Prepared.read(corpora[0]), {name: value})


def test_data_of_one_seed_twice_and_a_folder_without_data_are_refused(corpora: list[Path], tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"another corpus\.seed"):
        plan.prepared([corpora[0], corpora[0]])
    with pytest.raises(MotionBeatError, match=r"params.yaml, data/corpus/manifest.parquet"):
        plan.prepared([tmp_path])


@pytest.mark.usefixtures("_stages")
def test_switches_are_run_compared_by_seed_and_not_run_again(
    corpora: list[Path], switches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    given = ["--data", *map(str, corpora), "--output", str(output), "--switches", str(switches), "--jobs", "2"]
    command.run(given)
    assert "4 runs, 0 finished, 4 to do" in capsys.readouterr().err
    written = json.loads((output / "switches.json").read_text())["switches"]
    measured = written["turned"]["measures"]["retrieve.win.music_to_motion.model.r1"]
    assert measured["seeds"] == {"4": 48.0, "5": 53.0} and measured["mean"]["mean"] == 50.5
    assert measured["difference"] == {"mean": -2.0, "low": -2.0, "high": -2.0, "n": 2}
    assert written["unknown"]["missing"] == ["params.yaml has no model.nonsense"]
    page = (output / "switches.md").read_text()
    assert "**-2.0 [-2.0, -2.0]**" in page and "agreement onset own" in page and "| random embeddings | 1.0" in page
    command.run(given)
    assert "4 finished, 0 to do" in capsys.readouterr().err
    assert all(path.read_text() == "train\nretrieve\n" for path in output.glob("runs/*/runs.txt"))


@pytest.mark.usefixtures("_stages")
def test_made_tokens_are_used_and_prepared_ones_stay_as_they_are(corpora: list[Path], tmp_path: Path) -> None:
    run = run_of(corpora[0], tokens__subbeats=2)
    outcome = runner.execute(run, tmp_path / "out", plan.code_digest(), runner.Processes())
    assert outcome.metrics is not None and outcome.metrics["train.made"] == 3.0
    assert not (runner.folder_of(run, tmp_path / "out") / "data" / "tokens").exists()
    assert sorted(path.name for path in (corpora[0] / "data" / "tokens").iterdir()) == ["audio.parquet"]


@pytest.mark.usefixtures("_stages")
def test_a_failing_run_says_why_and_is_made_again(corpora: list[Path], tmp_path: Path) -> None:
    run = run_of(corpora[0], loss__gamma=9.0)
    outcome = runner.execute(run, tmp_path / "out", plan.code_digest(), runner.Processes())
    assert outcome.metrics is None and outcome.reason == "train failed: error: gamma is 9"
    assert runner.finished(run, tmp_path / "out") is None
    found = table.lines({"turned": {}, plan.DEFAULT: {}}, [outcome], {}, table.MEASURES, [4])
    assert found[0].missing == ("train failed: error: gamma is 9",)


@pytest.mark.usefixtures("_stages")
def test_what_runs_ends_with_the_command(corpora: list[Path], tmp_path: Path) -> None:
    run, processes, found = run_of(corpora[0], loss__gamma=8.0), runner.Processes(), []
    thread = threading.Thread(
        target=lambda: found.append(runner.execute(run, tmp_path / "out", plan.code_digest(), processes))
    )
    thread.start()
    begun = runner.folder_of(run, tmp_path / "out") / "begun"
    until = time.monotonic() + 50
    while not begun.exists() and time.monotonic() < until:
        time.sleep(0.02)
    processes.stop()
    thread.join(50)
    assert not thread.is_alive() and [outcome.reason for outcome in found] == ["stopped"]


def test_code_that_changes_meanwhile_stops_a_run(corpora: list[Path], tmp_path: Path) -> None:
    outcome = runner.execute(run_of(corpora[0]), tmp_path / "out", "other code", runner.Processes())
    assert outcome.metrics is None and "has changed meanwhile" in outcome.reason


@pytest.mark.usefixtures("_stages")
def test_runs_of_other_code_count_only_when_asked(
    corpora: list[Path], switches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--data", str(corpora[0]), "--output", str(tmp_path / "out"), "--switches", str(switches)]
    command.run(given)
    monkeypatch.setattr(plan, "code_digest", lambda: "newer")
    with pytest.raises(MotionBeatError, match="--any-code"):
        command.run([*given, "--table"])
    command.run([*given, "--table", "--any-code"])
    assert "| turned | 48.0" in (tmp_path / "out" / "switches.md").read_text()


def test_a_switch_that_is_the_default_is_left_out(corpora: list[Path]) -> None:
    prepared = plan.prepared(corpora)
    rotation = plan.settings_of(prepared[0], {}).model.rotation
    runs, refused = command.planned({plan.DEFAULT: {}, "same": {"model.rotation": rotation}}, prepared, {})
    assert [run.switch for run in runs] == [plan.DEFAULT] * 2 and refused == {"same": "this is the default"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "--data FOLDER"),
        (["--only", "nonsense"], "no switch nonsense"),
        (["--data", "x", "--output", "y", "--jobs", "0"], "--jobs 0"),
        (["--data", "x", "--output", "y"], "--data x: no params.yaml"),
        (["--data", "CORPUS", "--output", "y", "--set", "train.epochs=["], r"--set train.epochs=\[: the value is not"),
        (["--data", "CORPUS", "--output", "y", "--set", "epochs=4"], "--set epochs=4: expected section.knob=value"),
        (["--data", "CORPUS", "--output", "y", "--set", "tasks.gtzan.root=x"], "params.yaml has no tasks.gtzan.root"),
    ],
)
def test_wrong_arguments_are_refused(corpora: list[Path], given: list[str], why: str) -> None:
    with pytest.raises(MotionBeatError, match=why):
        command.run([str(corpora[0]) if text == "CORPUS" else text for text in given])
