"""Broken audio is refused by name; good audio is the same signal whatever the container, rate and channels."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from motionbeat.audio.decode import as_mono, decode, load, signal
from motionbeat.audio.growing import Growing
from motionbeat.errors import MotionBeatError

RATE = 44_100


def tone(seconds: float = 2.0, hz: float = 440.0, rate: int = RATE) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(int(seconds * rate))
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate) + 0.01 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same two seconds in every format."""
    path = tmp_path_factory.mktemp("audio")
    for kind in ("wav", "flac", "ogg", "mp3", "au"):
        soundfile.write(path / f"tone.{kind}", tone(), RATE)
    return path


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "au"])
def test_every_format_gives_the_same_signal(folder: Path, kind: str) -> None:
    samples = load(folder / f"tone.{kind}", RATE)
    assert samples.dtype == np.float32
    assert len(samples) == 2 * RATE
    inner = slice(RATE // 2, -RATE // 2)
    assert np.corrcoef(samples[inner], tone()[inner])[0, 1] > 0.995


def written_by_pyav(path: Path, samples: np.ndarray, codec: str, layout: str = "mono", rate: int = RATE) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        interleaved = np.repeat(samples, av.AudioLayout(layout).nb_channels)[None]
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize("kind", ["m4a", "mp4", "mov"])
def test_containers_of_aac_are_read_by_pyav(tmp_path: Path, kind: str) -> None:
    path = written_by_pyav(tmp_path / f"tone.{kind}", tone(), "aac")
    samples = load(path, RATE)
    assert abs(len(samples) - 2 * RATE) < 0.1 * RATE
    lag = np.argmax(np.correlate(samples[: RATE + 4000], tone()[4000:RATE], "valid"))
    assert np.corrcoef(samples[lag : lag + RATE - 4000], tone()[4000:RATE])[0, 1] > 0.99


def test_containers_are_recognised_by_their_bytes_not_by_their_names(tmp_path: Path) -> None:
    written_by_pyav(tmp_path / "tone.m4a", tone(), "aac").rename(tmp_path / "tone.mp3")
    assert abs(len(load(tmp_path / "tone.mp3", RATE)) - 2 * RATE) < 0.1 * RATE
    soundfile.write(tmp_path / "whole.wav", tone(), RATE)
    (tmp_path / "cut.m4a").write_bytes((tmp_path / "whole.wav").read_bytes()[:RATE])
    with pytest.raises(MotionBeatError, match=r"cut\.m4a: its header promises"):
        load(tmp_path / "cut.m4a", RATE)


def test_lengths_that_ffmpeg_guesses_refuse_no_file_and_those_of_matroska_name_a_cut_one(tmp_path: Path) -> None:
    soft_then_loud = np.concatenate([1e-3 * tone(3.0), np.random.default_rng(0).uniform(-0.8, 0.8, 3 * RATE)])
    path = written_by_pyav(tmp_path / "variable.aac", soft_then_loud.astype(np.float32), "aac")
    assert len(load(path, RATE)) / RATE == pytest.approx(6.0, abs=0.05)
    whole = written_by_pyav(tmp_path / "whole.mkv", tone(4.0), "aac")
    assert len(load(whole, RATE)) / RATE == pytest.approx(4.0, abs=0.05)
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(MotionBeatError, match="s that it promises can be decoded"):
        load(tmp_path / "cut.mkv", RATE)


def test_channels_that_nearly_cancel_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "anti.wav", np.stack([tone(), -0.999 * tone()], axis=1), RATE)
    with pytest.raises(MotionBeatError, match="its channels cancel out"):
        load(tmp_path / "anti.wav", RATE)


def test_a_layout_that_changes_on_the_way_and_a_file_without_end_are_refused(tmp_path: Path) -> None:
    parts = [written_by_pyav(tmp_path / f"{kind}.aac", tone(), "aac", kind) for kind in ("mono", "stereo")]
    (tmp_path / "both.aac").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(MotionBeatError, match=r"both\.aac cannot be decoded .*convert it"):
        load(tmp_path / "both.aac", RATE)
    with pytest.raises(MotionBeatError, match=r"mono\.aac holds more than .*cut it"):
        decode(parts[0], most=RATE)
    many = written_by_pyav(tmp_path / "many.mkv", tone(), "pcm_f32le", "hexadecagonal")
    with pytest.raises(MotionBeatError, match=r"many\.mkv has 16 channels, more than 8"):  # PyAV crashes on them
        load(many, RATE)
    soundfile.write(tmp_path / "tone.wav", tone(), RATE)
    with pytest.raises(MotionBeatError, match=r"tone\.wav holds more than .*cut it"):
        decode(tmp_path / "tone.wav", most=RATE)


