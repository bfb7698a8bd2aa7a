"""Files whose header lies about their length: what is there is read, what is missing is named."""

import io
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from motionbeat.audio import file_bytes, stream_length
from motionbeat.audio.decode import load
from motionbeat.audio.file_bytes import FileBytes
from motionbeat.audio.mended_file import MendedFile
from motionbeat.errors import MotionBeatError

RATE = 44_100
FAULTS = Path(__file__).parents[3] / "shared" / "data" / "faults"


def clicks(seconds: float, rate: int = RATE) -> np.ndarray:
    """A click each half second, of another height each, over a soft tone."""
    time = np.arange(round(seconds * rate)) / rate
    signal = 0.02 * np.sin(2 * np.pi * 330 * time)
    for number, at in enumerate(np.arange(0.25, seconds, 0.5)):
        begin = round(at * rate)
        signal[begin : begin + 200] += (0.4 + 0.02 * (number % 20)) * np.hanning(200)
    return signal


def encoded(kind: str, signal: np.ndarray, rate: int = RATE, **options) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, signal, rate, format=kind, **options)
    return buffer.getvalue()


def without_header(mp3: bytes) -> bytes:
    """The frames of an MP3 without the Xing, Info or LAME frame before them."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    return mp3[mp3.find(b"\xff\xfb", at) :]


def frame_starts(mp3: bytes, rate: int = RATE) -> list[int]:
    """Where the MPEG-1 Layer III frames of a stream begin, by the lengths in their headers."""
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    at, found = mp3.find(b"\xff\xfb"), []
    while at + 4 <= len(mp3):
        found.append(at)
        at += 144 * 1000 * kbps[mp3[at + 2] >> 4] // rate + (mp3[at + 2] >> 1 & 1)
    return found


def vbri(frames: int) -> bytes:
    """A frame of silence that holds Fraunhofer's header."""
    frame = b"\xff\xfb\x90\xc0".ljust(36, b"\0") + b"VBRI" + bytes([0, 1, 0, 0, 0, 0]) + bytes(4)
    return (frame + frames.to_bytes(4, "big")).ljust(417, b"\0")


COVER = b"ID3\x03\0\0" + bytes([0, 6, 0x20, 0]) + np.random.default_rng(1).bytes(6 << 14 | 0x20 << 7)
VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.5}


