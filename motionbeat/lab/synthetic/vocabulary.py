"""The vocabulary of a genre: kinds of steps, arm poses, and the movement between events.

The genres differ roughly like the dances of AIST++: breaking kicks and crosses, house shuffles,
waacking swings the arms overhead, krump stamps and throws the chest, ballet jazz turns and leaps.
"""

from attrs import field, frozen

STEPS = ("walk", "kick", "flick", "knee", "tap", "cross", "chasse", "jump", "leap")
"""Kinds of steps. All land at their event: walk plainly, kick, flick (backwards) and knee with a flourish in the air,
tap without the weight, cross before or behind the other foot, chasse and jump with both feet, leap with a kick."""

FIGURES = ("swing", "circle", "sway", "pump", "wave", "roll", "open", "still")
"""Movements of the arms between hits, at the pulse of the beat."""

# Places of the left wrist from its shoulder (outward, up, forward; m), and where the elbow points.
HANG = ((0.12, -0.45, 0.08), (0.5, 0.0, -1.0))
PLACES = {
    "hang": HANG,
    "hip": ((0.08, -0.30, 0.10), (1.0, 0.0, -0.6)),
    "low": ((0.00, -0.20, 0.34), (0.6, -1.0, -0.2)),
    "chest": ((-0.10, -0.06, 0.26), (1.0, -0.5, 0.0)),
    "punch": ((0.02, 0.02, 0.47), (0.6, -1.0, 0.0)),
    "side": ((0.46, 0.03, 0.08), (0.0, -0.6, -1.0)),
    "flexed": ((0.30, 0.28, 0.08), (1.0, -0.6, -0.4)),
    "overhead": ((0.12, 0.45, 0.12), (1.0, 0.0, -0.2)),
    "reach": ((0.20, 0.30, 0.30), (1.0, -0.6, -0.2)),
    "across": ((-0.16, -0.26, 0.28), (1.0, -0.3, -0.1)),
    "ready": ((0.26, -0.12, 0.24), (0.3, -0.6, -1.0)),
    "back": ((0.22, -0.36, -0.22), (1.0, 0.2, -1.0)),
    "wide": ((0.42, -0.22, -0.04), (0.1, -0.4, -1.0)),
    "point": ((0.34, 0.32, 0.20), (0.6, -0.8, -0.4)),
    "behind": ((0.10, 0.20, 0.02), (1.0, 0.6, 0.0)),
}


@frozen
class Vocabulary:
    """A genre's weights for moves; they need not add up to 1."""

    steps: dict[str, float]
    figures: dict[str, float]
    places: tuple[str, ...]
    travel: float = 0.30  # m: how far a phrase moves from its centre
    turning: float = 0.25  # chance that a phrase turns round
    bob: float = 0.022  # m: up and down with the pulse
    swing: float = 0.5  # rad: the arms' figures
    torso: float = 0.22  # rad: movement of the torso in hits
    hips: float = 0.16  # rad: the pelvis's twist with the pulse
    low: float = 0.10  # m: depth of bends
    wave: float = 0.10  # rad: ripple through the spine
    wrists: float = field(default=0.35)  # rad


def _weights(text: str) -> dict[str, float]:
    return {name: float(weight) for name, weight in (part.split(":") for part in text.split())}


VOCABULARIES = {
    "BR": Vocabulary(
        _weights("walk:2 kick:4 flick:1 cross:2 chasse:4 jump:1"),
        _weights("swing:3 open:3 roll:1"),
        ("hang", "chest", "side", "across", "wide", "hip", "ready", "back"),
        travel=0.36, bob=0.030, swing=0.85, low=0.16,
    ),
    "PO": Vocabulary(
        _weights("walk:4 tap:2 cross:1 knee:1 chasse:2"),
        _weights("wave:5 still:2 circle:1"),
        ("hang", "side", "flexed", "punch", "ready", "chest", "reach", "low"),
        travel=0.20, bob=0.014, swing=0.65, hips=0.10, wave=0.20, wrists=0.6,
    ),
    "LO": Vocabulary(
        _weights("walk:2 kick:3 knee:2 tap:1 jump:2 chasse:2"),
        _weights("circle:3 pump:2 roll:2 swing:1"),
        ("hang", "point", "hip", "overhead", "flexed", "reach", "across", "side"),
        bob=0.030, swing=0.72, low=0.20, wrists=0.5,
    ),
    "MH": Vocabulary(
        _weights("walk:3 tap:2 knee:2 kick:1 chasse:3 cross:1"),
        _weights("swing:3 pump:2 circle:1 sway:1"),
        ("hang", "low", "ready", "chest", "side", "across", "hip", "wide"),
        bob=0.045, swing=0.72, low=0.16, torso=0.28,
    ),
    "LH": Vocabulary(
        _weights("walk:3 tap:1 cross:2 knee:1 jump:1 flick:1 chasse:2"),
        _weights("wave:2 swing:2 open:2 circle:1 still:1"),
        ("hang", "punch", "reach", "chest", "flexed", "overhead", "across", "ready", "behind"),
        bob=0.020, swing=0.65, torso=0.30, low=0.12,
    ),
    "HO": Vocabulary(
        _weights("walk:2 cross:2 chasse:4 flick:2 kick:2 tap:1"),
        _weights("swing:3 pump:2 circle:2 sway:1"),
        ("hang", "ready", "hip", "low", "wide", "across", "back"),
        travel=0.40, bob=0.032, swing=0.59, wave=0.24, turning=0.35,
    ),
    "WA": Vocabulary(
        _weights("walk:4 tap:2 cross:2 kick:1 chasse:2"),
        _weights("circle:5 roll:2 open:2 wave:1"),
        ("hang", "overhead", "behind", "point", "side", "reach", "across", "flexed"),
        travel=0.24, bob=0.018, swing=0.98, hips=0.24, wrists=0.6, turning=0.35,
    ),
    "KR": Vocabulary(
        _weights("walk:3 knee:3 jump:3 chasse:3 kick:1"),
        _weights("pump:4 swing:3 open:1"),
        ("hang", "punch", "flexed", "chest", "wide", "reach", "across", "back"),
        travel=0.32, bob=0.030, swing=0.78, torso=0.42, low=0.18,
    ),
    "JS": Vocabulary(
        _weights("walk:2 kick:2 cross:2 leap:1 flick:1 tap:1 jump:1 chasse:2"),
        _weights("open:3 sway:2 circle:2 wave:1"),
        ("hang", "side", "overhead", "reach", "across", "hip", "behind", "wide"),
        travel=0.38, turning=0.45, hips=0.22, swing=0.72, wrists=0.5,
    ),
    "JB": Vocabulary(
        _weights("walk:2 kick:3 leap:3 cross:2 flick:1 jump:1 chasse:2"),
        _weights("open:3 sway:3 circle:3"),
        ("hang", "side", "overhead", "reach", "wide", "chest", "point"),
        travel=0.50, turning=0.6, bob=0.014, hips=0.08, swing=0.78, torso=0.26, wave=0.14,
    ),
}  # fmt: skip
"""By the two capitals of AIST++'s genres."""
