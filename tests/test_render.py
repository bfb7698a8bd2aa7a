"""Claims about videos of dances: picture, sound, what is marked, and the `render` command."""

import json
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from motionbeat import cli, params, tables
from motionbeat.corpora.manifest import Clip, Corpus, Motion, Song, write_corpus
from motionbeat.errors import MotionBeatError
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import FEET, INDEX
from motionbeat.report import clips
from motionbeat.report.camera import follow
from motionbeat.report.canvas import rgb
from motionbeat.report.scene import BEAT, DOWNBEAT, GROUND, HEADER, STRIP, Scene, flash
from motionbeat.report.stick_figure import LEFT, RIGHT
from motionbeat.report.video import render

av = pytest.importorskip("av", reason="PyAV is not installed")
ROOT = Path(__file__).parents[1]
RATE, SIZE, FPS = 44_100, 160, 25
BEATS, POSITIONS = np.array([0.213, 0.707, 1.231, 1.745]), np.array([0, 1, 2, 0])


def dance(seconds: float = 2.0, fps: float = 60.0) -> np.ndarray:
    """(T, 24, 3) m: the left arm goes up and down once a second, all else stands still, facing +z."""
    frames = round(seconds * fps)
    poses = np.zeros((frames, 24, 3))
    poses[:, 16, 2] = -0.2 - np.cos(2 * np.pi * np.arange(frames) / fps)
    poses[:, 17, 2] = 1.2
    return forward_kinematics(poses, np.tile([0.0, 0.95, 0.0], (frames, 1)))


def clicks(times: np.ndarray, seconds: float = 2.0) -> np.ndarray:
    """Bursts of 5 ms at `times`, otherwise silence."""
    audio = np.zeros(round(seconds * RATE), np.float32)
    for time in times:
        audio[round(time * RATE) :][:220] = 0.8 * np.sin(0.3 * np.arange(220))[: len(audio[round(time * RATE) :])]
    return audio


def film(path: Path, joints: np.ndarray | None = None, **changes) -> int:
    joints = dance() if joints is None else joints
    given = {
        "joints": joints,
        "fps": 60.0,
        "audio": clicks(BEATS),
        "sample_rate": RATE,
        "beat_times": BEATS,
        "bar_positions": POSITIONS,
        "contacts": np.zeros((len(joints), 4), bool),
        "picture_fps": FPS,
        "size": SIZE,
    }
    return render(path, **(given | changes))


def seen(path: Path) -> np.ndarray:
    """(T, size, size, 3) pictures of a video, 0-255."""
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]).astype(int)


def heard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a video's sound, and the time of each in s."""
    with av.open(str(path)) as video:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in video.decode(audio=0)]
    times = [begin + np.arange(len(samples)) / RATE for begin, samples in frames]
    return np.concatenate([samples for _, samples in frames]), np.concatenate(times)


def near(pictures: np.ndarray, colour: tuple[int, int, int], within: int = 40) -> np.ndarray:
    """Which pixels have about this colour."""
    return np.abs(pictures - np.array(colour)).max(axis=-1) <= within


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


def test_a_flash_begins_at_the_nearest_picture_and_fades():
    beats = np.array([0.5, 1.0])
    assert flash(beats, 0.4) == (-1, 0.0) and flash(beats, 0.5) == (0, 1.0)
    assert flash(beats, 0.49, 0.02) == (0, 1.0) and flash(beats, 0.47, 0.02) == (-1, 0.0)
    strengths = [flash(beats, time)[1] for time in (0.5, 0.55, 0.7, 0.99)]
    assert strengths == sorted(strengths, reverse=True) and strengths[-1] == 0.0
    assert flash(np.empty(0), 1.0) == (-1, 0.0)


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
    scenes = [Scene(dance(), 60.0, BEATS, POSITIONS, np.zeros((120, 4), bool), size=SIZE) for _ in range(2)]
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
        ({"picture_fps": 0}, "fps = 0: give a whole number of pictures a second"),
        ({"fps": 0.0}, "the motion's fps = 0"),
        ({"contacts": np.zeros((3, 4), bool)}, "one column a foot joint"),
        ({"bar_positions": np.zeros(3, int)}, "one rising time"),
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


