"""What the package imports, and what runs without the packages of the pipeline."""

import subprocess
import sys
from pathlib import Path

import pytest
from one_song import TIMES

import motionbeat
from motionbeat.inference import MotionBeat

pytest_plugins = ("one_song_fixtures",)
ROOT = Path(__file__).parents[2]


LIGHT = """
import sys
absent = {absent!r}
for name in absent:
    sys.modules[name] = None  # as if it were not installed
"""
PIPELINE_ONLY = ["madmom", "pyarrow", "pandas", "dvc", "cattrs", "ruamel", "smplx", "mir_eval", "matplotlib", "jinja2"]
NOT_FOR_TRAINING = ["librosa", "soundfile", "soxr", "madmom", "smplx", "pandas", "matplotlib", "dvc", "joblib"]
NOT_FOR_TRAINING += ["scipy", "sklearn", "mir_eval", "numba", "typer"]


def in_a_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys; before = set(sys.modules); import motionbeat; print(*sorted(set(sys.modules) - before))"
    loaded = in_a_fresh_python(code).split()
    assert "motionbeat" in loaded
    assert not {"torch", "numpy", "librosa", "attrs"} & set(loaded)
    assert {name for name in loaded if name.startswith("motionbeat")} == {"motionbeat"}


def test_a_subcommand_is_imported_without_the_others():
    """Else the modules of the laboratory's commands, which take their options from here, could not be imported."""
    code = "import sys, motionbeat.cli.command_options; print(*sys.modules)"
    loaded = {name for name in in_a_fresh_python(code).split() if name.startswith(("motionbeat.cli", "motionbeat.lab"))}
    assert loaded == {"motionbeat.cli", "motionbeat.cli.command_options"}


def test_the_light_core_embeds_without_the_packages_of_the_pipeline(corpus, model, tmp_path):
    model.model.save(tmp_path)
    code = f"""{LIGHT.format(absent=PIPELINE_ONLY)}
import warnings
import numpy as np, motionbeat
from motionbeat.beats import Beats
model = motionbeat.load({str(tmp_path)!r})
song = {str(corpus / "audio" / "song.flac")!r}
given = model.embed_audio(song, beats=Beats({TIMES.tolist()}, [i % 4 + 1 for i in range(23)], 4))
assert given.tokens.shape == (23, 32)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    tracked = model.embed_audio(song)
assert any("madmom is not installed" in str(warning.message) for warning in caught)
grid = model.embed_audio(song, mode="grid")
dance = model.embed_motion(np.random.default_rng(0).normal(size=(99, 24, 3)), 30, [0, 1, 2], poses=np.ones((99, 72)))
print(len(tracked.tokens), len(grid.tokens), len(dance.tokens))
"""
    beats, frames, danced = map(int, in_a_fresh_python(code).split())
    assert 20 <= beats <= 26 and frames == 600 and danced == 2


def test_training_needs_no_package_of_audio_or_motion():
    code = LIGHT.format(absent=NOT_FOR_TRAINING) + "import stages.train\nprint('stages.train' in sys.modules)"
    assert in_a_fresh_python(code).strip() == "True"


def test_the_packages_own_names_are_loaded_when_asked_for():
    assert motionbeat.MotionBeat is MotionBeat
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = motionbeat.nothing
