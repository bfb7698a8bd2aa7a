"""Training of a generator: what it sees, that it learns, resumes after a kill, and says why it stops."""

import attrs
import numpy as np
import pytest
import torch
from generator_parts import corpus, small_settings, small_slices, swaying

from motionbeat.errors import MotionBeatError
from motionbeat.lab import tables
from motionbeat.lab.generator import generator_training
from motionbeat.lab.generator.dance_slices import DanceSlices, read_dances
from motionbeat.lab.generator.diffusion import noised
from motionbeat.lab.generator.generator_training import batch_loss, generator_key, new_generator, train
from motionbeat.lab.training import run_state
from motionbeat.lab.training.ranks import Ranks
from motionbeat.lab.training.run_state import Checkpoint

CPU = torch.device("cpu")


@pytest.fixture
def short(settings):
    return small_settings(settings, dropout=0.0)


def test_a_slice_holds_five_seconds_of_a_dance_and_the_music_at_its_frames():
    dances, music = corpus()
    slices = DanceSlices(dances, music, CPU)
    assert len(slices) == 6 * 7  # 240 frames: starts 0, 15, ..., 90
    vectors, heard = slices.gather(np.array([0, 9]))
    np.testing.assert_array_equal(vectors[0].numpy(), dances.vectors[0][:150])
    np.testing.assert_array_equal(vectors[1].numpy(), dances.vectors[1][30:180])  # the third of the second dance
    assert slices.clips(np.array([0, 9])) == ["a0", "b1"]
    expected = music["b"].at(dances.offset_s[1] + np.arange(30, 180) / 30)
    np.testing.assert_allclose(heard[1].numpy(), expected, atol=1e-6)


def test_dances_shorter_than_a_slice_are_refused():
    dances, music = corpus()
    short = dances._replace(vectors=[vectors[:149] for vectors in dances.vectors])
    with pytest.raises(MotionBeatError, match="all 6 dances are shorter than a slice of 5 s"):
        DanceSlices(short, music, CPU)


@pytest.mark.parametrize("fps", [30.0, 60.0, 50.0])
def test_dances_are_read_at_30_frames_a_second(tmp_path, fps):
    frames = int(6 * fps)
    times = np.arange(frames) / fps
    poses = np.zeros((frames, 24, 3), np.float32)
    poses[:, 16, 2] = 0.5 * np.sin(2 * np.pi * times)
    joints = np.zeros((frames, 24, 3), np.float32)
    joints[:, 0, 0] = 0.1 * times
    (tmp_path / "motion").mkdir()
    np.savez(tmp_path / "motion/one.npz", joints=joints, poses=poses)
    row = {"clip": "one", "song": "s", "genre": "x", "split": "train", "fps": fps, "frames": frames}
    row |= {"duration_s": 6.0, "offset_s": 0.0, "has_rotations": True, "motion": "motion/one.npz"}
    row |= {"audio": "audio/s.flac", "nominal_bpm": None, "nominal_beats_per_bar": None}
    tables.write(tmp_path / "manifest.parquet", tables.MANIFEST, {name: [value] for name, value in row.items()})
    vectors = read_dances(tmp_path, "train").vectors[0]
    at = np.arange(len(vectors)) / 30
    assert len(vectors) == pytest.approx(180, abs=1)
    np.testing.assert_allclose(vectors[:, 4], 0.1 * at, atol=1e-5)
    angle = np.arctan2(vectors[:, 7 + 6 * 16 + 1], vectors[:, 7 + 6 * 16])
    np.testing.assert_allclose(angle, 0.5 * np.sin(2 * np.pi * at), atol=2e-3)
    with pytest.raises(MotionBeatError, match="no clip of the test split has joint rotations"):
        read_dances(tmp_path, "test")


@pytest.mark.parametrize("preconditioned", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_network_tells_slices_by_what_it_is_shown(short, preconditioned):
    """Six slices, no music: only what is shown says which slice it is, so a network that ignores it cannot tell."""
    slices = small_slices()
    settings = attrs.evolve(short, width=64, feedforward=64, patch=1, preconditioned=preconditioned)
    model = new_generator(settings, "mel", "0", slices)
    clean = model.scaled(slices.gather(np.arange(0, 42, 7))[0])
    step = torch.full((len(clean),), 600 if preconditioned else 140)
    level = model.levels[step].float()[:, None, None]
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)

    def left(x):
        return float((model.clean(x, step, None) - clean).square().mean().detach())

    generator = torch.Generator().manual_seed(0)
    for _ in range(80):
        x = noised(clean, level, torch.randn(clean.shape, generator=generator))
        loss = (model.clean(x, step, None) - clean).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x = noised(clean, level, torch.randn(clean.shape, generator=generator))
    predicted = model.clean(x, step, None).detach()
    varying = clean - clean.mean(dim=0)
    assert np.corrcoef((predicted - predicted.mean(dim=0)).flatten(), varying.flatten())[0, 1] > 0.9
    if model.spectrum is not None:
        likely, _ = model.spectrum.estimate(x, level)
        assert left(x) < 0.7 * float((likely - clean).square().mean())


