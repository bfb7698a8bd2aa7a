"""Dance2Player: a dance as JSON that `player.js` draws on a canvas, and its music as a data address."""

import base64
import io
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionbeat.lab.render.drawn_clip import DrawnDance
from motionbeat.lab.render.stick_figure import INK, THREE_QUARTER, colour_of, facing, floor_height
from motionbeat.motion.resample import resample
from motionbeat.motion.skeleton import FEET, INDEX, JOINTS, PARENTS

FPS = 30.0
"""Frames per second of the player's data; it interpolates."""


def player_script() -> str:
    """The source of player.js."""
    return files(__package__).joinpath("player.js").read_text(encoding="utf-8")


def playable(dance: DrawnDance, seconds: float | None = None, start_s: float = 0.0) -> dict[str, Any]:
    """The first `seconds` of a dance for the player. start_s: seconds of the audio element at the first frame.

    joints: little-endian int16 millimetres, (T, 24, 3) at `FPS`; contacts: one byte per frame, bit i for foot i of
    `skeleton.FEET`; both base64. beats: s from the first frame. angle: rad about the vertical, a view from the front.
    """
    kept = len(dance.joints) if seconds is None else round(seconds * dance.fps)
    joints = resample(dance.joints[:kept], dance.fps, FPS)
    nearest = np.minimum(np.round(np.arange(len(joints)) * dance.fps / FPS).astype(int), len(dance.contacts) - 1)
    inside = (dance.beat_times >= 0) & (dance.beat_times < len(joints) / FPS)
    colours = [colour_of(joint) for joint in range(len(JOINTS))]
    return {
        "fps": FPS,
        "start": start_s,
        "joints": _text(np.round(1000 * joints).astype("<i2")),
        "contacts": _text((dance.contacts[nearest] @ (1 << np.arange(len(FEET)))).astype(np.uint8)),
        "beats": [round(float(time), 4) for time in dance.beat_times[inside]],
        "positions": [int(position) for position in dance.bar_positions[inside]],
        "parents": list(PARENTS),
        "feet": list(FEET),
        "head": INDEX["head"],
        "colours": ["" if colour == INK else colour for colour in colours],
        "angle": round(facing(dance.joints) + THREE_QUARTER, 4),
        "floor": round(floor_height(dance.joints), 4),
    }


def sound(audio: NDArray[np.floating], sample_rate: int) -> str:
    """Mono audio as an mp3 in a data address; the same samples give the same bytes."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), sample_rate, format="MP3", subtype="MPEG_LAYER_III")
    return f"data:audio/mpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _text(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
