"""The key of a run follows from the code that it runs; a damaged checkpoint is set aside; progress is shown once."""

import json
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from motionbeat import progress
from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import generator_training
from motionbeat.lab.imports import closure
from motionbeat.lab.training import loop
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_key import ROOT, run_key
from motionbeat.lab.training.run_state import Checkpoint, check_start
from motionbeat.lab.training.schedule import warm_then_cosine

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code, to be changed."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "motionbeat", root / "motionbeat", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize(
    ("changed", "decides"),
    [
        ("model/rotation.py", {"encoder", "generator"}),
        ("model/device.py", {"encoder", "generator"}),
        ("lab/training/ranks.py", {"encoder", "generator"}),
        ("lab/training/schedule.py", {"encoder", "generator"}),
        ("losses/soft_dtw.py", {"encoder"}),
        ("lab/tasks/validation.py", {"encoder"}),
        ("lab/token_tables/token_windows.py", {"encoder"}),
        ("retrieval.py", {"encoder"}),
        ("lab/generator/motion_vector.py", {"generator"}),
        ("motion/skeleton.py", {"encoder", "generator"}),  # mirror images
        ("lab/generator/planting.py", set()),  # of generation, after training
        ("lab/generator/bvh_writer.py", set()),
        ("lab/synthetic/drums.py", set()),
        ("lab/results/page.py", set()),
        ("lab/params/sections.py", set()),  # the values count
    ],
)
def test_a_key_changes_with_the_code_that_the_training_runs_and_with_no_other(
    copy: Path, changed: str, decides: set[str]
) -> None:
    path = copy / "motionbeat" / changed
    text = path.read_text(encoding="utf-8")

    def keys() -> dict[str, str]:
        return {
            name: run_key(modules, {}, [], CPU, root=copy)
            for name, modules in {"encoder": loop.CODE, "generator": generator_training.CODE}.items()
        }

    before = keys()
    try:
        path.write_text(text + "\n# changed\n", encoding="utf-8")
        after = keys()
    finally:
        path.write_text(text, encoding="utf-8")
    assert {name for name in before if before[name] != after[name]} == decides
    assert keys() == before


@pytest.mark.parametrize("module", [loop, generator_training])
def test_the_code_of_a_key_is_what_python_loads_for_the_training(module) -> None:
    """The oracle is the interpreter: a function of the trainer uses modules that its syntax names, and theirs."""
    files = closure([Path(module.__file__)], ROOT)
    used = {sys.modules[value.__module__].__file__ for value in vars(module).values() if _of_project(value)}
    assert used <= {str(file) for file in files} and len(used) > 8


def _of_project(value: object) -> bool:
    return str(getattr(value, "__module__", "")).startswith("motionbeat")


def test_a_key_of_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(MotionBeatError, match=r"no module motionbeat\.nothing: give modules"):
        run_key(["motionbeat.nothing"], {}, [], CPU)


def trained() -> tuple[nn.Linear, torch.optim.Optimizer]:
    """A model after one step, and its optimiser."""
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return model, optimiser


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.safetensors"
    Checkpoint(path).save(*trained(), {"best": torch.arange(4.0)}, {"losses": [0.1, 1 / 3]})
    return path


def test_what_was_saved_is_restored_to_the_last_bit(saved: Path) -> None:
    model, optimiser = trained()
    other = nn.Linear(3, 2)
    fresh = torch.optim.AdamW(other.parameters())
    rest = Checkpoint(saved).restore(other, fresh)
    assert rest is not None and rest.values == {"losses": [0.1, 1 / 3]}
    assert torch.equal(rest.tensors["best"], torch.arange(4.0))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    ours, theirs = optimiser.state_dict()["state"], fresh.state_dict()["state"]
    assert all(torch.equal(ours[i][name], theirs[i][name]) for i in ours for name in ours[i])


