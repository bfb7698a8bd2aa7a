"""The log-mel spectrogram and the onset envelope say what sounded, and when."""

import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from motionbeat.audio.decode import stream
from motionbeat.audio.mel import FRAME_RATE, HOP, SAMPLE_RATE, LogMel, log_mel
from motionbeat.audio.onsets import DELAY_FRAMES, band_flux, normalised, onset_strength
from motionbeat.errors import MotionBeatError


def clicks(times: np.ndarray, seconds: float, decay_s: float = 0.01, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    audio = noise * rng.standard_normal(int(seconds * SAMPLE_RATE))
    click = rng.standard_normal(int(10 * decay_s * SAMPLE_RATE))
    click *= 0.3 * np.exp(-np.arange(len(click)) / (decay_s * SAMPLE_RATE))
    for time in times:
        begin = round(time * SAMPLE_RATE)
        part = click[: len(audio) - begin]
        audio[begin : begin + len(part)] += part
    return audio.astype(np.float32)


def test_there_are_fifty_frames_a_second_whatever_the_length() -> None:
    assert FRAME_RATE == 50.0
    for samples in (3000, HOP * 100, HOP * 100 + 1):
        assert log_mel(np.full(samples, 0.1, np.float32)).shape == (1 + samples // HOP, 128)


def test_it_equals_librosas_own_mel_spectrogram() -> None:
    audio = clicks(np.arange(0.1, 2, 0.3), 2.0, noise=0.01)
    mel = librosa.feature.melspectrogram(
        y=audio, sr=22_050, n_fft=1024, hop_length=441, power=1.0, n_mels=128, fmin=30, fmax=11_000, norm=None
    )
    np.testing.assert_allclose(log_mel(audio), np.log1p(1000 * mel.T / 32), rtol=1e-5, atol=1e-5)


def test_samples_that_come_in_blocks_give_the_same_spectrogram() -> None:
    audio = clicks(np.arange(0.1, 45, 0.3), 45.0, noise=0.01)  # longer than two of the blocks that are transformed
    for size in (7777, 30 * SAMPLE_RATE):
        mel = LogMel(128)
        for begin in range(0, len(audio), size):
            mel.add(audio[begin : begin + size])
        np.testing.assert_array_equal(mel.finished(), log_mel(audio))


def test_a_long_song_is_never_in_memory_as_samples(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=48_000).astype(np.float32) / 10
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 48_000, 1) as file:
        for _ in range(600):
            file.write(noise)
    mel = LogMel(8)
    tracemalloc.start()
    try:
        stream(tmp_path / "long.wav", None, SAMPLE_RATE, mel)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert mel.finished().shape == (600 * 50 + 1, 8)
    assert peak < 3 * mel.count  # less than its samples at 22,050 Hz


def test_a_tone_is_loudest_in_the_band_of_its_pitch() -> None:
    centres = librosa.mel_frequencies(n_mels=130, fmin=30, fmax=11_000)[1:-1]
    for hz in (110.0, 440.0, 1760.0, 7040.0):
        audio = 0.3 * np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
        band = log_mel(audio)[10:-10].mean(axis=0).argmax()
        assert abs(centres[band] - hz) <= np.diff(centres)[min(band, 126)]


def test_every_band_hears_something_of_white_noise() -> None:
    for bands in (1, 40, 128):
        mel = log_mel(0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32), bands=bands)
        assert mel.shape[1] == bands
        assert mel.mean(axis=0).min() > 0.5


def test_audio_at_another_rate_gives_the_same_spectrogram() -> None:
    hz, seconds = 440.0, 2
    at_44, at_22 = (np.sin(2 * np.pi * hz * np.arange(seconds * rate) / rate) for rate in (44_100, 22_050))
    difference = log_mel(at_44 * 0.3, 44_100)[5:-5] - log_mel(at_22 * 0.3)[5:-5]
    assert np.abs(difference).max() < 0.05


@pytest.mark.parametrize("audio", [np.ones((2, 5000)), np.ones(5000, np.int16), np.ones(0)])
def test_what_is_no_mono_float_signal_is_refused(audio: np.ndarray) -> None:
    with pytest.raises(MotionBeatError, match="log_mel: audio of shape"):
        log_mel(audio)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("decay_s", [0.001, 0.01, 0.05])
def test_the_envelope_peaks_within_a_frame_of_each_onset_and_never_before_it(decay_s: float, noise: float) -> None:
    times = 0.5 + np.arange(40) * 0.2537
    envelope = onset_strength(log_mel(clicks(times, 11.0, decay_s, noise)))
    for time in times:
        first = round(time * FRAME_RATE) - 5
        peak = first + envelope[first : first + 11].argmax()
        assert -0.05 <= peak - time * FRAME_RATE <= 1.5
        assert abs(peak - round(time * FRAME_RATE)) <= 1


def test_what_sounds_on_a_beat_is_pooled_into_that_beat() -> None:
    beats = np.arange(0.5, 10, 0.4137)
    envelope = onset_strength(log_mel(clicks(beats, 10.5, noise=1e-3)))
    phase = ((np.arange(len(envelope)) / FRAME_RATE - 0.5) % 0.4137) / 0.4137
    onsets = envelope > 0.2 * envelope.max()
    assert (phase[onsets] < 0.5).mean() > 0.9


def test_a_louder_onset_is_stronger_and_a_fading_sound_has_none() -> None:
    soft, loud = (onset_strength(log_mel(gain * clicks(np.array([1.0]), 2.0))).max() for gain in (0.02, 1.0))
    assert loud > 1.5 * soft > 0
    falling = np.linspace(3, 0, 50)[:, None] * np.ones((1, 8))
    np.testing.assert_array_equal(onset_strength(falling), np.zeros(50))


def test_the_envelope_is_as_long_as_the_spectrogram_even_if_that_is_tiny() -> None:
    for frames in (1, 2, 3, 10):
        strength = onset_strength(np.arange(frames, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32))
        np.testing.assert_array_equal(strength, [0.0, 0.0, *[1.0] * 10][:frames])


def test_normalised_does_not_depend_on_the_scale_and_fills_0_to_1() -> None:
    envelope = np.random.default_rng(0).gamma(1.0, size=1000).astype(np.float32)
    scaled = normalised(envelope)
    assert scaled.min() >= 0
    assert scaled.max() == 1
    assert (scaled == 1).mean() == pytest.approx(0.05, abs=0.002)
    np.testing.assert_allclose(normalised(37 * envelope), scaled, rtol=1e-5)


def test_normalised_silence_is_zero_and_sparse_onsets_stand_out_of_the_noise() -> None:
    np.testing.assert_array_equal(normalised(np.zeros(10)), np.zeros(10))
    assert normalised(np.zeros(0)).shape == (0,)
    envelope = np.full(1000, 1e-3)
    envelope[::100] = 1.0
    scaled = normalised(envelope)
    assert scaled[0] == 1
    assert scaled[1] < 0.02


def test_the_flux_of_the_bands_is_where_energy_rises_and_its_mean_is_the_onset_envelope() -> None:
    mel = np.zeros((10, 3), np.float32)
    mel[4:, 1] = 2.0  # a sound that begins in frame 4 and stays
    mel[7:, 2] = -1.0  # and one that ends
    flux = band_flux(mel)
    assert flux.shape == mel.shape
    assert np.flatnonzero(flux.any(axis=1)).tolist() == [4 + DELAY_FRAMES]
    np.testing.assert_array_equal(flux[4 + DELAY_FRAMES], [0, 2, 0])
    np.testing.assert_array_equal(onset_strength(mel), flux.mean(axis=1))
