"""SRAL, the anchors of the heads and the contact guide: closed forms, invariances and where gradients go."""

import math

import pytest
import torch
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.lab.token_tables.lattices import lattice
from motionbeat.losses import (
    DetectedRhythm,
    RhythmLogits,
    contact_guide_loss,
    rhythm_anchor_loss,
    soft_dtw,
    soft_dtw_divergence,
    structural_rhythm_alignment_loss,
    wasserstein_circle,
    wasserstein_line,
)
from motionbeat.losses.sral import StructuralLoss, complete_bars, detected_mass

LOGITS = ("onset_logits", "accent_logits", "contact_logits", "energy_logits")
DETECTED = ("onset", "contact", "energy")
S = 4


def batch(beats_per_bar: list[int], beats: int = 10, first: int = 0, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random curves; sequence i starts at bar position (first + i) mod B."""
    torch.manual_seed(seed)
    shape, meters = (len(beats_per_bar), beats, S), torch.tensor(beats_per_bar)
    values = {name: torch.randn(shape, dtype=torch.float64) for name in LOGITS}
    values["onset"] = torch.rand(shape, dtype=torch.float64)
    values["contact"] = (torch.rand(shape) < 0.3).double()
    values["energy"] = 5 * torch.rand(shape, dtype=torch.float64)
    starts = first + torch.arange(len(meters))
    values["bar_position"] = ((torch.arange(beats) + starts[:, None]) % meters[:, None]).double()
    values["beats_per_bar"] = meters
    values["mask"] = torch.ones(shape[:2], dtype=torch.bool)
    return values


def arguments(values: dict[str, torch.Tensor]) -> tuple:
    predicted, detected = RhythmLogits(*(values[n] for n in LOGITS)), DetectedRhythm(*(values[n] for n in DETECTED))
    return predicted, detected, values["bar_position"], values["beats_per_bar"], values.get("mask")


def sral(values: dict[str, torch.Tensor], **options) -> StructuralLoss:
    return structural_rhythm_alignment_loss(*arguments(values), **options)


def anchor(values: dict[str, torch.Tensor]) -> torch.Tensor:
    return rhythm_anchor_loss(*arguments(values))


def rows(values: dict[str, torch.Tensor], keep: slice) -> dict[str, torch.Tensor]:
    return {name: value[keep] for name, value in values.items()}


@pytest.mark.parametrize("divergence", [True, False])
@pytest.mark.parametrize("circular", [True, False])
def test_it_is_equations_3_to_5_written_out(divergence: bool, circular: bool) -> None:
    values = batch([4], beats=7, first=1)  # positions 1 2 3 0 1 2 3: one complete bar
    loss = sral(values, divergence=divergence, circular=circular)
    onset, contact = values["onset_logits"].sigmoid().mean(-1), values["contact_logits"].sigmoid()
    begins = 1 - (1 - contact[..., 0]) * (1 - contact[..., 1]) * (1 - contact[..., 2]) * (1 - contact[..., 3])
    pairs = ((onset, values["contact"].amax(-1)), (begins, values["onset"].mean(-1)))
    if divergence:
        parts = [soft_dtw_divergence(x[..., None], y[..., None], 0.1, band=1) / 7 for x, y in pairs]
    else:
        parts = [soft_dtw(x[..., None], y[..., None], 0.1, band=1) for x, y in pairs]
    torch.testing.assert_close(loss.beat, (parts[0] + parts[1])[0] / 2)

    distance = wasserstein_circle if circular else wasserstein_line
    accent, motion = (values[name][0, 3:7].reshape(-1).softmax(0) for name in ("accent_logits", "energy_logits"))
    strength, moved = (values[name][0, 3:7].reshape(-1) for name in ("onset", "energy"))
    told, danced = distance(accent, moved / moved.sum()), distance(motion, strength / strength.sum())
    torch.testing.assert_close(loss.bar, (told + danced) / 2)
    torch.testing.assert_close(loss.total, 0.9 * loss.beat + 0.2 * loss.bar)


def test_heads_that_predict_what_the_other_modality_does_cost_almost_nothing() -> None:
    values = batch([4], beats=8)
    bars = values["energy"].view(1, 2, 16)
    values["accent_logits"] = (bars / bars.sum(-1, keepdim=True)).log().view(1, 8, S)
    bars = values["onset"].view(1, 2, 16)
    values["energy_logits"] = (bars / bars.sum(-1, keepdim=True)).log().view(1, 8, S)
    begins = values["contact"].amax(-1, keepdim=True).expand(-1, -1, S)
    values["onset_logits"] = 40 * (begins - 0.5)
    # 1 - (1 - p)^S is the detected onset curve where p = 1 - (1 - o)^(1 / S)
    wanted = 1 - (1 - values["onset"].mean(-1, keepdim=True)) ** (1 / S)
    values["contact_logits"] = torch.logit(wanted).expand(-1, -1, S)
    loss = sral(values)
    assert loss.beat.item() == pytest.approx(0, abs=1e-6)
    assert loss.bar.item() == pytest.approx(0, abs=1e-9)


def test_meters_in_one_batch_equal_each_alone() -> None:
    values = batch([4, 3, 4, 3], beats=11)
    whole = sral(values)
    parts = [sral(rows(values, slice(i, i + 1))) for i in range(4)]
    torch.testing.assert_close(whole.beat, torch.stack([part.beat for part in parts]).mean())
    bars = torch.tensor([2, 3, 2, 3], dtype=torch.float64)  # starting at positions 0, 1, 2, 0 of 11 beats
    alone = torch.stack([part.bar for part in parts])
    torch.testing.assert_close(whole.bar, (alone * bars).sum() / bars.sum())


def test_only_complete_bars_of_real_beats_count() -> None:
    positions = torch.tensor([[2, 0, 1, 2, 0, 1, 2, 0], [3, 0, 1, 2, 3, 0, 1, 2], [0, 1, 2, 3, 0, 1, 2, 3]]).double()
    mask = torch.ones(3, 8, dtype=torch.bool)
    mask[2, 6:] = False
    curve = torch.arange(3 * 8, dtype=torch.float64).view(3, 8, 1)
    found = list(complete_bars((curve,), positions, torch.tensor([3, 4, 4]), mask))
    assert [bars.tolist() for (bars,) in found] == [[[1, 2, 3], [4, 5, 6]], [[9, 10, 11, 12], [16, 17, 18, 19]]]


def test_a_lattice_has_no_bars() -> None:
    grid = lattice("song", 0, 30.0, 0.3, 1.0)
    assert grid is not None
    positions = torch.as_tensor(grid.positions[:8] - 1, dtype=torch.float64)[None]
    curve = torch.arange(8, dtype=torch.float64).view(1, 8, 1)
    meter = torch.tensor([grid.beats_per_bar])
    assert not list(complete_bars((curve,), positions, meter, torch.ones(1, 8, dtype=torch.bool)))


def test_bins_of_a_bar_follow_time() -> None:
    curve = torch.arange(3 * 2, dtype=torch.float64).view(1, 3, 2)
    ((bars,),) = complete_bars(
        (curve,), torch.tensor([[0, 1, 2]]), torch.tensor([3]), torch.ones(1, 3, dtype=torch.bool)
    )
    assert bars.tolist() == [[0, 1, 2, 3, 4, 5]]


def test_a_window_without_a_complete_bar_adds_nothing_to_the_bar_term() -> None:
    values = batch([4, 4], beats=7)
    values["bar_position"][1] += 0.37  # between the beats of a bar
    both = sral(values)
    torch.testing.assert_close(both.bar, sral(rows(values, slice(0, 1))).bar)
    none = sral(rows(values, slice(1, 2)))
    assert none.bar == 0
    assert none.beat > 0


@pytest.mark.parametrize("source", ["predicted", "detected"])
def test_masked_beats_change_nothing(source: str) -> None:
    values = batch([4, 3], beats=9)
    padded = {
        name: functional.pad(
            value, (0, 0, 2, 3) if value.ndim == 3 else (2, 3), value=-7.0 if name != "mask" else False
        )
        if value.ndim > 1
        else value
        for name, value in values.items()
    }
    for name in DETECTED:
        padded[name][~padded["mask"]] = torch.nan
    for got, expected in zip(sral(padded, source=source), sral(values, source=source), strict=True):
        torch.testing.assert_close(got, expected)
    torch.testing.assert_close(anchor(padded), anchor(values))


def test_without_real_beats_every_loss_is_zero() -> None:
    values = batch([4, 3])
    values["mask"] = torch.zeros_like(values["mask"])
    assert sral(values).total == 0
    assert anchor(values) == 0
    assert contact_guide_loss(values["contact_logits"][..., :1], values["contact"], values["mask"]) == 0


def test_gradients_reach_all_predictions_and_no_detection() -> None:
    for loss_of in (lambda values: sral(values).total, anchor):
        values = batch([4, 3], first=1)
        for name in (*LOGITS, *DETECTED):
            values[name].requires_grad_()
        loss_of(values).backward()
        assert all(values[name].grad is not None and values[name].grad.any() for name in LOGITS)
        assert all(values[name].grad is None for name in DETECTED)


def test_beat_and_bar_terms_reach_their_own_heads_only() -> None:
    values = batch([4, 3])
    inputs = [values[name].requires_grad_() for name in LOGITS]
    loss = sral(values)
    for term, heads in (
        (loss.beat, {"onset_logits", "contact_logits"}),
        (loss.bar, {"accent_logits", "energy_logits"}),
    ):
        gradients = torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True)
        assert {name for name, grad in zip(LOGITS, gradients, strict=True) if grad is not None and grad.any()} == heads


def test_gradient_is_that_of_finite_differences() -> None:
    values = batch([3], beats=4)
    inputs = tuple(values.pop(name).requires_grad_() for name in LOGITS)

    def total(*logits: torch.Tensor) -> torch.Tensor:
        return sral(dict(zip(LOGITS, logits, strict=True)) | values).total

    assert torch.autograd.gradcheck(total, inputs)


def test_detected_source_is_a_constant_without_gradient() -> None:
    values = batch([4, 3])
    for name in LOGITS:
        values[name].requires_grad_()
    loss = sral(values, source="detected")
    assert not any(term.requires_grad for term in loss)
    other = values | {name: torch.zeros_like(values[name]) for name in LOGITS}
    assert loss.total == sral(other, source="detected").total


def test_a_silent_bar_has_uniform_mass() -> None:
    assert detected_mass(torch.zeros(2, 12)).tolist() == torch.full((2, 12), 1 / 12).tolist()
    torch.testing.assert_close(detected_mass(torch.tensor([1.0, 0.0, 3.0])), torch.tensor([0.25, 0.0, 0.75]))


def test_the_anchor_is_cross_entropy_with_the_own_modality() -> None:
    values = batch([4], beats=4)
    del values["mask"]
    accent, motion = (values[name].flatten().log_softmax(0) for name in ("accent_logits", "energy_logits"))
    strength, moved = (values[name].flatten() / values[name].sum() for name in ("onset", "energy"))
    expected = functional.binary_cross_entropy_with_logits(values["onset_logits"], values["onset"])
    expected = expected + functional.binary_cross_entropy_with_logits(values["contact_logits"], values["contact"])
    expected = expected - (strength * accent).sum() - (moved * motion).sum()
    torch.testing.assert_close(anchor(values), expected)


def test_the_contact_guide_is_told_whether_a_contact_begins_in_the_beat() -> None:
    contact = torch.tensor([[[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0]]]).double()
    logits = torch.tensor([[-1.0, 2.0, 0.5]], dtype=torch.float64)[..., None]
    expected = [math.log(1 + math.exp(-1)), math.log(1 + math.exp(-2)), math.log(1 + math.exp(-0.5))]
    assert contact_guide_loss(logits, contact).item() == pytest.approx(sum(expected) / 3)


def test_the_contact_guide_by_sub_beats_is_told_where_in_the_beat_a_contact_begins() -> None:
    contact = torch.tensor([[[0, 1.0]]]).double()
    logits = torch.tensor([[[0.5, 2.0]]], dtype=torch.float64)
    expected = (math.log(1 + math.exp(0.5)) + math.log(1 + math.exp(-2.0))) / 2
    assert contact_guide_loss(logits, contact).item() == pytest.approx(expected)


def test_wrong_input_is_refused_by_name() -> None:
    values = batch([4, 3])
    for name, wrong, message in (
        ("accent_logits", values["onset"][:, :-1], "predicted accent has shape"),
        ("bar_position", values["onset"], "bar_position has shape"),
        ("mask", values["mask"].double(), "mask is torch.float64"),
        ("onset", values["onset"] * 3, "detected onset has values outside 0..1"),
        ("energy", -values["energy"], "detected energy has values"),
    ):
        with pytest.raises(MotionBeatError, match=message):
            sral(values | {name: wrong})
    with pytest.raises(MotionBeatError, match="source = 'both'"):
        sral(values, source="both")


def unequal() -> tuple[dict[str, torch.Tensor], list[dict[str, torch.Tensor]]]:
    """Four sequences of 3/4 and 4/4 in one batch, of 11, 7, 4 and 9 real beats, and each alone, cut to its beats."""
    values, lengths = batch([4, 3, 4, 3], beats=11), [11, 7, 4, 9]
    values["mask"] = torch.arange(11) < torch.tensor(lengths)[:, None]
    alone = []
    for i, length in enumerate(lengths):
        row = rows(values, slice(i, i + 1))
        alone.append({name: value[:, :length] if value.ndim > 1 else value for name, value in row.items()})
    for name in (*LOGITS, *DETECTED):
        values[name] = values[name].masked_fill(~values["mask"][..., None], 77.0)
    return values, alone


def counts(values: dict[str, torch.Tensor]) -> tuple[int, int]:
    """Real beats and complete bars."""
    bars = complete_bars((values["onset"],), values["bar_position"], values["beats_per_bar"], values["mask"])
    return int(values["mask"].sum()), sum(len(found) for (found,) in bars)


@pytest.mark.parametrize("divergence", [True, False])
@pytest.mark.parametrize("circular", [True, False])
def test_meters_and_lengths_in_one_batch_equal_each_sequence_alone_weighted(divergence: bool, circular: bool) -> None:
    """Values and gradients: the beat term is a mean over sequences, the bar term one over complete bars."""
    values, alone = unequal()
    bars = torch.tensor([counts(one)[1] for one in alone], dtype=torch.float64)
    assert bars.tolist() == [2, 1, 0, 3]
    inputs = [values[name].requires_grad_() for name in LOGITS]
    loss = sral(values, divergence=divergence, circular=circular)
    whole = [torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True) for term in loss[1:]]
    weights = torch.full((4,), 0.25, dtype=torch.float64), bars / bars.sum()
    sums = [0.0, 0.0]
    for i, one in enumerate(alone):
        own = [one[name].requires_grad_() for name in LOGITS]
        parts = sral(one, divergence=divergence, circular=circular)
        for term in range(2):
            sums[term] += float(weights[term][i] * parts[1 + term].detach())
            if not parts[1 + term].requires_grad:
                continue
            expected = torch.autograd.grad(parts[1 + term], own, retain_graph=True, allow_unused=True)
            for together, apart in zip(whole[term], expected, strict=True):
                if apart is None:
                    assert together is None
                    continue
                length = apart.shape[1]
                torch.testing.assert_close(together[i, :length], weights[term][i] * apart[0])
                assert not together[i, length:].any()
    assert [float(term.detach()) for term in loss[1:]] == pytest.approx(sums, abs=1e-9)


def test_the_anchor_of_unequal_lengths_and_meters_equals_each_sequence_alone_weighted() -> None:
    values, alone = unequal()
    inputs = [values[name].requires_grad_() for name in LOGITS]
    whole = torch.autograd.grad(anchor(values), inputs)
    beats, bars = (torch.tensor(column).double() for column in zip(*(counts(one) for one in alone), strict=True))
    for i, one in enumerate(alone):
        own = [one[name].requires_grad_() for name in LOGITS]
        expected = torch.autograd.grad(anchor(one), own, allow_unused=True)
        for name, together, apart in zip(LOGITS, whole, expected, strict=True):
            share = (beats if name in ("onset_logits", "contact_logits") else bars)[i]
            total = (beats if name in ("onset_logits", "contact_logits") else bars).sum()
            if apart is not None:
                torch.testing.assert_close(together[i, : apart.shape[1]], share / total * apart[0])
            else:
                assert not together[i].any()


def test_the_contact_guide_of_unequal_lengths_equals_each_sequence_alone_weighted() -> None:
    values, alone = unequal()
    logits = values["contact_logits"][..., :1].detach().requires_grad_()
    loss = contact_guide_loss(logits, values["contact"].clamp(0, 1), values["mask"])
    (gradient,) = torch.autograd.grad(loss, logits)
    total, beats = 0.0, values["mask"].sum(1)
    for i, one in enumerate(alone):
        own = one["contact_logits"][..., :1].detach().requires_grad_()
        part = contact_guide_loss(own, one["contact"], one["mask"])
        (expected,) = torch.autograd.grad(part, own)
        share = beats[i] / beats.sum()
        total += float((share * part).detach())
        torch.testing.assert_close(gradient[i, : len(own[0])], share * expected[0])
        assert not gradient[i, len(own[0]) :].any()
    assert float(loss.detach()) == pytest.approx(total)


def test_float32_stays_within_its_rounding_of_float64() -> None:
    values, _ = unequal()
    narrow = {name: value.float() if value.dtype == torch.float64 else value for name, value in values.items()}
    for wide, single in zip(sral(values), sral(narrow), strict=True):
        assert single.item() == pytest.approx(wide.item(), rel=1e-5, abs=1e-5)
    assert anchor(narrow).item() == pytest.approx(anchor(values).item(), rel=1e-5)
