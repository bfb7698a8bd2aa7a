"""The measures of a set of dances, one row of the table: contact, diversity, distance to real ones, beat alignment.

All dances are cut into pieces of 5 s first, EDGE's unit, because features are means over time, so longer dances always
differ less. Beat alignment uses whole dances.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.dance.alignment import DEFINITIONS, beat_alignment, beat_alignment_against_chance
from motionbeat.dance.distance import frechet_distance, mean_pairwise_distance
from motionbeat.dance.foot_contact import physical_foot_contact
from motionbeat.dance.geometric import geometric_features
from motionbeat.dance.kinetic import kinetic_features
from motionbeat.errors import MotionBeatError
from motionbeat.lab.tasks.group_bootstrap import draws, interval, weighted_mean
from motionbeat.lab.tasks.score_table import Score
from motionbeat.motion.kinematics import velocity
from motionbeat.motion.skeleton import FEET

PIECE_S = 5.0
SHUFFLES = 200
ON_FLOOR_M = 0.05
"""A foot joint this close to the floor counts as on the floor."""
FLOOR_PERCENTILE = 5
HEADLINE = {
    "dance_pfc": ("dance", "motionbeat", "pfc"),
    "dance_landing_z": ("dance", "motionbeat", "bas_landing_chance_z"),
}
_SAME = 1e-9
_LEAST_SONGS = 3

Floats = NDArray[np.float64]


@frozen(eq=False)
class Danced:
    """A dance to a song: joints (T, 24, 3) m, y up, and the song's beats (N,) s from the first frame on."""

    song: str
    joints: NDArray[np.float32]
    fps: float
    beats: Floats


@frozen(eq=False)
class Features:
    """Kinetic (n, 72) and geometric (n, 32) features of the pieces of a set of dances."""

    kinetic: Floats
    geometric: Floats

    @classmethod
    def of(cls, dances: Sequence[Danced]) -> "Features":
        """The features of all whole pieces of the dances; raises `MotionBeatError` with fewer than 2 pieces."""
        parts = [(piece, dance.fps) for dance in dances for piece in pieces(dance)]
        if len(parts) < 2:
            raise MotionBeatError(f"{len(parts)} pieces of {PIECE_S:g} s in {len(dances)} dances; give at least 2")
        kinetic, geometric = (np.stack([f(*part) for part in parts]) for f in (kinetic_features, geometric_features))
        return cls(kinetic, geometric)


def pieces(dance: Danced) -> list[NDArray[np.float32]]:
    """The dance's whole pieces of 5 s; the rest at the end is not used."""
    size = round(PIECE_S * dance.fps)
    return [dance.joints[begin : begin + size] for begin in range(0, len(dance.joints) - size + 1, size)]


def score(dances: Sequence[Danced], real: Features, bootstrap: int = 1000, seed: int = 0) -> dict[str, float]:
    """One row of figures.

    real: features of real dances, which normalise Dist and FID. bootstrap: resamplings of the songs for the interval
    of PFC (pfc_low, pfc_high: 95 %; with at least 2 songs). Keys: pfc; dist_k, dist_g; fid_k, fid_g; skating (m/s, mean
    horizontal speed of feet on the floor); for each definition bas_NAME with its chance level under circular shifts of
    the music (_chance) and, with at least 3 songs, under other songs' beats (_shuffled), and how many deviations it is
    above each (_chance_z, _shuffled_z; 0 if no shift or shuffle changes anything). A feature that is constant in the
    real dances cannot be normalised and is left out of Dist and FID. If there are not more pieces than features, FID
    warns (`UserWarning`). Raises `MotionBeatError` for dances that cannot be scored.
    """
    generated = Features.of(dances)
    by_dance = [[physical_foot_contact(piece, dance.fps) for piece in pieces(dance)] for dance in dances]
    songs = [dance.song for dance, values_of_dance in zip(dances, by_dance, strict=True) for _ in values_of_dance]
    contact = np.concatenate(by_dance)
    bounds = interval(weighted_mean(contact, draws(songs, bootstrap, seed)))
    row = {
        "dances": float(len(dances)),
        "pieces": float(len(generated.kinetic)),
        "pfc": float(np.mean(contact)),
        "skating": float(np.mean([skating(dance.joints, dance.fps) for dance in dances])),
    }
    if bounds is not None:  # there are several songs
        row |= {"pfc_low": bounds.low, "pfc_high": bounds.high}
    for letter, features, reference in (
        ("k", generated.kinetic, real.kinetic),
        ("g", generated.geometric, real.geometric),
    ):
        varies = reference.std(axis=0) > _SAME * (1 + np.abs(reference.mean(axis=0)))
        row[f"dist_{letter}"] = mean_pairwise_distance(features[:, varies], reference[:, varies])
        row[f"fid_{letter}"] = frechet_distance(features[:, varies], reference[:, varies])
    for definition in DEFINITIONS:
        row |= {f"bas_{definition}{end}": value for end, value in _alignment(dances, definition, seed).items()}
    return row