@pytest.mark.parametrize("rate", [1, 3_999, 768_001])  # at 1 Hz a small file would fill the memory
def test_a_rate_that_no_sound_has_is_refused_by_pyav_too(tmp_path: Path, rate: int) -> None:
    path = written_by_pyav(tmp_path / "odd.mka", tone()[:2000], "pcm_f32le", rate=rate)
    with pytest.raises(MotionBeatError, match=rf"odd\.mka: sample rate = {rate}; give a whole number"):
        load(path, RATE)


def test_a_length_that_is_only_promised_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Growing().expect(10**9)  # 4 GB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10**6  # KiB


def test_opus_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.opus", tone(rate=48_000), 48_000, format="OGG", subtype="OPUS")
    assert len(load(tmp_path / "tone.opus", RATE)) == pytest.approx(2 * RATE, abs=0.05 * RATE)


def test_a_broken_m4a_and_one_without_pyav_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written_by_pyav(tmp_path / "tone.m4a", tone(), "aac").read_bytes()
    (tmp_path / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MotionBeatError, match=r"cut\.m4a cannot be decoded .*copy it again"):
        load(tmp_path / "cut.m4a", RATE)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MotionBeatError, match=r"tone\.m4a: \.m4a files need PyAV: pip install 'motionbeat\[video\]'"):
        load(tmp_path / "tone.m4a", RATE)


def test_what_is_decoded_once_gives_every_rate_that_decoding_again_gives(folder: Path) -> None:
    sound = decode(folder / "tone.ogg")
    assert decode(sound) is sound and sound.rate == RATE and sound.name.endswith("tone.ogg")
    for rate in (RATE, 22_050):
        np.testing.assert_array_equal(sound.at(rate), load(folder / "tone.ogg", rate))


def test_sixteen_bit_samples_come_through_exactly(folder: Path) -> None:
    expected, _ = soundfile.read(folder / "tone.wav", dtype="int16")
    np.testing.assert_array_equal(load(folder / "tone.wav", RATE) * 32768, expected)


def test_resampling_keeps_duration_level_and_pitch() -> None:
    samples = as_mono(tone(hz=1000.0), RATE, 22_050)
    assert len(samples) == RATE
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * 22_050 / len(samples) == pytest.approx(1000.0, abs=0.5)
    assert np.std(samples[1000:-1000]) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "au"])
def test_a_file_cut_short_is_refused_by_name(folder: Path, tmp_path: Path, kind: str) -> None:
    whole = (folder / f"tone.{kind}").read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(MotionBeatError, match=rf"cut\.{kind}.*copy"):
        load(path, RATE)


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3"])
def test_damage_in_the_middle_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    data = bytearray((folder / f"tone.{kind}").read_bytes())
    middle, hole = len(data) // 2, len(data) // 6
    data[middle : middle + hole] = np.random.default_rng(0).integers(0, 256, hole, dtype=np.uint8).tobytes()
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(data)
    with pytest.raises(MotionBeatError, match=rf"damaged\.{kind}.*copy"):
        load(path, RATE)


