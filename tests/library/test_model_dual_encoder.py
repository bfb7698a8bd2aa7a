"""The whole model: invariances of its embeddings, what its gradients reach, and its files."""

import json
import math

import pytest
import torch
from attrs import evolve
from conftest import CONFIG
from safetensors.torch import load_file, save_file

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.losses import contact_guide_loss, embodied_contrastive_loss
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import SMALLEST_STD, DualEncoder, EncodedAudio, EncodedMotion
from motionbeat.tokens.layout import Layout

K = 16
SETTINGS = [
    {},
    {"rotation": "paper", "readout": "mean", "phase_features": True, "centre": False},
    {"rotation": "none", "contact_attention": False},
    {"readout": "window_harmonic", "embedding": 32},
]


def model_of(**changes) -> DualEncoder:
    torch.manual_seed(0)
    model = DualEncoder(evolve(CONFIG, **changes)).double().eval()
    generator = torch.Generator().manual_seed(1)
    bands, width = CONFIG.mel_bands, CONFIG.motion_width
    spread = [torch.rand(n, generator=generator) for n in (bands, bands, width, width)]
    model.set_statistics(spread[0], 1 + spread[1], spread[2], 1 + spread[3])
    return model


def windows(meters: list[int], beats: int = K, first: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    n, meter = len(meters), torch.tensor(meters)
    return {
        "mel": torch.randn(n, beats, CONFIG.audio_token, generator=generator, dtype=torch.float64),
        "features": torch.randn(n, beats, CONFIG.motion_token, generator=generator, dtype=torch.float64),
        "bar_position": ((torch.arange(beats) + first) % meter[:, None]).double(),
        "beats_per_bar": meter,
        "mask": torch.ones(n, beats, dtype=torch.bool),
    }


def encode(model: DualEncoder, values: dict[str, torch.Tensor]) -> tuple[EncodedAudio, EncodedMotion]:
    rest = values["bar_position"], values["beats_per_bar"], values["mask"]
    return model.audio(values["mel"], *rest), model.motion(values["features"], *rest)


@pytest.mark.parametrize("changes", SETTINGS)
def test_shapes_are_as_documented_and_embeddings_have_length_one(changes: dict) -> None:
    audio, motion = encode(model_of(**changes), windows([4, 3]))
    for encoded in (audio, motion):
        torch.testing.assert_close(encoded.embedding.norm(dim=1), torch.ones(2, dtype=torch.float64))
        assert encoded.embedding.shape == (2, changes.get("embedding", 12))
        assert encoded.states.shape == (2, K, 32)
    logits = (audio.onset_logits, audio.accent_logits, motion.contact_logits, motion.energy_logits)
    assert {tuple(tensor.shape) for tensor in logits} == {(2, K, 2)}
    torch.testing.assert_close(motion.contact_probability, motion.contact_guide_logits.sigmoid())
    contacts = 2 if changes.get("contact_resolution") == "subbeat" else 1
    assert motion.contact_probability.shape == (2, K, contacts)


@pytest.mark.parametrize("changes", SETTINGS)
def test_masked_beats_change_nothing_whatever_they_hold(changes: dict) -> None:
    model, values = model_of(**changes), windows([4, 3], beats=11)
    longer = {
        name: torch.cat([value, torch.full_like(value[:, :5], torch.nan)], dim=1)
        for name, value in values.items()
        if name in ("mel", "features", "bar_position")
    }
    longer |= {"beats_per_bar": values["beats_per_bar"], "mask": torch.arange(16).expand(2, 16) < 11}
    for got, expected in zip(encode(model, longer), encode(model, values), strict=True):
        torch.testing.assert_close(got.embedding, expected.embedding, atol=1e-10, rtol=0)
        torch.testing.assert_close(got.states[:, :11], expected.states, atol=1e-10, rtol=0)


@pytest.mark.parametrize("changes", SETTINGS)
def test_meters_in_one_batch_equal_each_alone(changes: dict) -> None:
    model, values = model_of(**changes), windows([4, 3, 7])
    together = encode(model, values)
    for i in range(3):
        alone = encode(model, {name: value[i : i + 1] for name, value in values.items()})
        for got, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(got.embedding[i], expected.embedding[0], atol=1e-10, rtol=0)


@pytest.mark.parametrize("rotation", ["paper", "harmonic"])
def test_states_ignore_a_common_shift_of_the_phases(rotation: str) -> None:
    model, values = model_of(rotation=rotation), windows([4, 3])
    moved = values | {"bar_position": values["bar_position"] + 1.25}
    for got, expected in zip(encode(model, moved), encode(model, values), strict=True):
        torch.testing.assert_close(got.states, expected.states, atol=1e-10, rtol=0)
        assert (got.embedding - expected.embedding).abs().max() > 1e-3


def test_with_mean_pooling_a_cyclic_roll_by_a_beat_cannot_be_told_from_the_original() -> None:
    """The paper's rotation with its pooling: every jitter pair is a tie, so the accuracy is 0.5."""
    values = windows([4] * 6)
    rolled = values | {"features": values["features"].roll(1, dims=1)}
    model = model_of(rotation="paper", readout="mean", phase_features=False)
    audio, motion = encode(model, values)
    jitter = encode(model, rolled)[1]
    torch.testing.assert_close(jitter.embedding, motion.embedding, atol=1e-12, rtol=0)
    margin = (audio.embedding * (motion.embedding - jitter.embedding)).sum(1)
    assert (margin.abs() < 1e-12).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"rotation": "paper", "readout": "bar_harmonic"},
        {"rotation": "paper", "readout": "mean", "phase_features": True},
    ],
)
def test_a_harmonic_readout_or_phase_features_tell_a_cyclic_roll_apart(changes: dict) -> None:
    model, values = model_of(**changes), windows([4] * 6)
    rolled = values | {"features": values["features"].roll(1, dims=1)}
    moved = encode(model, rolled)[1].embedding - encode(model, values)[1].embedding
    assert moved.norm(dim=1).min() > 1e-2
    by_a_bar = values | {"features": values["features"].roll(4, dims=1)}  # a whole bar is not a shift
    same = encode(model, by_a_bar)[1].embedding - encode(model, values)[1].embedding
    assert same.abs().max() < 1e-10


