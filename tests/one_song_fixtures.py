"""The song and dance of `one_song` as the stages write them, and a model; named in `pytest_plugins` by its users."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from attrs import evolve
from one_song import BEATS, OFFSET, RATE, SECONDS, TIMES, K, dance, encoder, music

from motionbeat.inference import MotionBeat
from motionbeat.lab import params, tables
from motionbeat.lab.corpora.manifest import Clip, Corpus, Song, write_corpus
from motionbeat.lab.token_tables.build_tokens import build
from motionbeat.lab.token_tables.token_windows import Tokens

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/corpus and data/tokens of one song and one dance, as the stages write them."""
    folder = tmp_path_factory.mktemp("corpus")
    soundfile.write(folder / "song.wav", music(SECONDS), RATE)
    clip = Clip("clip", "song", "x", "train", OFFSET, dance)
    write_corpus(Corpus([Song("song", folder / "song.wav")], [clip]), folder)
    columns = {"song": ["song"] * len(TIMES), "beat": np.arange(len(TIMES)), "time_s": TIMES}
    columns |= {"bar_position": BEATS.positions - 1, "beats_per_bar": np.full(len(TIMES), 4)}
    tables.write(folder / "beats.parquet", tables.BEATS, columns)
    settings = evolve(params.load(ROOT / "params.yaml").tokens, window_beats=K, subbeats=2, mel_bands=24)
    (folder / "tokens").mkdir()
    build(folder, folder / "beats.parquet", settings, folder / "tokens")
    return folder


@pytest.fixture(scope="session")
def tokens(corpus: Path) -> Tokens:
    return Tokens.load(corpus / "tokens")


@pytest.fixture(scope="session")
def model(tokens: Tokens) -> MotionBeat:
    return encoder(tokens)
