"""A training step on a device reads nothing back from it, and its losses are those of the step that does."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training import loop
from motionbeat.lab.training import objective as objective_module
from motionbeat.lab.training.augmentation import Augmentation
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.not_finite import Unread
from motionbeat.lab.training.objective import TERMS, objective
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.stopwatch import Stopwatch
from motionbeat.model import dual_encoder

META = torch.device("meta")


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


@pytest.fixture
def negatives(tokens: Tokens, settings: Params, tmp_path: Path) -> Path:
    return write_negatives(tokens, settings, tmp_path)


@pytest.fixture
def only_warned() -> Iterator[None]:
    """On a GPU `make_deterministic` warns alone (of the median); meta counts as one."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.usefixtures("only_warned")
@pytest.mark.parametrize("divergence", [True, False])
def test_a_step_runs_on_a_device_that_holds_no_values(tokens, negatives, settings, divergence, monkeypatch) -> None:
    """On the meta device a tensor has a shape and no numbers: `.item()`, a mask as index or a copy to the CPU raise.

    So a step that runs there makes the host wait for nothing, and a CUDA graph can hold it.
    """
    for module, name in ((objective_module, "autocast"), (dual_encoder, "full_precision")):
        monkeypatch.setattr(module, name, lambda *_: nullcontext())  # torch has no autocast for meta
    model, loss = tiny(settings, tokens).to(META), evolve(settings.loss, divergence=divergence)
    batches = Batches(tokens, negatives, "train", K, META)
    optimiser = torch.optim.AdamW(model.parameters())
    run = loop._Run(model, optimiser, batches, settings.train, loss, Ranks(), Stopwatch(CPU))
    drawn = batches.epoch(
        8, 2, 2, np.random.default_rng(0), augmentation=Augmentation(band_mask=0.5, beat_mask=1.0, band_shift=4)
    )
    for batch in drawn:
        terms = run.step(batch, torch.ones(len(batch.mel), dtype=torch.bool, device=META), "a step", Unread())
        assert {terms[name].device for name in TERMS} == {META}
        with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
            float(terms["loss"].detach())


@pytest.mark.parametrize("source", ["predicted", "detected"])
@pytest.mark.parametrize("real", [K, 5, 3, 0])
def test_terms_and_gradients_with_fixed_shapes_are_those_without(tokens, negatives, settings, source, real) -> None:
    torch.manual_seed(0)
    model, loss = tiny(settings, tokens, dropout=0.0).double(), evolve(settings.loss, source=source)
    batches = Batches(tokens, negatives, "train", K, CPU)
    batch = batches.gather(np.arange(0, len(batches.windows), 5), 2, 2)
    mask = torch.arange(K).expand(len(batch.mel), K) < torch.tensor([real, K])[torch.arange(len(batch.mel)) % 2, None]
    batch = batch._replace(motion=batch.motion._replace(mask=mask))
    found = []
    for meters in (None, batches.meters):
        model.zero_grad()
        terms = objective(model, batch, loss, meters=meters)
        terms["loss"].backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        found.append(({name: terms[name].detach() for name in TERMS}, gradients))
    # the curves are float32 tables, and so are sums over them
    torch.testing.assert_close(found[1], found[0], atol=1e-6, rtol=1e-6)


def test_a_step_that_went_wrong_is_named_when_the_epoch_is_read() -> None:
    fine, gone = torch.tensor(1.0), torch.tensor(torch.nan)
    unread = Unread()
    unread.add({"loss": fine, "ecl": fine}, fine, "epoch 2, step 5", ["a"])
    unread.check("Fix.")
    unread.add({"loss": fine, "ecl": fine}, fine, "epoch 2, step 6", ["b"])
    unread.add({"loss": gone, "ecl": gone, "sral": fine}, gone, "epoch 2, step 7", ["c", "d"])
    unread.add({"loss": gone, "ecl": gone, "sral": gone}, gone, "epoch 2, step 8", ["e"])
    with pytest.raises(MotionBeatError, match=r"epoch 2, step 7: ecl is not finite; .* The batch: c, d\. Fix\."):
        unread.check("Fix.")


def test_tokens_out_of_range_are_refused_when_they_are_loaded(tokens: Tokens, negatives: Path) -> None:
    wrong = evolve(tokens, audio=tokens.audio | {"onset": tokens.audio["onset"] * 3})
    with pytest.raises(MotionBeatError, match=r"audio.parquet: onset has values outside 0..1: run `dvc repro tokens`"):
        Batches(wrong, negatives, "train", K, CPU)
