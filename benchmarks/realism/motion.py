"""Dance2Measures: the measures of a dance, each only if the recording allows it."""

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.signal import welch
from scipy.spatial.transform import Rotation

from motionbeat.dance import beat_alignment_against_chance, kinetic_features, physical_foot_contact
from motionbeat.dance.alignment import LEAST_SPEED
from motionbeat.motion.contacts import foot_contacts
from motionbeat.motion.kinematics import velocity
from motionbeat.motion.skeleton import FEET, INDEX, JOINTS

COARSE_FPS = 15.0
"""Below this a step of 0.2 s has fewer than three frames: only places can be compared, no speeds."""
FINE_FPS = 45.0
"""Below this frames hold nothing of the movement beyond some 20 Hz: no accelerations and no spectra."""
FAST_HZ = 6.0
"""Voluntary movement of the limbs has little power beyond; what is there are impacts, or jitter of the capture."""
CONTACT_SPEED, CONTACT_HEIGHT = 0.3, 0.05  # m/s, m: one pair for all corpora, whatever params.yaml trains with
PERCENTILES = (5, 50, 95, 99)
_SEGMENT_S = 4.0
_WINDOW_S = 6.0
_AROUND = 0.1

GROUPS = {
    "root": ("root",),
    "feet": ("lankle", "rankle", "ltoes", "rtoes"),
    "hands": ("lwrist", "rwrist", "lhand", "rhand"),
    "head": ("head",),
    "all joints": JOINTS,
}
"""Joints whose speeds are compared together."""
PARTS = {
    "trunk": ("root", "belly", "spine", "chest", "neck", "linshoulder", "rinshoulder"),
    "head": ("head",),
    "arms": ("lshoulder", "rshoulder", "lelbow", "relbow", "lwrist", "rwrist", "lhand", "rhand"),
    "legs": ("lhip", "rhip", "lknee", "rknee", "lankle", "rankle", "ltoes", "rtoes"),
}
"""All 24 joints, as the kinetic features are grouped."""
TURNING = {
    "hips": ("lhip", "rhip"),
    "knees": ("lknee", "rknee"),
    "trunk": ("belly", "spine", "chest"),
    "neck and head": ("neck", "head"),
    "shoulders": ("lshoulder", "rshoulder"),
    "elbows": ("lelbow", "relbow"),
}
"""Joints whose rotations are compared."""
ON_THE_BEAT = f"speed within {_AROUND:g} beats of a beat, over its mean"


@frozen(eq=False)
class Dance:
    """A clip: joints (T, 24, 3) m, y up; poses (T, 24, 3) axis-angle or none; beat_times (N,) s from its first
    frame, or none where the phase of the music's beats is not known; group: clips that are not independent."""

    name: str
    group: str
    joints: NDArray[np.floating]
    fps: float
    poses: NDArray[np.floating] | None = None
    beat_times: NDArray[np.float64] | None = None


def measures(dance: Dance) -> dict[str, float]:
    """Every measure that this recording allows, by the names of `SECTIONS`."""
    found = dict(_places(dance))
    if dance.fps >= COARSE_FPS:
        found |= dict(_speeds(dance)) | dict(_contacts(dance)) | dict(_energies(dance))
        found["PFC (30 frames/s)"] = physical_foot_contact(dance.joints, dance.fps)
    if dance.fps >= FINE_FPS:
        found |= dict(_accelerations(dance))
    if dance.poses is not None:
        found |= dict(_rotations(dance.poses))
    if dance.beat_times is not None:
        found |= dict(_alignment(dance))
    return found


