"""The model that comes with the package: it loads without a path, embeds, and its card says what it is."""

import hashlib
import re

import numpy as np
import pytest

import motionbeat
import motionbeat.beats
from motionbeat.weights import SHIPPED

RATE = 22_050


@pytest.fixture(scope="module")
def model() -> motionbeat.MotionBeat:
    return motionbeat.load()


def pulse(bpm: float, seconds: float = 12.0, seed: int = 0) -> np.ndarray:
    """Noise bursts on the beats, and softer ones on some of the parts between."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    part = 60 / bpm / 4
    loud = generator.random(16) ** 2
    loud[::4] = 1.0
    strength = loud[(times / part).astype(int) % 16]
    return (0.3 * generator.normal(size=len(times)) * strength * np.exp(-(times % part) * 40)).astype(np.float32)


def test_it_needs_no_path_and_no_download(model: motionbeat.MotionBeat) -> None:
    beats = motionbeat.beats.track(pulse(120), RATE, tracker="nominal", bpm=120.0, beats_per_bar=4)
    embedding = model.embed_audio(pulse(120), RATE, beats=beats)
    assert embedding.clip.shape == (128,)
    assert np.linalg.norm(embedding.clip) == pytest.approx(1.0, abs=1e-5)
    assert len(embedding.tokens) == len(beats.times)


def test_a_song_at_half_its_loudness_is_nearest_to_itself(model: motionbeat.MotionBeat) -> None:
    """Among other rhythms at the same tempo."""
    beats = motionbeat.beats.track(pulse(120), RATE, tracker="nominal", bpm=120.0, beats_per_bar=4)

    def clip(seed: int, gain: float = 1.0) -> np.ndarray:
        return model.embed_audio(gain * pulse(120, seed=seed), RATE, beats=beats).clip

    rhythms = [clip(seed) for seed in range(6)]
    quieter = [clip(seed, 0.5) for seed in range(6)]
    similarity = np.array(quieter) @ np.array(rhythms).T
    np.testing.assert_array_equal(similarity.argmax(axis=1), np.arange(6))


def test_what_ships_is_small_and_every_model_has_a_card() -> None:
    files = list(SHIPPED.rglob("model.safetensors"))
    assert sum(file.stat().st_size for file in files) <= 10_000_000
    for file in files:
        card = file.with_name("card.md").read_text(encoding="utf-8")
        assert all(f"## {part}" in card for part in ("Data", "Settings", "Figures", "Limits"))
        said = re.search(r"SHA-256 of model\.safetensors: (\w+)", card)
        assert said is None or said[1] == hashlib.sha256(file.read_bytes()).hexdigest()