def test_the_window_harmonic_readout_tells_any_cyclic_roll_apart() -> None:
    model = model_of(rotation="paper", readout="window_harmonic", embedding=32)
    values = windows([4] * 6)
    for beats in (1, 4):
        rolled = values | {"features": values["features"].roll(beats, dims=1)}
        moved = encode(model, rolled)[1].embedding - encode(model, values)[1].embedding
        assert moved.norm(dim=1).min() > 1e-2


def test_without_rotations_their_block_is_the_training_mean() -> None:
    model, values = model_of(), windows([4, 4])
    rest = values["bar_position"], values["beats_per_bar"], values["mask"]
    features = values["features"].view(2, K, 2, 9).clone()
    features[0, ..., 5:] = torch.nan
    shown = model.motion(features.flatten(2), *rest, has_rotations=torch.tensor([False, True]))
    features[0, ..., 5:] = model.motion_mean[5:]
    torch.testing.assert_close(shown.embedding, model.motion(features.flatten(2), *rest).embedding)
    all_shown = model.motion(values["features"], *rest, has_rotations=torch.tensor([True, True]))
    assert torch.equal(all_shown.embedding, model.motion(values["features"], *rest).embedding)


def test_what_is_constant_over_a_window_changes_a_model_that_does_not_centre_alone() -> None:
    values = windows([4, 3])
    values["mask"][1, 11:] = False
    louder = values["mel"] + torch.arange(6.0).double().repeat(2)  # another equaliser
    for centre in (True, False):
        model = model_of(centre=centre)
        rest = values["bar_position"], values["beats_per_bar"], values["mask"]
        change = (model.audio(louder, *rest).embedding - model.audio(values["mel"], *rest).embedding).abs().amax(1)
        assert (change < 1e-9).all() if centre else (change > 1e-3).all()


def test_statistics_are_applied_inside_and_floored() -> None:
    model, values = model_of(), windows([4])
    rest = values["bar_position"], values["beats_per_bar"]
    scored = (values["mel"].view(1, K, 2, 6) - model.mel_mean) / model.mel_std
    expected = model.audio(values["mel"], *rest).embedding
    model.set_statistics(torch.zeros(6), torch.ones(6), torch.zeros(9), torch.zeros(9))
    torch.testing.assert_close(model.audio(scored.flatten(2), *rest).embedding, expected)
    assert model.motion_std.tolist() == [SMALLEST_STD] * 9
    with pytest.raises(MotionBeatError, match="motion_mean has shape"):
        model.set_statistics(torch.zeros(6), torch.ones(6), torch.zeros(18), torch.ones(9))
    with pytest.raises(MotionBeatError, match="mel_std has negative"):
        model.set_statistics(torch.zeros(6), -torch.ones(6), torch.zeros(9), torch.ones(9))


