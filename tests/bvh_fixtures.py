"""A dance of the synthetic corpus for tests of BVH; named in `pytest_plugins` by those that use it."""

import pytest
from bvh_files import synthetic_dance

from motionbeat.motion.kinematics import forward_kinematics


@pytest.fixture(scope="module")
def danced():
    poses, translation = synthetic_dance(frames=240)
    return poses, translation, forward_kinematics(poses, translation)
