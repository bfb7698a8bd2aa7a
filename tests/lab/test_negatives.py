"""Every mined pair is what it claims to be, and its numbers justify it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from attrs import evolve
from ruamel.yaml import YAML

from motionbeat.errors import MotionBeatError
from motionbeat.lab import params, tables
from motionbeat.lab.negatives.jitter_negatives import mine_jitter_negatives
from motionbeat.lab.negatives.tempo_negatives import folded_difference, mine_tempo_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.token_tables.token_windows import Tokens

K = 8


def columns(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    found = list(rows)
    return {name: [row[place] for row in found] for place, name in enumerate(schema.names)}


@pytest.fixture
def tokens(token_folder: Path) -> Tokens:
    return Tokens.load(token_folder)


def test_tempo_negatives_are_other_songs_at_the_same_tempo(tokens: Tokens, settings: Params) -> None:
    rows = columns(tables.TEMPO_NEGATIVES, mine_tempo_negatives(tokens, "train", K, settings.negatives))
    assert len(rows["clip"]) > 1000
    song = dict(zip(tokens.motion["clip"], tokens.motion["song"], strict=True))
    for i in range(len(rows["clip"])):
        assert song[rows["clip"][i]] != song[rows["negative_clip"][i]]
        bpm, other = rows["bpm"][i], rows["negative_bpm"][i]
        assert abs(bpm - other) == pytest.approx(rows["bpm_difference"][i])
        assert rows["bpm_difference"][i] <= max(2.0, 0.03 * bpm)


def test_tempo_negatives_differ_in_meter_phase_or_accents(tokens: Tokens, settings: Params) -> None:
    rows = columns(tables.TEMPO_NEGATIVES, mine_tempo_negatives(tokens, "train", K, settings.negatives))
    meter = dict(zip(tokens.motion["clip"], tokens.motion["beats_per_bar"], strict=True))
    for i, reason in enumerate(rows["reason"]):
        same_meter = meter[rows["clip"][i]] == meter[rows["negative_clip"][i]]
        same_phase = rows["bar_position"][i] == rows["negative_bar_position"][i]
        assert (reason == "meter") == (not same_meter)
        if reason == "phase":
            assert not same_phase
        if reason == "accent":
            assert same_phase
            assert rows["accent_correlation"][i] < settings.negatives.accent_correlation
    assert set(rows["reason"]) == {"meter", "phase", "accent"}


def test_half_of_the_tempo_negatives_stand_in_the_anchors_bar_phase_where_there_are_so_many(
    tokens: Tokens, settings: Params
) -> None:
    def share(same_phase: float) -> float:
        chosen = evolve(settings.negatives, same_phase=same_phase, tempo_per_anchor=2, accent_correlation=1.1)
        rows = columns(tables.TEMPO_NEGATIVES, mine_tempo_negatives(tokens, "train", K, chosen))
        in_four = np.array([not clip.startswith("train5") for clip in rows["clip"]])  # the only song in 3/4
        return float(np.mean(np.array(rows["reason"])[in_four] == "accent"))

    assert share(0.5) == pytest.approx(0.5, abs=0.05)
    assert share(0.0) < 0.05
    assert share(1.0) > 0.9


def test_the_recorded_accent_correlation_is_that_of_the_two_time_lines(tokens: Tokens, settings: Params) -> None:
    rows = columns(tables.TEMPO_NEGATIVES, mine_tempo_negatives(tokens, "train", K, settings.negatives))
    audio = tokens.audio

    def curve(clip: str, start: int) -> np.ndarray:
        song = tokens.motion["song"][tokens.motion["clip"] == clip][0]
        return audio["onset"][np.flatnonzero(audio["song"] == song)[start : start + K]].ravel()

    for i in range(0, len(rows["clip"]), 97):
        a = curve(rows["clip"][i], rows["start"][i])
        b = curve(rows["negative_clip"][i], rows["negative_start"][i])
        assert rows["accent_correlation"][i] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)


def test_the_hardest_come_first(tokens: Tokens, settings: Params) -> None:
    rows = columns(tables.TEMPO_NEGATIVES, mine_tempo_negatives(tokens, "train", K, settings.negatives))
    for i in range(1, len(rows["clip"])):
        if rows["rank"][i]:
            assert rows["accent_correlation"][i] <= rows["accent_correlation"][i - 1] + 1e-12


def test_negatives_stay_in_their_split_and_within_the_cap(tokens: Tokens, settings: Params) -> None:
    for split in ("train", "val"):
        rows = columns(
            tables.TEMPO_NEGATIVES,
            mine_tempo_negatives(tokens, split, K, evolve(settings.negatives, tempo_per_anchor=3)),
        )
        assert all(clip.startswith(split) for clip in rows["clip"] + rows["negative_clip"])
        assert max(rows["rank"]) == 2


def test_no_song_comes_twice_before_every_song_came_once(tokens: Tokens, settings: Params) -> None:
    rows = columns(
        tables.TEMPO_NEGATIVES,
        mine_tempo_negatives(tokens, "val", K, evolve(settings.negatives, same_phase=0.0, tempo_per_anchor=2)),
    )
    first = [i for i in range(len(rows["clip"])) if (rows["clip"][i], rows["start"][i]) == ("val0_d0", 0)]
    assert {rows["negative_clip"][i].split("_")[0] for i in first} == {"val1", "val2"}


def test_double_and_half_tempo_count_as_the_same_tempo() -> None:
    np.testing.assert_allclose(
        folded_difference(np.array(120.0), np.array([60.0, 121.0, 241.0, 90.0])), [0, 1, 0.5, 30]
    )


def sources(rows: Any) -> dict[tuple[str, int, float], str]:
    """{(clip, start, shift): where the shifted beats come from}."""
    keys = zip(rows["clip"], rows["start"], rows["shift"], strict=True)
    return dict(zip(keys, rows["source"], strict=True))


def test_jitter_takes_the_parents_beats_where_the_clip_has_them(tokens: Tokens, settings: Params) -> None:
    rows = columns(tables.JITTER_NEGATIVES, mine_jitter_negatives(tokens, "train", K, settings.negatives))
    source = sources(rows)
    assert source["train0_d0", 0, -1] == "roll"
    assert source["train0_d0", 0, 1] == "parent"
    assert source["train0_d0", 5, -1] == "parent"
    assert source["train0_d0", 16, 1] == "roll"
    assert source["train0_d2", 0, 1] == "roll"


def test_a_shift_by_whole_bars_is_no_negative_where_the_music_repeats(tokens: Tokens, settings: Params) -> None:
    chosen = evolve(settings.negatives, jitter_shifts=[-4, -3, 1, 3, 8], bar_shifts=[1])
    rows = columns(tables.JITTER_NEGATIVES, mine_jitter_negatives(tokens, "train", K, chosen))
    inside = np.array(rows["source"]) == "parent"  # 8 beats of a waltz that are rolled around do differ
    waltz = np.array([song.startswith("train5") for song in rows["clip"]])
    shifts = np.array(rows["shift"])
    assert set(shifts[waltz & inside]) == {-4, 1, 8}
    assert set(shifts[~waltz]) == {-3, 1, 3}


def test_a_shift_by_whole_bars_is_a_negative_where_the_music_differs(tokens: Tokens, settings: Params) -> None:
    onset = tokens.audio["onset"].copy()
    song = np.flatnonzero(tokens.audio["song"] == "train0")
    onset[song] = np.random.default_rng(0).random(onset[song].shape)  # no two bars alike
    changed = evolve(tokens, audio=tokens.audio | {"onset": onset})
    rows = columns(
        tables.JITTER_NEGATIVES,
        mine_jitter_negatives(changed, "train", K, evolve(settings.negatives, jitter_shifts=[1], bar_shifts=[-1, 1])),
    )
    shifts = {
        song: {s for s, clip in zip(rows["shift"], rows["clip"], strict=True) if clip.startswith(song)}
        for song in ("train0", "train1")
    }
    assert shifts == {"train0": {-4.0, 1.0, 4.0}, "train1": {1.0}}
    at = next(
        i
        for i, key in enumerate(zip(rows["clip"], rows["start"], rows["shift"], strict=True))
        if key == ("train0_d0", 3, 4.0)
    )
    expected = np.corrcoef(onset[song[3:11]].ravel(), onset[song[7:15]].ravel())[0, 1]
    assert rows["source"][at] == "parent" and rows["accent_correlation"][at] == pytest.approx(expected, abs=1e-6)


def test_a_shift_by_half_a_beat_needs_the_sub_beats_between_and_halves_the_clips_ends(
    tokens: Tokens, settings: Params
) -> None:
    rows = columns(
        tables.JITTER_NEGATIVES,
        mine_jitter_negatives(tokens, "train", K, evolve(settings.negatives, jitter_shifts=[-0.5, 0.5], bar_shifts=[])),
    )
    source = sources(rows)
    assert source["train0_d0", 0, -0.5] == "roll"
    assert source["train0_d0", 0, 0.5] == "parent"
    assert source["train0_d0", 1, -0.5] == "parent"
    assert source["train0_d0", 15, 0.5] == "parent"
    assert source["train0_d0", 16, 0.5] == "roll"
    assert {source["train0_d2", 0, shift] for shift in (-0.5, 0.5)} == {"roll"}
    curve = tokens.audio["onset"][3 : 3 + K].ravel()  # of train0, where a song has 4 sub-beats to a beat
    at = next(i for i, key in enumerate(zip(rows["clip"], rows["start"], strict=True)) if key == ("train0_d0", 3))
    flat = tokens.audio["onset"].ravel()  # the clip has these beats, so the music is taken there too
    expected = [np.corrcoef(curve, flat[12 + moved : 12 + moved + K * 4])[0, 1] for moved in (-2, 2)]
    first = np.flatnonzero(tokens.audio["song"] == "train0")[0]
    assert first == np.flatnonzero(tokens.audio["beat"] == 0)[0] == 0
    assert rows["accent_correlation"][at : at + 2] == pytest.approx(expected, abs=1e-6)


def test_a_shift_between_sub_beats_is_refused(tokens: Tokens, settings: Params) -> None:
    for shift in (0.3, 0.0001):
        with pytest.raises(MotionBeatError, match=r"jitter_shifts accepts steps of 1 / tokens\.subbeats = 0\.25"):
            list(mine_jitter_negatives(tokens, "train", K, evolve(settings.negatives, jitter_shifts=[shift])))


def test_params_with_a_shift_between_sub_beats_are_refused() -> None:
    values = YAML(typ="safe", pure=True).load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))
    values["negatives"]["jitter_shifts"] = [-1, 0.5]
    assert params.from_dict(values).negatives.jitter_shifts == [-1.0, 0.5]
    values["tokens"]["subbeats"] = 1
    with pytest.raises(MotionBeatError, match=r"jitter_shifts contains 0\.5; .* tokens\.subbeats = 1 make a beat"):
        params.from_dict(values)
