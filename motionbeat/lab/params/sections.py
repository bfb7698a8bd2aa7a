"""The sections of params.yaml, one typed class each; params.yaml explains each param."""

from typing import Any, Literal, NewType

from attrs import field, frozen, make_class

from motionbeat.lab import registry

Positive = NewType("Positive", float)
NonNegative = NewType("NonNegative", float)
Fraction = NewType("Fraction", float)
Count = NewType("Count", int)
CountOrZero = NewType("CountOrZero", int)

CorpusName = NewType("CorpusName", str)
EncoderName = NewType("EncoderName", str)


@frozen
class MotionChecks:
    """Limits used by `corpora.plausibility`; the defaults apply to files read without params.yaml."""

    root_speed: Positive = Positive(6.0)
    root_height: Positive = Positive(20.0)
    joint_speed: Positive = Positive(25.0)
    floor_drift: Positive = Positive(1.0)
    largest_angle: Positive = Positive(6.4)
    knee_cosine: float = -0.3
    frozen: Fraction = Fraction(0.9)
    leak_share: Fraction = Fraction(0.5)
    shift_s: Positive = Positive(0.1)


@frozen
class Corpus:
    name: CorpusName | list[CorpusName]
    root: str
    size: Literal["small", "full"]
    songs: CountOrZero
    val_songs: CountOrZero
    test_songs: CountOrZero
    clips_per_song: Count
    renderings: Count
    context: Fraction
    seed: CountOrZero
    validation: Literal["held_out", "official"]
    accept_aist_terms: bool
    annotations_url: str
    music_url: str
    meters: list[Count]
    songs_root: str
    clip_beats: Count
    dancers: Count
    held_out: Fraction
    held_out_songs: CountOrZero
    strict: bool
    checks: MotionChecks

    @property
    def names(self) -> list[CorpusName]:
        """All corpora of the mix, or the single corpus."""
        return self.name if isinstance(self.name, list) else [self.name]


@frozen
class Beats:
    tracker: Literal["madmom", "librosa", "nominal"]
    beats_per_bar: list[Count]
    min_bpm: Positive
    max_bpm: Positive
    extend: bool


@frozen
class Tokens:
    window_beats: Count
    subbeats: Count
    mel_bands: Count
    flux: bool
    joint_events: bool
    motion_fps: Positive
    rotations: Literal["auto", "never"]
    contact_speed: Positive
    contact_height: Positive
    coverage: Fraction
    lattices: CountOrZero
    lattice_min_s: Positive
    lattice_max_s: Positive


@frozen
class Negatives:
    tempo_tolerance_bpm: NonNegative
    tempo_tolerance: Fraction
    accent_correlation: float
    same_phase: Fraction
    tempo_per_anchor: CountOrZero
    jitter_shifts: list[float]
    bar_shifts: list[int]
    bar_correlation: float


@frozen
class Model:
    width: Count
    layers: Count
    heads: Count
    embedding: Count
    dropout: Fraction
    centre: bool
    rotation: Literal["harmonic", "paper", "rotary", "none"]
    phase_features: bool
    contact_attention: bool
    contact_resolution: Literal["beat", "subbeat"]
    readout: Literal["window_harmonic", "bar_harmonic", "mean"]
    max_beats_per_bar: Count


@frozen
class Loss:
    ecl_weight: NonNegative
    alpha: NonNegative
    temperature: Positive
    symmetric: bool
    batch_negatives: bool
    tempo_negatives: CountOrZero
    jitter_negatives: CountOrZero
    same_song: Literal["mask", "positive", "keep"]
    beat_weight: NonNegative
    bar_weight: NonNegative
    source: Literal["predicted", "detected"]
    divergence: bool
    gamma: Positive
    band: int
    circular: bool
    rhythm_weight: NonNegative
    contact_weight: NonNegative


@frozen
class Train:
    seed: CountOrZero
    start_from: str | None
    shares: dict[str, Fraction]
    epochs: Count
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative
    warmup: Fraction
    clip_norm: Positive
    precision: Literal["auto", "float32", "bf16"]
    compile: bool
    log: Literal["csv", "tensorboard"]
    rotation_dropout: Fraction
    mirror: Fraction
    band_mask: Fraction
    band_shift: CountOrZero
    beat_mask: Fraction
    alpha_rate: Positive
    sampling: Literal["shuffled", "tempo"]
    lattice_share: Fraction
    validate_every: Count
    patience: Count


@frozen
class Retrieve:
    bootstrap: Count
    seed: CountOrZero
    slice_s: Positive
    slice_stride_s: Positive
    slice_songs: CountOrZero
    oracle: bool
    head_components: Count
    head_learning_rates: list[Positive]
    head_epochs: Count
    head_batch: Count


@frozen
class Encoders:
    names: list[EncoderName]
    motionbeat: str
    musicnn: Literal["MSD_musicnn", "MTT_musicnn"]
    wav2vec2: str
    clap: str
    wav2clip: str
    jukebox: str
    jukebox_layer: Count
    offline: bool


@frozen
class DataSet:
    root: str
    split: Literal["official", "folds"]


_DataSets: Any = make_class(
    "_DataSets", {name: field(type=DataSet) for name in registry.names("data set")}, frozen=True
)
"""A field for each labelled data set of the registry."""


@frozen
class Tasks(_DataSets):
    standin_seed: CountOrZero
    folds: Count
    heads: list[Literal["linear", "mlp"]]
    beat_heads: list[Literal["linear", "mlp"]]
    hidden: Count
    dropout: Fraction
    learning_rates: list[Positive]
    epochs: Count
    patience: Count
    batch: Count
    beat_batch: Count
    bootstrap: Count
    seed: CountOrZero


@frozen
class Dance:
    encoders: list[EncoderName]
    width: Count
    layers: Count
    heads: Count
    feedforward: Count
    condition_layers: CountOrZero
    patch: Count
    aligned: bool
    preconditioned: bool
    dropout: Fraction
    seed: CountOrZero
    steps: Count
    batch: Count
    learning_rate: Positive
    weight_decay: NonNegative
    warmup: Fraction
    clip_norm: Positive
    ema: Fraction
    condition_dropout: Fraction
    precision: Literal["auto", "float32", "bf16"]
    guidance: NonNegative
    sampling_steps: Count
    sampling_noise: Fraction
    plant_feet: bool
    length_s: Positive
    songs: CountOrZero
    dances_per_song: Count
    bootstrap: Count


@frozen
class Report:
    clip: str
    ablations: str
    timings: bool


@frozen
class Params:
    corpus: Corpus
    beats: Beats
    tokens: Tokens
    negatives: Negatives
    model: Model
    loss: Loss
    train: Train
    retrieve: Retrieve
    dance: Dance
    encoders: Encoders
    tasks: Tasks
    report: Report
