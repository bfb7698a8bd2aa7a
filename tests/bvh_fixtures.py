"""A dance of the embedded corpus for tests of BVH; named in `pytest_plugins` by those that use it."""

import pytest
from bvh_files import embedded_dance

from motionbeat.motion.kinematics import forward_kinematics


@pytest.fixture(scope="module")
def danced():
    poses, translation = embedded_dance(frames=240)
    return poses, translation, forward_kinematics(poses, translation)
