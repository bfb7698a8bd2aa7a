"""Only `MotionBeatError` comes out of any reader, whatever bytes it is given; the long form is benchmarks/fuzz.py."""

import contextlib
import io
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fuzz
from benchmarks.fuzz_inputs import settings
from benchmarks.fuzz_targets import TARGETS, Target, check_sound, seeds
from motionbeat.audio import decode
from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.corpora import aistpp, folder, formats
from motionbeat.lab.corpora.acquisition.ledger import Ledger
from motionbeat.lab.generator.generator_model import DanceGenerator
from motionbeat.lab.item_cache import read_entry
from motionbeat.lab.labelled import emomusic, gtzan
from motionbeat.lab.results.__main__ import print_results
from motionbeat.lab.results.training_curves import read_history
from motionbeat.model.dual_encoder import DualEncoder

FAULTS = Path(__file__).parents[2] / "shared" / "data" / "faults" / "fuzz"
INPUTS = 2_000
SECONDS = 20
EACH = -(-INPUTS // len(TARGETS))


def test_the_sound_inputs_are_read(tmp_path: Path) -> None:
    assert check_sound(tmp_path) == []


@pytest.fixture(scope="module")
def sounds() -> dict[str, dict[str, bytes]]:
    return seeds()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_are_read_or_refused(target: Target, sounds: dict, tmp_path: Path) -> None:
    foreign = []
    for number in range(EACH):
        generator = np.random.default_rng([1, TARGETS.index(target), number])
        began = time.monotonic()
        kind, words = fuzz.outcome(target, tmp_path / "input", sounds[target.name], generator)
        if kind not in ("read", "refused") or time.monotonic() - began > SECONDS:
            foreign.append(f"{number} {kind}: {words}")
        elif kind == "refused":
            assert words.strip()
    assert not foreign


def test_a_campaign_is_resumed_and_keeps_what_it_finds(tmp_path: Path) -> None:
    first = fuzz.campaign(tmp_path, 3, 5.0, 0)
    assert first["inputs"] == 3
    assert fuzz.campaign(tmp_path, 5, 5.0, 0)["inputs"] == 5
    with pytest.raises(MotionBeatError, match="belongs to seed 0, not 1"):
        fuzz.campaign(tmp_path, 5, 5.0, 1)


DEEP = "[" * 100_000
EDGES = {
    "params.yaml": params.load,
    "ledger.json": lambda path: Ledger(path).expected("a"),
    "beats.kept": read_entry,
    "a.beats": gtzan.beats_of,
    "a.parquet": lambda path: tables.read(path, tables.BEATS),
    "a.csv": read_history,
    "a.npz": formats.read_motion,
    "a.npy": formats.read_motion,
    "a.pkl": formats.read_motion,
    "a.bvh": formats.read_motion,
    "a.wav": lambda path: decode.load(path, 22_050),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize(
    "content", [DEEP.encode(), b"\xff\xfe\xff" * 50, b"", None], ids=["deep", "bytes", "empty", "folder"]
)
def test_deep_nesting_foreign_bytes_nothing_and_a_folder_are_refused_by_name(
    tmp_path: Path, name: str, content
) -> None:
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(MotionBeatError, match=name.replace(".", r"\.")):
        EDGES[name](path)


@pytest.mark.parametrize("field", ["width", "layers", "mel_bands", "motion_width", "embedding"])
@pytest.mark.parametrize("size", ["1000000000", "9223372036854775808", "32000"])
def test_a_model_of_absurd_sizes_is_refused_before_it_is_built(
    sounds: dict, tmp_path: Path, field: str, size: str
) -> None:

    for name, data in sounds["model_folder"].items():
        (tmp_path / name).write_bytes(data)
    config = tmp_path / "config.json"
    config.write_text(re.sub(rf'"{field}": \d+', f'"{field}": {size}', config.read_text()))
    began = time.monotonic()
    with pytest.raises(MotionBeatError, match=r"config\.json"):
        DualEncoder.load(tmp_path)
    assert time.monotonic() - began < SECONDS


def _results(path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        print_results(settings(), path)


READERS = {
    "audio": lambda path: decode.load(path, 22_050),
    "bvh": formats.read_motion,
    "npz": formats.read_motion,
    "pickle": aistpp.read_motion,
    "cache": read_entry,
    "clips": folder.check,
    "downstream": emomusic.read,
    "generator": DanceGenerator.load,
    "model": DualEncoder.load,
    "gtzan": gtzan.beats_of,
    "ledger": lambda path: Ledger(path).expected("a"),
    "params": params.load,
    "train": read_history,
    "report": _results,
}


@pytest.mark.real
@pytest.mark.parametrize("path", sorted(FAULTS.glob("*")) if FAULTS.is_dir() else [], ids=lambda path: path.name)
def test_the_real_mutated_inputs_raise_the_projects_own_error(path: Path, tmp_path: Path) -> None:
    kind = path.name.partition("-")[0]
    schemas = {"audio": "AUDIO_TOKENS", "motion": "MOTION_TOKENS", "stats": "STATISTICS", "tempo": "TEMPO_NEGATIVES"}
    if kind.startswith("parquet"):
        table = kind.removeprefix("parquet_")
        read = lambda at: tables.read(at, getattr(tables, schemas.get(table, table.upper())))  # noqa: E731
    else:
        read = READERS[kind.partition("_")[0]]
    if path.is_dir():
        shutil.copytree(path, tmp_path / path.name)
    else:
        shutil.copy(path, tmp_path / path.name)
    began = time.monotonic()
    with pytest.raises(MotionBeatError):
        read(tmp_path / path.name)
    assert time.monotonic() - began < SECONDS
