"""The benchmark of training runs the loop itself, on tokens with or without lattices."""

from pathlib import Path

import torch
from attrs import evolve

from benchmarks.training_step import measure, table
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.stopwatch import PARTS


def test_a_step_of_the_default_is_measured_where_no_lattices_were_loaded(
    token_folder: Path, settings: Params, tmp_path: Path
) -> None:
    tokens = Tokens.load(token_folder)
    beats = tokens.layout.window_beats
    settings = evolve(
        settings,
        model=evolve(settings.model, width=16, layers=1, heads=2, embedding=8),
        tokens=evolve(settings.tokens, window_beats=beats, subbeats=tokens.layout.subbeats),
    )
    assert settings.train.lattice_share > 0  # the default asks for what is not there
    write_negatives(tokens, ["train"], beats, settings.negatives, tmp_path)
    found = measure(settings, tokens, tmp_path, torch.device("cpu"), steps=1, warm=1, compiled=False)
    assert found["steps"] == 1 and found["samples_per_s"] > 0
    assert all(found[f"seconds_{part}"] > 0 for part in PARTS)
    assert "tiny" in table([{"preset": "tiny", **found}], header=True)
