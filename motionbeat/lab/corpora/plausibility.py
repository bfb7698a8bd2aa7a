"""Motion2Doubts: can a person move like this? Wrong units, angles and frame rates make impossible dances.

The unit of length is the leg (hip to ankle), so that limits are valid for every unit and body. The limits are
`corpus.checks` of params.yaml: in real dances (AIST++, Dance with Melody) the root is slower than 2 legs/s in 95 % of
the frames, and joints are slower than 9 legs/s relative to the root in 99 %.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.params import MotionChecks
from motionbeat.motion.skeleton import INDEX, JOINTS, PARENTS

_USUAL_ROOT, _USUAL_JOINT = 1.2, 6.0
"""Usual speed in legs per second; the factors in messages lead to this speed."""
_UNITS = ((1000.0, "millimetres"), (100.0, "centimetres"), (39.37, "inches"))
_BENT = 0.06
"""A knee at this distance from the line from hip to ankle, in legs, is bent."""
_LYING = 0.3
_LEAST_FRAMES = 10
_STILL_M = 1e-6
_JUMP = 8.0
"""In a jump, a joint is this many times faster than in the clip's fastest usual frame."""
_SHOWN = 5
_SLOW, _FAST = 0.06, 0.56
"""Shares of `joint_speed` between which the fastest joint usually is: 1.5 and 14 legs/s; 700 dances: 4.5 to 12.3."""
_STAYS, _TOO_LITTLE, _AGREES, _DISAGREES = 0.01, 3.0, 0.3, 0.2
"""Root: legs within which it does not move; factor by which the feet move more; correlations with the feet. In 250
real and made dances the factor is 0.3 to 1, and the correlation above 0.3."""
_STRETCH = 0.4
"""Legs by which bones may change their length; in points that were captured singly they do by 0.2."""


class Motion(Protocol):
    """A dance: joints (T, 24, 3) m, y up; poses (T, 24, 3) axis-angle, or none; frames per second."""

    @property
    def joints(self) -> NDArray[np.float32]: ...
    @property
    def poses(self) -> NDArray[np.float32] | None: ...
    @property
    def fps(self) -> float: ...


def refusals(motion: Motion, checks: MotionChecks) -> list[str]:
    """Movements that no person can make, each with the factor or the fix; empty for a plausible motion."""
    joints = motion.joints.astype(np.float64)
    leg = leg_length(joints)
    if not leg > 0:
        return ["its legs have no length: all joints of a leg are at the same place"]
    found = _angles(motion, checks)
    root = float(np.percentile(_speed(joints[:, :1], motion.fps), 95)) / leg
    if root > checks.root_speed:
        found.append(
            f"the root moves at {root * leg:.3g} m/s ({root:.3g} legs a second, at most {checks.root_speed:g}): "
            f"{_factor(root / _USUAL_ROOT, motion)}, or correct the frame rate ({motion.fps:g})"
        )
    height = float(np.median(np.abs(joints[:, 0, 1]))) / leg
    if height > checks.root_height:
        found.append(
            f"the root is {height * leg:.3g} m up or down ({height:.3g} legs, at most {checks.root_height:g}): "
            f"{_factor(height, motion)}"
        )
    low = np.percentile(joints[:, :, 1].min(axis=1), [5, 95])
    drift = float(low[1] - low[0]) / leg
    if drift > checks.floor_drift and root <= checks.root_speed:
        found.append(
            f"the lowest joint rises and falls by {drift * leg:.3g} m ({drift:.3g} legs, at most "
            f"{checks.floor_drift:g}), so there is no floor: is another axis up, or the translation in another unit?"
        )
    joint = _joint_speed(joints, motion.fps) / leg
    if joint > checks.joint_speed:
        found.append(
            f"joints move at {joint * leg:.3g} m/s relative to the root ({joint:.3g} legs a second, at most "
            f"{checks.joint_speed:g}): is the frame rate ({motion.fps:g}) right? "
            f"{motion.fps * _USUAL_JOINT / joint:.3g} would be plausible; or are frames or rotations mixed up?"
        )
    if (backwards := _knees(joints, leg)) < checks.knee_cosine:
        found.append(
            f"the knees bend backwards (cosine {backwards:.2f} to the toes): rotations are transposed or inverted; "
            "give each as axis-angle, or as the first two rows of its matrix"
        )
    frozen = _frozen(joints)
    if frozen > checks.frozen and len(joints) >= _LEAST_FRAMES:
        found.append(
            f"{100 * frozen:.0f} % of the frames repeat the previous one: nobody dances, or the file was padded"
        )
    return found


