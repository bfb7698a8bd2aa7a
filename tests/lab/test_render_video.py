"""Claims about videos of dances: what browsers play, sound in time with the pictures, whole files or none."""

import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_dance import BEATS, POSITIONS, RATE, clicks, dance, drawn
from films import FPS, SIZE, av, film, heard, near, seen

from motionbeat.errors import MotionBeatError
from motionbeat.lab.render.canvas import rgb
from motionbeat.lab.render.scene import BEAT, DOWNBEAT, GROUND, STRIP, Scene
from motionbeat.lab.render.stick_figure import LEFT
from motionbeat.motion.skeleton import INDEX


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "dance.mp4"
    film(path)
    return path


def test_the_file_is_what_browsers_play(video):
    data = video.read_bytes()
    assert data[4:8] == b"ftyp" and data.index(b"moov") < data.index(b"mdat")
    with av.open(str(video)) as container:
        (picture,), (sound,) = container.streams.video, container.streams.audio
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (picture.pix_fmt, picture.width, picture.height) == ("yuv420p", SIZE, SIZE)
        assert picture.average_rate == FPS and picture.frames == 50
        assert float(picture.duration * picture.time_base) == pytest.approx(2.0, abs=1e-3)
        assert float(sound.duration * sound.time_base) == pytest.approx(2.0, abs=1024 / RATE)
        assert picture.start_time == 0 and picture.codec_context.colorspace == 1  # BT.709
    assert len(seen(video)) == 50


def test_colours_survive_the_encoding(video):
    corner = seen(video)[0, 40:44, 10:14].reshape(-1, 3)  # no beat yet, above the floor
    assert np.abs(corner - np.array(GROUND)).max() <= 3


