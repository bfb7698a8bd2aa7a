"""Phase rotation and contact-guided attention (eqs. 7-9): what they leave unchanged, and what they equal."""

import math

import pytest
import torch
from torch import nn

from motionbeat.model.attention import PhaseAttention
from motionbeat.model.rotation import bar_phase, rotate, rotation_angles

B, K, D, H, S = 3, 10, 24, 2, 4
PAIRS = D // H // 2
METERS = torch.tensor([4, 3, 4])


def positions(shift: float = 0.0) -> torch.Tensor:
    return (torch.arange(K) % METERS[:, None]).double() + shift


def angles(kind: str, shift_radians: float = 0.0) -> torch.Tensor | None:
    return rotation_angles(kind, bar_phase(positions(), METERS) + shift_radians, METERS, S, PAIRS)


@pytest.fixture
def attention() -> PhaseAttention:
    torch.manual_seed(0)
    return PhaseAttention(D, H, dropout=0.0, contacts=1).double()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(B, K, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def weights(attention: PhaseAttention, x: torch.Tensor, turned: torch.Tensor | None) -> torch.Tensor:
    q, key, _ = attention.queries_keys_values(x, turned)
    return (q @ key.transpose(-1, -2) / math.sqrt(D // H)).softmax(-1)  # (b, h, k, k)


@pytest.mark.parametrize("kind", ["paper", "harmonic"])
def test_attention_ignores_a_common_phase_shift(attention: PhaseAttention, x: torch.Tensor, kind: str) -> None:
    mask, contact = torch.ones(B, K, dtype=torch.bool), torch.rand(B, K, 1, dtype=torch.float64)
    for shift in (0.3, math.pi / 2, -4.0):
        before, after = angles(kind), angles(kind, shift)
        torch.testing.assert_close(weights(attention, x, after), weights(attention, x, before), atol=1e-10, rtol=0)
        moved = attention(x, after, mask, contact)
        torch.testing.assert_close(moved, attention(x, before, mask, contact), atol=1e-10, rtol=0)


@pytest.mark.parametrize("kind", ["paper", "harmonic"])
def test_attention_does_see_relative_phases(attention: PhaseAttention, x: torch.Tensor, kind: str) -> None:
    assert (weights(attention, x, angles(kind)) - weights(attention, x, None)).abs().max() > 1e-2


def test_queries_and_keys_turn_by_the_shift_and_values_do_not(attention: PhaseAttention, x: torch.Tensor) -> None:
    shift = 2 * math.pi / 4
    turn = torch.full((B, K, PAIRS), shift, dtype=torch.float64)
    q, key, v = attention.queries_keys_values(x, angles("paper"))
    q_moved, key_moved, v_moved = attention.queries_keys_values(x, angles("paper", shift))
    torch.testing.assert_close(q_moved, rotate(q, turn))
    torch.testing.assert_close(key_moved, rotate(key, turn))
    assert torch.equal(v, v_moved)


def test_a_rotation_is_a_matrix_of_two_by_two_for_each_pair() -> None:
    x, turn = torch.randn(2, 3, 5, 8, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    matrices = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], dim=-1).unflatten(-1, (2, 2))
    expected = torch.einsum("bkpij,bhkpj->bhkpi", matrices, x.view(2, 3, 5, 4, 2)).flatten(-2)
    torch.testing.assert_close(rotate(x, turn), expected)


def test_a_rotation_is_the_same_where_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    x, turn = torch.randn(2, 3, 5, 8), torch.randn(2, 5, 4)
    plain = rotate(x, turn)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(rotate(x, turn), plain)


def test_masked_beats_change_nothing_under_bf16(x: torch.Tensor) -> None:
    torch.manual_seed(0)
    attention = PhaseAttention(D, H, dropout=0.0, contacts=1)
    x, contact = x.float(), torch.rand(B, K, 1)
    mask = torch.ones(B, K, dtype=torch.bool)
    mask[1, 6:] = False
    turned = angles("harmonic").float()
    exact = attention(x, turned, mask, contact)
    other = x.masked_fill(~mask[..., None], 1e4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = attention(x, turned, mask, contact)
        moved = attention(other, turned, mask, contact.masked_fill(~mask[..., None], 9.0))
        nothing = attention(x, turned, torch.zeros_like(mask), contact)
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed[mask], moved[mask])
    assert torch.isfinite(nothing).all()
    # bf16 keeps 8 bits: each of a few rounded factors is off by up to 2^-9
    bound = 4 * 2**-8 * float(exact.detach().abs().max())
    torch.testing.assert_close(mixed[mask].float(), exact[mask], atol=bound, rtol=0)


def test_harmonics_follow_each_sequences_own_meter() -> None:
    meters, pairs = torch.tensor([4, 3]), 20
    turned = rotation_angles("harmonic", torch.ones(2, 3, dtype=torch.float64), meters, S, pairs)
    assert turned.shape == (2, 3, pairs)
    assert turned[0, 0, :10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]  # floor(4 * 4 / 2) = 8
    assert turned[1, 0, :10].tolist() == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]  # floor(3 * 4 / 2) = 6
    assert not turned[:, 0, 10:].any()
    assert turned[0, 2, 10] == 2  # fastest rotary pair: one radian a beat


def test_the_harmonic_rotation_tells_beats_a_bar_apart_and_the_papers_does_not() -> None:
    phase = bar_phase((torch.arange(8) % 4).double()[None], torch.tensor([4]))
    paper, harmonic = (rotation_angles(kind, phase, torch.tensor([4]), S, PAIRS) for kind in ("paper", "harmonic"))
    assert torch.equal(paper[:, :4], paper[:, 4:])
    assert (harmonic[:, :4] - harmonic[:, 4:]).abs().max() > 1


def test_the_rotary_control_knows_the_beats_index_and_no_bar() -> None:
    phase = bar_phase(torch.arange(2 * 4.0)[None].double(), torch.tensor([4]))
    rotary = rotation_angles("rotary", phase, torch.tensor([4]), S, PAIRS)
    assert rotary is not None and rotary.shape == (1, 8, PAIRS)
    torch.testing.assert_close(rotary, rotation_angles("rotary", phase + 1.0, torch.tensor([4]), S, PAIRS))
    steps = rotary.diff(dim=1)
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps))
    assert (steps > 0).all()


