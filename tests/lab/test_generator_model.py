"""The denoiser and what surrounds it: scaling, guidance, losses, files, and the refusal of what does not fit."""

import json

import numpy as np
import pytest
import torch
from generator_parts import CONDITION, small_model, small_slices, swaying

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import motion_vector
from motionbeat.lab.generator.generator_loss import WEIGHTS, dance_loss
from motionbeat.lab.generator.generator_model import DanceGenerator

RNG = np.random.default_rng(0)


def noise(*shape):
    return torch.as_tensor(RNG.normal(size=shape), dtype=torch.float32)


def test_training_data_are_scaled_to_minus_one_to_one_and_come_back():
    """As EDGE scales, when there is no spectrum to tell the noise from the dance."""
    model, slices = small_model(), small_slices()
    scaled = model.scaled(slices.vectors)
    varies = slices.vectors.amax(dim=0) - slices.vectors.amin(dim=0) > 1e-6
    torch.testing.assert_close(scaled.amin(dim=0)[varies], -torch.ones(int(varies.sum())), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.amax(dim=0)[varies], torch.ones(int(varies.sum())), atol=1e-5, rtol=0)
    torch.testing.assert_close(model.unscaled(scaled), slices.vectors, atol=1e-5, rtol=0)


def test_preconditioned_each_kind_of_channel_has_unit_variance_and_comes_back():
    model, slices = small_model(preconditioned=True), small_slices()
    scaled = model.scaled(slices.vectors)
    torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(motion_vector.WIDTH), atol=1e-3, rtol=0)
    for part in (motion_vector.CONTACT, motion_vector.ROOT, motion_vector.ROTATION):
        assert float(scaled[:, part].var(dim=0).mean()) == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(model.unscaled(scaled), slices.vectors, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("preconditioned", "value"), [(False, -1.0), (True, 0.0)])
def test_a_channel_that_never_varies_comes_back_as_it_was(preconditioned, value):
    model = small_model(preconditioned=preconditioned)
    same = torch.full((2, motion_vector.WIDTH), 0.25)
    model.set_statistics(same, noise(5, CONDITION), [same[:1].expand(1, 150, -1)])
    torch.testing.assert_close(model.scaled(same), torch.full_like(same, value))
    torch.testing.assert_close(model.unscaled(model.scaled(same)), same)


@pytest.mark.parametrize("aligned", [True, False])
def test_music_that_is_not_shown_changes_nothing(aligned):
    model = small_model(aligned=aligned)
    x, steps = noise(2, 150, motion_vector.WIDTH), torch.tensor([3, 700])
    none = model.network(x, steps, None)
    hidden = model.network(x, steps, noise(2, 150, CONDITION), torch.tensor([False, False]))
    torch.testing.assert_close(hidden, none)
    half = model.network(x, steps, noise(2, 150, CONDITION), torch.tensor([True, False]))
    torch.testing.assert_close(half[1], none[1])
    assert not torch.allclose(half[0], none[0], atol=1e-3)


def test_preconditioned_music_that_is_not_shown_changes_nothing_and_shown_it_gates_the_white():
    """Where the white is 0 there is nothing to gate, so a pulse of music says nothing."""
    model = small_model(preconditioned=True)
    torch.nn.init.normal_(model.network.pulse.gain.weight, std=0.1)
    x, steps, music = noise(2, 150, 2 * motion_vector.WIDTH), torch.tensor([3, 700]), noise(2, 150, CONDITION)
    none = model.network(x, steps, None)
    torch.testing.assert_close(model.network(x, steps, music, torch.tensor([False, False])), none)
    half = model.network(x, steps, music, torch.tensor([True, False]))
    torch.testing.assert_close(half[1], none[1])
    assert not torch.allclose(half[0], none[0], atol=1e-3)
    x[..., motion_vector.WIDTH :] = 0.0
    gated = model.network(x, steps, music)
    model.network.pulse = None
    torch.testing.assert_close(model.network(x, steps, music), gated)


def test_guidance_is_linear_between_without_and_with_music():
    model = small_model()
    x, music = noise(1, 150, motion_vector.WIDTH), noise(1, 150, CONDITION)
    without, with_, twice = (model.guided(x, 500, music, guidance) for guidance in (0.0, 1.0, 2.0))
    torch.testing.assert_close(twice, 2 * with_ - without)


def test_attention_alone_hears_when_the_music_is_played():
    """Not aligned, the only way is cross-attention with rotary positions: a shift of the music must show."""
    model = small_model(aligned=False)
    x, music = noise(1, 150, motion_vector.WIDTH), noise(1, 150, CONDITION)
    still = model.network(x, torch.tensor([500]), music)
    moved = model.network(x, torch.tensor([500]), music.roll(5, dims=1))
    assert float((still - moved).detach().abs().max()) > 1e-4


