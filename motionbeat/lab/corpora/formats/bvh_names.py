"""Joint names of common skeletons, parsed into side and body part.

Known: Motorica and Mixamo (LeftUpLeg, mixamorig:LeftArm), CMU (LHipJoint, LowerBack), Biovision and Xsens MVN
(LeftHip, LeftCollar, LeftElbow), Rokoko and OptiTrack (LeftThigh, LShin), 3ds Max biped (Bip01 L UpperArm), Unreal
(upperarm_l), Poser (lShldr), SMPL (L_Hip). One word may name different joints: LeftShoulder is Mixamo's collar and
Biovision's shoulder, so `bvh_skeleton` searches along the chain, not by name alone.
"""

import re

_PREFIX = re.compile(r"^(mixamorig|bip|character|biped|armature)\d*[\s_:]*", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES = {"left": "l", "right": "r", "l": "l", "r": "r"}

ELBOW = ("forearm", "elbow", "lowerarm", "lowarm", "farm")
SHOULDER = ("arm", "upperarm", "uparm", "uarm", "shoulder", "shldr")
COLLAR = ("collar", "clavicle", "clav", "collarbone", "inshoulder", "shoulder")
WRIST = ("wrist", "hand")
HAND = ("hand", "palm", "handmiddle1", "middle1", "mid1", "handmid1", "middle01", "finger2", "middleproximal")
KNEE = ("knee", "lowerleg", "lowleg", "shin", "calf", "tibia", "leg")
HIP = ("hip", "upleg", "upperleg", "thigh", "femur", "leg")
ANKLE = ("ankle", "foot")
TOES = ("toe", "toes", "toebase", "toe0", "ball", "foot")
_SIDED = frozenset((*ELBOW, *SHOULDER, *COLLAR, *WRIST, *HAND, *KNEE, *HIP, *ANKLE, *TOES))


def without_prefix(joints: list[str]) -> list[str]:
    """The names without their common prefix up to a separator, such as Model_ in Model_Hips."""
    first, last = min(joints), max(joints)
    shared = first[: next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first) - 1)]
    start = max(shared.rfind(separator) for separator in "_: -.") + 1
    return [name[start:] for name in joints]


def side_and_part(name: str) -> tuple[str, str]:
    """('l', 'upleg') of mixamorig:LeftUpLeg; the side is l, r or empty, the part has no separators or capitals."""
    bare = _PREFIX.sub("", name.rpartition(":")[2].strip())
    words = _WORDS.findall(bare)
    for place in (0, -1):
        if len(words) > 1 and words[place].lower() in _SIDES:
            side = _SIDES[words.pop(place).lower()]
            return side, "".join(words).lower()
    part = "".join(words).lower()
    if len(words) > 1 and len(words[0]) == 2 and words[0].isupper() and part[:1] in ("l", "r"):
        return part[0], part[1:]
    if part[:1] in ("l", "r") and part[1:] in _SIDED:
        return part[0], part[1:]
    for word in ("left", "right"):
        if part.startswith(word) and len(part) > len(word):
            return _SIDES[word], part[len(word) :]
    return "", part
