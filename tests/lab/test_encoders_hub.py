"""wav2vec 2.0, CLAP and Jukebox: small untrained models of the true architectures, saved to disk, no hub asked."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders import wav2vec2 as wav2vec2_module
from motionbeat.lab.encoders.clap import Clap
from motionbeat.lab.encoders.frame_encoder import clip
from motionbeat.lab.encoders.jukebox import Jukebox
from motionbeat.lab.encoders.wav2vec2 import Wav2Vec2, receptive_field

INSTALLED = importlib.util.find_spec("transformers") is not None
needs_transformers = pytest.mark.skipif(not INSTALLED, reason="transformers is not installed (extra: baselines)")
OPENERS: dict[str, Any] = {
    "wav2vec2": lambda source: Wav2Vec2(source, offline=True),
    "clap": lambda source: Clap(source, offline=True),
    "jukebox": lambda source: Jukebox(source, 2, offline=True),
}


def music(seconds: float, rate: int = 44_100) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(size=len(time))
    return (0.3 * np.sin(2 * np.pi * 440 * time * (1 + 0.1 * time)) + 0.02 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    folder = tmp_path_factory.mktemp("wav2vec2")
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = Wav2Vec2Config(**sizes, conv_dim=(16,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import ClapAudioConfig, ClapConfig, ClapFeatureExtractor, ClapModel, ClapTextConfig

    folder = tmp_path_factory.mktemp("clap")
    torch.manual_seed(0)
    audio = ClapAudioConfig(
        hidden_size=64, patch_embeds_hidden_size=8, depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2]
    )
    text = ClapTextConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    config = ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=16)
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["separate lyrics", "merged lyrics"])
def jukebox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed (extra: baselines)")
    if not hasattr(transformers, "JukeboxModel"):
        pytest.skip(f"transformers {transformers.__version__} no longer has Jukebox")
    folder = tmp_path_factory.mktemp("jukebox")
    torch.manual_seed(0)
    common = {
        "hidden_size": 16,
        "n_heads": 2,
        "n_ctx": 64,
        "blocks": 8,
        "music_vocab_size": 32,
        "metadata_dims": [5, 7],
    }
    common |= {"res_conv_width": 4, "res_conv_depth": 1, "nb_relevant_lyric_tokens": 0, "attention_multiplier": 1.0}
    lower = {**common, "num_layers": 1, "attention_pattern": "raw_column_previous_row_attention"}
    lower |= {"is_encoder_decoder": False, "merged_decoder": False, "encoder_config": None}
    if request.param == "merged lyrics":
        top = {**common, "num_layers": 3, "nb_relevant_lyric_tokens": 8, "lyric_vocab_size": 9}
        top |= {"attention_pattern": "raw_column_previous_row_attention", "blocks": 8, "is_encoder_decoder": True}
    else:
        encoder = {**lower, "n_ctx": 8, "nb_relevant_lyric_tokens": 8, "lyric_vocab_size": 9, "blocks": 4}
        top = {
            **lower,
            "num_layers": 3,
            "nb_relevant_lyric_tokens": 8,
            "lyric_vocab_size": 9,
            "encoder_config": encoder,
        }
    vqvae = {"nb_discrete_codes": 32, "embed_dim": 8, "res_conv_width": 8, "res_conv_depth": 2, "sample_length": 8192}
    levels = [top, {**lower, "level": 1}, {**lower, "level": 2}]
    config = transformers.JukeboxConfig(vqvae_config=vqvae, prior_config_list=levels, max_nb_genres=3)
    model = transformers.JukeboxModel(config)
    with torch.no_grad():  # as made, every code of the book is zero
        for block in model.vqvae.bottleneck.level_blocks:
            block.codebook.copy_(torch.randn(block.codebook.shape))
        for parameter in [*model.vqvae.encoders.parameters(), *model.priors[0].parameters()]:
            parameter.copy_(0.3 * torch.randn(parameter.shape))
    model.save_pretrained(folder, safe_serialization=False)  # two of its tensors are one
    return folder


@needs_transformers
def test_wav2vec2_is_the_last_hidden_state_of_the_model_on_the_packages_own_input(wav2vec2: Path) -> None:
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

    wave = music(3.0, 16_000)
    found = Wav2Vec2(str(wav2vec2), offline=True).frames(wave, 16_000)
    given = Wav2Vec2FeatureExtractor.from_pretrained(wav2vec2)(wave, sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        states = Wav2Vec2Model.from_pretrained(wav2vec2).eval()(given["input_values"]).last_hidden_state[0]
    np.testing.assert_allclose(found.features, states, atol=1e-5)
    np.testing.assert_allclose(found.times, (200 + 320 * np.arange(149)) / 16_000)


@needs_transformers
def test_wav2vec2_frames_of_a_long_clip_are_as_dense_as_of_a_short_one(
    wav2vec2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav2vec2_module, "WINDOW_S", 2.0)
    monkeypatch.setattr(wav2vec2_module, "OVERLAP_S", 0.5)
    found = Wav2Vec2(str(wav2vec2), offline=True).frames(music(7.3), 44_100)
    steps = np.diff(found.times)
    assert len(found.times) == pytest.approx(7.3 * 50, abs=6)
    assert steps.min() > 0 and steps.max() < 0.041


@needs_transformers
def test_clap_averages_to_the_pooled_output_of_the_model(clap: Path) -> None:
    from transformers import ClapFeatureExtractor, ClapModel

    wave = music(10.0, 48_000)
    found = Clap(str(clap), offline=True).frames(wave, 48_000)
    given = ClapFeatureExtractor.from_pretrained(clap)(wave, sampling_rate=48_000, return_tensors="pt")
    with torch.no_grad():
        pooled = ClapModel.from_pretrained(clap).eval().audio_model(**given).pooler_output[0]
    np.testing.assert_allclose(clip(found), pooled, atol=1e-5)
    np.testing.assert_allclose(found.times, (np.arange(32) + 0.5) * 10 / 32)


@needs_transformers
def test_clap_windows_cover_a_long_clip_and_a_short_one_ends_where_it_does(clap: Path) -> None:
    encoder = Clap(str(clap), offline=True)
    long, short = encoder.frames(music(23.0), 44_100), encoder.frames(music(4.0), 44_100)
    assert long.times[0] < 0.32 and long.times[-1] > 23 - 0.32 and np.diff(long.times).max() < 0.63
    assert len(short.times) == 13 and short.times[-1] < 4.0


@needs_transformers
def test_clap_with_fusion_gives_the_same_frames_each_time(clap: Path, tmp_path: Path) -> None:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    config = ClapConfig.from_pretrained(clap)
    config.audio_config.enable_fusion, config.audio_config.enable_patch_layer_norm = True, True
    config.audio_config.fusion_type = "aff_2d"
    torch.manual_seed(0)
    ClapModel(config).save_pretrained(tmp_path)
    ClapFeatureExtractor(truncation="fusion").save_pretrained(tmp_path)
    encoder = Clap(str(tmp_path), offline=True)
    np.random.seed(0)  # noqa: NPY002  (what the package's extractor draws from)
    first = encoder.frames(music(12.0), 44_100).features
    np.testing.assert_array_equal(first, encoder.frames(music(12.0), 44_100).features)


def test_jukebox_takes_the_layer_asked_for_and_looks_back_only(jukebox: Path) -> None:
    encoder = Jukebox(str(jukebox), 2, offline=True)
    window = 64 * 128
    wave = music(2 * window / 44_100)
    whole = encoder.frames(wave[:window], 44_100)
    assert whole.features.shape == (8, 16)
    np.testing.assert_allclose(whole.times, (np.arange(8) + 0.5) * 8 * 128 / 44_100)
    changed = wave[:window].copy()
    changed[window // 2 + 3000 :] = 0.2 * np.random.default_rng(2).normal(size=len(changed) - window // 2 - 3000)
    after = encoder.frames(changed, 44_100)
    np.testing.assert_allclose(after.features[:2], whole.features[:2], atol=1e-5)
    assert not np.allclose(after.features, whole.features, atol=1e-3)
    other = Jukebox(str(jukebox), 3, offline=True)
    assert other.identity != encoder.identity
    assert not np.allclose(other.frames(wave[:window], 44_100).features, whole.features, atol=1e-3)


def test_jukebox_covers_a_clip_of_several_windows(jukebox: Path) -> None:
    found = Jukebox(str(jukebox), 1, offline=True).frames(music(0.7), 44_100)
    step = 8 * 128 / 44_100
    assert found.times[0] < step and found.times[-1] > 0.7 - 2 * step and np.diff(found.times).max() < 2 * step


@pytest.mark.parametrize("layer", [0, 4])
def test_a_layer_that_jukebox_has_not_is_refused(jukebox: Path, layer: int) -> None:
    with pytest.raises(MotionBeatError, match=f"jukebox_layer = {layer}; .* layers 1 to 3"):
        Jukebox(str(jukebox), layer, offline=True)


@needs_transformers
@pytest.mark.parametrize("name", ["wav2vec2", "clap"])
def test_the_same_folder_gives_the_same_identity_and_frames(name: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(name)
    first, second = OPENERS[name](str(folder)), OPENERS[name](str(folder))
    assert first.identity == second.identity and len(first.identity) == 64
    one, two = first.frames(music(1.5), 44_100), second.frames(music(1.5), 44_100)
    np.testing.assert_array_equal(one.features, two.features)
    assert one.features.dtype == np.float32 and one.features.shape[1] == first.width
    assert len(one.times) == pytest.approx(1.5 * first.frame_rate, abs=3)


@needs_transformers
@pytest.mark.parametrize("name", ["wav2vec2", "clap"])
def test_what_cannot_be_loaded_names_the_key_the_source_and_the_fix(name: str, tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=f"encoders.{name} = {tmp_path}/gone: there is no such folder"):
        OPENERS[name](f"{tmp_path}/gone")
    with pytest.raises(MotionBeatError, match=f"encoders.{name} = {tmp_path} cannot be loaded.*preprocessor_config"):
        OPENERS[name](str(tmp_path))
    with pytest.raises(MotionBeatError, match=rf"encoders.{name} = nobody/nothing cannot be loaded.*offline"):
        OPENERS[name]("nobody/nothing")


@needs_transformers
def test_weights_of_another_model_are_refused_rather_than_left_at_random(wav2vec2: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(wav2vec2, tmp_path, dirs_exist_ok=True)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors.pop("encoder.layers.1.attention.k_proj.weight")
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MotionBeatError, match=r"does not fit Wav2Vec2Model: encoder\.layers\.1\.attention\.k_proj"):
        OPENERS["wav2vec2"](str(tmp_path))


@needs_transformers
def test_a_checkpoint_with_the_names_of_the_published_one_is_the_same_encoder(wav2vec2: Path, tmp_path: Path) -> None:
    """facebook/wav2vec2-base: below a prefix, weight norm by its old names, and with weights of its training."""
    from safetensors.torch import load_file

    shutil.copytree(wav2vec2, tmp_path, dirs_exist_ok=True)
    tensors = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    published = {"quantizer.codevectors": torch.zeros(2)}
    for name, tensor in tensors.items():
        for new, before in old.items():
            name = name.replace(new, before)
        published[f"wav2vec2.{name}"] = tensor
    assert any(name.endswith("weight_g") for name in published)
    torch.save(published, tmp_path / "pytorch_model.bin")
    assert OPENERS["wav2vec2"](str(tmp_path)).identity == OPENERS["wav2vec2"](str(wav2vec2)).identity


@needs_transformers
def test_a_file_too_short_for_the_encoder_is_refused_by_name(clap: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"lasts 0\.200 s; encoder clap needs at least 0\.5 s"):
        OPENERS["clap"](str(clap)).frames(music(0.2), 44_100)


@pytest.mark.parametrize("name", OPENERS)
def test_without_transformers_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MotionBeatError, match=rf"for encoders.{name}\): pip install motionbeat\[baselines\]"):
        OPENERS[name]("some/thing")


def test_the_receptive_field_is_that_of_the_convolutions() -> None:
    kernels, strides = [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
    stride, field = receptive_field(kernels, strides)
    stack = torch.nn.Sequential(*(torch.nn.Conv1d(1, 1, k, s) for k, s in zip(kernels, strides, strict=True)))
    lengths = [stack(torch.zeros(1, 1, n)).shape[2] for n in (field, field + stride - 1, field + stride)]
    assert lengths == [1, 1, 2]
