"""Song2Embedding and Dance2Embedding: the tokens stage's tokens through the model, and nothing else."""

import sys
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
from attrs import evolve
from one_song import BEATS, FPS, OFFSET, RATE, SECONDS, TIMES, K, dance, encoder, music

from motionbeat.beats import Beats
from motionbeat.inference import MotionBeat
from motionbeat.model.dual_encoder import DualEncoder
from motionbeat.model.encode_windows import encode_windows
from motionbeat.tokens.pooling import GridTokens, pool_frames

pytest_plugins = ("one_song_fixtures",)


def unit(vectors: torch.Tensor) -> np.ndarray:
    mean = vectors.mean(0)
    return (mean / mean.norm()).numpy()


@torch.no_grad()
def by_hand(encode, values, positions, starts, size=K, **more):
    """(n, e) and (n, size, d): the model on the windows that begin at `starts`."""
    rows = np.array(starts)[:, None] + np.arange(size)
    position = torch.as_tensor(positions[rows], dtype=torch.float32)
    result = encode(torch.as_tensor(values[rows]), position, torch.full((len(starts),), 4), **more)
    return result.embedding, result.states


def test_a_song_is_the_mean_of_the_model_on_the_windows_at_every_downbeat_of_the_tokens_stage(corpus, tokens, model):
    found = model.embed_audio(corpus / "audio" / "song.flac", beats=BEATS)
    mel, positions = tokens.audio["mel"], tokens.audio["bar_position"]
    embedding, _ = by_hand(model.model.audio, mel, positions, np.flatnonzero(positions[:16] == 0))
    # 23 beats: two windows one after the other, and the last eight beats
    _, states = by_hand(model.model.audio, mel, positions, [0, 8, 15])
    np.testing.assert_allclose(found.clip, unit(embedding), atol=1e-6)
    np.testing.assert_allclose(found.tokens[:16], states[:2].reshape(16, -1), atol=1e-6)
    np.testing.assert_allclose(found.tokens[16:], states[2, 1:], atol=1e-6)
    np.testing.assert_array_equal(found.times[:-1], TIMES)
    np.testing.assert_allclose(np.diff(found.times), tokens.audio["duration_s"])


def test_a_dance_is_the_model_on_the_motion_tokens_of_the_tokens_stage(tokens, model):
    motion, rows, edges = dance(), tokens.motion, BEATS.edges() - OFFSET
    # The stage takes beats of which the clip covers a part; the library asks for whole ones.
    inside = np.array([edges[beat] >= 0 and edges[beat + 1] <= 7.0 for beat in rows["beat"]])
    beats, features, bar = rows["beat"][inside], rows["features"][inside], rows["bar_position"][inside]
    closed = np.append(beats, beats[-1] + 1)
    joints = np.round(motion.joints.astype(float), 5).astype(np.float32)  # as a corpus is written
    found = model.embed_motion(joints, FPS, edges[closed], closed % 4 + 1, motion.poses)
    count = len(beats)
    assert count == 13 and bar[0] != 0
    embedding, _ = by_hand(model.model.motion, features, bar, np.flatnonzero(bar[: count - K + 1] == 0))
    _, states = by_hand(model.model.motion, features, bar, [0, count - K])
    np.testing.assert_allclose(found.clip, unit(embedding), atol=2e-6)
    np.testing.assert_allclose(found.tokens, np.concatenate([states[0], states[1, 2 * K - count :]]), atol=2e-6)
    assert found.tokens.shape == (count, 32)


def test_a_frame_of_grid_mode_is_the_token_of_a_regular_grid_centred_on_it(model):
    wave = music(9.3)
    grid = model.embed_audio(wave, RATE, mode="grid")
    assert grid.tokens.shape == (465, 32)
    for offset in (13, 24):
        times = np.arange(offset, 465, 25) * 0.02 - 0.25
        beats = Beats(times, np.ones(len(times), int), 1)  # no bars
        found = model.embed_audio(wave, RATE, beats=beats)
        np.testing.assert_allclose(grid.tokens[offset::25], found.tokens, atol=1e-5)
    np.testing.assert_allclose(grid.times[1:-1], (np.arange(1, 465) - 0.5) * 0.02)


