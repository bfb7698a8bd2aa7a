"""The measures by which neighbours are judged alike in rhythm: closed forms, and a folder where the answer is known."""

import mir_eval
import numpy as np
import pytest

from benchmarks import alike


def test_octaves_are_folded():
    assert alike.folded_octaves(120, 60) == alike.folded_octaves(60, 120) == 0
    assert alike.folded_octaves(120, 90) == pytest.approx(np.log2(120 / 90))
    assert alike.folded_octaves(100, 141.4213562) == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
def test_the_same_grid_agrees_wholly_at_any_offset_and_octave(scale):
    beats = np.arange(30) * 0.5
    other = 3.17 + np.arange(round(30 * scale)) * 0.5 / scale
    assert alike.grid_agreement(beats, other) == pytest.approx(1.0)


def test_one_offset_is_scored_as_mir_eval_scores_it():
    rng = np.random.default_rng(0)
    first, other = (np.cumsum(rng.uniform(0.3, 0.7, 25)) for _ in range(2))
    shifts = first - other[12]
    for shift, score in zip(shifts, alike._f_measures(first, other, shifts), strict=True):
        moved = other + shift
        begin, end = max(first[0], moved[0]) - 0.07, min(first[-1], moved[-1]) + 0.07
        lists = [x[(x >= begin) & (x <= end)] for x in (first, moved)]
        long = end - begin >= min(np.ptp(first), np.ptp(other)) / 2
        assert score == pytest.approx(mir_eval.beat.f_measure(*lists) if long else 0.0)


def test_grids_of_unlike_tempo_agree_less():
    beats = np.arange(40) * 0.5
    assert alike.grid_agreement(beats, np.arange(30) * 0.67) < 0.6


def test_neighbours_by_a_measure_are_the_best_by_it_and_those_not_found_do_not_count():
    values = {"octaves": np.array([[np.nan, 0.1, 0.4], [0.1, np.nan, 0.2], [0.4, 0.2, np.nan]])}
    np.testing.assert_allclose(alike.of_nearest(-values["octaves"], values, 1)["octaves"], [0.1, 0.1, 0.2])
    nothing = np.full((3, 3), -np.inf)
    assert np.isnan(alike.of_nearest(nothing, values, 1)["octaves"]).all()


def test_an_interval_holds_its_mean_and_is_a_point_without_spread():
    mean, low, high = alike.interval(np.random.default_rng(0).normal(size=50))
    assert low < mean < high
    assert alike.interval(np.full(9, 0.3)) == pytest.approx((0.3, 0.3, 0.3))


def test_one_command_makes_the_table(tmp_path, capsys):
    from rhythm_songs import pattern_song, tiny_model

    for number in range(4):
        folder = tmp_path / "genres" / "rock"
        folder.mkdir(parents=True, exist_ok=True)
        bpm = (100.0, 102.0, 140.0, 142.0)[number]
        pattern_song(folder / f"rock.0000{number}.wav", number // 2, bpm, beats=24)
        (tmp_path / "beats").mkdir(exist_ok=True)
        lines = [f"{beat * 60 / bpm:.3f}\t{beat % 4 + 1}\n" for beat in range(24)]
        (tmp_path / "beats" / f"gtzan_rock_0000{number}.beats").write_text("".join(lines))
    model = tiny_model(tmp_path / "model")
    alike.main(["--gtzan", str(tmp_path), "--model", str(model), "--nearest", "1"])
    rows = {line.split("|")[1].strip(): line for line in capsys.readouterr().out.splitlines() if line.startswith("|")}
    assert "chance (all pairs)" in rows and "model, --tempo folded" in rows
    assert rows["tempo alone"].split("|")[3].strip() == "1.00 [1.00, 1.00]", "each has one within 8 %"
    assert rows["accents alone"].split("|")[6].strip().startswith("0.9") or "1.00" in rows["accents alone"]