def test_a_wav_from_a_pipe_that_cannot_know_its_length_is_read(folder: Path, tmp_path: Path) -> None:
    data = bytearray((folder / "tone.wav").read_bytes())
    at = data.find(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "piped.wav").write_bytes(data)
    np.testing.assert_array_equal(load(tmp_path / "piped.wav", RATE), load(folder / "tone.wav", RATE))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nothing.wav", b"", "empty file"),
        ("page.mp3", b"<html>no audio here</html>\n" * 100, "no stream found.*convert"),
        ("page.wav", b"<html>no audio here</html>\n" * 100, "cannot be decoded.*convert"),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MotionBeatError, match=f"{name}.*{says}"):
        load(tmp_path / name, RATE)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionBeatError, match=r"song\.wav does not exist"):
        load(tmp_path / "song.wav", RATE)
    with pytest.raises(MotionBeatError, match="is a folder"):
        load(tmp_path, RATE)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0, np.float32), "no samples"),
        (tone(0.05), "lasts 0.050 s"),
        (np.zeros(RATE, np.float32), "silent"),
        (np.full(RATE, 5e-5, np.float32), "silent"),
        (np.full(RATE, 0.5, np.float32), "silent"),
        (np.where(np.arange(RATE) == RATE // 2, np.nan, tone(1.0)), "NaN.*0.500 s"),
        (np.where(np.arange(RATE) == 0, np.inf, tone(1.0)), "NaN or infinite"),
        (tone(1.0) * 32768, "divide it by its full scale"),
        (np.stack([tone(1.0), -tone(1.0)], axis=1), "channels cancel"),
    ],
)
def test_samples_without_music_are_refused_in_a_file_and_in_an_array(
    tmp_path: Path, samples: np.ndarray, says: str
) -> None:
    soundfile.write(tmp_path / "bad.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(MotionBeatError, match=rf"bad\.wav.*{says}"):
        load(tmp_path / "bad.wav", 22_050)
    with pytest.raises(MotionBeatError, match=f"audio array.*{says}"):
        as_mono(samples, RATE, 22_050)


def test_channels_are_averaged_whichever_side_they_are_on(tmp_path: Path) -> None:
    stereo = np.stack([tone(), 0.5 * tone()], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, RATE, subtype="FLOAT")
    expected = 0.75 * tone()
    np.testing.assert_allclose(load(tmp_path / "stereo.wav", RATE), expected, atol=1e-7)
    np.testing.assert_allclose(as_mono(stereo, RATE, RATE), expected, atol=1e-7)
    np.testing.assert_allclose(as_mono(stereo.T, RATE, RATE), expected, atol=1e-7)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint8, np.float16, np.float64])
def test_an_array_of_any_sample_type_means_the_same_sound(kind: type) -> None:
    if np.issubdtype(kind, np.integer):
        scale = 2.0 ** (8 * np.dtype(kind).itemsize - 1)
        values = np.round(tone().astype(float) * scale + (scale if kind is np.uint8 else 0)).astype(kind)
        step = 1 / scale
    else:
        values, step = tone().astype(kind), 2e-4
    np.testing.assert_allclose(as_mono(values, RATE, RATE), tone(), atol=step)


@pytest.mark.parametrize("values", [np.arange(RATE), np.ones(RATE, bool), np.ones(RATE, complex), ["a"] * RATE])
def test_an_array_whose_full_scale_is_unknown_is_refused(values: np.ndarray) -> None:
    with pytest.raises(MotionBeatError, match="give floats in"):
        as_mono(values, RATE, RATE)


@pytest.mark.parametrize("shape", [(100, 200), (2, 3, 4), ()])
def test_a_shape_without_clear_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionBeatError, match="shape"):
        as_mono(np.ones(shape), RATE, RATE)


@pytest.mark.parametrize("rate", [0, -1, 44_100.5, float("nan"), "44100", True, None])
def test_a_sample_rate_that_is_none_is_refused(rate: object) -> None:
    with pytest.raises(MotionBeatError, match="sample_rate"):
        as_mono(tone(), rate, RATE)  # type: ignore[arg-type]


def test_overshoot_is_clipped_to_full_scale() -> None:
    samples = as_mono(tone() * 4, RATE, 22_050)
    assert samples.max() == 1.0
    assert samples.min() == -1.0


def test_an_array_needs_a_rate_and_a_file_must_not_have_one(folder: Path) -> None:
    np.testing.assert_array_equal(signal(folder / "tone.wav", None, RATE), load(folder / "tone.wav", RATE))
    np.testing.assert_array_equal(signal(tone(), RATE, RATE), tone())
    with pytest.raises(MotionBeatError, match="sample_rate="):
        signal(tone(), None, RATE)
    with pytest.raises(MotionBeatError, match="leave sample_rate=22050 out"):
        signal(folder / "tone.wav", 22_050, RATE)
