"""Sampling: seeds, guidance 0, tied slices, what is held fixed, and named errors."""

import numpy as np
import pytest
import torch
from generator_parts import CONDITION, small_model, sounding, swaying

from motionbeat.errors import MotionBeatError
from motionbeat.lab.generator import motion_vector, sampling
from motionbeat.lab.generator.music_condition import checked
from motionbeat.lab.generator.planting import planted
from motionbeat.lab.generator.sampling import generate, hold
from motionbeat.motion.kinematics import forward_kinematics
from motionbeat.motion.skeleton import INDEX

MODEL = small_model(preconditioned=True)
MUSIC = sounding(12.0, 0.5).condition(12.0)


def dance(music=MUSIC, **changes):
    return generate(MODEL, music, **{"steps": 5} | changes)


def test_the_same_seed_gives_the_same_dance_and_another_seed_another():
    one, two, other = dance(seed=3), dance(seed=3), dance(seed=4)
    np.testing.assert_array_equal(one.vectors, two.vectors)
    assert np.abs(one.vectors - other.vectors).max() > 0.01


def test_without_guidance_the_dance_is_the_same_whatever_the_music():
    silent_noise = np.random.default_rng(0).normal(size=MUSIC.shape).astype(np.float32)
    for eta in (0.0, 1.0):
        one, two = (dance(music, guidance=0.0, eta=eta) for music in (MUSIC, silent_noise))
        np.testing.assert_array_equal(one.vectors, two.vectors)
    assert np.abs(dance().vectors - dance(silent_noise).vectors).max() > 1e-3


def test_joints_and_poses_are_one_dance():
    made = dance(frames=150)
    np.testing.assert_allclose(forward_kinematics(made.poses, made.joints[:, 0]), made.joints, atol=1e-4)
    assert made.joints.shape == (150, 24, 3) and made.contacts.shape == (150, 4)


def test_a_dance_of_one_slice_is_what_its_slice_alone_gives():
    """With one slice there is nothing to tie: the sampler must be plain DDIM."""
    made = dance(MUSIC[:150], plant=False)
    start = torch.randn((150, motion_vector.WIDTH), generator=torch.Generator().manual_seed(0))
    music = MODEL.normalise_music(torch.as_tensor(MUSIC[:150]))[None]
    with torch.no_grad():
        alone = sampling.ddim(
            lambda x, step: MODEL.guided(x[None], step, music, 2.0)[0],
            start,
            MODEL.levels,
            5,
            0.0,
            torch.Generator().manual_seed(0),
        )
    np.testing.assert_allclose(made.vectors, MODEL.unscaled(alone).numpy(), atol=1e-5)


@pytest.mark.parametrize("frames", [150, 151, 224, 225, 226, 360])
def test_slices_cover_every_frame_and_share_it_fully(frames):
    rows = sampling._slice_rows(frames)
    share = sampling._shares(frames, rows)[..., 0]
    total = torch.zeros(frames).index_add_(0, rows.flatten(), share.flatten())
    torch.testing.assert_close(total, torch.ones(frames))
    assert int(rows.max()) == frames - 1 and float(share.min()) > 0


def test_slices_that_disagree_are_blended_without_a_jump(monkeypatch):
    """A network that says for each slice another constant: the dance goes over from one to the next gradually."""
    count = 375  # slices from 0, 75, 150, 225
    constants = torch.tensor([0.0, 1.0, 0.0, 1.0])[:, None, None]

    def stubborn(x, step, music, guidance):
        return constants.expand(4, 150, motion_vector.WIDTH)

    model = small_model()
    monkeypatch.setattr(model, "guided", stubborn)
    made = generate(model, sounding(13.0, 0.5).condition(13.0), frames=count, steps=3, plant=False)
    scaled = model.scaled(torch.as_tensor(made.vectors)).numpy()
    varies = (model.scale != 1.0).numpy()
    assert np.abs(np.diff(scaled[:, varies], axis=0)).max() < 1.1 / 75  # the whole way in one overlap of 75 frames
    np.testing.assert_allclose(scaled[0, varies], 0.0, atol=1e-4)
    np.testing.assert_allclose(scaled[-1, varies], 1.0, atol=1e-4)


def test_what_is_held_is_kept_exactly_and_the_rest_follows_it():
    given = swaying(len(MUSIC), 15)
    free = dance().vectors
    ends = np.zeros(len(MUSIC), bool)
    ends[:30] = ends[-30:] = True
    held = hold(given, ends)
    made = dance(held=held).vectors
    np.testing.assert_array_equal(made[ends], given[ends])
    assert np.abs(made[~ends] - free[~ends]).max() > 1e-3  # the middle hears of the ends

    arms = hold(given, joints=["lshoulder", "lelbow"], root=False)
    made = dance(held=arms).vectors
    channels = [motion_vector.joint_channels(INDEX[name]) for name in ("lshoulder", "lelbow")]
    for channel in channels:
        np.testing.assert_array_equal(made[:, channel], given[:, channel])
    assert arms.mask.sum() == 12 * len(MUSIC)
    assert np.abs(made[:, motion_vector.ROOT] - given[:, motion_vector.ROOT]).max() > 1e-3


