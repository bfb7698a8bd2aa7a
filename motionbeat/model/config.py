"""Everything that fixes the shapes and the structure of a model; saved next to its weights as config.json."""

from typing import Any

from attrs import NOTHING, AttrsInstance, asdict, fields, frozen

from motionbeat.errors import MotionBeatError
from motionbeat.tokens.layout import Layout

ROTATIONS = ("harmonic", "paper", "rotary", "none")
RESOLUTIONS = ("beat", "subbeat")
MOST, MOST_LAYERS = 1_000_000, 100
"""Upper limit of all sizes: a larger number in a file is a mistake, and building it would need hours or all memory."""
READOUTS = ("window_harmonic", "bar_harmonic", "mean")


@frozen(kw_only=True)
class ModelConfig:
    """The token layout (`motionbeat.tokens.layout.Layout`), then the fields of `motionbeat.lab.params.Model`.

    Wrong values raise `MotionBeatError`.
    """

    mel_bands: int
    """Mel bands of one sub-beat."""
    motion_width: int
    """Motion features of one sub-beat (F)."""
    rotation_start: int | None
    """Where the block of joint rotations begins in F; it ends with F. None: the features have no rotations."""
    subbeats: int
    """Sub-beats per beat (S)."""
    window_beats: int
    """Beats of a training window (K). The model itself takes any number."""
    motion_fps: float
    """Frames per second to which motion is resampled."""
    contact_speed: float
    """m/s: a foot joint slower than this ..."""
    contact_height: float
    """m: ... and this close to the floor is in contact."""
    flux: bool = False
    """Whether tokens have the flux of each band in addition to the log-mel.

    A model older than this param has no flux.
    """
    joint_events: bool = False
    """Whether the motion features include joint speeds and their changes.

    In a model older than this param they do not.
    """
    width: int
    layers: int
    heads: int
    embedding: int
    dropout: float
    centre: bool
    """Whether each feature's mean over the window is subtracted."""
    rotation: str
    phase_features: bool
    contact_attention: bool
    readout: str
    max_beats_per_bar: int
    contact_resolution: str = "beat"
    """Whether r of eqs. 8-9 is one number per beat (paper) or one per sub-beat, centred over the window."""

    def __attrs_post_init__(self) -> None:
        expected = {
            **dict.fromkeys(_COUNTS, f"a whole number of at least 1 (at most {MOST}, layers {MOST_LAYERS})"),
            **{name: f"a number {low:g} to {high:g}" for name, (low, high) in _BETWEEN.items()},
            "width": f"a multiple of 2 * heads = {2 * self.heads if _is_count(self.heads) else '2 * heads'}",
            "embedding": "a whole number of at least 1, a multiple of window_beats for readout window_harmonic",
            "rotation_start": "a whole number below motion_width, or none",
            "dropout": "a number from 0 to 1",
            "rotation": f"one of {', '.join(ROTATIONS)}",
            "readout": f"one of {', '.join(READOUTS)}",
            "contact_resolution": f"one of {', '.join(RESOLUTIONS)}",
            **dict.fromkeys(_SWITCHES, "true or false"),
        }
        wrong = {name for name in _COUNTS if not _is_count(getattr(self, name))}
        wrong |= {name for name, bounds in _BETWEEN.items() if not _is_between(getattr(self, name), *bounds)}
        wrong |= {"layers"} if "layers" not in wrong and self.layers > MOST_LAYERS else set()
        if "width" not in wrong and "heads" not in wrong and self.width % (2 * self.heads):
            wrong.add("width")
        if self.readout == "window_harmonic" and not wrong & {"embedding", "window_beats"}:
            wrong |= {"embedding"} if self.embedding % self.window_beats else set()
        if self.rotation_start is not None and not _starts_inside(self.rotation_start, self.motion_width):
            wrong.add("rotation_start")
        if isinstance(self.dropout, bool) or not isinstance(self.dropout, int | float) or not 0 <= self.dropout <= 1:
            wrong.add("dropout")
        wrong |= {name for name in _SWITCHES if not isinstance(getattr(self, name), bool)}
        wrong |= {name for name, known in _CHOICES.items() if getattr(self, name) not in known}
        if wrong:
            lines = [f"{name} = {getattr(self, name)!r}; expected {expected[name]}" for name in sorted(wrong)]
            raise MotionBeatError("model configuration: " + "; ".join(lines))

    @property
    def audio_token(self) -> int:
        """Width of one audio token, S * `audio_width`."""
        return self.subbeats * self.audio_width

    @property
    def contacts(self) -> int:
        """How many numbers of r_t guide attention (eqs. 8-9)."""
        return self.subbeats if self.contact_resolution == "subbeat" else 1

    @property
    def audio_width(self) -> int:
        """How many numbers describe the music of one sub-beat: log-mel bands, and their flux if the layout has it."""
        return self.mel_bands * (1 + self.flux)

    @property
    def motion_token(self) -> int:
        """Width of one motion token, S * F."""
        return self.subbeats * self.motion_width

    @classmethod
    def of(cls, settings: AttrsInstance, layout: Layout) -> "ModelConfig":
        """The configuration from the section `model` of params.yaml (an attrs object) and the layout of the tokens."""
        return cls(**asdict(layout), **asdict(settings))

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values, for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, origin: str = "model configuration") -> "ModelConfig":
        """The inverse of `to_dict`; unknown, missing or wrong keys raise `MotionBeatError` naming `origin`."""
        if not isinstance(values, dict):
            raise MotionBeatError(f"{origin} has no settings: use the config.json that training wrote")
        known = {field.name for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is NOTHING}
        unknown, missing = sorted(set(values) - known, key=str), sorted(needed - set(values))
        if unknown or missing:
            parts = [f"unknown key {', '.join(map(str, unknown))}"] if unknown else []
            parts += [f"missing key {', '.join(missing)}"] if missing else []
            raise MotionBeatError(f"{origin}: {'; '.join(parts)}: use the config.json that training wrote")
        try:
            return cls(**values)
        except MotionBeatError as error:
            raise MotionBeatError(f"{origin}: {error}") from None


_COUNTS = (
    *("mel_bands", "motion_width", "subbeats", "window_beats", "width"),
    *("layers", "heads", "embedding", "max_beats_per_bar"),
)
_BETWEEN = {"motion_fps": (1, 1000), "contact_speed": (1e-6, 100), "contact_height": (1e-6, 10)}
"""Bounds in frames/s, m/s and m: motion is resampled to motion_fps, so a large value would need all memory."""
_SWITCHES = ("flux", "joint_events", "centre", "phase_features", "contact_attention")
_CHOICES = {"rotation": ROTATIONS, "readout": READOUTS, "contact_resolution": RESOLUTIONS}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST


def _is_between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _starts_inside(start: Any, width: Any) -> bool:
    return _is_count(width) and isinstance(start, int) and not isinstance(start, bool) and 0 <= start < width