def test_without_rotation_nothing_is_turned(x: torch.Tensor) -> None:
    assert angles("none") is None
    assert rotate(x, None) is x


def test_with_alpha_zero_it_equals_plain_attention(attention: PhaseAttention, x: torch.Tensor) -> None:
    mask = torch.ones(B, K, dtype=torch.bool)
    mask[1, 6:] = False
    plain = nn.MultiheadAttention(D, H, batch_first=True).double()
    plain.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight,
            "in_proj_bias": attention.qkv.bias,
            "out_proj.weight": attention.out.weight,
            "out_proj.bias": attention.out.bias,
        }
    )
    expected, _ = plain(x, x, x, key_padding_mask=~mask)
    contact = torch.rand(B, K, 1, dtype=torch.float64)
    guided = attention(x, None, mask, contact)
    assert (guided - expected).abs().max() > 1e-4
    with torch.no_grad():
        attention.alpha_logit_raw.fill_(-torch.inf)
        attention.alpha_value_raw.fill_(-torch.inf)
    torch.testing.assert_close(attention(x, None, mask, contact), expected)


@torch.no_grad()
def test_contact_guidance_is_equations_8_and_9_written_out(attention: PhaseAttention, x: torch.Tensor) -> None:
    contact = torch.rand(B, K, 1, dtype=torch.float64)
    attention.alpha_logit_raw.fill_(1.5)
    attention.alpha_value_raw.fill_(-0.5)
    turned = angles("paper")
    q, key, v = attention.queries_keys_values(x, turned)
    a_logit, a_value = math.log1p(math.exp(1.5)), math.log1p(math.exp(-0.5))
    mixed = torch.zeros(B, K, D, dtype=torch.float64)
    for b in range(B):
        for h in range(H):
            for t in range(K):
                terms = [
                    math.exp(float(q[b, h, t] @ key[b, h, u]) / math.sqrt(D // H) + a_logit * float(contact[b, u]))
                    for u in range(K)
                ]
                values = [(1 + a_value * contact[b, u]) * v[b, h, u] for u in range(K)]
                mixed[b, t, h * D // H : (h + 1) * D // H] = sum(
                    term / sum(terms) * value for term, value in zip(terms, values, strict=True)
                )
    mask = torch.ones(B, K, dtype=torch.bool)
    torch.testing.assert_close(attention(x, turned, mask, contact), attention.out(mixed))


def test_alphas_start_at_a_tenth(attention: PhaseAttention) -> None:
    assert attention.alpha_logit.item() == pytest.approx(0.1, abs=1e-6)
    assert attention.alpha_value.item() == pytest.approx(0.1, abs=1e-6)


@torch.no_grad()
def test_guidance_by_sub_beats_is_guidance_by_their_weighted_sum(attention: PhaseAttention, x: torch.Tensor) -> None:
    parts = PhaseAttention(D, H, dropout=0.0, contacts=S).double()
    parts.load_state_dict(attention.state_dict() | {k: v for k, v in parts.state_dict().items() if "alpha" in k})
    assert float(parts.alpha_logit.sum()) == pytest.approx(0.1)
    r, mask = torch.rand(B, K, S, dtype=torch.float64), torch.ones(B, K, dtype=torch.bool)
    # equal alphas: one alpha for the sum, of which each sub-beat's is a quarter
    whole = r.mean(-1, keepdim=True)
    torch.testing.assert_close(parts(x, None, mask, r), attention(x, None, mask, whole))


def test_a_sequence_without_real_beats_gives_numbers(attention: PhaseAttention, x: torch.Tensor) -> None:
    mask = torch.ones(B, K, dtype=torch.bool)
    mask[1] = False
    x.requires_grad_()
    mixed = attention(x, angles("harmonic"), mask, torch.rand(B, K, 1, dtype=torch.float64))
    mixed.sum().backward()
    assert torch.isfinite(mixed).all()
    assert torch.isfinite(x.grad).all()
