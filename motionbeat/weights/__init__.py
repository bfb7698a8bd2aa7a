"""The model that comes with the package: config.json, model.safetensors, and card.md, which says what it is."""

from pathlib import Path

SHIPPED = Path(__file__).parent
"""The folder that `motionbeat.load()` takes without an argument."""
GENERATOR = SHIPPED / "generator"
"""The dance generator that `motionbeat dance` takes where none was trained; it learned from features
of that model."""