def test_the_dance_goes_on_from_what_is_held_without_a_jump(monkeypatch):
    """A network that takes no notice of what is held: half a second leads from there to what it predicts."""
    model, given = small_model(), swaying(len(MUSIC), 15)
    monkeypatch.setattr(model, "guided", lambda x, *_: torch.zeros_like(x))
    made = generate(model, MUSIC, steps=3, plant=False, held=hold(given, slice(0, 30))).vectors
    np.testing.assert_allclose(made[44:], np.broadcast_to(made[-1], made[44:].shape), atol=1e-5)
    steps = np.abs(np.diff(made[29:45], axis=0)).max(axis=0)
    assert np.abs(given[29] - made[-1]).max() > 0.3
    assert (steps <= 0.13 * np.abs(given[29] - made[-1]) + 1e-5).all()


def test_feet_are_planted_unless_they_are_to_be_left_as_the_network_made_them():
    bare, made = dance(plant=False), dance()
    np.testing.assert_array_equal(made.vectors, planted(bare.vectors))
    np.testing.assert_array_equal(made.contacts, bare.contacts)
    assert np.abs(made.joints - bare.joints).max() > 1e-3


def test_the_root_alone_can_be_held():
    given = swaying(len(MUSIC), 15)
    made = dance(held=hold(given, joints=[])).vectors
    np.testing.assert_array_equal(made[:, motion_vector.ROOT], given[:, motion_vector.ROOT])


@pytest.mark.parametrize(
    ("music", "changes", "message"),
    [
        (MUSIC[:149], {}, "4.97 s, shorter than a slice of 5 s"),
        (np.ones_like(MUSIC), {}, "silent"),
        (MUSIC[:, :4], {}, rf"trained with mel: give \(frames, {CONDITION}\)"),
        (MUSIC[0], {}, "music of shape"),
        (np.where(np.arange(len(MUSIC))[:, None] == 7, np.nan, MUSIC), {}, "NaN"),
        (MUSIC, {"frames": 100}, "frames = 100; expected 150 to 360"),
        (MUSIC, {"frames": 361}, "frames = 361"),
        (MUSIC, {"guidance": -1.0}, "guidance = -1"),
        (MUSIC, {"steps": 0}, "steps = 0"),
        (MUSIC, {"steps": 1001}, "steps = 1001"),
        (MUSIC, {"eta": 1.5}, "eta = 1.5"),
        (MUSIC, {"held": hold(swaying(200, 15))}, r"\(200, 151\); give \(360, 151\)"),
    ],
)
def test_wrong_input_is_refused_with_the_fix(music, changes, message):
    with pytest.raises(MotionBeatError, match=message):
        dance(music, **changes)


def test_wrong_holds_are_refused():
    given = swaying(150, 15)
    with pytest.raises(MotionBeatError, match="nose unknown; give some of root"):
        hold(given, joints=["nose"])
    with pytest.raises(MotionBeatError, match="nothing is held"):
        hold(given, joints=[], root=False)
    with pytest.raises(MotionBeatError, match="nothing is held"):
        hold(given, frames=slice(200, 210))
    with pytest.raises(MotionBeatError, match="shape"):
        hold(given[:, :100])


def test_music_is_interpolated_between_its_frames_and_stays_at_its_ends():
    music = checked("song", np.array([[0.0], [1.0], [3.0]]), [0.0, 1.0, 2.0])
    np.testing.assert_allclose(music.at([-1.0, 0.5, 1.75, 5.0])[:, 0], [0.0, 0.5, 2.5, 3.0])
    np.testing.assert_allclose(music.condition(0.1, 0.5)[:, 0], [0.5, 0.5 + 1 / 30, 0.5 + 2 / 30])


@pytest.mark.parametrize(
    ("features", "times", "message"),
    [
        (np.ones((3, 2)), [0.0, 1.0, 2.0], "song: the music features are constant, as for a silent song"),
        (np.eye(3), [0.0, 1.0], "shape"),
        (np.eye(3), [0.0, 2.0, 1.0], "do not increase"),
        (np.full((3, 2), np.nan), [0.0, 1.0, 2.0], "NaN"),
    ],
)
def test_music_that_cannot_be_danced_to_is_refused(features, times, message):
    with pytest.raises(MotionBeatError, match=message):
        checked("song", features, times)