@pytest.mark.parametrize("seed", range(4))
def test_the_camera_has_every_joint_of_every_frame_in_its_box_and_never_turns(seed):
    stream = np.random.default_rng(seed)
    travel = np.cumsum(stream.normal(0, 0.05, (90, 3)), axis=0) * [1, 0.1, 1]
    joints = dance(1.5) + travel[:, None] + stream.normal(0, 0.1 * seed, (90, 24, 3))
    ground = float(joints[..., 1].min())
    camera = follow(joints, 60.0, ground, (10.0, 20.0, 110.0, 100.0))
    for frame in range(90):
        x, y, scale = np.moveaxis(camera.project(joints[frame], frame), -1, 0)
        assert x.min() >= 10 and x.max() <= 110 and y.min() >= 20 and y.max() <= 100 and scale.min() > 0
    path = camera.targets - joints[:, 0] * [1, 0, 1]
    assert np.abs(np.diff(camera.targets, axis=0)).max() < np.abs(np.diff(travel, axis=0)).max()
    assert np.ptp(path[:, 1]) == 0


def test_nearer_points_are_larger_and_a_dancer_is_seen_from_the_front():
    joints = dance(0.5)
    camera = follow(joints, 60.0, 0.0, (0.0, 0.0, 100.0, 100.0))
    pixels = camera.project(joints[0], 0)
    assert pixels[INDEX["lshoulder"], 0] > pixels[INDEX["rshoulder"], 0]  # her left is at the viewer's right
    assert pixels[INDEX["ltoes"], 2] > pixels[INDEX["lankle"], 2]


def standing(contacts: np.ndarray, joints: np.ndarray | None = None) -> Scene:
    joints = dance(2.0, 30.0) if joints is None else joints
    return Scene(joints, 30.0, np.empty(0), np.empty(0, int), contacts, size=320)


def test_a_foot_that_stands_is_marked_in_its_colour_below_it():
    bare = np.zeros((60, 4), bool)
    without = standing(bare).picture(30).astype(int)
    for foot, colour in enumerate((LEFT, RIGHT, LEFT, RIGHT)):
        contacts = bare.copy()
        contacts[20:40, foot] = True
        scene = standing(contacts)
        changed = scene.picture(30).astype(int) - without
        rows, columns = np.nonzero(np.abs(changed[: int(STRIP * 320)]).max(axis=-1) > 20)
        x, y, _ = scene._on_floor(scene._joints[30, FEET[foot]], 30)
        assert abs(rows.mean() - y) < 4 and abs(columns.mean() - x) < 6
        assert np.dot(changed[rows, columns].sum(axis=0), np.array(rgb(colour)) - np.array(GROUND)) > 0


def test_a_foot_that_slides_leaves_a_streak_and_one_that_stands_a_dot():
    contacts = np.zeros((60, 4), bool)
    still = dance(2.0, 30.0)
    contacts[10:50, FEET.index(INDEX["ltoes"])] = True
    sliding = still + np.linspace(0, 0.8, 60)[:, None, None] * [1.0, 0.0, 0.0]
    marked = []
    for joints in (still, sliding):
        with_prints = standing(contacts, joints).picture(52).astype(int)
        without = standing(np.zeros((60, 4), bool), joints).picture(52).astype(int)
        difference = np.abs(with_prints - without)[: int(STRIP * 320)].max(axis=-1) > 15
        marked.append(np.ptp(np.nonzero(difference)[1]))
    assert marked[1] > 4 * marked[0] > 0