def as_scores(figures: Mapping[str, float]) -> list[Score]:
    """The tidy table of all rows. figures: {row.measure: value}, those of `score` and others."""
    rows: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        row, _, measure = name.partition(".")
        rows.setdefault(row, {})[measure] = value
    table = []
    for row, values in rows.items():
        count = round(values["dances"])
        for measure, value in values.items():
            if measure not in ("pfc_low", "pfc_high"):
                low, high = (values.get(f"pfc_{end}") if measure == "pfc" else None for end in ("low", "high"))
                table.append(Score("dance", row, measure, value, low, high, count))
    return table


def skating(joints: NDArray[np.floating], fps: float) -> float:
    """m/s: mean horizontal speed of the foot joints while they are on the floor; 0 if they never are.

    joints: (T, 24, 3) m, y up. On the floor: within 5 cm of the floor of the joint, the 5th percentile of its height.
    """
    feet = np.asarray(joints, np.float64)[:, list(FEET)]
    speed = np.linalg.norm(velocity(feet, fps)[..., [0, 2]], axis=-1)  # (T, 4)
    height = feet[..., 1]
    on_floor = height < np.percentile(height, FLOOR_PERCENTILE, axis=0) + ON_FLOOR_M
    return float(speed[on_floor].mean()) if on_floor.any() else 0.0


def _alignment(dances: Sequence[Danced], definition: str, seed: int) -> dict[str, float]:
    against = [
        beat_alignment_against_chance(dance.joints, dance.fps, dance.beats, definition, seed=seed) for dance in dances
    ]
    value = float(np.mean([one.value for one in against]))
    chance = float(np.mean([one.chance for one in against]))
    deviation = float(np.sqrt(np.sum([one.chance_std**2 for one in against])) / len(against))
    row = {"": value, "_chance": chance, "_chance_z": (value - chance) / deviation if deviation > 0 else 0.0}
    shuffled = _shuffled(dances, definition, seed)
    if shuffled is not None:
        spread = float(shuffled.std())
        row |= {
            "_shuffled": float(shuffled.mean()),
            "_shuffled_z": (value - float(shuffled.mean())) / spread if spread > 0 else 0.0,
        }
    return row


def _shuffled(dances: Sequence[Danced], definition: str, seed: int) -> Floats | None:
    """(200,) mean scores of the dances with the beats of other songs, drawn at random each time.

    None with fewer than 3 songs, since there is only one way to shuffle them.
    """
    beats = {dance.song: dance.beats for dance in dances}
    songs = sorted(beats)
    if len(songs) < _LEAST_SONGS:
        return None
    scores = np.array([[beat_alignment(d.joints, d.fps, beats[song], definition) for song in songs] for d in dances])
    played = np.array([songs.index(dance.song) for dance in dances])
    generator = np.random.default_rng(seed)
    other = (played + generator.integers(1, len(songs), size=(SHUFFLES, len(dances)))) % len(songs)
    return np.asarray(scores[np.arange(len(dances)), other].mean(axis=1))
