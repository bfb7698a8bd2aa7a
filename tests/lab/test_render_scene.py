"""Claims about the pictures of a dance: camera, flashes, marks of standing feet, header and strip."""

import numpy as np
import pytest
from drawn_dance import dance, drawn

from motionbeat.lab.render.camera import follow
from motionbeat.lab.render.canvas import rgb
from motionbeat.lab.render.scene import GROUND, HEADER, STRIP, Scene, flash
from motionbeat.lab.render.stick_figure import LEFT, RIGHT
from motionbeat.motion.skeleton import FEET, INDEX


def test_a_flash_begins_at_the_nearest_picture_and_fades():
    beats = np.array([0.5, 1.0])
    assert flash(beats, 0.4) == (-1, 0.0) and flash(beats, 0.5) == (0, 1.0)
    assert flash(beats, 0.49, 0.02) == (0, 1.0) and flash(beats, 0.47, 0.02) == (-1, 0.0)
    strengths = [flash(beats, time)[1] for time in (0.5, 0.55, 0.7, 0.99)]
    assert strengths == sorted(strengths, reverse=True) and strengths[-1] == 0.0
    assert flash(np.empty(0), 1.0) == (-1, 0.0)


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
    still = {"beat_times": np.empty(0), "bar_positions": np.empty(0, int)}
    return Scene(drawn(joints, 30.0, contacts=contacts, **still), 320)


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
    scene = Scene(drawn(dance(2.0, 30.0), 30.0, title="a name", caption="c"), 320)
    plain = Scene(drawn(dance(2.0, 30.0), 30.0), 320)
    rows = np.nonzero(np.abs(scene.picture(5).astype(int) - plain.picture(5)).max(axis=(1, 2)) > 20)[0]
    assert rows.max() < 320 * (HEADER + 0.01)
    moved = np.abs(plain.picture(0).astype(int) - plain.picture(1)).max(axis=(1, 2)) > 20
    assert moved[int(STRIP * 320) + 2 :].any()  # the strip runs on