def doubts(motion: Motion, checks: MotionChecks) -> list[str]:
    """Warnings about unusual but possible motion: fast or slow, frames that jump or repeat, feet that slide or rise."""
    joints = motion.joints.astype(np.float64)
    leg = leg_length(joints)
    joint = _joint_speed(joints, motion.fps) / leg
    found = _root_against_feet(joints, leg) if joint > _SLOW * checks.joint_speed else []
    if not _SLOW * checks.joint_speed <= joint <= _FAST * checks.joint_speed:
        found.append(
            f"joints move at {joint:.2g} legs a second relative to the root, usual are 4 to 12: is the frame rate "
            f"({motion.fps:g}) right, and are the rotations in their unit?"
        )
    fastest = _speed(joints, motion.fps).max(axis=1)
    jumps = np.flatnonzero((fastest > checks.joint_speed * leg) & (fastest > _JUMP * np.median(fastest)))
    if len(jumps):
        shown = ", ".join(map(str, (jumps[:_SHOWN] + 1).tolist()))
        more = f" and {len(jumps) - _SHOWN} more" if len(jumps) > _SHOWN else ""
        name = JOINTS[int(_speed(joints, motion.fps)[jumps[0]].argmax())]
        found.append(f"{name} jumps at {fastest[jumps[0]]:.3g} m/s in frame {shown}{more}: repair these frames")
    if motion.poses is not None:
        beyond = np.flatnonzero(np.linalg.norm(motion.poses[:, 1:], axis=-1).max(axis=1) > checks.largest_angle)
        if len(beyond):
            found.append(f"joint rotations of more than {checks.largest_angle:g} rad, first in frame {beyond[0]}")
    frozen = _frozen(joints)
    if frozen > checks.frozen / 4:
        halved = f"; at {motion.fps / 2:g} frames per second none would" if 0.45 < frozen < 0.55 else ""
        found.append(f"{100 * frozen:.0f} % of the frames repeat the previous one{halved}")
    low = np.percentile(joints[:, list(_LOW), 1].min(axis=1), [5, 95])
    drift = float(low[1] - low[0]) / leg
    if drift > checks.floor_drift / 3:
        found.append(
            f"the feet rise and fall by {drift * leg:.2f} m: is the translation in the unit of the body, and y up?"
        )
    return [*found, *_stiff(joints, leg), *_lying(joints)]


def _lying(joints: NDArray[np.float64]) -> list[str]:
    """Whether the trunk is horizontal in most frames, along x or z: then z may be up."""
    along = np.median(joints[:, INDEX["neck"]] - joints[:, 0], axis=0)
    if abs(along[1]) >= _LYING * np.linalg.norm(along):
        return []
    return [
        f"the dancer always lies along {'xyz'[int(np.abs(along).argmax())]}: is it y that points up (or the column up)?"
    ]


def _stiff(joints: NDArray[np.float64], leg: float) -> list[str]:
    """Whether hands and feet keep their distance to the root, or bones change their length."""
    reach = np.linalg.norm(joints[:, _ENDS] - joints[:, :1], axis=-1)
    if float(np.ptp(reach, axis=0).max()) < _STAYS * leg:
        return ["the pose never changes: are the rotations of the joints missing?"]
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    spread = np.subtract(*np.percentile(bones, [95, 5], axis=0))
    name = JOINTS[int(spread.argmax()) + 1]
    return [f"the bone to {name} changes its length by {spread.max():.2f} m"] if spread.max() > _STRETCH * leg else []


_ENDS = [INDEX[side + name] for side in "lr" for name in ("wrist", "ankle")]
_LOW = [INDEX[f"{side}{name}"] for side in "lr" for name in ("ankle", "toes")]


def leg_length(joints: NDArray[np.floating]) -> float:
    """Metres from hip over knee to ankle, for (T, 24, 3) joints: the median over time, averaged over both legs."""
    lengths = []
    for side in "lr":
        hip, knee, ankle = (joints[:, INDEX[side + name]] for name in ("hip", "knee", "ankle"))
        lengths.append(np.median(np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - ankle, axis=-1)))
    return float(np.mean(lengths))


