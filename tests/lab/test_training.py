"""Batches hold what the tables say; training learns, repeats itself, and stops on nonsense."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from training_parts import CPU, K, tiny, write_negatives

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.params import Params
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training import loop, run_state
from motionbeat.lab.training.batches import Batches
from motionbeat.lab.training.history import History
from motionbeat.lab.training.loop import encoder_key, train
from motionbeat.lab.training.not_finite import repeatable
from motionbeat.lab.training.objective import objective
from motionbeat.lab.training.run_state import Checkpoint
from motionbeat.model.device import make_deterministic
from motionbeat.model.dual_encoder import DualEncoder


@pytest.fixture
def settings(settings: Params) -> Params:
    return evolve(settings, train=evolve(settings.train, lattice_share=0.0))  # these tokens have no lattices


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


@pytest.fixture
def negatives(tokens: Tokens, settings: Params, tmp_path: Path) -> Path:
    return write_negatives(tokens, settings, tmp_path, ("train", "val"))


@pytest.fixture
def batches(tokens: Tokens, negatives: Path) -> Batches:
    return Batches(tokens, negatives, "train", K, CPU)


def test_an_epoch_shows_every_clip_once(batches: Batches, tokens: Tokens) -> None:
    seen = sum(len(batch.mel) for batch in batches.epoch(5, 1, 1, np.random.default_rng(0)))
    assert seen == len(np.unique(tokens.motion["clip"][tokens.motion["split"] == "train"])) == 18


def test_jittered_motion_is_the_shifted_beats_at_the_anchors_bar_positions(batches: Batches, tokens: Tokens) -> None:
    index = np.array([0, 5, 34])  # d0 at beat 0 and 5, d2 (one window alone) at beat 0
    assert batches.windows.clip[index].tolist() == ["train0_d0", "train0_d0", "train0_d2"]
    batch = batches.gather(index, 0, 2)
    features = tokens.motion["features"]
    shifted = batch.jitter.features.unflatten(0, (3, 2)).numpy()
    row = batches.windows.motion_row[index]
    np.testing.assert_array_equal(shifted[0, 0], np.roll(features[row[0] : row[0] + K], 1, axis=0))  # no beat -1
    np.testing.assert_array_equal(shifted[0, 1], features[row[0] + 1 : row[0] + 1 + K])
    np.testing.assert_array_equal(shifted[1, 0], features[row[1] - 1 : row[1] - 1 + K])
    np.testing.assert_array_equal(shifted[2, 1], np.roll(features[row[2] : row[2] + K], -1, axis=0))
    positions = batch.jitter.bar_position.unflatten(0, (3, 2))
    for q in range(2):
        assert torch.equal(positions[:, q], batch.motion.bar_position)
    assert not batch.jitter_absent.any()


def test_tempo_negatives_of_a_batch_are_mined_ones(batches: Batches, tokens: Tokens, negatives: Path) -> None:
    rows = tables.read(negatives / "tempo.parquet", tables.TEMPO_NEGATIVES)
    index = np.arange(0, len(batches.windows), 7)
    batch = batches.gather(index, 2, 0, np.random.default_rng(3))
    features = batch.tempo.features.unflatten(0, (len(index), 2)).numpy()
    for n, window in enumerate(index):
        clip, start = batches.windows.clip[window], batches.windows.start[window]
        own = (rows["clip"] == clip) & (rows["start"] == start)
        mined = [
            tokens.motion["features"][(tokens.motion["clip"] == other)][first : first + K]
            for other, first in zip(rows["negative_clip"][own], rows["negative_start"][own], strict=True)
        ]
        for p in range(2):
            assert any(np.array_equal(features[n, p], candidate) for candidate in mined)


def test_overlapping_beats_of_one_song_are_the_same(batches: Batches) -> None:
    clips, starts = batches.windows.clip, batches.windows.start
    index = [
        np.flatnonzero((clips == c) & (starts == s))[0]
        for c, s in [("train0_d0", 0), ("train0_d1", 7), ("train0_d1", 8), ("train1_d0", 0)]
    ]
    same = batches.gather(np.array(index), 0, 0).same
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[0, 1] = expected[1, 0] = expected[1, 2] = expected[2, 1] = True
    assert torch.equal(same, expected)


def test_training_learns_and_the_best_weights_are_kept(
    batches: Batches, tokens: Tokens, negatives: Path, settings: Params
) -> None:
    make_deterministic(0)
    model = tiny(settings, tokens)
    validate = Validation(tokens, Batches(tokens, negatives, "val", K, CPU), settings.loss.temperature)
    before = validate(model)
    history = train(
        model,
        batches,
        validate,
        evolve(settings.train, epochs=30, validate_every=10, learning_rate=3e-3),
        settings.loss,
    )
    assert history.rows[-1]["loss"] < 0.7 * history.rows[0]["loss"]
    assert history.best["score"] > before["score"]
    assert validate(model) == history.best
    assert history.best["jitter_accuracy"] > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    batches: Batches, tokens: Tokens, settings: Params
) -> None:
    def run(seed: int) -> dict[str, torch.Tensor]:
        make_deterministic(seed)
        model = tiny(settings, tokens)
        train(model, batches, lambda _: {"score": 0.0}, evolve(settings.train, epochs=2, seed=seed), settings.loss)
        return model.state_dict()

    first, again, other = run(1), run(1), run(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_a_loss_that_is_not_finite_stops_training_and_is_named(
    batches: Batches, tokens: Tokens, settings: Params
) -> None:
    model = tiny(settings, tokens)
    with torch.no_grad():
        model.audio_readout.project.weight.fill_(torch.nan)
    with pytest.raises(MotionBeatError, match=r"epoch 1, step 1: ecl is not finite; nothing was written.*train\d_d\d"):
        train(model, batches, lambda _: {"score": 0.0}, settings.train, settings.loss)


@pytest.mark.parametrize("source", ["predicted", "detected"])  # detected: SRAL has no gradient at all
def test_a_gradient_that_is_not_finite_stops_training_and_its_term_is_named(
    batches: Batches, tokens: Tokens, settings: Params, source: str
) -> None:
    alone = evolve(settings.model, contact_attention=False)  # else the guide has a part in every term
    settings = evolve(settings, loss=evolve(settings.loss, source=source), model=alone)
    model = tiny(settings, tokens)
    # a finite loss whose gradient overflows: the guide's bias is seen by the contact term alone
    guide = next(p for name, p in model.named_parameters() if "guide" in name and p.ndim == 1)
    guide.register_hook(lambda grad: grad * torch.inf)
    with pytest.raises(MotionBeatError, match=r"step 1: .*the gradient of contact is not finite"):
        train(model, batches, lambda _: {"score": 0.0}, settings.train, settings.loss)


def test_a_term_that_is_not_finite_under_one_dropout_alone_is_named(
    batches: Batches, tokens: Tokens, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, calls = tiny(settings, tokens), []

    def once(*arguments: Any) -> dict[str, torch.Tensor]:
        terms = objective(*arguments)
        calls.append(terms)
        spoilt = ("loss", "sral_bar") if len(calls) == 1 else ()
        return terms | {name: terms[name] * torch.nan for name in spoilt}

    monkeypatch.setattr(loop, "objective", once)
    with pytest.raises(MotionBeatError, match=r"step 1: sral_bar is not finite"):
        train(model, batches, lambda _: {"score": 0.0}, settings.train, settings.loss)


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_a_step_that_is_evaluated_again_has_the_same_dropout(name: str) -> None:
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU")
    device = torch.device(name)

    def evaluate() -> dict[str, torch.Tensor]:
        return {"loss": torch.nn.functional.dropout(torch.ones(1000, device=device), 0.5)}

    again = repeatable(evaluate, device)
    first, other, repeated = evaluate()["loss"], evaluate()["loss"], again()["loss"]
    assert torch.equal(repeated, first) and not torch.equal(first, other)


class Killed(Exception):
    """Stands in for a kill -9 at the end of a validation."""


@pytest.mark.parametrize("last", [1, 3, 4])
def test_a_killed_run_resumes_and_ends_with_the_weights_of_an_unbroken_one(
    batches: Batches,
    tokens: Tokens,
    settings: Params,
    tmp_path: Path,
    last: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_state, "_MOST_TIME", 1e9)  # every epoch is kept, however slow the disk
    chosen = evolve(settings.train, epochs=6, validate_every=1, patience=9)

    def run(checkpoint: Checkpoint | None, kill_at: int = 0) -> tuple[DualEncoder, History]:
        make_deterministic(5)
        model, calls = tiny(settings, tokens), iter(range(100))

        def validate(model: DualEncoder) -> dict[str, float]:
            if next(calls) + 1 == kill_at:
                raise Killed
            return {"score": float(sum(p.detach().abs().sum() for p in model.parameters()))}

        return model, train(model, batches, validate, chosen, settings.loss, checkpoint)

    whole, history = run(None)
    capsys.readouterr()
    with pytest.raises(Killed):
        run(Checkpoint(tmp_path / "run.safetensors"), kill_at=last + 1)
    torch.rand(7)  # the next process starts with other random numbers
    again, continued = run(Checkpoint(tmp_path / "run.safetensors"))
    assert f"resuming after epoch {last}\n" in capsys.readouterr().err
    assert [row["epoch"] for row in continued.rows] == list(range(1, 7))
    assert continued.rows == history.rows
    assert (continued.best_epoch, continued.best) == (history.best_epoch, history.best)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_the_key_follows_from_params_data_and_device_alone(settings: Params, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_bytes(b"a")
    inputs = [tmp_path / "tokens"]
    first = encoder_key(settings, inputs, CPU)
    assert encoder_key(settings, inputs, CPU) == first
    others = [
        encoder_key(evolve(settings, loss=evolve(settings.loss, alpha=0.3)), inputs, CPU),
        encoder_key(evolve(settings, train=evolve(settings.train, seed=9)), inputs, CPU),
        encoder_key(settings, inputs, torch.device("cuda")),
    ]
    (tmp_path / "tokens").write_bytes(b"b")
    assert len({first, *others, encoder_key(settings, inputs, CPU)}) == 5
    elsewhere = evolve(
        settings, corpus=evolve(settings.corpus, root="elsewhere"), report=evolve(settings.report, clip="x")
    )
    assert encoder_key(elsewhere, inputs, CPU) == encoder_key(settings, inputs, CPU)


def test_one_clip_cannot_be_contrasted(batches: Batches) -> None:
    with pytest.raises(MotionBeatError, match=r"train.batch = 1"):
        batches.steps(1)


def test_a_constant_model_scores_one_half_in_jitter_accuracy(tokens: Tokens, negatives: Path, settings: Params) -> None:
    model = tiny(settings, tokens)
    with torch.no_grad():
        for readout in (model.audio_readout, model.motion_readout):
            readout.project.weight.zero_()
    figures = Validation(tokens, Batches(tokens, negatives, "val", K, CPU), settings.loss.temperature)(model)
    assert figures["jitter_accuracy"] == 0.5
    assert figures["tempo_accuracy"] == 0.5


def test_negatives_of_other_tokens_are_refused(tokens: Tokens, negatives: Path) -> None:
    rows = tables.read(negatives / "jitter.parquet", tables.JITTER_NEGATIVES)
    rows["clip"][0] = "elsewhere"
    tables.write(negatives / "jitter.parquet", tables.JITTER_NEGATIVES, rows)
    with pytest.raises(MotionBeatError, match=r"window of elsewhere at beat 0.*dvc repro negatives"):
        Batches(tokens, negatives, "train", K, CPU)


def test_a_split_without_a_window_is_refused(tokens: Tokens, negatives: Path) -> None:
    with pytest.raises(MotionBeatError, match="val split has no clip of 99 beats"):
        Batches(tokens, negatives, "val", 99, CPU)
