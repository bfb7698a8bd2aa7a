"""Agreement of predicted with detected rhythm against scikit-learn, SciPy and POT, and on a model that knows."""

from pathlib import Path

import numpy as np
import ot
import pytest
import torch
from scipy import stats
from sklearn import metrics

from motionbeat.errors import MotionBeatError
from motionbeat.lab.negatives.write_negatives import write_negatives
from motionbeat.lab.params import Params
from motionbeat.lab.tasks.rhythm_agreement import (
    Rhythm,
    agreement,
    average_precision,
    bar_profile,
    correlation,
    correlation_elsewhere,
    rhythm_agreement,
    roc_auc,
)
from motionbeat.lab.tasks.validation import Validation
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.lab.training.batches import Batches
from motionbeat.losses.sral import DetectedRhythm
from motionbeat.model.config import ModelConfig
from motionbeat.model.dual_encoder import DualEncoder

N, K, S = 6, 8, 4
POSITION = np.tile(np.arange(K) % 4, (N, 1)).astype(float)
METER, SONG = np.full(N, 4), np.arange(N) // 2


def random_rhythm(seed: int) -> Rhythm:
    generator = np.random.default_rng(seed)
    onset, accent, energy = generator.random((3, N, K, S))
    return Rhythm(onset, accent, (generator.random((N, K, S)) < 0.3).astype(float), energy)


def figures(predicted: Rhythm, detected: Rhythm) -> dict[str, float]:
    return agreement(predicted, detected, POSITION, METER, SONG)


def test_correlation_is_scipys_row_by_row_and_undefined_for_flat_rows() -> None:
    x, y = np.random.default_rng(0).random((2, 5, 30))
    y[2] = 0.7
    found = correlation(x, y)
    assert np.isnan(found).tolist() == [False, False, True, False, False]
    for i in (0, 1, 3, 4):
        assert found[i] == pytest.approx(stats.pearsonr(x[i], y[i]).statistic, abs=1e-12)


def test_correlation_elsewhere_leaves_the_own_group_out() -> None:
    x, y = np.random.default_rng(1).random((2, 4, 20))
    group = np.array([0, 0, 1, 2])
    pairs = [stats.pearsonr(x[i], y[j]).statistic for i in range(4) for j in range(4) if group[i] != group[j]]
    assert len(pairs) == 10
    assert correlation_elsewhere(x, y, group) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert np.isnan(correlation_elsewhere(x, y, np.zeros(4, int)))


@pytest.mark.parametrize("levels", [3, 10, 1_000_000])  # many ties, some, none
@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_precision_and_auc_are_scikit_learns(levels: int, rate: float) -> None:
    generator = np.random.default_rng(levels)
    event = generator.random((40, 16)) < rate
    score = (np.floor(levels * generator.random((40, 16))) + 0.3 * levels * event) / levels
    expected = metrics.average_precision_score(event.ravel(), score.ravel())
    assert average_precision(score, event) == pytest.approx(expected, abs=1e-12)
    assert roc_auc(score, event) == pytest.approx(metrics.roc_auc_score(event.ravel(), score.ravel()), abs=1e-12)


def test_without_events_precision_and_auc_are_undefined() -> None:
    score = np.arange(4.0)
    assert np.isnan(average_precision(score, np.zeros(4, bool)))
    assert np.isnan(roc_auc(score, np.zeros(4, bool)))
    assert np.isnan(roc_auc(score, np.ones(4, bool)))
    assert np.isnan(average_precision(np.zeros(0), np.zeros(0, bool)))


def test_curves_that_are_the_detected_ones_agree_fully_with_their_own_modality() -> None:
    detected = random_rhythm(0)
    found = figures(detected, detected)
    for name in ("onset_own", "contact_own", "contact_own_ap", "contact_own_auc"):
        assert found[f"agreement_{name}"] == pytest.approx(1)
    assert found["agreement_onset_to_contact"] == pytest.approx(found["agreement_detected"])
    assert found["agreement_onset_to_contact_beat"] == pytest.approx(found["agreement_detected_beat"])
    assert found["agreement_accent_own_emd"] == pytest.approx(0, abs=1e-9)
    assert found["agreement_energy_own_emd"] == pytest.approx(0, abs=1e-9)


def test_curves_that_are_the_other_modalitys_agree_fully_across() -> None:
    detected = random_rhythm(1)
    swapped = Rhythm(detected.contact, detected.energy, detected.onset, detected.accent)
    found = figures(swapped, detected)
    for name in ("onset_to_contact", "onset_to_contact_ap", "onset_to_contact_auc", "contact_to_onset"):
        assert found[f"agreement_{name}"] == pytest.approx(1)
    assert found["agreement_accent_to_energy_emd"] == pytest.approx(0, abs=1e-9)
    assert found["agreement_energy_to_accent_emd"] == pytest.approx(0, abs=1e-9)
    assert found["agreement_onset_to_contact"] > found["agreement_onset_to_contact_elsewhere"] + 0.5


