"""ECL against closed forms and torch's own cross-entropy."""

import math

import pytest
import torch
from torch.nn import functional

from motionbeat.errors import MotionBeatError
from motionbeat.losses import embodied_contrastive_loss

N, P, Q, D = 5, 3, 2, 8


@pytest.fixture
def clips() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    shapes = {"audio": (N, D), "motion": (N, D), "tempo_negatives": (N, P, D), "jitter_negatives": (N, Q, D)}
    return {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}


def similarities(clips: dict[str, torch.Tensor]) -> torch.Tensor:
    return functional.cosine_similarity(clips["audio"][:, None], clips["motion"][None], dim=-1)


def test_without_mined_negatives_it_is_cross_entropy_over_the_batch(clips: dict[str, torch.Tensor]) -> None:
    audio, motion = clips["audio"], clips["motion"]
    logits, target = similarities(clips) / 0.07, torch.arange(N)
    torch.testing.assert_close(embodied_contrastive_loss(audio, motion), functional.cross_entropy(logits, target))
    both = (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(embodied_contrastive_loss(audio, motion, symmetric=True), both)


def test_every_kind_of_negative_stands_in_the_denominator(clips: dict[str, torch.Tensor]) -> None:
    """Equations 1 and 2 written out."""
    losses = []
    for i in range(N):
        anchor = clips["audio"][i]
        others = [clips["motion"][j] for j in range(N) if j != i]
        others += [*clips["tempo_negatives"][i], *clips["jitter_negatives"][i]]
        own = math.exp(functional.cosine_similarity(anchor, clips["motion"][i], dim=0) / 0.07)
        against = sum(math.exp(functional.cosine_similarity(anchor, other, dim=0) / 0.07) for other in others)
        losses.append(-math.log(own / (own + against)))
    assert embodied_contrastive_loss(**clips).item() == pytest.approx(sum(losses) / N, abs=1e-10)


def test_one_pair_without_negatives_costs_nothing(clips: dict[str, torch.Tensor]) -> None:
    audio = clips["audio"][:1].requires_grad_()
    for symmetric in (False, True):
        loss = embodied_contrastive_loss(audio, clips["motion"][:1], symmetric=symmetric)
        loss.backward()
        assert loss == 0
        assert torch.isfinite(audio.grad).all()


def test_equal_similarities_cost_the_log_of_the_number_of_candidates() -> None:
    same = torch.ones(6, 4, dtype=torch.float64)
    loss = embodied_contrastive_loss(
        same, same, tempo_negatives=torch.ones(6, 3, 4), jitter_negatives=torch.ones(6, 2, 4)
    )
    assert loss.item() == pytest.approx(math.log(6 + 3 + 2))


def test_masking_a_negative_equals_leaving_it_out(clips: dict[str, torch.Tensor]) -> None:
    tempo_mask = torch.zeros(N, P, dtype=torch.bool)
    tempo_mask[:, 1] = True
    masked = embodied_contrastive_loss(**clips, tempo_mask=tempo_mask, jitter_mask=torch.ones(N, Q, dtype=torch.bool))
    without = clips | {"tempo_negatives": clips["tempo_negatives"][:, [0, 2]], "jitter_negatives": None}
    torch.testing.assert_close(masked, embodied_contrastive_loss(**without))


def test_a_mask_of_the_batch_removes_those_pairs_in_both_directions(clips: dict[str, torch.Tensor]) -> None:
    audio, motion = clips["audio"], clips["motion"]
    mask = torch.zeros(N, N, dtype=torch.bool)
    mask[0, 3] = mask[4, 1] = mask[2, 2] = True  # the diagonal is the positive and stays
    logits, target = similarities(clips) / 0.07, torch.arange(N)
    logits[0, 3] = logits[4, 1] = -torch.inf
    expected = (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(embodied_contrastive_loss(audio, motion, symmetric=True, mask=mask), expected)


def test_the_batch_can_be_left_out(clips: dict[str, torch.Tensor]) -> None:
    everyone = torch.ones(N, N, dtype=torch.bool)
    off = embodied_contrastive_loss(**clips, batch_negatives=False)
    torch.testing.assert_close(off, embodied_contrastive_loss(**clips, mask=everyone))
    alone = [embodied_contrastive_loss(**{name: values[i : i + 1] for name, values in clips.items()}) for i in range(N)]
    torch.testing.assert_close(off, torch.stack(alone).mean())


def test_absent_negatives_may_hold_anything_and_get_no_gradient(clips: dict[str, torch.Tensor]) -> None:
    clips["jitter_negatives"][1] = torch.nan
    jitter_mask = torch.zeros(N, Q, dtype=torch.bool)
    jitter_mask[1] = True
    inputs = {name: values.requires_grad_() for name, values in clips.items()}
    loss = embodied_contrastive_loss(**inputs, jitter_mask=jitter_mask)
    loss.backward()
    assert torch.isfinite(loss)
    for values in inputs.values():
        assert torch.isfinite(values.grad).all()
    assert not inputs["jitter_negatives"].grad[1].any()
    assert inputs["jitter_negatives"].grad[0].any()


def test_lengths_of_embeddings_do_not_matter(clips: dict[str, torch.Tensor]) -> None:
    scaled = {name: values * (3.0 + i) for i, (name, values) in enumerate(clips.items())}
    torch.testing.assert_close(embodied_contrastive_loss(**scaled), embodied_contrastive_loss(**clips))


def test_gradient_is_that_of_finite_differences(clips: dict[str, torch.Tensor]) -> None:
    inputs = tuple(values.requires_grad_() for values in clips.values())
    assert torch.autograd.gradcheck(lambda *x: embodied_contrastive_loss(*x, temperature=0.5, symmetric=True), inputs)


def test_wrong_shapes_are_refused(clips: dict[str, torch.Tensor]) -> None:
    for name, wrong in (
        ("motion", torch.zeros(N + 1, D, dtype=torch.float64)),
        ("tempo_negatives", torch.zeros(N, D, dtype=torch.float64)),
        ("jitter_negatives", torch.zeros(N, Q, D + 1, dtype=torch.float64)),
    ):
        with pytest.raises(MotionBeatError, match=name):
            embodied_contrastive_loss(**(clips | {name: wrong}))
    with pytest.raises(MotionBeatError, match="mask"):
        embodied_contrastive_loss(**clips, mask=torch.zeros(N, N))
    with pytest.raises(MotionBeatError, match="temperature"):
        embodied_contrastive_loss(**clips, temperature=0.0)


def test_the_diagonal_alone_as_positives_is_the_loss_without_them(clips: dict[str, torch.Tensor]) -> None:
    mask = torch.zeros(N, N, dtype=torch.bool)
    mask[0, 3] = mask[4, 1] = True
    for positives in (torch.eye(N, dtype=torch.bool), torch.zeros(N, N, dtype=torch.bool)):
        for symmetric in (False, True):
            gradients = []
            for given in (None, positives):
                inputs = {name: values.clone().requires_grad_() for name, values in clips.items()}
                loss = embodied_contrastive_loss(**inputs, symmetric=symmetric, mask=mask, positives=given)
                loss.backward()
                gradients.append([loss, *(values.grad for values in inputs.values())])
            torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("symmetric", [False, True])
def test_three_anchors_with_further_positives_by_hand(symmetric: bool) -> None:
    """Music 0 and 1 are the same, 2 is another; a tempo negative stands against each audio."""
    audio = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], dtype=torch.float64)
    motion = torch.tensor([[0.6, 0.8], [1.0, 0.0], [-0.6, 0.8]], dtype=torch.float64)
    tempo = torch.tensor([[[0.0, -1.0]], [[0.6, -0.8]], [[1.0, 0.0]]], dtype=torch.float64)
    e = [[math.exp(2 * cosine) for cosine in row] for row in ([0.6, 1.0, -0.6], [0.96, 0.8, 0.0], [0.8, 0.0, 0.8])]
    mined = [math.exp(2 * cosine) for cosine in (0.0, 0.0, 0.0)]

    def term(own: float, *negatives: float) -> float:
        return -math.log(own / (own + sum(negatives)))

    by_audio = [
        (term(e[0][0], e[0][2], mined[0]) + term(e[0][1], e[0][2], mined[0])) / 2,
        (term(e[1][0], e[1][2], mined[1]) + term(e[1][1], e[1][2], mined[1])) / 2,
        term(e[2][2], e[2][0], e[2][1], mined[2]),
    ]
    by_motion = [
        (term(e[0][0], e[2][0]) + term(e[1][0], e[2][0])) / 2,
        (term(e[0][1], e[2][1]) + term(e[1][1], e[2][1])) / 2,
        term(e[2][2], e[0][2], e[1][2]),
    ]
    expected = sum(by_audio) / 3
    if symmetric:
        expected = (expected + sum(by_motion) / 3) / 2
    positives = torch.zeros(3, 3, dtype=torch.bool)
    positives[0, 1] = positives[1, 0] = True
    # the other positives are masked as negatives too, as windows of one song are
    for mask in (None, positives):
        loss = embodied_contrastive_loss(
            audio, motion, tempo, temperature=0.5, symmetric=symmetric, mask=mask, positives=positives
        )
        assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_the_order_of_the_batch_does_not_matter_to_the_positives(clips: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(1)
    positives, mask = torch.rand(N, N) < 0.3, torch.rand(N, N) < 0.3
    order = torch.randperm(N)
    moved = {name: values[order] for name, values in clips.items()}
    for symmetric in (False, True):
        one = embodied_contrastive_loss(**clips, symmetric=symmetric, mask=mask, positives=positives)
        other = embodied_contrastive_loss(
            **moved, symmetric=symmetric, mask=mask[order][:, order], positives=positives[order][:, order]
        )
        torch.testing.assert_close(one, other)


def test_the_two_directions_are_each_others_mirror_image(clips: dict[str, torch.Tensor]) -> None:
    audio, motion = clips["audio"], clips["motion"]
    positives = torch.rand(N, N, generator=torch.Generator().manual_seed(2)) < 0.4
    one = embodied_contrastive_loss(audio, motion, symmetric=True, positives=positives)
    other = embodied_contrastive_loss(motion, audio, symmetric=True, positives=positives.T)
    torch.testing.assert_close(one, other)


def test_positives_alone_cost_nothing_and_give_finite_gradients(clips: dict[str, torch.Tensor]) -> None:
    audio = clips["audio"].requires_grad_()
    everyone = torch.ones(N, N, dtype=torch.bool)
    loss = embodied_contrastive_loss(audio, clips["motion"], symmetric=True, positives=everyone)
    loss.backward()
    assert loss == 0
    assert not audio.grad.any()


def test_gradient_with_positives_is_that_of_finite_differences(clips: dict[str, torch.Tensor]) -> None:
    inputs = tuple(values.requires_grad_() for values in clips.values())
    positives = torch.zeros(N, N, dtype=torch.bool)
    positives[0, 1] = positives[1, 0] = positives[2, 4] = True
    assert torch.autograd.gradcheck(
        lambda *x: embodied_contrastive_loss(*x, temperature=0.5, symmetric=True, positives=positives), inputs
    )


def test_positives_of_another_shape_or_kind_are_refused(clips: dict[str, torch.Tensor]) -> None:
    for wrong in (torch.eye(N), torch.eye(N + 1, dtype=torch.bool)):
        with pytest.raises(MotionBeatError, match="positives"):
            embodied_contrastive_loss(**clips, positives=wrong)
