"""The 24 SMPL joints: names, tree and rest pose (y up, metres).

Source of the order and the tree: SMPL (Loper et al., 2015). The rest offsets are from its neutral mean body, rounded to
a millimetre.
"""

import re

import numpy as np

_SIDED = re.compile(r"[lr](hip|knee|ankle|toes|inshoulder|shoulder|elbow|wrist|hand)$")

# fmt: off
JOINTS = (
    "root", "lhip", "rhip", "belly", "lknee", "rknee", "spine", "lankle", "rankle", "chest", "ltoes", "rtoes",
    "neck", "linshoulder", "rinshoulder", "head", "lshoulder", "rshoulder", "lelbow", "relbow", "lwrist", "rwrist",
    "lhand", "rhand",
)
# fmt: on
INDEX = {name: i for i, name in enumerate(JOINTS)}
MIRRORED = tuple(
    INDEX[{"l": "r", "r": "l"}[name[0]] + name[1:]] if _SIDED.match(name) else i for i, name in enumerate(JOINTS)
)
"""Index of each joint's mirror image: left and right exchanged."""
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
FEET = (INDEX["lankle"], INDEX["rankle"], INDEX["ltoes"], INDEX["rtoes"])
"""The joints of foot contact (7, 8, 10, 11)."""

REST_OFFSETS = np.array(
    [
        [0.000, 0.000, 0.000],
        [0.059, -0.082, -0.018],
        [-0.060, -0.091, -0.014],
        [0.004, 0.124, -0.038],
        [0.043, -0.386, 0.008],
        [-0.043, -0.384, -0.005],
        [0.004, 0.138, 0.027],
        [-0.015, -0.427, -0.037],
        [0.019, -0.420, -0.035],
        [-0.002, 0.056, 0.003],
        [0.041, -0.060, 0.122],
        [-0.035, -0.062, 0.130],
        [-0.013, 0.212, -0.033],
        [0.072, 0.114, -0.019],
        [-0.083, 0.112, -0.024],
        [0.010, 0.089, 0.050],
        [0.123, 0.045, -0.019],
        [-0.113, 0.047, -0.008],
        [0.255, -0.016, -0.023],
        [-0.260, -0.014, -0.031],
        [0.266, 0.013, -0.007],
        [-0.269, 0.007, -0.006],
        [0.087, -0.011, -0.016],
        [-0.089, -0.009, -0.010],
    ]
)
"""(24, 3) m: each joint relative to its parent in the rest (T) pose, left = +x, facing +z."""
