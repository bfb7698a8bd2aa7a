"""Files that the package has besides its code: params.yaml, presets/, dvc.yaml and stages/."""

from importlib.resources import files
from pathlib import Path

import motionbeat


def shipped(name: str) -> Path:
    """The file or folder `name`: in an installed package below motionbeat/lab/shipped, in a checkout at its root."""
    installed = Path(str(files("motionbeat.lab"))) / "shipped" / name
    return installed if installed.exists() else Path(motionbeat.__file__).parents[1] / name