def _header(data: bytes) -> tuple[dict, bytes]:
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def _with_header(header: dict, rest: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def flip_last_byte(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def without_metadata(data: bytes) -> bytes:
    header, rest = _header(data)
    del header["__metadata__"]
    return _with_header(header, rest)


def other_values(data: bytes) -> bytes:
    header, rest = _header(data)
    header["__metadata__"]["values"] = "{" * 100_000
    return _with_header(header, rest)


def other_shape(data: bytes) -> bytes:
    header, rest = _header(data)
    header["model/weight"]["shape"] = [2, 3][::-1]
    return _with_header(header, rest)


def other_name(data: bytes) -> bytes:
    header, rest = _header(data)
    header["elsewhere"] = header.pop("kept/best")
    return _with_header(header, rest)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"\xff" * 40,
        lambda data: data[: len(data) // 2],
        flip_last_byte,
        without_metadata,
        other_values,
        other_shape,
        other_name,
    ],
    ids=["empty", "noise", "half", "flipped", "no_metadata", "values", "shape", "name"],
)
def test_a_damaged_checkpoint_is_set_aside_with_a_line_and_nothing_of_it_is_used(
    saved: Path, damage, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = damage(saved.read_bytes())
    saved.write_bytes(bad)
    model, optimiser = trained()
    before = [weight.clone() for weight in model.parameters()]
    assert Checkpoint(saved).restore(model, optimiser) is None
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert (
        "run.safetensors is damaged (" in line and "renamed to run.safetensors.damaged, training starts again" in line
    )
    assert not saved.exists() and saved.with_name("run.safetensors.damaged").read_bytes() == bad
    Checkpoint(saved).save(model, optimiser, {}, [])
    assert Checkpoint(saved).restore(model, optimiser) is not None


def test_a_checkpoint_under_the_name_of_another_run_is_set_aside(saved: Path) -> None:
    other = saved.rename(saved.with_name("other.safetensors"))
    assert Checkpoint(other).restore(*trained()) is None
    assert not other.exists()


def test_a_folder_in_place_of_a_checkpoint_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "run.safetensors").mkdir()
    assert Checkpoint(tmp_path / "run.safetensors").restore(*trained()) is None
    assert (tmp_path / "run.safetensors.damaged").is_dir()


def test_a_damaged_checkpoint_that_cannot_be_renamed_is_an_error_that_says_what_to_do(saved: Path) -> None:
    saved.write_bytes(b"")
    (saved.with_name("run.safetensors.damaged") / "full").mkdir(parents=True)
    with pytest.raises(MotionBeatError, match=r"run\.safetensors is damaged .* cannot be renamed .*: delete it"):
        Checkpoint(saved).restore(*trained())


def test_a_checkpoint_holds_tensors_that_share_memory_and_bf16(tmp_path: Path) -> None:
    shared = torch.ones(3, dtype=torch.bfloat16)
    path = tmp_path / "run.safetensors"
    Checkpoint(path).save(*trained(), {"one": shared, "two": shared, "none": torch.ones(0, 2)}, None)
    rest = Checkpoint(path).restore(*trained())
    assert rest is not None and torch.equal(rest.tensors["two"], shared) and rest.tensors["none"].shape == (0, 2)


def test_a_resumed_run_says_after_what(capsys: pytest.CaptureFixture[str]) -> None:
    check_start(Ranks(), "epoch", 0, None)
    assert capsys.readouterr().err == ""
    check_start(Ranks(), "epoch", 12, 0.5)
    assert capsys.readouterr().err == "resuming after epoch 12\n"


def test_the_learning_rate_rises_to_its_highest_and_falls_to_nothing_as_a_cosine() -> None:
    factors = [warm_then_cosine(step, 100, 0.1) for step in range(101)]
    np.testing.assert_allclose(factors[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(factors[10:], 0.5 * (1 + np.cos(np.pi * np.arange(91) / 90)), atol=1e-12)


def test_in_a_log_progress_is_a_line_now_and_then_and_the_last_one_has_the_figures(monkeypatch, capsys) -> None:
    clock = iter([0.0, 4.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.Bar("epochs", 3) as bar:
        for epoch in (1, 2, 3):
            bar.update(epoch, f"loss {1 / epoch:.2f}")
    assert capsys.readouterr().err == "epochs: 2 of 3, loss 0.50\nepochs: 3 of 3, loss 0.33\n"


def test_on_a_terminal_progress_is_a_bar_with_its_figures(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with progress.Bar("epochs", 40, done=20) as bar:
        bar.update(30, "loss 0.50")
    shown = capsys.readouterr().err
    assert "epochs" in shown and "30/40" in shown and "loss 0.50" in shown
    assert list(progress.counted("abc", 3, "letters")) == ["a", "b", "c"]
    assert "3/3" in capsys.readouterr().err


def test_progress_that_is_not_to_be_shown_is_silent(monkeypatch, capsys) -> None:
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        with progress.Bar("epochs", 1, shown=False) as bar:
            bar.update(1, "loss 0.50")
    assert capsys.readouterr().err == ""