def test_masses_are_compared_by_pots_distance_around_each_bar() -> None:
    predicted, detected = random_rhythm(2), random_rhythm(3)
    at = np.arange(16)
    cost = np.minimum(np.abs(at[:, None] - at), 16 - np.abs(at[:, None] - at)).astype(float)
    accents, energies = (values.reshape(-1, 16) for values in (predicted.accent, detected.energy))
    expected = [ot.emd2(p / p.sum(), q / q.sum(), cost) for p, q in zip(accents, energies, strict=True)]
    assert len(expected) == 2 * N
    found = figures(predicted, detected)
    assert found["agreement_accent_to_energy_emd"] == pytest.approx(np.mean(expected), abs=1e-9)
    uniform = [ot.emd2(np.full(16, 1 / 16), q / q.sum(), cost) for q in energies]
    assert found["agreement_uniform_to_energy_emd"] == pytest.approx(np.mean(uniform), abs=1e-9)


def test_what_is_undefined_is_left_out() -> None:
    detected = random_rhythm(4)._replace(contact=np.zeros((N, K, S)))
    found = figures(random_rhythm(5), detected)
    assert "agreement_contact_own_auc" not in found
    assert "agreement_onset_to_contact" not in found
    assert found["agreement_contact_rate"] == 0
    assert np.isfinite(list(found.values())).all()


def test_wrong_shapes_are_refused_by_name() -> None:
    detected = random_rhythm(6)
    with pytest.raises(MotionBeatError, match="contact has shape"):
        figures(detected._replace(contact=detected.contact[:, 1:]), detected)


def test_a_models_figures_are_those_of_what_it_says_of_the_windows(
    token_folder: Path, settings: Params, tmp_path: Path
) -> None:
    tokens = Tokens.load(token_folder)
    write_negatives(tokens, ["val"], K, settings.negatives, tmp_path)
    batches = Batches(tokens, tmp_path, "val", K, torch.device("cpu"))
    torch.manual_seed(0)
    model = DualEncoder(ModelConfig.of(settings.model, tokens.layout)).eval()
    index = Validation(tokens, batches, settings.loss.temperature).index
    found = rhythm_agreement(model, batches, index)
    batch = batches.gather(index, 0, 0)
    with torch.no_grad():
        onset = model.audio(batch.mel, *batch.motion[1:]).onset_logits.sigmoid().flatten(1).numpy()
    detected = DetectedRhythm(batch.onset, batch.contact, batch.energy)
    expected = [stats.pearsonr(x, y).statistic for x, y in zip(onset, detected.onset.flatten(1).numpy(), strict=True)]
    assert found["agreement_onset_own"] == pytest.approx(np.mean(expected), abs=1e-5)
    assert found["agreement_contact_rate"] == pytest.approx(float(detected.contact.mean()))
    assert 0 < found["agreement_uniform_to_energy_emd"] < 8


def test_a_fixed_profile_of_the_bar_correlates_with_every_song_and_has_nothing_beyond_it() -> None:
    rng = np.random.default_rng(7)
    shared = np.tile(rng.random((1, 4, S)), (N, K // 4, 1))  # what all songs have at a place of the bar
    detected = Rhythm(*(0.8 * shared + 0.2 * curve for curve in random_rhythm(8)))
    constant = Rhythm(shared, shared, shared, shared)
    found = figures(constant, detected)
    assert found["agreement_onset_own"] > 0.8
    for name in ("onset_own", "onset_to_contact", "contact_to_onset"):
        assert abs(found[f"agreement_{name}_beyond"]) < 0.05
    own = figures(detected, detected)
    assert own["agreement_onset_own_beyond"] > 0.05
    assert own["agreement_profile_onset"] == pytest.approx(found["agreement_onset_own"], abs=0.05)


def test_the_profile_of_the_bar_is_the_mean_of_the_other_songs_there() -> None:
    curve = np.arange(4 * 4 * 1, dtype=float).reshape(4, 4, 1)
    position = np.tile(np.arange(4) % 2, (4, 1))
    meter, song = np.array([2, 2, 2, 3]), np.array([0, 1, 1, 1])
    found = bar_profile(curve, position, meter, song)
    np.testing.assert_allclose(found[0, :, 0], [np.mean(curve[1:3, i::2]) for i in (0, 1, 0, 1)])
    np.testing.assert_allclose(found[1, :, 0], [np.mean(curve[0, i::2]) for i in (0, 1, 0, 1)])
    assert (found[3] == 0).all()  # no other song has three beats to the bar
