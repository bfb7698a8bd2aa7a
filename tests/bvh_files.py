"""BVH files for tests: a dance of the synthetic corpus under the joint names of every exporter, and a small file."""

import re
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motionbeat.lab.synthetic import plan
from motionbeat.lab.synthetic.made_dance import dance
from motionbeat.lab.synthetic.rhythm import rhythm
from motionbeat.motion.skeleton import JOINTS, PARENTS, REST_OFFSETS

GOOD = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 3 Xposition Yposition Zposition
  JOINT Spine
  {
    OFFSET 0 1 0
    CHANNELS 1 Zrotation
    End Site
    {
      OFFSET 0 1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
1 2 3 4
5 6 7 8
"""
FPS = 60

# fmt: off
SPINE = {"root": "Hips", "belly": "Spine", "spine": "Spine1", "chest": "Spine2", "neck": "Neck", "head": "Head"}
MIXAMO = SPINE | {
    "hip": "LeftUpLeg", "knee": "LeftLeg", "ankle": "LeftFoot", "toes": "LeftToeBase", "inshoulder": "LeftShoulder",
    "shoulder": "LeftArm", "elbow": "LeftForeArm", "wrist": "LeftHand", "hand": "LeftHandMiddle1",
}
BIOVISION = SPINE | {
    "belly": "Chest", "spine": "Chest2", "chest": "Chest3", "hip": "LeftHip", "knee": "LeftKnee", "ankle": "LeftAnkle",
    "toes": "LeftToe", "inshoulder": "LeftCollar", "shoulder": "LeftShoulder", "elbow": "LeftElbow",
    "wrist": "LeftWrist", "hand": "LeftHand",
}
BIPED = {name: f"Bip01 {part}" for name, part in (SPINE | {
    "root": "Pelvis", "hip": "L Thigh", "knee": "L Calf", "ankle": "L Foot", "toes": "L Toe0",
    "inshoulder": "L Clavicle", "shoulder": "L UpperArm", "elbow": "L Forearm", "wrist": "L Hand", "hand": "L Finger2",
}).items()}
UNREAL = {
    "root": "pelvis", "belly": "spine_01", "spine": "spine_02", "chest": "spine_03", "neck": "neck_01", "head": "head",
    "hip": "thigh_l", "knee": "calf_l", "ankle": "foot_l", "toes": "ball_l", "inshoulder": "clavicle_l",
    "shoulder": "upperarm_l", "elbow": "lowerarm_l", "wrist": "hand_l", "hand": "middle_01_l",
}
SMPL = {
    "root": "Pelvis", "belly": "Spine1", "spine": "Spine2", "chest": "Spine3", "neck": "Neck", "head": "Head",
    "hip": "L_Hip", "knee": "L_Knee", "ankle": "L_Ankle", "toes": "L_Foot", "inshoulder": "L_Collar",
    "shoulder": "L_Shoulder", "elbow": "L_Elbow", "wrist": "L_Wrist", "hand": "L_Hand",
}
POSER = {
    "root": "hip", "belly": "abdomen", "spine": "waist", "chest": "chest", "neck": "neck", "head": "head",
    "hip": "lThigh", "knee": "lShin", "ankle": "lFoot", "toes": "lToe", "inshoulder": "lCollar", "shoulder": "lShldr",
    "elbow": "lForeArm", "wrist": "lHand", "hand": "lMid1",
}
OPTITRACK = {
    "root": "Hip", "belly": "Ab", "spine": "Waist", "chest": "Chest", "neck": "Neck", "head": "Head", "hip": "LThigh",
    "knee": "LShin", "ankle": "LFoot", "toes": "LToe", "inshoulder": "LShoulder", "shoulder": "LUArm",
    "elbow": "LFArm", "wrist": "LHand", "hand": "LMiddle1",
}
ROKOKO = MIXAMO | {"hip": "LeftThigh", "knee": "LeftShin", "toes": "LeftToe"}
# fmt: on
NAMINGS = {
    "Mixamo": MIXAMO,
    "mixamorig": {name: f"mixamorig:{joint}" for name, joint in MIXAMO.items()},
    "prefixed": {name: f"Model_{joint}" for name, joint in MIXAMO.items()},
    "Biovision": BIOVISION,
    "biped": BIPED,
    "Unreal": UNREAL,
    "SMPL": SMPL,
    "Poser": POSER,
    "OptiTrack": OPTITRACK,
    "Rokoko": ROKOKO,
}


def named(naming, joint):
    """The name of a SMPL joint in a naming; the right side as the left."""
    if joint in naming:
        return naming[joint]
    name = naming[joint[1:]]
    if joint[0] == "l":
        return name
    sides = {"Left": "Right", "L": "R", "l": "r", "_l": "_r"}
    return re.sub(r"Left|\bL(?=[ _A-Z])|\bl(?=[A-Z])|_l$", lambda found: sides[found[0]], name)


def synthetic_dance(number=5, frames=None):
    """Poses (T, 24, 3) and translation (T, 3) m of a dance of the synthetic corpus."""
    clip = plan.clips("small")[number]
    danced = dance(0, clip, rhythm(0, clip.song, [4]))
    poses = danced.poses.reshape(-1, 24, 3)[:frames].astype(np.float64)
    return poses, danced.translation[:frames].astype(np.float64) / danced.scaling


def bvh_text(poses, translation, naming=MIXAMO, order="ZXY", unit=0.01, fps=FPS, leave_out=(), ends=None):
    """A BVH file of SMPL poses (T, 24, 3); leaves of the tree end in an End Site of `ends` (3,), file units."""
    left = [i for i, name in enumerate(JOINTS) if name not in leave_out]
    offsets = {i: REST_OFFSETS[i].copy() for i in left}
    angles = Rotation.from_rotvec(poses.reshape(-1, 3)).as_euler(order, degrees=True).reshape(-1, 24, 3)
    lines, columns = ["HIERARCHY"], []

    def write(joint, depth):
        pad, root = "\t" * depth, joint == 0
        children = [i for i in left if PARENTS[i] == joint]
        channels = ["Xposition", "Yposition", "Zposition"] * root + [f"{axis}rotation" for axis in order]
        lines.append(f"{pad}{'ROOT' if root else 'JOINT'} {named(naming, JOINTS[joint])}")
        lines.append(f"{pad}{{")
        lines.append(f"{pad}\tOFFSET {' '.join(f'{x / unit:.8f}' for x in offsets[joint])}")
        lines.append(f"{pad}\tCHANNELS {len(channels)} {' '.join(channels)}")
        columns.extend([*(translation.T / unit if root else ()), *angles[:, joint].T])
        for child in children:
            write(child, depth + 1)
        if not children:
            end = np.array([0.0, 5.0, 0.0]) if ends is None else ends
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {' '.join(map(str, end))}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    write(0, 0)
    lines += ["MOTION", f"Frames: {len(poses)}", f"Frame Time: {1 / fps:.6f}"]
    lines += [" ".join(f"{x:.8f}" for x in row) for row in np.stack(columns, axis=1)]
    return "\n".join(lines) + "\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