def _group(joints: NDArray[np.floating], names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.asarray(joints, np.float64)[:, [INDEX[name] for name in names]]


def _places(dance: Dance) -> Iterator[tuple[str, float]]:
    root = np.asarray(dance.joints[:, 0], np.float64)
    duration = (len(root) - 1) / dance.fps
    yield "root travel over the floor (m/s)", float(np.hypot(*np.diff(root[:, [0, 2]], axis=0).T).sum() / duration)
    # in windows of one length, since a longer dance gets further
    windows = np.array_split(root, max(1, round(len(root) / (_WINDOW_S * dance.fps))))
    ranges = np.array([np.ptp(np.percentile(window, [5, 95], axis=0), axis=0) for window in windows])
    yield f"floor used in {_WINDOW_S:g} s, longer side (m)", float(ranges[:, [0, 2]].max(axis=1).mean())
    yield f"vertical range of the root in {_WINDOW_S:g} s (m)", float(ranges[:, 1].mean())


def speeds(dance: Dance, group: str) -> NDArray[np.float64]:
    """Speeds (T * joints,) m/s of a group of joints, at the recording's own frame rate."""
    return np.linalg.norm(velocity(_group(dance.joints, GROUPS[group]), dance.fps), axis=-1).ravel()


def _speeds(dance: Dance) -> Iterator[tuple[str, float]]:
    for group in GROUPS:
        values = np.percentile(speeds(dance, group), PERCENTILES)
        yield from ((f"{group}, {p} %", float(v)) for p, v in zip(PERCENTILES, values, strict=True))


def spectrum(dance: Dance, group: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies (F,) Hz and the power density (F,) of the group's velocity, m²/s² a Hz, mean over its joints."""
    moved = velocity(_group(dance.joints, GROUPS[group]), dance.fps)
    length = min(len(moved), round(_SEGMENT_S * dance.fps))
    frequencies, power = welch(moved, dance.fps, nperseg=length, axis=0)
    return frequencies, power.sum(axis=2).mean(axis=1)


def _accelerations(dance: Dance) -> Iterator[tuple[str, float]]:
    size = np.linalg.norm(velocity(velocity(dance.joints, dance.fps), dance.fps), axis=-1)
    yield "all joints, median (m/s²)", float(np.median(size))
    yield "all joints, 95 % (m/s²)", float(np.percentile(size, 95))
    for group in ("hands", "feet"):
        frequencies, power = spectrum(dance, group)
        total = float(power.sum())
        if total > 0:
            yield f"velocity spectrum of the {group}, centroid (Hz)", float((frequencies * power).sum() / total)
            share = 100 * float(power[frequencies > FAST_HZ].sum()) / total
            yield f"velocity power of the {group} beyond {FAST_HZ:g} Hz (%)", share


def contact_durations(contacts: NDArray[np.bool_], fps: float) -> NDArray[np.float64]:
    """Seconds of each contact in (T, J), but for those that the clip's ends cut off."""
    lengths: list[int] = []
    for foot in contacts.T:
        edges = np.flatnonzero(np.diff(foot.astype(np.int8)))
        begins_down = bool(foot[0])
        # edges alternate; the first contact that begins within the clip begins at edge number begins_down
        starts, ends = edges[int(begins_down) :: 2], edges[int(begins_down) + 1 :: 2]
        lengths += (ends - starts[: len(ends)]).tolist()
    return np.array(lengths, np.float64) / fps


def _contacts(dance: Dance) -> Iterator[tuple[str, float]]:
    contacts = foot_contacts(dance.joints, dance.fps, CONTACT_SPEED, CONTACT_HEIGHT)
    yield "a foot joint is in contact (% of frames)", 100 * float(contacts.mean())
    yield "at least one is (% of frames)", 100 * float(contacts.any(axis=1).mean())
    durations = contact_durations(contacts, dance.fps)
    if len(durations):
        yield "duration of a contact, median (s)", float(np.median(durations))
    if contacts.any():
        sliding = np.linalg.norm(velocity(dance.joints[:, FEET][..., [0, 2]], dance.fps), axis=-1)
        yield "sliding while in contact (cm/s)", 100 * float(sliding[contacts].mean())


def _energies(dance: Dance) -> Iterator[tuple[str, float]]:
    features = kinetic_features(dance.joints, dance.fps, reference_bug=False).reshape(24, 3)
    for part, names in PARTS.items():
        horizontal, vertical, driven = features[[INDEX[name] for name in names]].mean(axis=0)
        yield f"{part}, horizontal energy (m²/s²)", float(horizontal)
        yield f"{part}, vertical energy (m²/s²)", float(vertical)
        if dance.fps >= FINE_FPS:
            yield f"{part}, expenditure (m/s²)", float(driven)


def _rotations(poses: NDArray[np.floating]) -> Iterator[tuple[str, float]]:
    for name, joints in TURNING.items():
        reach = []
        for joint in joints:
            turns = Rotation.from_rotvec(np.asarray(poses[:, INDEX[joint]], np.float64))
            reach.append(np.degrees(np.percentile((turns.mean().inv() * turns).magnitude(), 95)))
        yield f"{name} (degrees)", float(np.mean(reach))


def _alignment(dance: Dance) -> Iterator[tuple[str, float]]:
    assert dance.beat_times is not None
    for definition in LEAST_SPEED:
        found = beat_alignment_against_chance(dance.joints, dance.fps, dance.beat_times, definition)
        yield f"{definition}: score", found.value
        yield f"{definition}: chance", found.chance
        yield f"{definition}: z", found.z
    speed = np.linalg.norm(velocity(dance.joints, dance.fps), axis=-1).mean(axis=1)
    if len(dance.beat_times) > 1 and speed.mean() > 0:
        times = np.arange(len(speed)) / dance.fps
        beat = np.interp(times, dance.beat_times, np.arange(len(dance.beat_times)), left=np.nan, right=np.nan)
        near = np.abs(beat - np.round(beat)) <= _AROUND  # False for NaN: before the first beat, after the last
        yield ON_THE_BEAT, float(speed[near].mean() / speed[np.isfinite(beat)].mean())


def _named(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for group in groups for name in group)


SECTIONS: dict[str, tuple[str, ...]] = {
    "Speed of the joints (m/s)": _named(*(tuple(f"{group}, {p} %" for p in PERCENTILES) for group in GROUPS)),
    "Acceleration and smoothness": (
        "all joints, median (m/s²)",
        "all joints, 95 % (m/s²)",
        *(f"velocity spectrum of the {group}, centroid (Hz)" for group in ("hands", "feet")),
        *(f"velocity power of the {group} beyond {FAST_HZ:g} Hz (%)" for group in ("hands", "feet")),
    ),
    "Feet": (
        "a foot joint is in contact (% of frames)",
        "at least one is (% of frames)",
        "duration of a contact, median (s)",
        "sliding while in contact (cm/s)",
        "PFC (30 frames/s)",
    ),
    "Way of the root": (
        "root travel over the floor (m/s)",
        f"floor used in {_WINDOW_S:g} s, longer side (m)",
        f"vertical range of the root in {_WINDOW_S:g} s (m)",
    ),
    "Kinetic features, means over the joints of a part": _named(
        *(
            tuple(f"{part}, {name}" for part in PARTS)
            for name in ("horizontal energy (m²/s²)", "vertical energy (m²/s²)", "expenditure (m/s²)")
        )
    ),
    "Rotation from the joint's mean, 95 % of frames": tuple(f"{name} (degrees)" for name in TURNING),
    "Beat alignment": (
        *_named(*(tuple(f"{d}: {name}" for name in ("score", "chance", "z")) for d in LEAST_SPEED)),
        ON_THE_BEAT,
    ),
}
"""The measures in the order of the table; only the sections of moving bodies have ratios worth quoting."""
