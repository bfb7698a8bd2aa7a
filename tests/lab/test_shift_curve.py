"""The shift curve: a dance against itself, moved in time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve

from motionbeat.lab import params
from motionbeat.lab.tasks.shift_curve import compare, shift_curve
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

K = 8


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    """No two bars of a song alike."""
    tokens = Tokens.load(token_folder)
    onset = np.random.default_rng(0).random(tokens.audio["onset"].shape).astype(np.float32)
    return evolve(tokens, audio=tokens.audio | {"onset": onset})


def model_of(tokens: Tokens, settings: params.Params) -> DualEncoder:
    torch.manual_seed(0)
    small = evolve(settings.model, width=16, layers=1, heads=2, embedding=8)
    model = DualEncoder(ModelConfig.of(small, tokens.layout)).eval()
    model.set_statistics(**tokens.statistics)
    return model


def test_only_shifts_within_the_clip_are_compared(tokens: Tokens, settings: params.Params) -> None:
    windows = tokens.windows("test", K)
    first, end = tokens.runs()
    rows = windows.motion_row
    for shift in (0.5, 1.0, 16.0):
        forward = (rows + shift + K <= end[rows]).sum()
        backward = (rows - shift >= first[rows]).sum()
        assert len(compare(model_of(tokens, settings), tokens, windows, [shift])[0].won) == forward + backward


def test_a_model_that_ignores_the_dance_ties_everywhere(tokens: Tokens, settings: params.Params) -> None:
    model = model_of(tokens, settings)
    with torch.no_grad():
        model.motion_readout.project.weight.zero_()
    scores = shift_curve(model, tokens, tokens.windows("test", K), 50, 0)
    assert {score.value for score in scores} == {0.5}
    assert {score.row for score in scores} >= {"0.5 beats", "1 beats", "16 beats"}


def test_music_that_repeats_is_not_counted_as_other_music(token_folder: Path, settings: params.Params) -> None:
    """Of the token corpus each bar of four is the same: a shift by a bar changes nothing, one by a beat does."""
    tokens = Tokens.load(token_folder)
    windows = tokens.windows("test", K)
    model = model_of(tokens, settings)
    by_bar, by_beat = compare(model, tokens, windows, [4.0, 1.0])
    assert not by_bar.differs.any()
    assert by_beat.differs.all()


def test_the_shifted_dance_is_that_of_the_beats_there(tokens: Tokens, settings: params.Params) -> None:
    """A shift by whole beats is the window that begins there, at the anchor's own bar positions."""
    model, windows = model_of(tokens, settings), tokens.windows("test", K)
    compared = compare(model, tokens, windows, [4.0])[0]  # a whole bar: the same positions
    from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music

    audio, motion = embed_music(model, tokens, Spans.of(windows))[0], embed_motion(model, tokens, Spans.of(windows))
    place = {row: i for i, row in enumerate(windows.motion_row)}
    expected = []
    for moved in (4, -4):
        for i, row in enumerate(windows.motion_row):
            j = place.get(row + moved)
            if j is not None and windows.clip[j] == windows.clip[i]:
                expected.append(float(audio[i] @ motion[i] > audio[i] @ motion[j]))
    np.testing.assert_array_equal(compared.won, expected)