def test_header_dancer_and_strip_have_each_their_part_of_the_picture():
    scene = Scene(
        dance(2.0, 30.0), 30.0, BEATS, POSITIONS, np.zeros((60, 4), bool), title="a name", caption="c", size=320
    )
    plain = Scene(dance(2.0, 30.0), 30.0, BEATS, POSITIONS, np.zeros((60, 4), bool), size=320)
    rows = np.nonzero(np.abs(scene.picture(5).astype(int) - plain.picture(5)).max(axis=(1, 2)) > 20)[0]
    assert rows.max() < 320 * (HEADER + 0.01)
    moved = np.abs(plain.picture(0).astype(int) - plain.picture(1)).max(axis=(1, 2)) > 20
    assert moved[int(STRIP * 320) + 2 :].any()  # the strip runs on


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


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two clips, one of which begins half a second into its song, and beats beside it."""
    folder = tmp_path_factory.mktemp("data")
    soundfile.write(folder / "song.wav", clicks(BEATS + 0.5, 3.0), RATE)
    motion = Motion(dance(), None, 60.0)
    described = [
        Clip(name, "songA", "waltz", split, offset, partial(lambda motion: motion, motion))
        for name, split, offset in (("alpha_1", "train", 0.5), ("alpha_2", "test", 0.0))
    ]
    write_corpus(Corpus([Song("songA", folder / "song.wav")], described), folder / "corpus")
    columns = {
        "song": ["songA"] * 4,
        "beat": [0, 1, 2, 3],
        "time_s": BEATS + 0.5,
        "bar_position": POSITIONS,
        "beats_per_bar": [3] * 4,
    }
    tables.write(folder / "beats" / "beats.parquet", tables.BEATS, columns)
    return folder / "corpus"


def test_music_beats_and_onsets_of_a_clip_begin_where_it_begins_in_its_song(corpus):
    found = clips.read_clip(corpus, "alpha_1")
    np.testing.assert_allclose(found.beat_times, BEATS)
    np.testing.assert_allclose(found.audio[: 2 * RATE], clicks(BEATS), atol=1e-3)
    times, strengths = found.onsets
    assert times[0] == -0.5 and np.abs(times[np.argsort(strengths)[-4:]][:, None] - BEATS).min(axis=1).max() < 0.03
    assert found.fps == 60 and found.contacts.shape == (120, 4) and found.note == ""


def test_slow_motion_is_brought_to_the_rate_at_which_contacts_are_looked_for(tmp_path):
    np.savez(tmp_path / "slow.npz", joints=dance(2.0, 6.0), fps=6.0)
    soundfile.write(tmp_path / "song.wav", clicks(BEATS), RATE)
    found = clips.read_files(tmp_path / "slow.npz", tmp_path / "song.wav", tracker=None)
    assert found.fps == 30 and len(found.joints) == len(found.contacts) == 56 and not len(found.beat_times)


def test_contacts_are_those_that_the_tokens_have():
    tokens = params.load(ROOT / "params.yaml").tokens
    assert (tokens.contact_speed, tokens.contact_height) == (clips.CONTACT_SPEED, clips.CONTACT_HEIGHT)
    assert tokens.motion_fps == clips.LEAST_FPS


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.chdir(tmp_path)

    def command(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionbeat", "render", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_the_command_renders_a_clip_of_a_corpus(run, corpus, tmp_path):
    code, out, err = run("alpha_1", "--corpus", corpus, "--size", SIZE, "--fps", 10, "--sheet")
    assert (code, err) == (0, "")
    assert out == "alpha_1: 20 pictures, 2.0 s -> alpha_1.mp4\nalpha_1: contact sheet -> alpha_1.png\n"
    samples, times = heard(tmp_path / "alpha_1.mp4")
    assert times[np.flatnonzero(np.abs(samples) > 0.2)[0]] == pytest.approx(BEATS[0], abs=0.003)


def test_the_command_lists_every_clip(run, corpus):
    code, out, _ = run("--list", "--corpus", corpus)
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["clip", "song", "genre", "split", "seconds"],
        ["alpha_1", "songA", "waltz", "train", "2.0"],
        ["alpha_2", "songA", "waltz", "test", "2.0"],
    ]


def test_without_beats_the_command_says_so_and_draws_the_rest(run, corpus, tmp_path):
    elsewhere = tmp_path / "copy" / "corpus"
    elsewhere.parent.mkdir()
    elsewhere.symlink_to(corpus)
    code, _, err = run("alpha_2", "--corpus", elsewhere, "--size", SIZE, "--fps", 5, "--seconds", 0.4)
    assert code == 0 and err.startswith("no beats are drawn: ") and "dvc repro beats" in err
    assert len(seen(tmp_path / "alpha_2.mp4")) == 2


def test_a_dance_of_no_corpus_is_rendered_from_its_files(run, tmp_path):
    np.savez(tmp_path / "made.npz", joints=dance(2.0, 30.0), fps=30.0)
    soundfile.write(tmp_path / "song.wav", clicks(np.arange(0.1, 2, 0.5)), RATE)
    words = ["--motion", "made.npz", "--audio", "song.wav", "--size", SIZE, "--fps", 5]
    code, out, err = run(*words, "--tracker", "librosa")
    assert (code, err) == (0, "") and out == "made: 10 pictures, 2.0 s -> made.mp4\n"
    assert near(seen(tmp_path / "made.mp4")[:, 60, 0], BEAT, 90).any()
    assert run(*words, "--tracker", "none")[0] == 0
    assert not near(seen(tmp_path / "made.mp4")[:, 60, 0], BEAT, 90).any()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["alpha_3"], "clip alpha_3: no such clip in .*; the nearest names are alpha_[12], alpha_[12]; list all by"),
        (["zzzz"], r"clip zzzz: no such clip in [^;]*; list all by `motionbeat render --list`"),
        (["alpha_1", "--corpus", "gone"], "gone/manifest.parquet is missing: run `dvc repro corpus`"),
        (["alpha_1", "--beats", "gone"], "gone/beats.parquet is missing"),
        ([], "no dance is named: give a CLIP"),
        (["alpha_1", "--motion", "m.npz"], "both clip alpha_1 and --motion m.npz"),
        (["alpha_1", "--audio", "a.wav"], "give it by --motion"),
        (["--motion", "m.npz"], "has no music: give it by --audio"),
        (["--motion", "m.npz", "--audio", "a.wav"], "m.npz is missing"),
        (["alpha_1", "-o", "a.avi"], r"a name that ends in \.mp4"),
    ],
)
def test_the_command_refuses_in_one_line_with_the_fix(run, corpus, words, says):
    code, out, err = run(*([] if "--corpus" in words else ["--corpus", corpus]), *words)
    assert (code, out) == (1, "") and err.startswith("error: ") and err.count("\n") == 1
    assert re.search(says, err), err


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"poses": np.zeros((9, 24, 3))}, "holds no joints"),
        ({"joints": np.zeros((9, 22, 3))}, r"joints of float64 \(9, 22, 3\); expected floats \(frames, 24, 3\)"),
        ({"joints": np.full((9, 24, 3), np.inf)}, "NaN or infinity"),
        ({"joints": np.zeros((9, 24, 3)), "fps": -1}, "fps is -1"),
        ({"joints": np.zeros((9, 24, 3)), "fps": 25.0}, "says fps = 25, not 60"),
        ({"joints": np.array([{}], object)}, "is no .npz of arrays"),
    ],
)
def test_a_motion_file_is_refused_by_name_and_never_unpickled(tmp_path, arrays, says):
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(MotionBeatError, match=says) as refused:
        clips.read_files(tmp_path / "m.npz", tmp_path / "a.wav", 60.0)
    assert str(tmp_path / "m.npz") in str(refused.value)
    (tmp_path / "m.npz").write_text(json.dumps({"joints": []}))
    with pytest.raises(MotionBeatError, match=r"is no \.npz of arrays"):
        clips.read_files(tmp_path / "m.npz", tmp_path / "a.wav", 60.0)
