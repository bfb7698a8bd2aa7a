"""A folder of one's own: dances in every form, songs and a sound table; named in `pytest_plugins` by its users."""

import pickle
import shutil

import numpy as np
import pytest
import soundfile
from bvh_files import bvh_text, synthetic_dance
from own_table import write

from motionbeat.lab.synthetic import made_music, plan
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.kinematics import forward_kinematics


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of one dance in every form and three songs, without a table."""
    root = tmp_path_factory.mktemp("own")
    poses, translation = synthetic_dance(frames=180)
    joints = forward_kinematics(poses, translation)
    (root / "motions").mkdir()
    np.savez(root / "motions" / "a.npz", joints=joints, fps=60)
    np.savez(root / "motions" / "cm.npz", joints=joints * 100, fps=60)
    np.savez(root / "motions" / "norate.npz", joints=joints)
    (root / "motions" / "b.bvh").write_text(bvh_text(poses, translation))
    (root / "motions" / "c.pkl").write_bytes(
        pickle.dumps({"smpl_poses": poses.reshape(-1, 72), "smpl_trans": translation, "smpl_scaling": np.ones(1)})
    )
    np.savez(root / "motions" / "d.npz", poses=poses.reshape(-1, 72), trans=translation, mocap_framerate=60.0)
    song = plan.clips("small")[5].song
    samples = made_music.render(0, song, rhythm(0, song, [4]))[: 5 * 44_100]
    for number, name in enumerate(("one.wav", "two.flac", "three.wav")):
        soundfile.write(root / name, np.roll(samples, 1000 * number), 44_100)
    return root


@pytest.fixture
def own(files, tmp_path):
    """A sound corpus: three songs, one in each split, four dances in four forms."""
    root = tmp_path / "own"
    shutil.copytree(files, root)
    write(
        root,
        "clip,song,motion,audio,split,offset,genre,bpm,beats_per_bar",
        "a,one,motions/a.npz,one.wav,train,0.5,house,120,4",
        "b,two,motions/b.bvh,two.flac,val,,,,",
        "c,three,motions/c.pkl,three.wav,test,0,waltz,90.5,3",
        "d,one,motions/d.npz,one.wav,train,1.25,house,120,4",
    )
    return root
