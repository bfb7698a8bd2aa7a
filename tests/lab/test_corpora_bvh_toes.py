"""BVH without toe joints: an End Site ahead of the ankle is the foot, one along the shin says nothing of it."""

import numpy as np
import pytest
from bvh_files import bvh_text, written

from motionbeat.lab.corpora.formats import read_motion
from motionbeat.motion.skeleton import INDEX, REST_OFFSETS

pytest_plugins = ("bvh_fixtures",)
ABSENT = ("ltoes", "rtoes")


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ((0.0, 5.0, 0.0), 0.12),
        ((0.0, -5.0, 0.0), 0.12),
        (tuple(100 * REST_OFFSETS[INDEX["ltoes"]]), 0.05),
        ((0.0, -6.0, 12.0), 0.05),
    ],
)
def test_toes_that_a_skeleton_lacks_are_ahead_of_the_ankle_wherever_its_end_sites_point(end, error, danced, tmp_path):
    poses, translation, joints = danced
    text = bvh_text(poses, translation, leave_out=ABSENT, ends=np.array(end))
    found = read_motion(written(tmp_path / "a.bvh", text)).joints
    toes = [INDEX[name] for name in ABSENT]
    distances = np.linalg.norm(found[:, toes] - joints[:, toes], axis=-1)
    assert np.median(distances) < error
