"""Wav2CLIP from local weights: the network is ResNet-18, and no pickle is run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders.wav2clip import ResNet18, Wav2Clip, Wav2ClipNetwork


def music(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (0.3 * np.sin(2 * np.pi * 300 * time * (1 + time)) + 0.01 * np.cos(5000 * time)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network among weights that are not wanted, as the published file has them."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("wav2clip") / "Wav2CLIP.pt"
    torch.save({**Wav2ClipNetwork().state_dict(), "image_encoder.weight": torch.zeros(2)}, path)
    return path


def test_a_clip_has_ten_frames_a_second_each_of_the_second_around_it(weights: Path) -> None:
    found = Wav2Clip(str(weights)).frames(music(3.0), 16_000)
    assert found.features.shape == (21, 512)
    np.testing.assert_allclose(found.times, 0.5 + 0.1 * np.arange(21))


def test_one_second_is_the_networks_own_answer(weights: Path) -> None:
    network = Wav2ClipNetwork()
    known = {name: value for name, value in torch.load(weights, weights_only=True).items() if "image" not in name}
    network.load_state_dict(known)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(music(1.0))[None])
    np.testing.assert_allclose(Wav2Clip(str(weights)).frames(music(1.0), 16_000).features, expected, atol=1e-5)


def test_the_network_is_resnet_18() -> None:
    network = ResNet18()
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    # He et al. 2016: 11,689,512 parameters, less the classifier's 513,000 and two of three input channels of 64 x 49
    assert sum(value.numel() for value in network.parameters()) == 11_689_512 - 513_000 - 2 * 64 * 49
    assert shapes["layer4.0.downsample.0.weight"] == (512, 256, 1, 1)
    assert shapes["layer1.1.bn2.running_var"] == (64,)


def test_safetensors_and_torch_files_are_the_same_encoder(weights: Path, tmp_path: Path) -> None:
    save_file(torch.load(weights, weights_only=True), tmp_path / "Wav2CLIP.safetensors")
    one, two = Wav2Clip(str(weights)), Wav2Clip(str(tmp_path / "Wav2CLIP.safetensors"))
    assert one.identity == two.identity
    np.testing.assert_array_equal(one.frames(music(1.3), 16_000).features, two.frames(music(1.3), 16_000).features)


class Harmful:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("harm"),))


def test_what_is_no_table_of_tensors_is_refused_and_nothing_in_it_runs(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"audio_encoder": Harmful()}, "harmful.pt")
    Path("plain.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    Path("text.pt").write_text("not found", encoding="utf-8")
    torch.save([torch.zeros(2)], "list.pt")
    torch.save({"audio_encoder.conv1.weight": torch.zeros(2)}, "other.pt")
    for name, says in {
        "harmful.pt": "cannot be read as tensors",
        "plain.pt": "cannot be read as tensors",
        "text.pt": "cannot be read as tensors",
        "list.pt": "has no table of tensors",
        "other.pt": "does not have Wav2CLIP's weights",
        "gone.pt": "there is no such file",
    }.items():
        with pytest.raises(MotionBeatError, match=says):
            Wav2Clip(name)
    assert not Path("harm").exists()


def test_offline_nothing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(
        MotionBeatError, match=r"Wav2CLIP\.pt is missing and nothing is downloaded \(offline\): put https://"
    ):
        Wav2Clip("https://example.org/Wav2CLIP.pt", offline=True)


def test_a_clip_under_a_second_is_refused(weights: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"encoder wav2clip needs at least 1 s"):
        Wav2Clip(str(weights)).frames(music(0.9), 16_000)
