"""A corpus, an encoder and a clip task are a file and an entry of the registry each; tests/added has one of each."""

import csv
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.files import read_json
from motionbeat.lab import params, registry, tables
from motionbeat.lab.imports import imported

ROOT = Path(__file__).parents[2]
RUN = """
from motionbeat.lab.registry import ENTRIES, Entry
ENTRIES["corpus"] += (Entry("pairs", "pair_corpus", "pairs"),)
ENTRIES["encoder"] += (Entry("loudness", "loudness_encoder", "Loudness"),)
ENTRIES["data set"] = (Entry("noises", "noise_set", "Noises"),)
from pathlib import Path
import stages.features, stages.probe
from motionbeat.lab import params
from motionbeat.lab.corpora.read_corpus import read_corpus
settings = params.load()
print(*(clip.name for clip in read_corpus(settings.corpus, Path(), settings.beats).clips))
stages.features.main()
stages.probe.main()
from motionbeat.lab.results import recognition_tables, retrieval_tables
print(recognition_tables.COLUMNS["level", "accuracy"], recognition_tables.ROWS["loudness"], sep=", ")
print(retrieval_tables.ROWS["loudness_projected"])
"""


def test_a_file_and_an_entry_add_a_corpus_an_encoder_and_a_clip_task(tmp_path: Path) -> None:
    stream = np.random.default_rng(0)
    (tmp_path / "noises").mkdir()
    for split, (level, scale), number in product(tables.SPLITS, {"soft": 0.1, "loud": 0.9}.items(), range(4)):
        path = tmp_path / "noises" / f"{split} {level} {number}.wav"
        soundfile.write(path, scale * stream.uniform(-1, 1, 16_000), 16_000)
    values = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    values["corpus"] |= {"name": "pairs", "root": "songs"}
    values["encoders"]["names"] = ["loudness"]
    of_sets = registry.names("data set")
    values["tasks"] = {name: value for name, value in values["tasks"].items() if name not in of_sets}
    values["tasks"] |= {"noises": {"root": "noises", "split": "official"}, "heads": ["linear"], "bootstrap": 20}
    YAML(typ="safe", pure=True).dump(values, tmp_path / "params.yaml")
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests/added'}", "MOTIONBEAT_CACHE": "cache", "MOTIONBEAT_WORKERS": "1"}
    done = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "low mid high",
        "level: all in level_table.csv",
        "Level ACC, Loudness",
        "Loudness + head",
    ]
    assert read_json(tmp_path / "metrics/level_about.json", "")["test"] == 8
    with (tmp_path / "metrics/level_table.csv").open() as file:
        accuracy = {row["row"]: float(row["value"]) for row in csv.DictReader(file) if row["metric"] == "accuracy"}
    assert accuracy == {"loudness": 100.0, "constant": 50.0}


@pytest.mark.parametrize(
    ("key", "kind"), [("corpus.name", "corpus"), ("encoders.names", "encoder"), ("dance.encoders", "encoder")]
)
def test_params_take_the_names_of_the_registry_and_no_others(key: str, kind: str) -> None:
    values = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    section, _, name = key.partition(".")
    values[section][name] = list(registry.names(kind))
    values["train"]["shares"] = {}
    params.from_dict(values)
    values[section][name] = ["nobody"]
    with pytest.raises(MotionBeatError, match=f"'nobody'; expected one of {', '.join(registry.names(kind))}"):
        params.from_dict(values)


@pytest.mark.parametrize(
    ("kind", "opener"), [("corpus", "corpora/read_corpus"), ("encoder", "encoders/interface"), ("data set", "labelled")]
)
def test_who_opens_by_name_depends_on_the_code_of_all_that_have_one(kind: str, opener: str) -> None:
    """Or a change to an encoder would leave its features in the cache."""
    lab = ROOT / "motionbeat/lab"
    file = lab / f"{opener}.py" if (lab / f"{opener}.py").is_file() else lab / opener / "__init__.py"
    modules = {ROOT / (entry.module.replace(".", "/") + ".py") for entry in registry.ENTRIES[kind]}
    assert modules <= imported(file, ROOT)
