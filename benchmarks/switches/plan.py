"""What is to be run: switches times prepared corpora, each a full set of params.

A prepared corpus is a folder like a checkout after `dvc repro negatives`: params.yaml and data/corpus, data/beats,
data/tokens and data/negatives. Its params.yaml says which corpus and beats these are; all other knobs come from the
params.yaml of the code that runs. Tokens and negatives are taken as they are where their knobs are the same, and made
again where a switch, or the code's params.yaml, has others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import asdict, define, frozen
from ruamel.yaml import YAML, YAMLError

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params
from motionbeat.lab.params import Params

ROOT = Path(__file__).parents[2]
SWITCHES = Path(__file__).with_name("switches.yaml")
DEFAULT = "default"
# in the order of the pipeline: what a stage before has made anew, the later ones need anew
PREPARING = ("tokens", "negatives")
MEASURED = ("train", "retrieve")
_CODE = ("motionbeat", "stages")
_NEEDED = ("data/corpus/manifest.parquet", "data/beats/beats.parquet", "data/tokens/audio.parquet", "data/negatives")


@define(slots=False)
class Prepared:
    """One corpus with all that training needs."""

    folder: Path
    values: Mapping[str, Mapping[str, Any]]  # of its params.yaml, which may be older than the code that runs

    @classmethod
    def read(cls, folder: Path) -> "Prepared":
        """Raises `MotionBeatError` where the folder is not a prepared corpus."""
        missing = [name for name in ("params.yaml", *_NEEDED) if not (folder / name).exists()]
        if missing:
            raise MotionBeatError(
                f"--data {folder}: no {', '.join(missing)} in it; expected a checkout where `dvc repro negatives` "
                "(or python -m stages corpus, beats, tokens, negatives) has run"
            )
        values = _yaml(folder / "params.yaml")
        try:
            int(values["corpus"]["seed"])
            for section in ("beats", *PREPARING):
                dict(values[section])
        except (KeyError, TypeError, ValueError) as error:
            raise MotionBeatError(f"{folder / 'params.yaml'} is not the params of a prepared corpus: {error}") from None
        return cls(folder.resolve(), values)

    @property
    def seed(self) -> int:
        """The seed of the corpus, which the training takes too."""
        return int(self.values["corpus"]["seed"])

    @cached_property
    def digest(self) -> str:
        """Of the bytes that the measured stages read."""
        data = self.folder / "data"
        files = [data / "corpus" / "manifest.parquet"]
        for name in ("beats", *PREPARING):
            files += sorted(path for path in (data / name).iterdir() if path.is_file())
        return digest_of(files)


@frozen
class Run:
    """One training with its retrieval: a switch on one prepared corpus."""

    switch: str
    data: Prepared
    settings: Params

    @property
    def seed(self) -> int:
        return self.data.seed

    @property
    def key(self) -> str:
        """Of params and data; it does not hold the code."""
        named = json.dumps([asdict(self.settings), self.data.digest], sort_keys=True)
        return hashlib.sha256(named.encode()).hexdigest()[:12]

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages to run, beginning with the first whose knobs differ from those of the prepared data."""
        for place, stage in enumerate(PREPARING):
            if asdict(getattr(self.settings, stage)) != dict(self.data.values[stage]):
                return (*PREPARING[place:], *MEASURED)
        return MEASURED


def prepared(folders: Iterable[Path]) -> list[Prepared]:
    """The corpora, one a seed. Raises `MotionBeatError` where two of them have the same seed."""
    found = [Prepared.read(folder) for folder in folders]
    seeds = [data.seed for data in found]
    if len(set(seeds)) < len(seeds):
        raise MotionBeatError(f"--data: the corpora have the seeds {seeds}; expected another corpus.seed in each")
    return found


def switches(path: Path = SWITCHES) -> dict[str, dict[str, Any]]:
    """{name: {knob: value}}, with the default (no knob turned) first."""
    table = _yaml(path)
    if not isinstance(table, dict) or not all(isinstance(turned, dict) and turned for turned in table.values()):
        raise MotionBeatError(f"{path}: expected switches, name: {{knob: value}}")
    return {DEFAULT: {}} | {str(name): dict(turned) for name, turned in table.items() if name != DEFAULT}


def _yaml(path: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MotionBeatError(f"{path} is missing") from None
    except YAMLError as error:
        raise MotionBeatError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None


def settings_of(data: Prepared, turned: Mapping[str, Any], values: Path = ROOT / "params.yaml") -> Params:
    """The params of a run: the code's, the data's corpus and beats, the data's seed, and what is turned.

    Raises `MotionBeatError` for a knob or a value that params.yaml does not take.
    """
    current = asdict(params.load(values))
    for section in ("corpus", "beats"):
        current[section] |= data.values[section]
    current["train"]["seed"] = data.seed
    for name, value in turned.items():
        section, _, knob = name.partition(".")
        if section in ("corpus", "beats"):
            raise MotionBeatError(f"{name}: the corpus and its beats are prepared; give another folder by --data")
        if name == "train.seed":
            raise MotionBeatError("train.seed is the corpus.seed of each --data folder, so that seeds can be paired")
        if knob not in current.get(section, {}):
            raise MotionBeatError(f"params.yaml has no {name}")
        current[section][knob] = value
    return params.from_dict(current, "params.yaml")


def code_digest() -> str:
    """Of all code of the package and of the stages: nearly all of it is imported by some stage that runs here."""
    return digest_of([path for room in _CODE for path in sorted((ROOT / room).rglob("*.py"))])


def digest_of(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
