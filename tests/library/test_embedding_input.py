"""What embed_audio, embed_motion and embed_folder take: arrays, files, lists and folders; the rest is refused."""

import numpy as np
import pytest
import soundfile
import torch
from one_song import BEATS, FPS, RATE, SECONDS, TIMES, dance, music

import motionbeat
from motionbeat.beats import Beats
from motionbeat.errors import MotionBeatError

pytest_plugins = ("one_song_fixtures",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"joints": np.zeros((100, 22, 3))}, r"joints have shape \(100, 22, 3\): give \(frames, 24, 3\)"),
        ({"joints": np.zeros((1, 24, 3))}, r"2 frames or more"),
        ({"joints": np.full((100, 24, 3), np.nan)}, "joints contain NaN or infinity in frame 0"),
        ({"joints": [[1], [2, 3]]}, "joints are not an array of numbers"),
        ({"fps": 0}, "fps = 0; give the frame rate"),
        ({"fps": float("nan")}, "fps = nan"),
        ({"fps": "30"}, "fps = '30'"),
        ({"beat_times": [0.5]}, "1 given; a grid needs at least 2"),
        ({"beat_times": [0.5, np.nan, 1.5]}, "times contain NaN"),
        ({"beat_times": [-0.5, 0.5]}, "a time before 0"),
        ({"beat_times": [0.5, 1.5, 1.0]}, "times do not increase at beat 2"),
        (
            {"beat_times": [30.0, 30.5]},
            r"run from 30\.00 to 30\.50 s, but the dance lasts 2\.00 s: count them from its",
        ),
        ({"beat_positions": [1, 2]}, r"times \(3,\) and positions \(2,\)"),
        ({"beat_positions": [0, 1, 2]}, "position 0; give positions from 1"),
        ({"beat_positions": [1.5, 2.5, 3.5]}, "give whole numbers"),
        ({"beat_positions": [1, 2, 5], "beats_per_bar": 4}, "positions 1 to 5 in bars of 4"),
        ({"beats_per_bar": 0}, "beats_per_bar = 0; give a whole number from 1"),
        ({"beats_per_bar": 9}, "the model supports 1 to 7"),
        ({"poses": np.zeros((99, 24, 3))}, "poses have 99 frames, the joints 100"),
        ({"poses": np.zeros((100, 23, 3))}, r"poses have shape \(100, 23, 3\)"),
        ({"poses": np.full((100, 72), np.inf)}, "poses contain NaN or infinity in frame 0"),
    ],
)
def test_a_dance_that_cannot_be_used_is_refused_by_what_is_wrong(model, wrong, says):
    right = {"joints": np.zeros((100, 24, 3)), "fps": 50, "beat_times": [0.5, 1.0, 1.5]}
    with pytest.raises(MotionBeatError, match=says):
        model.embed_motion(**right | wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"audio": {"song": 1}}, "a song is a dict; give a path, or an array with sample_rate= in Hz"),
        ({"mode": "frames"}, "mode = 'frames'; give beats or grid"),
        ({"sample_rate": None}, "without its rate; give sample_rate="),
        ({"audio": "song.wav"}, "a file has a sample rate of its own"),
        ({"audio": "gone.wav", "sample_rate": None}, "gone.wav does not exist"),
        ({"beats": BEATS}, r"the last beat is at 11\.\d+ s, but the audio lasts 3\.00 s"),
        ({"beats": TIMES}, "beats is a ndarray in mode beats; give motionbeat.beats.Beats"),
        ({"mode": "grid", "beats": BEATS}, "none in mode grid"),
        ({"beats": Beats([0.1, 0.6], [8, 9], 9)}, "the model supports 1 to 7"),
        ({"audio": music(3.0)[: RATE // 4], "mode": "grid"}, r"lasts 0\.25 s: grid mode needs at least 0\.5 s"),
        ({"audio": np.zeros(RATE)}, "is silent"),
        ({"audio": np.eye(1, RATE, 20_000)[0]}, "finds (no|1) beat.*; or embed it in mode grid, which needs no beats"),
    ],
)
def test_a_song_that_cannot_be_used_is_refused_by_what_is_wrong(model, wrong, says):
    right = {"audio": music(3.0), "sample_rate": RATE}
    with pytest.raises(MotionBeatError, match=says):
        model.embed_audio(**right | wrong)


def test_a_torch_tensor_is_the_song_or_the_dance_that_its_array_is(model):
    wave, motion, times = music(SECONDS), dance(), np.arange(0.25, 6.5, 0.5)
    tensor = torch.tensor(wave, requires_grad=True)
    expected = model.embed_audio(wave, RATE, beats=BEATS)
    np.testing.assert_array_equal(model.embed_audio(tensor, RATE, beats=BEATS).clip, expected.clip)
    of_tensors = model.embed_motion(torch.tensor(motion.joints), FPS, torch.tensor(times))
    np.testing.assert_array_equal(of_tensors.clip, model.embed_motion(motion.joints, FPS, times).clip)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_list_and_a_folder_of_songs_give_what_each_gives_alone(model, tmp_path, monkeypatch, processes):
    monkeypatch.setenv("MOTIONBEAT_WORKERS", processes)
    (tmp_path / "more").mkdir()
    songs = [tmp_path / "b.wav", tmp_path / "more" / "a.flac"]
    for song, seconds in zip(songs, (7.0, 8.0), strict=True):
        soundfile.write(song, music(seconds), RATE)
    (tmp_path / "cover.jpg").write_bytes(b"no song")
    alone = [model.embed_audio(song, tracker="librosa") for song in songs]
    of_folder = model.embed_folder(tmp_path, tracker="librosa")
    assert list(of_folder) == songs
    for found in (model.embed_audio(songs, tracker="librosa"), list(of_folder.values())):
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_allclose(one.clip, other.clip, atol=1e-6)
            np.testing.assert_allclose(one.times, other.times, atol=1e-9)


def test_a_list_of_arrays_is_several_songs_and_a_list_of_numbers_is_one(model):
    waves = [music(SECONDS), music(SECONDS)[: 6 * RATE]]
    found = model.embed_audio(waves, RATE, mode="grid")
    assert [len(each.tokens) for each in found] == [600, 300]
    assert len(model.embed_audio(waves[1].tolist(), RATE, mode="grid").tokens) == 300
    assert model.embed_audio([]) == []


def test_the_first_song_of_a_list_that_cannot_be_used_is_named_and_embed_each_goes_on(model):
    songs = [music(3.0), None, music(3.0)]
    with pytest.raises(MotionBeatError, match="song 2 of 3: a song is a NoneType; give a path, or an array"):
        model.embed_audio(songs, RATE, mode="grid")
    found = list(model.embed_each(songs, RATE, mode="grid"))
    assert isinstance(found[1], MotionBeatError)
    np.testing.assert_array_equal(found[0].clip, found[2].clip)
    with pytest.raises(MotionBeatError, match="beats for 3 songs: give a list of as many"):
        list(model.embed_each(songs, RATE, beats=[BEATS]))


def test_a_folder_is_refused_where_a_song_is_asked_for_and_where_it_holds_none(model, tmp_path):
    with pytest.raises(MotionBeatError, match="is a folder; give one audio file in it, or call embed_folder"):
        model.embed_audio(tmp_path)
    with pytest.raises(MotionBeatError, match="has no song; give a folder of wav, flac"):
        model.embed_folder(tmp_path)
    with pytest.raises(MotionBeatError, match="is not a folder"):
        model.embed_folder(tmp_path / "gone")


def test_a_device_or_a_batch_size_that_is_none_is_refused(model, tmp_path):
    model.model.save(tmp_path)
    for device in ("gpu", "cuda:99"):
        with pytest.raises(
            MotionBeatError, match=f"device = '{device}' cannot be used: use cpu, cuda, cuda:1 or mps"
        ) as refused:
            motionbeat.load(tmp_path, device=device)
        assert len(str(refused.value)) < 200
    assert motionbeat.load(tmp_path, device="cpu").device == torch.device("cpu")
    with pytest.raises(MotionBeatError, match="precision = 'half': give float32, bf16 or auto"):
        motionbeat.load(tmp_path, precision="half")
    with pytest.raises(MotionBeatError, match="batch_size = 0; give a whole number from 1"):
        model.embed_audio(music(SECONDS), RATE, beats=BEATS, batch_size=0)
