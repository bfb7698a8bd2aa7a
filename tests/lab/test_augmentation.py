"""What a step may change in a batch, and that it stays the same dance to the same music."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.augmentation import Augmentation, Mirror, draw, moved_bands, without_bands
from motionbeat.lab.training.batches import Batches
from motionbeat.motion.feature_blocks import mirrored_features
from motionbeat.tokens.layout import Layout

LAYOUT = Layout(2, 6, 368, 224, 30.0, 0.3, 0.05, 8, flux=True, joint_events=True)
CPU = torch.device("cpu")


def test_a_chance_of_zero_draws_no_random_number() -> None:
    generator = np.random.default_rng(0)
    drawn = draw(Augmentation(), 5, 16, 128, generator)
    assert drawn.mirrored is None and drawn.kept_bands is None and drawn.band_shift is None and drawn.beats == 16
    assert generator.random() == np.random.default_rng(0).random()


def test_chances_are_kept() -> None:
    generator = np.random.default_rng(1)
    draws = [draw(Augmentation(0.3, 0.4, 0.25, 4), 8, 16, 128, generator) for _ in range(1500)]
    mirrored = np.array([drawn.mirrored for drawn in draws])
    silenced = np.array([~drawn.kept_bands for drawn in draws])  # (b, n, c)
    assert abs(mirrored.mean() - 0.3) < 0.02
    assert abs(silenced.any(-1).mean() - 0.4) < 0.02
    assert silenced.sum(-1).max() == 128 // 4
    assert (np.diff(silenced.astype(int), axis=-1) > 0).sum(-1).max() == 1  # one run of bands
    shifts = np.array([drawn.band_shift for drawn in draws])
    np.testing.assert_allclose(np.bincount(shifts.ravel() + 4) / shifts.size, 1 / 9, atol=0.01)
    lengths = np.array([drawn.beats for drawn in draws])
    assert abs((lengths < 16).mean() - 0.25) < 0.05
    assert set(lengths[lengths < 16]) == set(range(8, 16))


def test_mirroring_twice_is_the_dance_itself_and_touches_no_other_window() -> None:
    mirror = Mirror(LAYOUT, CPU)
    features = torch.randn(3, 8, 2 * 368, generator=torch.Generator().manual_seed(0))
    chosen = torch.tensor([True, False, True])
    once = mirror(features, chosen)
    assert torch.equal(once[1], features[1]) and not torch.equal(once[0], features[0])
    assert torch.equal(mirror(once, chosen), features)
    assert mirror(features[:0], chosen[:0]).shape == (0, 8, 2 * 368)  # training without mined negatives
    order, sign = mirrored_features(True, True)
    np.testing.assert_array_equal(once[0, 3, 368:], features[0, 3, 368:].numpy()[order] * sign)


def test_silenced_bands_are_zero_in_the_mel_and_in_its_flux() -> None:
    mel = torch.rand(2, 8, 2 * 2 * 6) + 1
    kept = torch.ones(2, 6, dtype=torch.bool)
    kept[1, 2:4] = False
    parts = without_bands(mel, kept).view(2, 8, 2, 2, 6)
    assert not parts[1, ..., 2:4].any()
    assert torch.equal(parts[0], mel.view(2, 8, 2, 2, 6)[0]) and (parts[1, ..., kept[1]] >= 1).all()


def test_moved_bands_are_those_of_music_in_another_key_for_mel_and_flux_alike() -> None:
    mel = torch.rand(3, 8, 2 * 2 * 6)
    moved = moved_bands(mel, torch.tensor([0, 2, -1]), 6).view(3, 8, 2, 2, 6)
    whole = mel.view(3, 8, 2, 2, 6)
    assert torch.equal(moved[0], whole[0])
    assert torch.equal(moved[1, ..., 2:], whole[1, ..., :4]) and torch.equal(moved[2, ..., :5], whole[2, ..., 1:])
    assert (moved[1, ..., :2] == whole[1, ..., :1]).all() and (moved[2, ..., 5] == whole[2, ..., 5]).all()


@pytest.fixture
def batches(token_folder: Path, tmp_path: Path) -> Batches:
    from test_training_batches import mined

    from motionbeat.lab import params

    settings = params.load(Path(__file__).parents[2] / "params.yaml")
    tokens = Tokens.load(token_folder)
    return Batches(tokens, mined(tokens, settings, tmp_path, [-1, 1]), "train", 8, CPU)


def test_a_masked_batch_has_one_length_for_windows_and_negatives(batches: Batches) -> None:
    lengths = set()
    for batch in batches.epoch(6, 2, 2, np.random.default_rng(0), augmentation=Augmentation(beat_mask=1.0)):
        masks = [part.mask for part in (batch.motion, batch.tempo, batch.jitter)]
        (length,) = {int(row.sum()) for mask in masks for row in mask}
        assert all(bool(mask[:, :length].all()) for mask in masks)
        lengths.add(length)
    assert lengths <= set(range(4, 8)) and len(lengths) > 1