def test_the_loss_of_the_truth_is_only_how_much_its_own_feet_slide():
    model = small_model()
    target = model.scaled(torch.as_tensor(swaying(150, 15)))[None]
    terms = dance_loss(target, target, model.offset, model.scale)
    assert float(terms["reconstruction"]) == float(terms["velocity"]) == 0.0
    assert float(terms["joints"]) < 1e-12  # the target's rotations are taken as they are
    assert 0 <= float(terms["contact"]) < motion_vector.STILL_M**2 / 3  # a foot in contact moves less than a centimetre


def test_the_terms_are_the_closed_forms_of_a_dancer_who_is_carried_away():
    """The same pose everywhere, predicted to glide by 2 cm a frame with all feet in contact, against one at rest."""
    offset, scale = (
        -torch.ones(motion_vector.WIDTH),
        2 * torch.ones(motion_vector.WIDTH),
    )  # scaled and unscaled are the same
    rest = torch.as_tensor(motion_vector.encode(np.zeros((10, 24, 3)), np.zeros((10, 3))))[None]
    glide = rest.clone()
    glide[..., motion_vector.ROOT.start] += 0.02 * torch.arange(10)
    terms = dance_loss(glide, rest, offset, scale)
    squares = np.mean((0.02 * np.arange(10)) ** 2)
    assert float(terms["joints"]) == pytest.approx(squares / 3, rel=1e-4)  # one of three axes
    assert float(terms["reconstruction"]) == pytest.approx(squares / motion_vector.WIDTH, rel=1e-4)
    assert float(terms["velocity"]) == pytest.approx(0.02**2 / motion_vector.WIDTH, rel=1e-4)
    assert float(terms["contact"]) == pytest.approx(0.02**2 / 3, rel=1e-4)
    assert float(terms["loss"]) == pytest.approx(sum(WEIGHTS[name] * float(terms[name]) for name in WEIGHTS), rel=1e-6)
    glide[..., motion_vector.CONTACT] = 0.5  # no foot is said to stand
    assert float(dance_loss(glide, rest, offset, scale)["contact"]) == 0.0


def test_the_loss_of_a_scaled_vector_counts_as_in_the_scale_of_its_range():
    """Preconditioned, vectors are scaled by deviation; the loss is as if by range, as EDGE's weights want."""
    plain, white, slices = small_model(), small_model(preconditioned=True), small_slices()
    target, guess = slices.vectors[:150][None], slices.vectors[5:155][None]
    ours, theirs = (
        dance_loss(model.scaled(guess), model.scaled(target), model.offset, model.scale, None, model.weighted, True)
        for model in (white, plain)
    )
    for name, value in theirs.items():
        assert float(ours[name]) == pytest.approx(float(value), rel=1e-3), name


def test_a_saved_generator_predicts_as_before_and_its_file_is_the_same_bytes(tmp_path):
    model = small_model(preconditioned=True)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    loaded = DanceGenerator.load(tmp_path / "one", "mel", "0")
    x, music = noise(1, 150, motion_vector.WIDTH), noise(1, 150, CONDITION)
    assert torch.equal(loaded.guided(x, 9, music, 2.0), model.guided(x, 9, music, 2.0))
    assert torch.equal(loaded.offset, model.offset) and torch.equal(loaded.music_std, model.music_std)
    assert (tmp_path / "one/model.safetensors").read_bytes() == (tmp_path / "two/model.safetensors").read_bytes()


def test_a_generator_of_another_encoder_is_refused_by_name(tmp_path):
    small_model().save(tmp_path)
    with pytest.raises(MotionBeatError, match="trained with music of the encoder mel, not motionbeat"):
        DanceGenerator.load(tmp_path, "motionbeat")
    with pytest.raises(MotionBeatError, match="other weights of the encoder mel"):
        DanceGenerator.load(tmp_path, "mel", "1")


def test_files_that_are_missing_or_foreign_are_refused(tmp_path):
    with pytest.raises(MotionBeatError, match=r"config\.json is missing"):
        DanceGenerator.load(tmp_path)
    small_model().save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for change, message in (
        ({"width": 15}, "multiple of 2"),
        ({"patch": 7}, "divisor of 150"),
        ({"layers": 0}, "layers = 0"),
        ({"aligned": "yes"}, "aligned"),
        ({"preconditioned": 1}, "preconditioned"),
        ({"width": 32}, "tensor"),
        ({"more": 1}, r"wrong or missing fields \(more\)"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(MotionBeatError, match=message):
            DanceGenerator.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(MotionBeatError, match="not a safetensors file"):
        DanceGenerator.load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(MotionBeatError, match=r"model\.safetensors is missing"):
        DanceGenerator.load(tmp_path)


def test_in_half_precision_weights_are_rounded_and_statistics_are_kept(tmp_path):
    model = small_model()
    model.save(tmp_path, half=True)
    weights, read = dict(model.named_parameters()), DanceGenerator.load(tmp_path).state_dict()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(read[name], tensor.half().float() if name in weights else tensor, rtol=0, atol=0)
