"""Ablations run each step once, share what variants have in common, resume, and keep results by params and code."""

import json
import threading
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.lab.commands.ablate import ablate
from motionbeat.lab.experiments import side_by_side, variant_steps, variants
from motionbeat.lab.experiments.variant_steps import Planner, Run

ROOT = Path(__file__).parents[2]
# stands in for the stages: each writes what dvc.yaml says, a figure that follows from params.yaml, and who ran
STAGE = """
import json, os, pathlib, sys, time
from ruamel.yaml import YAML
stage, values = sys.argv[1], YAML(typ="safe", pure=True).load(pathlib.Path("params.yaml"))
if stage == "train" and values["loss"]["gamma"] == 9.0:
    sys.exit("error: gamma is 9")
if stage == "train" and values["loss"]["gamma"] == 8.0:
    pathlib.Path("begun").touch()
    time.sleep(60)
reads = {"corpus": [], "beats": ["corpus"], "tokens": ["corpus", "beats"], "negatives": ["tokens"]}
for name in reads.get(stage, ["tokens", "negatives"]):
    assert (pathlib.Path("data") / name / "made.json").is_file(), name
folder = pathlib.Path("models/motionbeat" if stage == "train" else f"data/{stage}")
folder.mkdir(parents=True, exist_ok=True)
made = {key: values[key] for key in ("corpus", "tokens", "model", "train", "loss")}
(folder / "made.json").write_text(json.dumps(made | {"threads": os.environ["MOTIONBEAT_THREADS"]}))
"""
EVALUATE = """
import json, pathlib, sys
made = json.loads(pathlib.Path("models/motionbeat/made.json").read_text())
r1 = 30 + 5 * made["corpus"]["seed"] + made["train"]["seed"] - 2 * (made["model"]["rotation"] == "none")
songs = {f"song{number}": [r1 + 10.0 * number, 4.0] for number in range(3)}
pathlib.Path("metrics").mkdir()
pathlib.Path(sys.argv[1]).write_text(json.dumps({"r1_music_to_motion": songs}))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose stages take no time."""
    root = tmp_path / "checkout"
    files = {
        "stages/__main__.py": STAGE,
        "motionbeat/__init__.py": "",
        "motionbeat/lab/__init__.py": "",
        "motionbeat/lab/experiments/__init__.py": "",
        "motionbeat/lab/experiments/evaluate_variant.py": EVALUATE,
        "presets/smaller.yaml": "# A smaller model.\nmodel:\n  width: 32\n",
        **{name: (ROOT / name).read_text(encoding="utf-8") for name in ("dvc.yaml", "params.yaml")},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def runs_of(
    checkout: Path, corpora: tuple[int, ...] = (0,), trainings: tuple[int, ...] = (0,), **knobs: object
) -> list[Run]:
    """The default and a variant with `section__knob=value`."""
    turned = {name.replace("__", "."): value for name, value in knobs.items()}
    return Planner(checkout).runs({variants.DEFAULT: {}, "turned": turned}, {}, corpora, trainings)


def execute(runs: list[Run], output: Path, checkout: Path, jobs: int = 1) -> list[side_by_side.Ended]:
    todo = side_by_side.missing([run.last for run in runs], output)
    return list(side_by_side.execute(todo, output, checkout, jobs))


def stages_of(ended: list[side_by_side.Ended]) -> list[str]:
    return [one.step.stage.name for one in ended]


@pytest.mark.parametrize(
    ("knob", "value", "anew"),
    [
        ("loss__alpha", 0.5, ["train", "evaluate"]),
        ("negatives__jitter_shifts", [-1, 1, 2], ["negatives", "train", "evaluate"]),
        ("tokens__subbeats", 2, ["tokens", "negatives", "train", "evaluate"]),
        ("report__clip", "other", []),
    ],
)
def test_a_variant_runs_only_the_stages_that_read_its_params(
    checkout: Path, tmp_path: Path, knob: str, value: object, anew: list[str]
) -> None:
    default, turned = runs_of(checkout, **{knob: value})
    assert stages_of(execute([default], tmp_path / "out", checkout))[-1] == "evaluate"
    assert stages_of(execute([turned], tmp_path / "out", checkout)) == anew


def test_what_is_done_is_not_run_again_and_what_seeds_share_runs_once(checkout: Path, tmp_path: Path) -> None:
    runs = runs_of(checkout, (4, 5), (0, 1), model__rotation="none")
    ended = execute(runs, tmp_path / "out", checkout, jobs=3)
    names = stages_of(ended)
    assert not [one for one in ended if one.failure]
    assert {name: names.count(name) for name in set(names)} == {
        **dict.fromkeys(("corpus", "beats", "tokens", "negatives"), 2),
        **dict.fromkeys(("train", "evaluate"), 8),
    }
    assert execute(runs_of(checkout, (4, 5), (0, 1), model__rotation="none"), tmp_path / "out", checkout) == []


def test_a_change_of_code_makes_anew_the_stages_that_import_it(checkout: Path, tmp_path: Path) -> None:
    (checkout / "stages" / "train.py").write_text("import motionbeat.losses\n")
    execute(runs_of(checkout), tmp_path / "out", checkout)
    (checkout / "motionbeat" / "losses.py").write_text("weight = 2\n")
    assert stages_of(execute(runs_of(checkout), tmp_path / "out", checkout)) == []  # imports are read once a process
    (checkout / "stages" / "train.py").write_text("import motionbeat.losses  # changed\n")
    assert stages_of(execute(runs_of(checkout)[:1], tmp_path / "out", checkout)) == ["train", "evaluate"]


def test_code_that_changes_meanwhile_stops_a_step(checkout: Path, tmp_path: Path) -> None:
    runs = runs_of(checkout)
    (checkout / "stages" / "__main__.py").write_text(STAGE + "# changed\n")
    assert "has changed" in execute(runs, tmp_path / "out", checkout)[0].failure


def test_threads_belong_to_a_result_and_jobs_do_not(checkout: Path, tmp_path: Path) -> None:
    one, two = (Planner(checkout, threads).runs({variants.DEFAULT: {}}, {}, [0], [0])[0].last for threads in (1, 2))
    assert one.key != two.key and one.inputs["data/tokens"].key == two.inputs["data/tokens"].key
    execute([Run("default", 0, 0, {}, two)], tmp_path / "out", checkout, jobs=2)
    made = json.loads(
        (two.inputs["models/motionbeat"].folder(tmp_path / "out") / "models/motionbeat/made.json").read_text()
    )
    assert made["threads"] == "2"


def test_a_failed_step_says_why_and_stops_only_what_needs_it(checkout: Path, tmp_path: Path) -> None:
    runs = runs_of(checkout, loss__gamma=9.0)
    ended = execute(runs, tmp_path / "out", checkout)
    (failed,) = [one for one in ended if one.failure]
    assert failed.step.stage.name == "train" and failed.failure.startswith("error: gamma is 9")
    assert [side_by_side.is_done(run.last, tmp_path / "out") for run in runs] == [True, False]
    assert stages_of(execute(runs, tmp_path / "out", checkout)) == ["train"]


def test_what_runs_ends_with_the_command(checkout: Path, tmp_path: Path) -> None:
    output, processes, found = tmp_path / "out", side_by_side.Processes(), []
    train = runs_of(checkout, loss__gamma=8.0)[1].last.inputs["models/motionbeat"]
    list(side_by_side.execute(side_by_side.missing(train.inputs.values(), output), output, checkout, 1))
    thread = threading.Thread(target=lambda: found.append(side_by_side.run_step(train, output, checkout, processes)))
    thread.start()
    until = time.monotonic() + 50
    while not (train.folder(output) / "begun").exists() and time.monotonic() < until:
        time.sleep(0.02)
    processes.stop()
    thread.join(50)
    assert not thread.is_alive() and [ended.failure for ended in found] == ["stopped"]


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command runs in the checkout whose stages take no time."""
    monkeypatch.setattr(variant_steps.Planner.__init__, "__defaults__", (checkout, 1))
    return checkout


@pytest.mark.usefixtures("here")
def test_the_command_writes_tables_plots_and_a_file_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, given = tmp_path / "out", tmp_path / "variants.yaml"
    given.write_text("turned:\n  model.rotation: none\n", encoding="utf-8")
    ablate(["turned", "smaller"], output, corpora="4,5", trainings="0,1", jobs=2, variants=given)
    page = (output / "ablations.md").read_text(encoding="utf-8")
    assert "| turned | `model.rotation=none` | **-2.0 [-2.0, -2.0]** {-2.0, -2.0} |" in page
    assert "| smaller | `model.width=32` | +0.0 [+0.0, +0.0] {+0.0, +0.0} |" in page
    assert page in capsys.readouterr().out
    kept = json.loads((output / "runs" / "turned-corpus4-training1.json").read_text())
    assert kept["songs"]["r1_music_to_motion"]["song2"] == [30 + 20 + 1 - 2 + 20, 4]
    assert len((output / "ablations.csv").read_text().splitlines()) == 1 + 3 * 2 * 2 * 3
    before = {name: (output / name).read_bytes() for name in ("ablations.svg", "ablations.png")}
    ablate(["turned", "smaller"], output, corpora="4,5", trainings="0,1", variants=given, table=True)
    assert before == {name: (output / name).read_bytes() for name in before}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("names", "options", "why"),
    [
        (["nonsense"], {}, "unknown variant nonsense: expected one of .*no-sral.*smaller"),
        ([], {"corpora": "0,0"}, "--corpora 0,0: expected different seeds"),
        ([], {"trainings": "x"}, "--trainings x"),
        ([], {"jobs": 0}, "at least 1"),
        ([], {"knobs": ["epochs=4"]}, "-S epochs=4: expected section.param=value"),
        ([], {"knobs": ["train.epochs=["]}, "not valid YAML"),
        ([], {"knobs": ["train.seed=1"]}, "--trainings"),
        ([], {"knobs": ["train.epoch=1"]}, "unknown key train.epoch: not in params.yaml"),
        ([], {"knobs": ["train.epochs=many"]}, "train.epochs = 'many'"),
        ([], {"knobs": ["corpus.name=aistpp"], "corpora": "0,1"}, "aistpp is one corpus"),
        ([], {"variants": Path("none.yaml")}, "none.yaml is missing"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, names: list[str], options: dict, why: str) -> None:
    with pytest.raises(MotionBeatError, match=why):
        ablate(names, tmp_path, **options)


def test_a_variants_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "variants.yaml"
    for text, why in (("a: 1\n", "expected variants"), ("a: [\n", "not valid YAML")):
        path.write_text(text)
        with pytest.raises(MotionBeatError, match=why):
            variants.read_variants(path)
    path.write_text("a:\n  train.seed: 3\n")
    with pytest.raises(MotionBeatError, match=r"variant a sets train\.seed"):
        Planner().runs(variants.read_variants(path), {}, [0], [0])


def test_params_yaml_takes_every_variant_and_each_differs_from_the_default() -> None:
    known = variants.read_variants()
    runs = Planner().runs(variants.chosen_variants([], known, ROOT), {}, [0], [0])
    assert len({run.last.key for run in runs}) == len(runs) == len(known) + 1


def test_a_preset_is_a_variant_too() -> None:
    chosen = variants.chosen_variants(["without-sral"], {}, ROOT)
    assert list(chosen) == ["default", "without-sral"] and chosen["without-sral"]["loss.alpha"] == 0.0


def test_every_stage_before_training_is_among_the_steps_and_reads_what_dvc_says() -> None:
    last = Planner().runs({variants.DEFAULT: {}}, {}, [0], [0])[0].last
    described = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
    ran = {step.stage.name: step for step in last.with_inputs()}
    assert list(ran) == ["corpus", "beats", "tokens", "negatives", "train", "evaluate"]
    for name in list(ran)[:-1]:
        data = {dep for dep in described[name]["deps"] if dep.startswith(("data/", "models/"))}
        assert set(ran[name].inputs) == data - {f"data/code/{name}.txt"}
