"""Several processes that share a batch have the loss and the gradients of one process with the joint batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing
from attrs import evolve
from safetensors.torch import load_file, save_file

from motionbeat import params, tables
from motionbeat.model.config import ModelConfig
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.negatives.jitter import mine_jitter_negatives
from motionbeat.negatives.tempo import mine_tempo_negatives
from motionbeat.tokens.windows import Tokens
from motionbeat.training.batches import Batches
from motionbeat.training.objective import TERMS, objective
from motionbeat.training.ranks import Ranks

K = 8
ROOT = Path(__file__).parents[1]


def gradients(tokens_at: str, negatives_at: str, size: int, ranks: Ranks) -> dict[str, torch.Tensor]:
    """Terms and gradients (float64, no dropout) of one joint batch."""
    settings = params.load(ROOT / "params.yaml")
    make_deterministic(0)
    tokens = Tokens.load(Path(tokens_at))
    small = evolve(settings.model, width=16, layers=1, heads=2, embedding=8, dropout=0.0)
    model = DualEncoder(ModelConfig.of(small, tokens.layout)).double()
    model.set_statistics(**tokens.statistics)
    batches = Batches(tokens, Path(negatives_at), "train", K, torch.device("cpu"))
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


def process(rank: int, count: int, tokens_at: str, negatives_at: str, size: int, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=count)
    save_file(gradients(tokens_at, negatives_at, size, Ranks(rank, count)), f"{out}/{rank}.safetensors")
    dist.destroy_process_group()


@pytest.mark.parametrize(("size", "count"), [(7, 2), (2, 3)])  # 3 and 4 rows; none, one and one
def test_processes_have_the_loss_and_gradients_of_one_with_the_joint_batch(
    token_folder: Path, tmp_path: Path, size: int, count: int
) -> None:
    tokens, settings = Tokens.load(token_folder), params.load(ROOT / "params.yaml")
    for name, schema, mine in (
        ("tempo", tables.TEMPO_NEGATIVES, mine_tempo_negatives),
        ("jitter", tables.JITTER_NEGATIVES, mine_jitter_negatives),
    ):
        tables.write(tmp_path / f"{name}.parquet", schema, mine(tokens, "train", K, settings.negatives))
    arguments = (str(token_folder), str(tmp_path), size)
    alone = gradients(*arguments, Ranks())
    torch.multiprocessing.spawn(process, (count, *arguments, str(tmp_path)), nprocs=count)
    for rank in range(count):
        found = load_file(tmp_path / f"{rank}.safetensors")
        assert found.keys() == alone.keys()
        for name, expected in alone.items():
            torch.testing.assert_close(
                found[name], expected, rtol=1e-6, atol=1e-9, msg=lambda text, n=name: f"{n}: {text}"
            )
    assert alone["term ecl"] > 0.1
    assert sum(name.startswith("grad") and bool(value.abs().max() > 1e-6) for name, value in alone.items()) > 20


@pytest.mark.parametrize(("total", "count"), [(64, 4), (7, 3), (2, 4)])
def test_the_rows_of_all_processes_are_the_batch(total: int, count: int) -> None:
    rows = [range(total)[Ranks(rank, count).rows(total)] for rank in range(count)]
    assert [row for part in rows for row in part] == list(range(total))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1