def test_the_loss_falls(short):
    slices = small_slices()
    settings = attrs.evolve(short, steps=40, learning_rate=1e-2, ema=0.9)
    losses = train(new_generator(settings, "mel", "0", slices), slices, settings)
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])


def test_training_twice_gives_the_same_weights_and_another_seed_others(short):
    slices, models = small_slices(), []
    for seed in (0, 0, 1):
        settings = attrs.evolve(short, seed=seed)
        models.append(new_generator(settings, "mel", "0", slices))
        train(models[-1], slices, settings)
    one, two, other = (model.state_dict() for model in models)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_killed_run_resumes_and_ends_with_the_weights_of_an_unbroken_one(short, tmp_path, monkeypatch, capsys):
    slices, settings = small_slices(), attrs.evolve(short, dropout=0.2)
    whole = new_generator(settings, "mel", "0", slices)
    losses = train(whole, slices, settings)
    monkeypatch.setattr(generator_training, "_CHECKPOINT_EVERY", 2)
    checkpoint = Checkpoint(tmp_path / "run.safetensors")
    calls = {"left": 5}
    real = generator_training._follow

    def killed(*arguments):
        calls["left"] -= 1
        if not calls["left"]:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(generator_training, "_follow", killed)
    monkeypatch.setattr(run_state, "_MOST_TIME", 1e9)
    with pytest.raises(KeyboardInterrupt):
        train(new_generator(settings, "mel", "0", slices), slices, settings, checkpoint)
    monkeypatch.setattr(generator_training, "_follow", real)
    again = new_generator(settings, "mel", "0", slices)
    assert train(again, slices, settings, checkpoint) == losses
    assert "resuming after step 4" in capsys.readouterr().err
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    checkpoint.remove()
    assert not checkpoint.path.exists()


def test_processes_that_share_a_batch_have_the_gradient_of_one(short):
    slices, settings = small_slices(), attrs.evolve(short, batch=5)
    index = np.array([0, 3, 8, 20, 30])

    def gradient(ranks):
        model = new_generator(settings, "mel", "0", slices)
        terms = batch_loss(model, slices, settings, index, np.random.default_rng(1), ranks)
        terms["loss"].backward()
        return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}

    joint = gradient(Ranks())
    for count in (2, 7):  # of seven processes two have nothing to do
        parts = [gradient(Ranks(rank, count)) for rank in range(count)]
        for name, value in joint.items():
            summed = sum((part[name] for part in parts if name in part), torch.zeros_like(value))
            # no_music gets none from a process that shows all its music
            torch.testing.assert_close(summed, value, atol=2e-5, rtol=1e-3)


def test_the_key_changes_with_all_that_decides_the_weights(short):
    slices = small_slices()
    names = {
        generator_key(settings, identity, slices, CPU)
        for settings, identity in (
            (short, "0"),
            (attrs.evolve(short, steps=7), "0"),
            (attrs.evolve(short, seed=1), "0"),
            (short, "1"),
        )
    }
    assert len(names) == 4
    assert generator_key(attrs.evolve(short, guidance=1.0, length_s=7.0), "0", slices, CPU) in names  # not of training
    dances, music = corpus()
    moved = DanceSlices(dances._replace(vectors=[swaying(240, 30)] * 6), music, CPU)
    assert generator_key(short, "0", moved, CPU) not in names


def test_training_stops_at_a_loss_that_is_not_finite_naming_the_step_and_the_clips(short):
    slices = small_slices()
    model = new_generator(short, "mel", "0", slices)
    slices.music[:] = torch.inf
    with pytest.raises(
        MotionBeatError,
        match=r"stopped in step 1 of the dance generator: reconstruction, .*are not finite.*The batch: [abc]\d",
    ):
        train(model, slices, attrs.evolve(short, condition_dropout=0.0))


def test_bf16_trains(short):
    slices = small_slices()
    losses = train(new_generator(short, "mel", "0", slices), slices, attrs.evolve(short, precision="bf16"))
    plain = train(new_generator(short, "mel", "0", slices), slices, attrs.evolve(short, precision="float32"))
    assert losses != plain
    np.testing.assert_allclose(losses, plain, rtol=0.05)