def test_each_click_of_the_sound_and_its_flash_fall_within_a_frame(video):
    samples, times = heard(video)
    ring = seen(video)[:, 60, 0]  # the left edge, beside the dancer
    lit = np.abs(ring - np.array(GROUND)).max(axis=-1)
    flashes = (np.flatnonzero((lit[1:] > 60) & (lit[:-1] < 60)) + 1) / FPS
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    begins = times[loud[np.diff(loud, prepend=-RATE) > RATE // 5]]
    np.testing.assert_allclose(begins, BEATS, atol=0.003)
    assert len(flashes) == len(BEATS) and np.abs(flashes - begins).max() <= 0.5 / FPS + 0.003
    colours = ring[np.round(flashes * FPS).astype(int)]
    for colour, position in zip(colours, POSITIONS, strict=True):
        own, other = (DOWNBEAT, BEAT) if position == 0 else (BEAT, DOWNBEAT)
        assert np.abs(colour - np.array(own)).sum() < np.abs(colour - np.array(other)).sum()


def test_the_hand_in_the_picture_moves_as_the_joint_does(tmp_path):
    film(tmp_path / "dance.mp4", beat_times=np.empty(0), bar_positions=np.empty(0, int))
    orange = near(seen(tmp_path / "dance.mp4")[:, : round(STRIP * SIZE)], rgb(LEFT), 60)
    highest = np.array([np.flatnonzero(picture.any(axis=1)).min() for picture in orange])
    joints = dance()[np.round(np.arange(50) * 60 / FPS).astype(int)]
    hand, shoulder = joints[:, INDEX["lhand"], 1], joints[:, INDEX["lshoulder"], 1]
    above = hand > shoulder + 0.1
    assert np.ptp(highest[above]) > 10 and np.corrcoef(highest[above], hand[above])[0, 1] < -0.98
    assert highest[above].max() <= highest[~above].min()


def test_sound_that_ends_early_is_followed_by_silence_and_sound_that_goes_on_is_cut(tmp_path):
    tone = 0.5 * np.sin(0.1 * np.arange(5 * RATE)).astype(np.float32)
    for seconds in (0.5, 5.0):
        film(tmp_path / "a.mp4", audio=tone[: round(seconds * RATE)])
        samples, times = heard(tmp_path / "a.mp4")
        assert 2.0 <= times[-1] + 1 / RATE <= 2.0 + 1024 / RATE
        assert np.abs(samples[(times > 0.1) & (times < 0.4)]).max() > 0.4
        late = np.abs(samples[(times > 0.6) & (times < 1.9)]).max()
        assert late < 0.01 if seconds == 0.5 else late > 0.4


def test_sound_at_another_rate_stays_in_time(tmp_path):
    film(tmp_path / "a.mp4", audio=np.repeat(clicks(BEATS)[::2], 1), sample_rate=RATE // 2)
    samples, times = heard(tmp_path / "a.mp4")
    assert times[np.flatnonzero(np.abs(samples) > 0.2)[0]] == pytest.approx(BEATS[0], abs=0.003)


def test_a_part_is_the_same_pictures_and_sound_from_later_on(tmp_path, video):
    assert film(tmp_path / "part.mp4", start_s=0.6, seconds=1.0) == 25
    whole, part = seen(video), seen(tmp_path / "part.mp4")
    assert part.shape == (25, SIZE, SIZE, 3) and np.abs(part - whole[15:40]).mean() < 1.5
    samples, times = heard(tmp_path / "part.mp4")
    assert times[np.flatnonzero(np.abs(samples) > 0.2)[0]] == pytest.approx(BEATS[1] - 0.6, abs=0.003)
    with pytest.raises(MotionBeatError, match=r"from 3 s to the end: no picture of the dance, which lasts 2\.00 s"):
        film(tmp_path / "none.mp4", start_s=3.0)


def test_the_same_dance_is_drawn_the_same_and_encoded_as_good_as_the_same(tmp_path, video):
    scenes = [Scene(drawn(), SIZE) for _ in range(2)]
    for frame in (0, 13, 119):
        np.testing.assert_array_equal(scenes[0].picture(frame), scenes[1].picture(frame))
    film(tmp_path / "again.mp4")
    assert np.abs(seen(tmp_path / "again.mp4") - seen(video)).mean() < 0.5


def test_a_video_is_whole_or_absent(tmp_path, monkeypatch):
    (tmp_path / "dance.mp4").write_bytes(b"older")
    picture = Scene.picture

    def fails(scene: Scene, frame: int) -> np.ndarray:
        if frame == 10:
            raise RuntimeError("cut")
        return picture(scene, frame)

    monkeypatch.setattr(Scene, "picture", fails)
    with pytest.raises(RuntimeError, match="cut"):
        film(tmp_path / "dance.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["dance.mp4"]
    assert (tmp_path / "dance.mp4").read_bytes() == b"older"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": 161}, "size = 161: give an even number"),
        ({"picture_fps": 0}, "fps = 0: give a whole number of pictures per second"),
        ({"fps": 0.0}, "the motion's fps = 0"),
        ({"contacts": np.zeros((3, 4), bool)}, "one column per foot joint"),
        ({"bar_positions": np.zeros(3, int)}, "one time .s., increasing"),
        ({"audio": np.full(100, np.nan)}, "finite mono floats"),
        ({"joints": np.full((120, 24, 3), np.nan)}, "at least 2 finite frames"),
        ({"seconds": 0.0}, "no picture of the dance"),
        ({"sheet": Path("sheet.jpg")}, "a name that ends in .png"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(tmp_path, changes, says):
    with pytest.raises(MotionBeatError, match=says):
        film(tmp_path / "a.mp4", **changes)
    assert not list(tmp_path.iterdir())
    with pytest.raises(MotionBeatError, match=r"a name that ends in \.mp4"):
        film(tmp_path / "a.avi")


def test_without_pyav_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MotionBeatError, match=r"pip install 'motionbeat\[pipeline,video\]'"):
        film(tmp_path / "a.mp4")


def test_a_contact_sheet_shows_the_first_and_the_last_picture(tmp_path):
    from PIL import Image

    film(tmp_path / "a.mp4", sheet=tmp_path / "a.png")
    sheet = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    half = SIZE // 2
    assert sheet.shape == (3 * half, 4 * half, 3)
    pictures = seen(tmp_path / "a.mp4")
    for picture, part in ((pictures[0], sheet[:half, :half]), (pictures[-1], sheet[-half:, -half:])):
        small = picture.reshape(half, 2, half, 2, 3).mean(axis=(1, 3))
        assert np.abs(small - part).mean() < 3
