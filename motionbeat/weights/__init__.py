"""The model that comes with the package: config.json, model.safetensors, and card.md, which says what it is."""

from pathlib import Path

from motionbeat.errors import MotionBeatError
from motionbeat.files import LARGEST_SMALL_TEXT

SHIPPED = Path(__file__).parent
"""The folder that `motionbeat.load()` takes without an argument."""
GENERATOR = SHIPPED / "generator"
"""The dance generator that `motionbeat dance` takes where none was trained; it learned from features
of that model."""
CARDS = ("card.md", "README.md")
"""A model's card, by its name here and on the hub."""


def card_of(folder: Path) -> str:
    """The text of the card beside a model's weights; empty where there is none.

    Raises `MotionBeatError` for one of more than 1 MiB.
    """
    found = [folder / name for name in CARDS if (folder / name).is_file()]
    if not found:
        return ""
    if (size := found[0].stat().st_size) > LARGEST_SMALL_TEXT:
        raise MotionBeatError(f"{found[0]} has {size} bytes, more than a card has: put a shorter one in its place")
    return found[0].read_text(encoding="utf-8", errors="replace")