def test_a_song_shorter_than_a_window_is_encoded_as_if_the_window_were_as_short(model):
    wave, beats = music(3.0), Beats(TIMES[:5], np.arange(5) % 4 + 1, 4)
    # In float64, since with a mask the sums run over more terms, and float32 rounds them another way.
    exact = MotionBeat(deepcopy(model.model).double())
    found = exact.embed_audio(wave, RATE, beats=beats)
    from motionbeat.audio.decode import as_mono
    from motionbeat.audio.mel import log_mel
    from motionbeat.tokens.signals import mel_tokens

    mel = mel_tokens(log_mel(as_mono(wave, RATE, 22_050), bands=24), beats.edges(), model.layout)
    embedding, states = by_hand(exact.model.audio, mel, beats.positions - 1, [0], size=5)
    np.testing.assert_allclose(found.clip, unit(embedding), atol=1e-6)
    np.testing.assert_allclose(found.tokens, states[0], atol=1e-6)


@pytest.mark.parametrize("seconds", [0.5, 0.58, 3.0, 4.125])
def test_grid_mode_has_a_frame_each_20_ms_of_any_length(model, seconds):
    found = model.embed_audio(music(3.0)[: round(seconds * RATE)] if seconds < 3 else music(seconds), RATE, "grid")
    assert found.tokens.shape == (int(seconds * 50 + 1e-9), 32)
    assert np.isfinite(found.tokens).all() and np.linalg.norm(found.clip) == pytest.approx(1, abs=1e-6)
    assert found.times.shape == (len(found.tokens) + 1,) and (np.diff(found.times) > 0).all()
    assert found.times[0] == 0 and found.times[-1] <= seconds + 1e-9


def test_a_file_and_its_samples_are_the_same_song(corpus, model):
    samples, rate = soundfile.read(corpus / "audio" / "song.flac", dtype="float32")
    of_file = model.embed_audio(str(corpus / "audio" / "song.flac"), beats=BEATS)
    of_array = model.embed_audio(np.stack([samples, samples]), rate, beats=BEATS)
    np.testing.assert_allclose(of_file.clip, of_array.clip, atol=1e-6)
    np.testing.assert_allclose(of_file.tokens, of_array.tokens, atol=1e-5)


def test_without_madmom_librosa_tracks_and_a_warning_says_what_is_lost(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "madmom", None)
    with pytest.warns(UserWarning, match="madmom is not installed: .* bars of 4"):
        found = model.embed_audio(music(SECONDS), RATE)
    assert 60 * len(found.tokens) / (found.times[-1] - found.times[0]) == pytest.approx(120, abs=3)
    assert found.times[0] < 0.25 and found.times[-1] > SECONDS - 0.1


def test_bars_of_a_dance_are_of_four_unless_said_otherwise(model):
    motion = dance()
    dancing = partial(model.embed_motion, motion.joints, FPS)
    two = dancing([0.5, 1.0, 1.5])
    np.testing.assert_array_equal(two.clip, dancing([0.5, 1.0, 1.5], [1, 2, 3], beats_per_bar=4).clip)
    assert not np.allclose(two.clip, dancing([0.5, 1.0, 1.5], beats_per_bar=3).clip, atol=1e-4)
    waltz = np.arange(0.5, 5.0, 0.5)
    np.testing.assert_array_equal(dancing(waltz, np.arange(9) % 3 + 1).clip, dancing(waltz, beats_per_bar=3).clip)


