"""The music encoder as an ONNX file says what torch says, for any number of windows and beats, and needs no torch."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from rhythm_songs import load_tiny, pattern_song
from typer.testing import CliRunner

import motionbeat
from motionbeat.cli.app import app

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[motionbeat.MotionBeat, Path]:
    folder = tmp_path_factory.mktemp("onnx")
    model = load_tiny(folder / "tiny")
    done = CliRunner().invoke(app, ["export-onnx", "--model", str(folder / "tiny"), "-o", str(folder / "audio.onnx")])
    assert done.exit_code == 0, done.output
    return model, folder


@pytest.mark.parametrize(("windows", "beats", "meter"), [(1, 8, 4), (5, 8, 3), (3, 5, 4), (2, 21, 7)])
def test_outputs_are_torchs(exported: tuple[motionbeat.MotionBeat, Path], windows: int, beats: int, meter: int) -> None:
    model, folder = exported
    generator = np.random.default_rng(windows * beats)
    mask = np.ones((windows, beats), bool)
    mask[0, beats - 2 :] = False
    inputs = {
        "tokens": generator.normal(size=(windows, beats, model.model.config.audio_token)).astype(np.float32),
        "bar_position": np.tile((np.arange(beats) % meter).astype(np.float32), (windows, 1)),
        "beats_per_bar": np.full(windows, meter),
        "mask": mask,
    }
    with torch.no_grad():
        expected = model.model.audio(*(torch.as_tensor(values) for values in inputs.values()))
    embedding, states = onnxruntime.InferenceSession(folder / "audio.onnx").run(None, inputs)
    np.testing.assert_allclose(embedding, expected.embedding.numpy(), atol=1e-5)
    np.testing.assert_allclose(states[mask], expected.states.numpy()[mask], atol=1e-4)


def test_the_example_of_the_documentation_gives_the_clip_of_embed_audio_without_torch(
    exported: tuple[motionbeat.MotionBeat, Path],
) -> None:
    model, folder = exported
    song = pattern_song(folder / "song.wav", 3)
    text = (ROOT / "docs/sharing.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "onnxruntime" in block]
    script = f'{example}\nnp.save("clip.npy", clip)\nimport sys\nassert "torch" not in sys.modules\n'
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    clip = model.embed_audio(song, tracker="librosa").clip
    np.testing.assert_allclose(np.load(folder / "clip.npy"), clip, atol=1e-5)