def _speed(points: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """(T - 1, J) m/s from each frame to the next."""
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps)


def _joint_speed(joints: NDArray[np.float64], fps: float) -> float:
    """m/s of the fastest joint relative to the root, in 99 % of the frames."""
    return float(np.percentile(_speed(joints - joints[:, :1], fps).max(axis=1), 99))


def _root_against_feet(joints: NDArray[np.float64], leg: float) -> list[str]:
    """Whether the root moves against the lower foot as much as this foot moves against the root, as when it stands."""
    root = np.diff(joints[:, 0], axis=0)
    if float(np.linalg.norm(np.ptp(joints[:, 0], axis=0))) < _STAYS * leg:
        return ["the root stays in one place while the body moves: is the translation missing?"]
    toes = joints[:, [INDEX["ltoes"], INDEX["rtoes"]]]
    lower = toes[:-1, :, 1].argmin(axis=1)
    foot = root - np.diff(toes, axis=0)[np.arange(len(root)), lower]
    size = max(float(np.linalg.norm(root) * np.linalg.norm(foot)), 1e-12)
    agreement = float((root * foot).sum()) / size
    times = agreement * float(np.linalg.norm(foot) / np.linalg.norm(root))
    if agreement > _AGREES and times > _TOO_LITTLE:
        return [f"the feet slide: is the translation in the unit of the body? Times {times:.2g} they would stand"]
    turned = float((root[:, [0, 2, 1]] * [1, 1, -1] * foot).sum()) / size
    if agreement < _DISAGREES and turned > _AGREES:
        return [
            "the feet slide: does the translation have z up, and the body y? Turn it: trans[:, [0, 2, 1]] * [1, 1, -1]"
        ]
    return []


def _frozen(joints: NDArray[np.float64]) -> float:
    return float((np.abs(np.diff(joints, axis=0)).max(axis=(1, 2)) < _STILL_M).mean())


def _angles(motion: Motion, checks: MotionChecks) -> list[str]:
    if motion.poses is None:
        return []
    # the angle of a root that spins may be unwrapped
    angles = np.linalg.norm(motion.poses[:, 1:].astype(np.float64), axis=-1)
    largest = float(angles.max())
    if float(np.median(angles.max(axis=1))) <= checks.largest_angle:  # for single frames there is only a warning
        return []
    return [
        f"joint rotations reach {largest:.4g} rad, beyond {checks.largest_angle:g}, as angles in degrees do: multiply "
        f"them by pi / 180 (to {np.deg2rad(largest):.2f} rad)"
    ]


def _knees(joints: NDArray[np.float64], leg: float) -> float:
    """The median cosine between the direction of a bent knee and the toes of its foot; 1 if no knee is bent."""
    cosines = []
    for side in "lr":
        hip, knee, ankle, toes = (joints[:, INDEX[side + name]] for name in ("hip", "knee", "ankle", "toes"))
        line = (ankle - hip) / np.maximum(np.linalg.norm(ankle - hip, axis=-1, keepdims=True), 1e-9)
        off = (knee - hip) - ((knee - hip) * line).sum(axis=-1, keepdims=True) * line
        size = np.linalg.norm(off, axis=-1)
        bent = size > _BENT * leg
        if bent.sum() >= 3:
            foot = (toes - ankle)[bent]
            cosines.append(
                (off[bent] * foot).sum(axis=-1) / np.maximum(size[bent] * np.linalg.norm(foot, axis=-1), 1e-9)
            )
    return float(np.median(np.concatenate(cosines))) if cosines else 1.0


def _factor(times: float, motion: Motion) -> str:
    """Advice which factor to divide the translation by: a unit, if one is close enough."""
    for factor, unit in _UNITS:
        if factor / 1.6 < times < factor * 1.6:
            # joints have one unit with their root: the column would scale both
            where = " (SMPL: column unit of clips.csv; AIST++: smpl_scaling)" if motion.poses is not None else ""
            return f"divide its translation by {factor:g}, as if it were in {unit}{where}"
    return f"divide its translation by about {times:.2g}"
