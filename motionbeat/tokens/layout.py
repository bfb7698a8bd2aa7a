"""The layout of a row of the token tables: the tokens stage writes it, and the model includes it."""

from pathlib import Path

from attrs import asdict, fields, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_json, write_json


@frozen
class Layout:
    """Sizes and signal settings of the tokens; a model can only embed tokens of the layout it was trained with."""

    subbeats: int
    mel_bands: int
    motion_width: int
    rotation_start: int | None
    """Index in the motion features where the 6-D rotations begin, or None."""
    motion_fps: float
    contact_speed: float
    contact_height: float
    window_beats: int
    flux: bool = False
    """Whether tokens have the spectral flux of each band too, which doubles their width."""
    joint_events: bool = False
    """Whether the motion features have the block `events` (`motionbeat.motion.motion_features`)."""

    @property
    def audio_width(self) -> int:
        """How many numbers describe the music of one sub-beat."""
        return self.mel_bands * (1 + self.flux)

    def write(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Layout":
        values = read_json(path, "run `dvc repro tokens` to make it again")
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise MotionBeatError(f"{path} must hold {sorted(names)}: run `dvc repro tokens` to make it again")
        return cls(**values)