def test_a_window_without_real_beats_gives_numbers() -> None:
    model, values = model_of(), windows([4, 4])
    values["mask"][0] = False
    audio, motion = encode(model, values)
    (audio.embedding.sum() + motion.embedding.sum()).backward()
    assert torch.isfinite(audio.embedding).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def reached(model: DualEncoder) -> set[str]:
    """Parts of the model whose parameters have a gradient other than zero."""
    return {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}


def test_contrast_trains_the_encoders_and_the_alphas_but_no_rhythm_head() -> None:
    model, values = model_of(), windows([4, 3, 4])
    audio, motion = encode(model, values)
    embodied_contrastive_loss(audio.embedding, motion.embedding).backward()
    # The contact head guides attention, so contrast reaches it too.
    assert reached(model) == {
        "audio_encoder",
        "audio_readout",
        "contact_guide",
        "motion_encoder",
        "motion_readout",
    }
    assert all(p.grad.item() != 0 for name, p in model.named_parameters() if "alpha" in name)


def test_the_contact_loss_trains_the_contact_head_alone() -> None:
    model, values = model_of(), windows([4, 3])
    _, motion = encode(model, values)
    contact_guide_loss(motion.contact_guide_logits, torch.ones(2, K, 2)).backward()
    assert reached(model) == {"contact_guide"}


def test_only_matrices_decay() -> None:
    model = model_of(phase_features=True)
    decayed, free, alphas = model.parameter_groups(0.01, alpha_rate=100.0)
    names = {id(p): name for name, p in model.named_parameters()}
    free_names = [names[id(p)] for p in free["params"]]
    assert [group["weight_decay"] for group in (decayed, free, alphas)] == [0.01, 0.0, 0.0]
    assert [group["rate"] for group in (decayed, free, alphas)] == [1.0, 1.0, 100.0]
    assert all(name.endswith("bias") or "norm" in name for name in free_names)
    assert not any("norm" in names[id(p)] or "bias" in names[id(p)] for p in decayed["params"])
    assert all("alpha" in names[id(p)] for p in alphas["params"])
    assert sum(len(group["params"]) for group in (decayed, free, alphas)) == len(names)


def test_alphas_are_named_by_layer() -> None:
    assert model_of().alphas() == pytest.approx(
        {"alpha_logit_0": 0.1, "alpha_value_0": 0.1, "alpha_logit_1": 0.1, "alpha_value_1": 0.1}, abs=1e-6
    )
    assert model_of(contact_attention=False).alphas() == {}


def test_dropout_is_off_after_loading_and_on_in_training() -> None:
    model, values = model_of(), windows([4])
    assert torch.equal(encode(model, values)[0].embedding, encode(model, values)[0].embedding)
    model.train()
    assert not torch.equal(encode(model, values)[0].embedding, encode(model, values)[0].embedding)


