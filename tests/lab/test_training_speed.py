"""Precision, compilation, timing and logs of training: none of them changes what is learnt beyond rounding."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve
from safetensors import safe_open
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training import stopwatch
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.event_log import tensorboard
from motionbeat.lab.training.history import History
from motionbeat.lab.training.loop import encoder_key, train
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.lab.training.stopwatch import PARTS, Stopwatch
from motionbeat.model import compiled
from motionbeat.model.device import chosen_precision, make_deterministic
from motionbeat.model.dual_encoder import DualEncoder


@pytest.fixture
def settings(settings: Params) -> Params:
    return evolve(settings, train=evolve(settings.train, lattice_share=0.0))  # these tokens have no lattices


@pytest.fixture
def batches(token_folder: Path, settings: Params, tmp_path: Path) -> Batches:
    tokens = Tokens.load(token_folder)
    return Batches(tokens, write_negatives(tokens, settings, tmp_path), "train", K, CPU)


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


def constant(_: DualEncoder) -> dict[str, float]:
    return {"score": 0.5}


def test_auto_is_float32_without_a_gpu_and_what_is_asked_for_is_given() -> None:
    assert [chosen_precision(wanted, CPU) for wanted in ("auto", "float32", "bf16")] == ["float32", "float32", "bf16"]


def test_bf16_moves_losses_and_gradients_by_its_rounding_alone(
    batches: Batches, tokens: Tokens, settings: Params
) -> None:
    torch.manual_seed(0)
    model = tiny(settings, tokens, dropout=0.0)
    batch = batches.gather(np.arange(0, 60, 5), 2, 2)
    found = {}
    for precision in ("float32", "bf16"):
        model.zero_grad()
        terms = objective(model, batch, settings.loss, precision=precision)
        terms["loss"].backward()
        assert {term.dtype for term in terms.values()} <= {torch.float32, torch.float64}
        assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
        found[precision] = terms, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    exact, rounded = found["float32"], found["bf16"]
    for name in TERMS:
        assert float(rounded[0][name].detach()) == pytest.approx(float(exact[0][name].detach()), rel=0.02, abs=2e-3)
    assert not torch.equal(rounded[1], exact[1])
    assert torch.cosine_similarity(rounded[1], exact[1], dim=0) > 0.99


def test_a_killed_run_in_bf16_resumes_to_the_same_weights_which_are_float32(
    batches: Batches, tokens: Tokens, settings: Params, tmp_path: Path
) -> None:
    chosen = evolve(settings.train, epochs=4, validate_every=1, patience=9, precision="bf16")
    at = tmp_path / "run.safetensors"

    class Killed(Exception):
        pass

    def run(checkpoint: Checkpoint | None, kill_at: int = 0) -> tuple[dict[str, torch.Tensor], History]:
        make_deterministic(5)
        model, calls = tiny(settings, tokens), iter(range(1, 100))

        def validate(model: DualEncoder) -> dict[str, float]:
            if next(calls) == kill_at:
                raise Killed
            return {"score": float(sum(p.detach().abs().sum() for p in model.parameters()))}

        return model.state_dict(), train(model, batches, validate, chosen, settings.loss, checkpoint)

    whole, history = run(None)
    with pytest.raises(Killed):
        run(Checkpoint(at), kill_at=3)
    with safe_open(at, "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32}  # noqa: SIM118  # not a mapping
    again, continued = run(Checkpoint(at))
    assert continued.rows == history.rows
    for name, tensor in whole.items():
        assert torch.equal(tensor, again[name]), name


def test_the_key_follows_from_the_precision_and_not_from_the_log(settings: Params) -> None:
    def of(**changes: str) -> str:
        return encoder_key(evolve(settings, train=evolve(settings.train, **changes)), [], CPU)

    assert of(log="csv") == of(log="tensorboard")
    assert of(precision="bf16") != of(precision="float32") == of(precision="auto")


def test_the_watch_and_the_log_see_every_step_and_epoch_and_change_no_weight(
    batches: Batches, tokens: Tokens, settings: Params
) -> None:
    chosen = evolve(settings.train, epochs=2, validate_every=1, batch=8)
    seen: list[dict] = []
    watch = Stopwatch(CPU)
    weights = []
    for options in ({}, {"watch": watch, "observe": seen.append}):
        make_deterministic(3)
        model = tiny(settings, tokens)
        history = train(model, batches, constant, chosen, settings.loss, **options)
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert seen == history.rows
    figures = watch.figures()
    assert (watch.windows, figures["steps"]) == (2 * 18, 2 * 3)
    assert all(figures[f"seconds_{part}"] > 0 for part in PARTS)
    assert figures["samples_per_s"] == pytest.approx(36 / sum(figures[f"seconds_{part}"] for part in PARTS))
    assert figures["peak_memory_mib"] > 50


def test_the_watch_gives_each_part_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 4.0, 9.0, 11.0, 12.0, 100.0, 101.0])
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch(CPU)
    watch.begin()
    for part in ("gather", "forward", "backward", "optimiser", "other"):
        watch.mark(part)
    watch.step_done(6)
    watch.begin()  # after a validation, whose 88 s are no part of a step
    watch.mark("gather")
    figures = watch.figures()
    assert [figures[f"seconds_{part}"] for part in PARTS] == [2, 3, 5, 2, 1]
    assert figures["share_outside"] == pytest.approx(3 / 13)
    assert figures["samples_per_s"] == pytest.approx(6 / 13)


def test_a_watch_without_steps_has_no_figures() -> None:
    assert Stopwatch(CPU).figures() == {}


def test_tensorboard_holds_the_numbers_of_every_epoch(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "of an earlier run").touch()
    observe = tensorboard(tmp_path / "events")
    for epoch in (1, 2):
        observe({"epoch": epoch, "loss": 3.0 / epoch, "score": 0.25})
    read = accumulator.EventAccumulator(str(tmp_path / "events"))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [(1, 3.0), (2, 1.5)]
    assert sorted(read.Tags()["scalars"]) == ["loss", "score"]
    assert len(list((tmp_path / "events").iterdir())) == 1


def test_without_the_package_tensorboard_the_message_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MotionBeatError, match=r"pip install 'motionbeat\[tensorboard\]', or set train.log=csv"):
        tensorboard(tmp_path)


def test_without_a_compiler_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tokens: Tokens, settings: Params
) -> None:
    def refuse(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no working C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda _: refuse)
    with pytest.raises(MotionBeatError, match=r"train.compile = true.*no working C\+\+.*install a C\+\+ compiler"):
        compiled.compile_encoders(tiny(settings, tokens), CPU)


@pytest.mark.slow
def test_compiled_encoders_encode_as_plain_ones_and_save_the_same_names(tokens: Tokens, settings: Params) -> None:
    torch.manual_seed(0)
    model = tiny(settings, tokens).eval()
    names = list(model.state_dict())
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(5, K, model.config.audio_token, generator=generator)
    place = torch.arange(K).float().expand(5, K) % 4, torch.full((5,), 4)
    with torch.no_grad():
        plain = model.audio(mel, *place).embedding
        try:
            compiled.compile_encoders(model, CPU)
        except MotionBeatError as error:
            pytest.skip(str(error))
        torch.testing.assert_close(model.audio(mel, *place).embedding, plain, atol=1e-5, rtol=1e-5)
    assert list(model.state_dict()) == names
