"""musicnn read without TensorFlow: the tagger says of real music what it is, and features do not depend on chunks."""

import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from motionbeat.errors import MotionBeatError
from motionbeat.lab.encoders import musicnn
from motionbeat.lab.encoders.frame_encoder import clip
from motionbeat.lab.encoders.musicnn import MusiCNN

DATA = Path(__file__).parents[3] / "shared" / "data"
try:
    metadata.version("musicnn")
    INSTALLED = True
except metadata.PackageNotFoundError:
    INSTALLED = False
needs_musicnn = pytest.mark.skipif(not INSTALLED, reason="pip install --no-deps musicnn")


def music(seconds: float, rate: int = 16_000) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(size=len(time))
    return (0.3 * np.sin(2 * np.pi * 440 * time) * (time % 0.5 < 0.2) + 0.02 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def tagger() -> MusiCNN:
    return MusiCNN("MTT_musicnn")


@needs_musicnn
def test_frames_are_as_dense_as_the_spectrogram(tagger: MusiCNN) -> None:
    found = tagger.frames(music(2.0), 16_000)
    assert found.features.shape == (125, 753) == (125, tagger.width)
    np.testing.assert_allclose(found.times, np.arange(125) / tagger.frame_rate)
    np.testing.assert_array_equal(found.features, tagger.frames(music(2.0), 16_000).features)


@needs_musicnn
def test_chunks_give_what_the_whole_gives(tagger: MusiCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tagger.frames(music(6.0), 16_000).features
    monkeypatch.setattr(musicnn, "_CHUNK", 100)
    np.testing.assert_allclose(tagger.frames(music(6.0), 16_000).features, whole, atol=1e-4)


@needs_musicnn
def test_the_mean_over_a_patch_is_what_the_back_end_pools(tagger: MusiCNN) -> None:
    mel = torch.from_numpy(musicnn.log_mel(music(187 * 256 / 16_000 - 0.01)))
    assert len(mel) == musicnn.PATCH
    features = tagger.network.features(mel[None])
    found = tagger.frames(music(187 * 256 / 16_000 - 0.01), 16_000)
    np.testing.assert_allclose(clip(found), features[0].mean(0), atol=1e-4)
    # a long "same" filter of 128 frames sees 63 before and 64 after
    moved = mel.clone()
    moved[140] += 1.0
    changed = (tagger.network.features(moved[None]) - features).abs()[0, :, 408 : 408 + 51].amax(1) > 1e-6
    assert changed.nonzero()[0] >= 140 - 64 and changed.nonzero()[-1] <= 140 + 63
    assert changed[140 - 64] and not changed[:70].any()


@needs_musicnn
@pytest.mark.real
def test_real_music_gets_the_tags_that_it_should() -> None:
    tagger = MusiCNN("MTT_musicnn")
    genres = DATA / "gtzan" / "genres"
    expected = {
        genres / "classical" / "classical.00000.flac": {"classical", "strings", "violin"},
        genres / "metal" / "metal.00000.flac": {"rock", "guitar"},
        genres / "hiphop" / "hiphop.00000.flac": {"techno", "beat"},
    }
    for path, tags in expected.items():
        found = tagger.tags(path)
        assert len(found) == 50 and tags <= set(sorted(found, key=found.__getitem__)[-5:]), path
    clips = sorted((DATA / "magnatagatune").rglob("joram-moments_of_clarity-08-solipsism-59-88.mp3"))
    if clips:
        found = tagger.tags(clips[0])
        assert sorted(found, key=found.__getitem__)[-3:] == ["synth", "electronic", "techno"]


@needs_musicnn
def test_reading_the_package_imports_neither_it_nor_tensorflow(tagger: MusiCNN) -> None:
    assert tagger.labels[:2] == ["guitar", "classical"] and len(tagger.labels) == 50
    assert not {"musicnn", "tensorflow"} & set(sys.modules)


@needs_musicnn
def test_the_two_taggers_are_two_encoders(tagger: MusiCNN) -> None:
    other = MusiCNN("MSD_musicnn")
    assert other.identity != tagger.identity == MusiCNN("MTT_musicnn").identity
    assert other.labels[:2] == ["rock", "pop"]


@needs_musicnn
def test_short_audio_and_other_models_are_refused(tagger: MusiCNN) -> None:
    with pytest.raises(MotionBeatError, match=r"lasts 0\.300 s; encoder musicnn needs at least 0\.5 s"):
        tagger.frames(music(0.3), 16_000)
    with pytest.raises(MotionBeatError, match=r"encoders\.musicnn accepts MSD_musicnn or MTT_musicnn"):
        MusiCNN("MSD_big")


def test_without_the_package_the_way_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(musicnn, "metadata", SimpleNamespace(**vars(metadata) | {"distribution": absent}))
    with pytest.raises(MotionBeatError, match="pip install --no-deps musicnn"):
        MusiCNN("MTT_musicnn")