def test_without_poses_rotations_count_as_average(tokens, model):
    motion, times = dance(), np.arange(0.25, 6.5, 0.5)
    without = model.embed_motion(motion.joints, FPS, times)
    average = torch.zeros(model.layout.motion_width)
    average[model.layout.rotation_start :] = 1e3
    moved = encoder(tokens)
    moved.model.motion_mean += average  # what the average rotation is has no part in it
    np.testing.assert_allclose(moved.embed_motion(motion.joints, FPS, times).clip, without.clip, atol=1e-6)
    given = model.embed_motion(motion.joints, FPS, times, poses=motion.poses.reshape(-1, 72))
    assert not np.allclose(given.clip, without.clip, atol=1e-3)


def test_a_model_without_rotations_takes_no_notice_of_poses(tokens):
    plain = DualEncoder(evolve(encoder(tokens).model.config, rotation_start=None, motion_width=152))
    model, motion, times = MotionBeat(plain), dance(), np.arange(0.25, 6.5, 0.5)
    with_poses = model.embed_motion(motion.joints, FPS, times, poses=motion.poses)
    np.testing.assert_array_equal(with_poses.clip, model.embed_motion(motion.joints, FPS, times).clip)


@pytest.mark.parametrize("mode", ["beats", "grid"])
def test_how_many_windows_are_encoded_at_once_and_pooled_at_once_changes_nothing(model, monkeypatch, mode):
    wave, beats = music(SECONDS), {"beats": BEATS} if mode == "beats" else {}
    whole = model.embed_audio(wave, RATE, mode, **beats)
    monkeypatch.setattr("motionbeat.tokens.token_sequence._TOKENS_AT_ONCE", 7)
    parts = model.embed_audio(wave, RATE, mode, batch_size=3, **beats)
    np.testing.assert_allclose(parts.clip, whole.clip, atol=1e-6)
    np.testing.assert_allclose(parts.tokens, whole.tokens, atol=1e-5)


def test_a_slice_of_grid_tokens_is_pooled_like_beats_of_the_same_place(model):
    frames = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    grid = GridTokens(frames, 50.0, 62, 0.5, 4)
    silence = np.zeros((50, 3), np.float32)
    padded = np.concatenate([silence, frames, silence])
    for part in (slice(0, 62), slice(0, 3), slice(20, 45), slice(58, 62)):
        at = np.arange(62)[part] * 0.02 + 1.0
        expected = [pool_frames(padded, 50.0, time + 0.125 * np.arange(-2, 3)).ravel() for time in at]
        np.testing.assert_allclose(grid[part], expected, atol=1e-6)


def test_a_file_is_decoded_once_for_the_spectrogram_and_the_tracker(corpus, model, monkeypatch):
    reads = []
    original = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, *a, **k: reads.append(self) or original(self, *a, **k)
    )
    model.embed_audio(corpus / "audio" / "song.flac", tracker="librosa")
    assert len(reads) == 1


def test_windows_named_by_rows_are_those_gathered_before_and_dropout_comes_back(model):
    generator = np.random.default_rng(0)
    table = generator.random((40, model.model.config.audio_token)).astype(np.float32)
    rows = generator.integers(0, 40, (9, K))
    position = np.tile(np.arange(K) % 4, (9, 1))
    network = model.model.train()
    try:
        named = encode_windows(network, "audio", table, position, 4, rows=rows, batch_size=4)
        gathered = encode_windows(network, "audio", torch.tensor(table[rows]), position, np.full(9, 4))
        assert network.training and not named.states.requires_grad
    finally:
        network.eval()
    for one, other in zip(named, gathered, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_bf16_moves_an_embedding_by_its_rounding_alone(model):
    sound = np.random.default_rng(0).normal(0, 0.1, 4 * 22050).astype(np.float32)
    exact, rounded = (
        MotionBeat(model.model, precision=each).embed_audio(sound, 22050, "grid") for each in ("float32", "bf16")
    )
    assert not np.array_equal(exact.clip, rounded.clip) and rounded.tokens.dtype == np.float32
    assert exact.clip @ rounded.clip > 0.999