@pytest.fixture(scope="module")
def loud_then_soft() -> np.ndarray:
    """White noise, then near silence: a variable bit rate that begins high."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE)
    return np.concatenate([noise, clicks(6.0)])


def header_forms(mp3: bytes) -> dict[str, bytes]:
    bare = without_header(mp3)
    return {
        "bare": bare,
        "cover": COVER + bare,
        "vbri": vbri(len(frame_starts(bare))) + bare,
        "wrong_vbri": vbri(len(frame_starts(bare)) // 2) + bare,
        "tags_behind": bare + b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
        + b"TAG" + bytes(125),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["bare", "cover", "vbri", "wrong_vbri", "tags_behind"])
def test_an_mp3_is_read_to_its_end_whatever_header_it_has(
    tmp_path: Path, loud_then_soft: np.ndarray, form: str
) -> None:
    mp3 = encoded("MP3", loud_then_soft, **VARIABLE)
    path = tmp_path / f"{form}.mp3"
    path.write_bytes(header_forms(mp3)[form])
    found = load(path, RATE)
    assert len(found) / RATE == pytest.approx(8.0, abs=0.1)
    last = np.abs(found[-RATE // 2 :]).max()
    assert last > 0.2  # the last click is there


def test_joined_mp3s_are_read_through_one_after_the_other(tmp_path: Path) -> None:
    first, second = encoded("MP3", clicks(3.0)), encoded("MP3", clicks(5.0))
    (tmp_path / "joined.mp3").write_bytes(first + COVER + second + b"TAG" + bytes(125))
    found = load(tmp_path / "joined.mp3", RATE)
    for name, data in (("first.mp3", first), ("second.mp3", second)):
        (tmp_path / name).write_bytes(data)
    apart = [load(tmp_path / name, RATE) for name in ("first.mp3", "second.mp3")]
    np.testing.assert_array_equal(found, np.concatenate(apart))


def test_joined_mp3s_of_two_rates_are_refused_with_the_rates(tmp_path: Path) -> None:
    two = encoded("MP3", clicks(2.0)) + encoded("MP3", clicks(2.0, 48_000), 48_000)
    (tmp_path / "joined.mp3").write_bytes(two)
    with pytest.raises(MotionBeatError, match=r"joined\.mp3 has parts of 44100 and 48000 Hz"):
        load(tmp_path / "joined.mp3", RATE)


@pytest.mark.parametrize("header", ["own", "none"])
def test_an_mp3_that_is_cut_is_named_with_and_without_a_header(tmp_path: Path, header: str) -> None:
    mp3 = encoded("MP3", clicks(6.0))
    whole = mp3 if header == "own" else without_header(mp3)
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2 + 5])
    with pytest.raises(MotionBeatError, match=r"cut\.mp3: .*truncated or damaged"):
        load(tmp_path / "cut.mp3", RATE)


def test_bytes_lost_inside_an_mp3_without_a_header_are_named(tmp_path: Path) -> None:
    bare = without_header(encoded("MP3", clicks(6.0)))
    middle = len(bare) // 2
    hole = np.random.default_rng(2).integers(0, 200, 4000, dtype=np.uint8).tobytes()
    (tmp_path / "hole.mp3").write_bytes(bare[:middle] + hole + bare[middle + 4000 :])
    with pytest.raises(MotionBeatError, match=r"hole\.mp3: .*not MPEG frames"):
        load(tmp_path / "hole.mp3", RATE)


def test_a_sound_mp3_gives_the_samples_that_libsndfile_gives(tmp_path: Path) -> None:
    (tmp_path / "sound.mp3").write_bytes(encoded("MP3", clicks(4.0)))
    expected, _ = soundfile.read(tmp_path / "sound.mp3", dtype="float32")
    np.testing.assert_array_equal(load(tmp_path / "sound.mp3", RATE), expected)


def patched(data: bytes, at: int, value: int, order: str, size: int = 4) -> bytes:
    return data[:at] + value.to_bytes(size, order) + data[at + size :]


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF - 44, 0x7FFFF000])
@pytest.mark.parametrize("kind", ["WAV", "AIFF"])
def test_a_file_from_a_pipe_is_read_to_its_end(tmp_path: Path, kind: str, said: int) -> None:
    signal = clicks(3.0)
    data = encoded(kind, signal, subtype="PCM_16")
    (tmp_path / "whole").write_bytes(data)
    order = "little" if kind == "WAV" else "big"
    piped = patched(data, data.find(b"data" if kind == "WAV" else b"SSND") + 4, said, order)
    piped = patched(piped, 4, said, order)
    if kind == "AIFF":
        piped = patched(piped, piped.find(b"COMM") + 10, 0 if said == 0 else 0xFFFFFFFF, order)
    (tmp_path / "piped").write_bytes(piped)
    np.testing.assert_array_equal(load(tmp_path / "piped", RATE), load(tmp_path / "whole", RATE))


def test_an_empty_wav_is_still_said_to_hold_no_samples(tmp_path: Path) -> None:
    (tmp_path / "none.wav").write_bytes(encoded("WAV", np.zeros(0)))
    with pytest.raises(MotionBeatError, match=r"none\.wav holds no samples"):
        load(tmp_path / "none.wav", RATE)


def test_a_wav_whose_header_forgets_half_of_the_sound_is_refused(tmp_path: Path) -> None:
    data = encoded("WAV", np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE), subtype="PCM_16")
    (tmp_path / "half.wav").write_bytes(patched(data, data.find(b"data") + 4, 4 * RATE, "little"))
    with pytest.raises(MotionBeatError, match=r"half\.wav: its header gives 176400 bytes of audio, but 176400 more"):
        load(tmp_path / "half.wav", RATE)


@pytest.mark.parametrize("said", [0, 2 * RATE])
def test_a_flac_that_counts_none_or_too_few_of_its_samples_is_read_to_its_end(tmp_path: Path, said: int) -> None:
    data = encoded("FLAC", clicks(5.0))
    (tmp_path / "whole.flac").write_bytes(data)
    head = (data[21] & 0xF0) << 32 | said
    (tmp_path / "wrong.flac").write_bytes(data[:21] + head.to_bytes(5, "big") + data[26:])
    np.testing.assert_array_equal(load(tmp_path / "wrong.flac", RATE), load(tmp_path / "whole.flac", RATE))


def test_joined_ogg_files_are_read_through(tmp_path: Path) -> None:
    first, second = encoded("OGG", clicks(3.0)), encoded("OGG", clicks(5.0))
    (tmp_path / "joined.ogg").write_bytes(first + second)
    assert len(load(tmp_path / "joined.ogg", RATE)) == 8 * RATE


@pytest.mark.parametrize("said", ["unknown", "half", "double"])
@pytest.mark.parametrize("kind", ["RF64", "AU", "CAF", "RIFX"])
def test_sizes_in_the_headers_of_other_plain_formats_are_checked_too(tmp_path: Path, kind: str, said: str) -> None:
    big = {"endian": "BIG", "format": "WAV"} if kind == "RIFX" else {}
    whole = encoded(big.pop("format", kind), clicks(3.0), subtype="PCM_16", **big)
    at, size, order = {
        "RF64": (whole.find(b"ds64") + 16, 8, "little"),
        "AU": (8, 4, "big"),
        "CAF": (whole.find(b"data") + 4, 8, "big"),
        "RIFX": (whole.find(b"data") + 4, 4, "big"),
    }[kind]
    right = int.from_bytes(whole[at : at + size], order)
    value = {"unknown": (1 << 8 * size) - 1, "half": right // 2, "double": 2 * right}[said]
    (tmp_path / "wrong").write_bytes(patched(whole, at, value, order, size))
    if said == "unknown":
        assert len(load(tmp_path / "wrong", RATE)) == 3 * RATE
    else:
        with pytest.raises(MotionBeatError, match=r"its header (gives|promises)"):
            load(tmp_path / "wrong", RATE)


@pytest.mark.parametrize(("kind", "subtype"), [("RF64", "PCM_16"), ("W64", "PCM_16"), ("OGG", "OPUS")])
def test_a_file_that_lacks_its_second_half_is_named(tmp_path: Path, kind: str, subtype: str) -> None:
    whole = encoded(kind, clicks(6.0, 48_000), 48_000, subtype=subtype)
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MotionBeatError, match="truncated or damaged"):
        load(tmp_path / "cut", RATE)


def test_a_broadcast_wave_of_64_bits_is_read(tmp_path: Path) -> None:
    (tmp_path / "bw64.wav").write_bytes(b"BW64" + encoded("RF64", clicks(3.0))[4:])
    assert len(load(tmp_path / "bw64.wav", RATE)) == 3 * RATE


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_second_recording_behind_the_first_is_named(tmp_path: Path, kind: str) -> None:
    data = encoded(kind, clicks(1.0))
    (tmp_path / "two").write_bytes(data + data)
    with pytest.raises(MotionBeatError, match=f"two: {len(data)} bytes of a second recording"):
        load(tmp_path / "two", RATE)


def test_an_mp3_in_a_wav_is_read_to_its_end(tmp_path: Path) -> None:
    sound = without_header(encoded("MP3", clicks(4.0), **VARIABLE))
    form = struct.pack("<HHIIHHH", 0x55, 1, RATE, 16_000, 1, 0, 12) + struct.pack("<HIHHH", 1, 2, 417, 1, 1393)
    chunks = b"WAVEfmt " + len(form).to_bytes(4, "little") + form + b"data" + len(sound).to_bytes(4, "little") + sound
    (tmp_path / "mp3.wav").write_bytes(b"RIFF" + len(chunks).to_bytes(4, "little") + chunks)
    assert len(load(tmp_path / "mp3.wav", RATE)) / RATE == pytest.approx(4.0, abs=0.06)


def test_tags_of_other_programs_in_flac_and_ogg_do_not_matter(tmp_path: Path) -> None:
    flac, ogg = encoded("FLAC", clicks(4.0)), encoded("OGG", clicks(4.0))
    unknown = patched(flac, 21, (flac[21] & 0xF0) << 32, "big", 5)
    tail = b"TAG" + bytes(125)
    for name, data in (("a", COVER + flac), ("b", COVER + unknown), ("c", flac + tail), ("d", COVER + unknown + tail)):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(load(tmp_path / name, RATE), load(tmp_path / "a", RATE))
    (tmp_path / "e").write_bytes(COVER + ogg + COVER + ogg)
    assert len(load(tmp_path / "e", RATE)) == 8 * RATE


def test_joined_mp3s_of_one_and_two_channels_without_headers_are_read_through(tmp_path: Path) -> None:
    mono, stereo = clicks(3.0), np.stack([clicks(5.0)] * 2, axis=1)
    tags = b"x" * 300 + b"APETAGEX" + bytes(24)
    parts = [without_header(encoded("MP3", sound)) for sound in (mono, stereo, mono)]
    (tmp_path / "joined.mp3").write_bytes(tags.join(parts))
    assert len(load(tmp_path / "joined.mp3", RATE)) / RATE == pytest.approx(11.0, abs=0.2)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "seconds"),
    [("vbr_no_header_long_first.mp3", 8.0), ("two_files_joined.mp3", 16.1), ("abr_no_header.mp3", 8.0)],
)
def test_the_real_faulty_mp3s_have_their_true_lengths(name: str, seconds: float) -> None:
    assert len(load(FAULTS / name, RATE)) / RATE == pytest.approx(seconds, abs=0.12)


@pytest.mark.parametrize("kind", ["WAV", "AIFF"])
def test_a_file_of_uncompressed_sound_is_not_in_memory_while_its_header_is_mended(kind: str, tmp_path: Path) -> None:
    path, content = tmp_path / "long", bytearray(encoded(kind, np.zeros(2_000_000)))
    at = content.find({"WAV": b"data", "AIFF": b"SSND"}[kind])
    content[at + 4 : at + 8] = b"\xff" * 4
    path.write_bytes(content)
    tracemalloc.start()
    try:
        (parts,) = stream_length.streams(path, kind) or []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    with MendedFile(path, parts) as mended:
        content[at + 4 : at + 8] = mended.read()[at + 4 : at + 8]
        mended.seek(0)
        assert mended.read() == content


@given(st.data())
def test_a_mended_file_reads_as_its_parts_in_a_row(data: st.DataObject) -> None:
    content = bytes(range(100))
    ends = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda ends: range(*sorted(ends)))
    parts = data.draw(st.lists(ends | st.binary(max_size=9)))
    expected = io.BytesIO(b"".join(content[p.start : p.stop] if isinstance(p, range) else p for p in parts))
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with MendedFile(Path(file.name), parts) as mended:
            for place, count in data.draw(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 60)))):
                assert mended.seek(place) == expected.seek(place)
                assert mended.read(count) == expected.read(count)


@given(st.data())
def test_the_bytes_of_a_file_are_sliced_and_searched_as_bytes_are(data: st.DataObject) -> None:
    content, places = data.draw(st.binary(min_size=1, max_size=40)), st.integers(-50, 50)
    begin, end = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(content))])))
    with pytest.MonkeyPatch.context() as patch, io.BytesIO(content) as file:
        for name in ("_AT_FIRST", "_AT_ONCE"):
            patch.setattr(file_bytes, name, data.draw(st.integers(1, 9)))
        part, expected = FileBytes(file).part(begin, end), content[begin:end]
        ends = data.draw(st.tuples(places | st.none(), places | st.none()))
        assert part[slice(*ends)] == expected[slice(*ends)]
        for place in range(-len(expected), len(expected)):
            assert part[place] == expected[place]
        sought = data.draw(st.sampled_from([content[at : at + 3] for at in range(len(content))]))
        start = data.draw(st.integers(0, 50))
        assert part.find(sought, start) == expected.find(sought, start)
