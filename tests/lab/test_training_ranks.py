"""Several processes that share a batch have the loss and the gradients of one process with the joint batch."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing
from attrs import evolve
from safetensors.torch import load_file, save_file
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.loop import encoder_key, train
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder

ROOT = Path(__file__).parents[2]


def start(function: Callable[..., None], count: int, *arguments: Any) -> None:
    """Run the function in processes of one that has imported what they need: importing torch takes seconds."""
    multiprocessing.set_forkserver_preload(["torch.distributed", "motionbeat.lab.training.loop"])
    torch.multiprocessing.start_processes(function, (count, *arguments), nprocs=count, start_method="forkserver")


def gradients(tokens_at: str, negatives_at: str, size: int, ranks: Ranks) -> dict[str, torch.Tensor]:
    """Terms and gradients (float64, no dropout) of one joint batch."""
    settings = params.load(ROOT / "params.yaml")
    make_deterministic(0)
    tokens = Tokens.load(Path(tokens_at))
    model = tiny(settings, tokens, width=16, heads=2, embedding=8, dropout=0.0).double()
    batches = Batches(tokens, Path(negatives_at), "train", K, CPU)
    batch = batches.gather(np.arange(0, 5 * size, 5), 2, 2)
    batch = batch._replace(
        mel=batch.mel.double(),
        motion=batch.motion._replace(features=batch.motion.features.double()),
        tempo=batch.tempo._replace(features=batch.tempo.features.double()),
        jitter=batch.jitter._replace(features=batch.jitter.features.double()),
    )
    shown = torch.arange(size) % 3 > 0
    terms = objective(model, batch, settings.loss, shown, ranks)
    terms["loss"].backward()
    ranks.sum_gradients(model)
    found = {f"grad {name}": p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return found | {f"term {name}": terms[name].detach().double().reshape(1) for name in TERMS}


def tiny_run(tokens_at: str, negatives_at: str) -> tuple[DualEncoder, Batches, params.Params]:
    """What `train` needs, small, for runs of a few epochs of one step."""
    settings = params.load(ROOT / "params.yaml")
    chosen = evolve(
        settings.train, epochs=6, validate_every=1, patience=2, lattice_share=0.0, learning_rate=1e-4, mirror=0.0
    )
    make_deterministic(0)
    tokens = Tokens.load(Path(tokens_at))
    model = tiny(settings, tokens, width=16, heads=2, embedding=8)
    batches = Batches(tokens, Path(negatives_at), "train", K, CPU)
    return model, batches, evolve(settings, train=chosen)


def constant(_: DualEncoder) -> dict[str, float]:
    return {"score": 0.5}


def process_of_runs(rank: int, count: int, tokens_at: str, negatives_at: str, out: str) -> None:
    """Two runs in one process, since starting one takes longer: with figures of its own, then with a checkpoint."""
    dist.init_process_group("gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=count)
    # in the first process each validation is the best, in the others the first one is
    scores = iter([0.5 + (epoch if rank == 0 else -epoch) * 1e-7 for epoch in range(9)])
    model, batches, settings = tiny_run(tokens_at, negatives_at)
    ranks = Ranks(rank, count)
    history = train(model, batches, lambda _: {"score": next(scores)}, settings.train, settings.loss, ranks=ranks)
    (Path(out) / f"history{rank}.txt").write_text(f"{history.best_epoch} {history.rows}", encoding="utf-8")
    save_file(model.state_dict(), f"{out}/{rank}.safetensors")
    model, batches, settings = tiny_run(tokens_at, negatives_at)
    said = "trained"
    try:
        checkpoint = Checkpoint(Path(out) / f"machine{rank}" / "run.safetensors")
        train(model, batches, constant, settings.train, settings.loss, checkpoint, ranks)
    except MotionBeatError as error:
        said = str(error)
    (Path(out) / f"said{rank}.txt").write_text(said, encoding="utf-8")
    dist.destroy_process_group()


def process(rank: int, count: int, tokens_at: str, negatives_at: str, size: int, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=count)
    save_file(gradients(tokens_at, negatives_at, size, Ranks(rank, count)), f"{out}/{rank}.safetensors")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def negatives(token_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokens, settings = Tokens.load(token_folder), params.load(ROOT / "params.yaml")
    return write_negatives(tokens, settings, tmp_path_factory.mktemp("negatives"))


@pytest.mark.parametrize(("size", "count"), [(7, 2), (2, 3)])  # 3 and 4 rows; none, one and one
def test_processes_have_the_loss_and_gradients_of_one_with_the_joint_batch(
    token_folder: Path, negatives: Path, tmp_path: Path, size: int, count: int
) -> None:
    arguments = (str(token_folder), str(negatives), size)
    alone = gradients(*arguments, Ranks())
    start(process, count, *arguments, str(tmp_path))
    for rank in range(count):
        found = load_file(tmp_path / f"{rank}.safetensors")
        assert found.keys() == alone.keys()
        for name, expected in alone.items():
            torch.testing.assert_close(
                found[name], expected, rtol=1e-6, atol=1e-9, msg=lambda text, n=name: f"{n}: {text}"
            )
    assert alone["term ecl"] > 0.1
    assert sum(name.startswith("grad") and bool(value.abs().max() > 1e-6) for name, value in alone.items()) > 20


@pytest.fixture(scope="module")
def runs(token_folder: Path, negatives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote; the first one's machine has a checkpoint of one epoch, the other's has none."""
    folder = tmp_path_factory.mktemp("runs")
    model, batches, settings = tiny_run(str(token_folder), str(negatives))
    one = evolve(settings.train, epochs=1)  # of more, a slow disk may leave out the last one's checkpoint
    train(model, batches, constant, one, settings.loss, Checkpoint(folder / "machine0" / "run.safetensors"))
    start(process_of_runs, 2, str(token_folder), str(negatives), str(folder))
    return folder


def test_machines_that_resume_from_different_checkpoints_all_stop_and_say_what_to_do(runs: Path) -> None:
    for rank in range(2):
        said = (runs / f"said{rank}.txt").read_text(encoding="utf-8")
        assert "differ in where they start: after epoch 1 (loss" in said
        assert ") in process 0; from the start in process 1." in said
        assert "Set MOTIONBEAT_CACHE to a folder that all machines share" in said


def test_the_main_process_alone_decides_when_training_stops(runs: Path) -> None:
    first, second = ((runs / f"history{rank}.txt").read_text(encoding="utf-8") for rank in range(2))
    assert first == second and first.startswith("6 ")
    weights = [load_file(runs / f"{rank}.safetensors") for rank in range(2)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_key_follows_from_the_number_of_processes() -> None:
    settings = params.load(ROOT / "params.yaml")
    assert encoder_key(settings, [], CPU) == encoder_key(settings, [], CPU, 1) != encoder_key(settings, [], CPU, 2)


@pytest.mark.parametrize(("total", "count"), [(64, 4), (7, 3), (2, 4)])
def test_the_rows_of_all_processes_are_the_batch(total: int, count: int) -> None:
    rows = [range(total)[Ranks(rank, count).rows(total)] for rank in range(count)]
    assert [row for part in rows for row in part] == list(range(total))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1