def test_a_saved_model_comes_back_bit_by_bit_and_its_file_is_stable(tmp_path) -> None:
    model = model_of().float()
    model.save(tmp_path / "a")
    loaded = DualEncoder.load(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert not loaded.training
    assert loaded.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    values = {name: value.float() if value.is_floating_point() else value for name, value in windows([4, 3]).items()}
    for got, expected in zip(encode(loaded, values), encode(model, values), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_missing_and_foreign_files_are_refused(tmp_path) -> None:
    with pytest.raises(MotionBeatError, match=r"config\.json is missing"):
        DualEncoder.load(tmp_path)
    model_of().float().save(tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    tensors, settings = load_file(weights), json.loads(config.read_text())

    save_file(tensors | {"mel_mean": torch.zeros(5)}, weights)
    with pytest.raises(MotionBeatError, match="tensor mel_mean is"):
        DualEncoder.load(tmp_path)
    save_file({name: value for name, value in tensors.items() if name != "mel_std"}, weights)
    with pytest.raises(MotionBeatError, match="tensor mel_std is missing"):
        DualEncoder.load(tmp_path)
    save_file(tensors | {"mel_mean": torch.full_like(tensors["mel_mean"], torch.nan)}, weights)
    with pytest.raises(MotionBeatError, match="tensor mel_mean contains NaN"):
        DualEncoder.load(tmp_path)
    torch.save(tensors, weights)  # a pickle
    with pytest.raises(MotionBeatError, match="not a safetensors file"):
        DualEncoder.load(tmp_path)
    weights.unlink()
    with pytest.raises(MotionBeatError, match=r"model\.safetensors is missing"):
        DualEncoder.load(tmp_path)
    config.write_text(json.dumps(settings | {"motion_fps": 1e9}))
    with pytest.raises(MotionBeatError, match=r"motion_fps = 1000000000\.0; expected a number 1 to 1000"):
        DualEncoder.load(tmp_path)
    config.write_text(json.dumps(settings | {"colour": "blue"}))
    with pytest.raises(MotionBeatError, match=r"config\.json: unknown key colour"):
        DualEncoder.load(tmp_path)
    config.write_text("not json")
    with pytest.raises(MotionBeatError, match="is not JSON"):
        DualEncoder.load(tmp_path)
    with pytest.raises(MotionBeatError, match="float64"):
        model_of().save(tmp_path)


def test_a_configuration_survives_json_and_refuses_wrong_values() -> None:
    values = json.loads(json.dumps(CONFIG.to_dict()))
    assert ModelConfig.from_dict(values) == CONFIG
    for change, message in (
        ({"width": 30}, r"width = 30; expected a multiple of 2 \* heads = 4"),
        ({"layers": 0}, "layers = 0; expected a whole number"),
        ({"rotation": "helix"}, "rotation = 'helix'; expected one of harmonic, paper, rotary, none"),
        ({"rotation_start": 9}, "rotation_start = 9; expected a whole number below motion_width"),
        ({"dropout": 1.5}, "dropout = 1.5"),
        ({"phase_features": 1}, "phase_features = 1; expected true or false"),
    ):
        with pytest.raises(MotionBeatError, match=message):
            ModelConfig.from_dict(values | change)
    del values["readout"]
    with pytest.raises(MotionBeatError, match="missing key readout"):
        ModelConfig.from_dict(values)
    with pytest.raises(MotionBeatError, match="has no settings"):
        ModelConfig.from_dict([1])


def test_the_model_section_of_params_makes_a_configuration() -> None:
    settings = params.Model(128, 2, 4, 128, 0.1, True, "harmonic", False, True, "subbeat", "bar_harmonic", 7)
    layout = Layout(4, 128, 368, 224, 30.0, 0.3, 0.05, 16, flux=True, joint_events=True)
    config = ModelConfig.of(settings, layout)
    assert (config.width, config.motion_token, config.audio_token) == (128, 1472, 1024)


def test_what_cannot_be_encoded_is_refused() -> None:
    model, values = model_of(), windows([4, 3])
    for name, wrong, message in (
        ("mel", values["mel"][..., :-1], r"mel has shape .* expected \(batch, beats, 12\)"),
        ("bar_position", values["bar_position"][:, 1:], "bar_position has shape"),
        ("mask", values["mask"].double(), "mask is torch.float64"),
        ("beats_per_bar", torch.tensor([4, 8]), "beats_per_bar runs from 4 to 8"),
        ("beats_per_bar", torch.tensor([0, 4]), "beats_per_bar runs from 0 to 4"),
    ):
        with pytest.raises(MotionBeatError, match=message):
            encode(model, values | {name: wrong})


def test_fractional_bar_positions_turn_smoothly() -> None:
    """Grid mode: half a beat of shift twice is a whole one."""
    model, values = model_of(rotation="harmonic"), windows([4])
    half = values | {"bar_position": values["bar_position"] + 0.5}
    whole = values | {"bar_position": values["bar_position"] + 4.0}
    base = encode(model, values)[0].embedding
    assert (encode(model, half)[0].embedding - base).abs().max() > 1e-3
    torch.testing.assert_close(encode(model, whole)[0].embedding, base, atol=1e-10, rtol=0)
    assert math.isfinite(base.sum().item())
