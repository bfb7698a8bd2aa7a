"""The steps of an ablation: stages of dvc.yaml, each with the params, code and inputs that determine its output.

A step is one stage with one set of params. Its key is a digest of the params that dvc.yaml names for the stage, of the
code that the stage imports, and of the keys of the steps whose output it reads; if it uses torch, also of torch's
version, device and threads; and of the songs of a choreographed corpus, or of a model to fine-tune. Equal steps of
several
variants are one step: variants that change only the loss share corpus, beats, tokens and negatives.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import asdict, define, field, frozen
from ruamel.yaml import YAML

from motionbeat import __version__
from motionbeat.errors import MotionBeatError
from motionbeat.lab.experiments.variants import Overrides, check_no_seeds, with_overrides
from motionbeat.lab.imports import closure
from motionbeat.lab.params import load
from motionbeat.lab.params.shipped import shipped

ROOT = shipped("dvc.yaml").parent
"""Root of the checkout; in an installed package the folder with the stages."""
EVALUATE = "evaluate"
FIGURES = "metrics/test_by_song.json"
_MODULE = "motionbeat.lab.experiments.evaluate_variant"
_STAGES = ("corpus", "beats", "tokens", "negatives", "train")
_ON_TORCH = ("train", EVALUATE)


@frozen
class Stage:
    """What a stage reads and writes. `params`: sections, or params by dotted name."""

    name: str
    module: tuple[str, ...]  # arguments to python
    params: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    code: tuple[Path, ...]

    def digest(self) -> str:
        """Digest of the current code, and of the version of an installed package."""
        return _digest(__version__.encode(), *(path.read_bytes() for path in self.code))


@define(slots=False)
class Step:
    """A stage under the nested params `values`; `inputs`: {path that the stage reads: the step that writes it}."""

    stage: Stage
    values: Mapping[str, Any]
    inputs: Mapping[str, "Step"]
    code: str  # digest of the stage's code when the step was planned
    threads: int  # of torch
    besides: str = ""  # settings on which torch's bits depend, and digests of files outside the pipeline
    key: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        chosen = {name: _knobs(self.values, name) for name in self.stage.params}
        named = [self.stage.name, chosen, self.code, self.besides, {path: s.key for path, s in self.inputs.items()}]
        self.key = _digest(json.dumps(named, sort_keys=True).encode())

    def folder(self, output: Path) -> Path:
        return output / self.stage.name / self.key

    def with_inputs(self) -> list["Step"]:
        """The steps that this one needs, in order, and itself last; some may occur twice."""
        return [*(needed for step in self.inputs.values() for needed in step.with_inputs()), self]


@frozen
class Run:
    """One training of a variant on one corpus; `last` is the step that evaluates it."""

    variant: str
    corpus: int
    training: int
    overrides: Overrides
    last: Step

    @property
    def name(self) -> str:
        return f"{self.variant}-corpus{self.corpus}-training{self.training}"


class Planner:
    """Makes the steps of runs from dvc.yaml, params.yaml and the code of a checkout."""

    def __init__(self, root: Path = ROOT, threads: int = 1) -> None:
        if not (root / "dvc.yaml").is_file():
            raise MotionBeatError(f"{root / 'dvc.yaml'} is missing: run from a checkout, or install the package again")
        self.root, self.threads = root, threads
        self.values = asdict(load(root / "params.yaml"))
        self._steps: dict[str, Step] = {}

    @cached_property
    def _stages(self) -> list[Stage]:
        described = YAML(typ="safe", pure=True).load((self.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        stages = [self._stage(name, described[name]) for name in _STAGES]
        script = self.root / f"{_MODULE.replace('.', '/')}.py"
        reads = ("data/tokens", "models/motionbeat")
        needs = ("tokens.window_beats", "negatives", "loss.temperature")
        return [*stages, Stage(EVALUATE, ("-m", _MODULE, FIGURES), needs, reads, (FIGURES,), self._code([script]))]

    def _stage(self, name: str, described: Mapping[str, Any]) -> Stage:
        scripts = [self.root / "stages" / "__main__.py", self.root / "stages" / f"{name}.py"]
        data = [dep for dep in described["deps"] if dep.startswith(("data/", "models/"))]
        reads = tuple(dep for dep in data if not dep.startswith("data/code/"))
        module, params = ("-m", "stages", name), tuple(described["params"])
        return Stage(name, module, params, reads, tuple(described["outs"]), self._code(scripts))

    def _code(self, scripts: Iterable[Path]) -> tuple[Path, ...]:
        return tuple(sorted(closure([script for script in scripts if script.is_file()], self.root)))

    def runs(
        self, variants: Mapping[str, Overrides], common: Overrides, corpora: Iterable[int], trainings: Iterable[int]
    ) -> list[Run]:
        """All runs, ordered by seed, so that after an early stop the finished seeds are complete.

        Raises `MotionBeatError` for an unknown param or invalid value, and for several seeds of a corpus that is not
        synthetic.
        """
        corpora, trainings = list(corpora), list(trainings)
        base = with_overrides(self.values, common, "-S")
        planned = []
        for corpus in corpora:
            for training in trainings:
                for name, overrides in variants.items():
                    check_no_seeds(overrides, f"variant {name}")
                    seeds = {"corpus.seed": corpus, "train.seed": training}
                    values = with_overrides(base, {**overrides, **seeds}, f"variant {name}")
                    if values["corpus"]["name"] != "synthetic" and len(corpora) > 1:
                        raise MotionBeatError(
                            f"--corpora {','.join(map(str, corpora))}: {values['corpus']['name']} is one corpus; "
                            "give one seed here and several to --trainings"
                        )
                    planned.append(Run(name, corpus, training, overrides, self.steps(values)[EVALUATE]))
        return planned

    def steps(self, values: Mapping[str, Any]) -> dict[str, Step]:
        """The step of each stage, by its name, under the params `values`; paths in them are relative to the root."""
        values, writers, steps = self._absolute(values), dict[str, Step](), {}
        for stage in self._stages:
            inputs = {path: writers[path] for path in stage.reads if path in writers}
            besides = self._besides(stage.name, values)
            step = Step(stage, values, inputs, self._digests[stage.name], self.threads, besides)
            steps[stage.name] = step = self._steps.setdefault(step.key, step)
            writers |= dict.fromkeys(stage.writes, step)
        return steps

    def _absolute(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The params with absolute paths, since each step runs in a folder of its own."""
        from motionbeat.lab.training.start_model import OF_THE_PACKAGE

        corpus, train = dict(values["corpus"]), dict(values["train"])
        if corpus["name"] != "synthetic":
            corpus |= {name: str((self.root / corpus[name]).resolve()) for name in ("root", "songs_root")}
        if train["start_from"] not in (None, OF_THE_PACKAGE):
            train["start_from"] = str((self.root / train["start_from"]).resolve())
        return {**values, "corpus": corpus, "train": train}

    def _besides(self, stage: str, values: Mapping[str, Any]) -> str:
        from motionbeat.lab.corpora.choreographed import audio_files
        from motionbeat.lab.training.start_model import start_files

        files: list[Path] = []
        if stage == "corpus" and "choreographed" in values["corpus"]["name"]:
            songs = audio_files(Path(values["corpus"]["songs_root"]))
            files = [*songs, *(beats for song in songs if (beats := song.with_suffix(".beats")).is_file())]
        elif stage == "train":
            files = start_files(values["train"]["start_from"])
        machine = self._machine if stage in _ON_TORCH else ""
        return machine + _digest(*(part for path in files for part in (str(path).encode(), path.read_bytes())))

    @cached_property
    def _machine(self) -> str:
        import torch

        from motionbeat.model.device import best_device

        return f"torch {torch.__version__}, {best_device().type}, {self.threads} threads"

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {stage.name: stage.digest() for stage in self._stages}


def _knobs(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values


def _digest(*contents: bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:12]
