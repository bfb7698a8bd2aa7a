"""The style of one dancer: size, limbs, posture; independent of song, genre and choreography."""

import numpy as np
from attrs import frozen

from motionbeat.lab.synthetic.plan import stream


@frozen
class Style:
    """How a dancer moves. Fields without a unit are factors; 1 is average."""

    step_size: float
    lift: float
    reach: float
    sink: float
    spring: float  # of hops and jumps
    swing: float  # of the arms between hits
    torso: float
    sway: float
    snap: float  # how far a hit swings back before and beyond its end
    lag: float  # how late spine, forearms and hands follow
    crouch: float  # m below standing
    stance: float  # m between the feet
    toe_out: float  # rad
    lean: float  # rad forward
    elbows: float  # rad: least bend of the arms
    leads_left: bool
    left_arm: float  # probability that a hit moves the left arm, and the right arm
    right_arm: float
    noise: float  # rad of slow random movement
    scaling: float  # AIST++'s units per metre


def style(seed: int, dancer: int) -> Style:
    """The style of a dancer: independent of song, genre and choreography."""
    rng = stream(seed, "dancer", str(dancer))
    favourite = rng.integers(3)

    def around_one(spread: float) -> float:
        return float(np.exp(rng.uniform(-spread, spread)))

    return Style(
        step_size=around_one(0.4),
        lift=around_one(0.4),
        reach=around_one(0.12),
        sink=around_one(0.3),
        spring=around_one(0.25),
        swing=around_one(0.35),
        torso=around_one(0.45),
        sway=around_one(0.5),
        snap=around_one(0.5),
        lag=around_one(0.4),
        crouch=float(rng.uniform(0.01, 0.06)),
        stance=float(rng.uniform(0.20, 0.38)),
        toe_out=float(rng.uniform(0.0, 0.35)),
        lean=float(rng.uniform(0.0, 0.14)),
        elbows=float(rng.uniform(0.1, 0.5)),
        leads_left=bool(rng.random() < 0.5),
        left_arm=1.0 if favourite != 1 else 0.5,
        right_arm=1.0 if favourite != 0 else 0.5,
        noise=float(rng.uniform(0.02, 0.05)),
        scaling=float(rng.uniform(88, 98)),
    )
