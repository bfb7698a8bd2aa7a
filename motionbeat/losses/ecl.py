"""Embodied Contrastive Loss (eqs. 1-2): InfoNCE with tempo-aware and beat-jitter negatives.

Axes: n pairs in the batch (i anchors, j candidates), p tempo negatives, q jitter negatives, d embedding.
"""

import torch
from torch import Tensor
from torch.nn import functional

from motionbeat.errors import MotionBeatError


def embodied_contrastive_loss(
    audio: Tensor,
    motion: Tensor,
    tempo_negatives: Tensor | None = None,
    jitter_negatives: Tensor | None = None,
    temperature: float = 0.07,
    symmetric: bool = False,
    mask: Tensor | None = None,
    *,
    tempo_mask: Tensor | None = None,
    jitter_mask: Tensor | None = None,
    batch_negatives: bool = True,
    positives: Tensor | None = None,
) -> Tensor:
    """-mean_i log(exp(s(a_i, m_i) / tau) / D_i), with the positive and every kind of negative in D_i.

    audio, motion: (n, d), row i of both is a pair; s is cosine similarity, so lengths do not matter.
    tempo_negatives (n, p, d), jitter_negatives (n, q, d): motion embeddings mined for audio anchor i.
    mask: (n, n) bool, [i, j] True = motion j is not a negative of audio i; its diagonal is ignored. tempo_mask (n, p),
    jitter_mask (n, q): bool, True = absent; the values there (even NaN) are ignored. If batch_negatives is False, the
    other pairs of the batch are no negatives.
    symmetric: the mean of the audio-anchored and the motion-anchored loss. The negatives of motion i are the other
    audios of the batch (masked by the transpose); mined negatives are motions without a paired audio, so only audio
    anchors use them.
    positives: (n, n) bool, [i, j] True = motion j is danced to the same music as audio i, so it is a positive too,
    regardless of mask and batch_negatives; its diagonal is ignored. An anchor's loss is then the mean over its
    positives P(i) of -log(exp(s_ip / tau) / (exp(s_ip / tau) + N_i)), N_i being the sum over all its negatives. The
    mean is outside the logarithm, as in L_out of Khosla et al. (2020, eq. 2), which was better in their tests. Unlike
    there, the other positives are not in the denominator: with them, two equal positives could not both have
    probability 1, and the loss of k perfect ones would be log k instead of 0. So adding a positive does not change the
    terms of the others, and with one positive per anchor this is the loss without `positives`. An anchor without
    negatives contributes 0. Returns a scalar; the defaults are the paper's equations.
    """
    _check(audio, motion, temperature)
    n = len(audio)
    kind = torch.promote_types(audio.dtype, torch.float32)
    a, m = functional.normalize(audio.to(kind), dim=-1), functional.normalize(motion.to(kind), dim=-1)  # (n, d)
    pair = torch.eye(n, dtype=torch.bool, device=audio.device)
    if mask is not None:
        _expect("mask", mask, (n, n), torch.bool)
    dropped = torch.zeros_like(pair) if mask is None else mask
    dropped = (dropped if batch_negatives else torch.ones_like(pair)) & ~pair  # (i, j)
    logits = (a[:, None] * m[None]).sum(-1) / temperature  # (i, j)
    in_batch = logits.masked_fill(dropped, -torch.inf)
    mined = [
        _mined_logits(name, a, negatives, absent, temperature)
        for name, negatives, absent in (
            ("tempo", tempo_negatives, tempo_mask),
            ("jitter", jitter_negatives, jitter_mask),
        )
        if negatives is not None
    ]
    if positives is not None:
        _expect("positives", positives, (n, n), torch.bool)
        positives = positives | pair
        negatives = in_batch.masked_fill(positives, -torch.inf)
        loss = _over_positives(logits, torch.cat([negatives, *mined], dim=1), positives)
        return (loss + _over_positives(logits.T, negatives.T, positives.T)) / 2 if symmetric else loss
    positive = logits.diagonal()  # (n,)
    loss = (torch.cat([in_batch, *mined], dim=1).logsumexp(1) - positive).mean()
    if not symmetric:
        return loss
    return (loss + (in_batch.logsumexp(0) - positive).mean()) / 2


def _over_positives(logits: Tensor, negatives: Tensor, positives: Tensor) -> Tensor:
    """Mean over anchors of the mean over their positives; (i, j), (i, any) and (i, j) bool, one row per anchor."""
    against = negatives.logsumexp(1, keepdim=True)  # (i, 1)
    each = torch.logaddexp(against - logits, torch.zeros_like(logits))  # -log p of every pair
    return (each.masked_fill(~positives, 0).sum(1) / positives.sum(1)).mean()


def _mined_logits(name: str, anchors: Tensor, negatives: Tensor, absent: Tensor | None, temperature: float) -> Tensor:
    """(n, d) and (n, p, d) -> (n, p), minus infinity where absent."""
    n, d = anchors.shape
    if negatives.ndim != 3 or negatives.shape[0] != n or negatives.shape[2] != d:
        raise MotionBeatError(f"{name}_negatives has shape {tuple(negatives.shape)}; expected ({n}, any, {d})")
    if absent is None:
        absent = torch.zeros(negatives.shape[:2], dtype=torch.bool, device=negatives.device)
    _expect(f"{name}_mask", absent, tuple(negatives.shape[:2]), torch.bool)
    # Filled before the product as well: NaN times a zero gradient would still be NaN.
    negatives = functional.normalize(negatives.masked_fill(absent[..., None], 0).to(anchors.dtype), dim=-1)
    return ((anchors[:, None] * negatives).sum(-1) / temperature).masked_fill(absent, -torch.inf)  # (n, p)


def _check(audio: Tensor, motion: Tensor, temperature: float) -> None:
    if audio.ndim != 2 or not len(audio):
        raise MotionBeatError(f"audio has shape {tuple(audio.shape)}; expected (pairs, embedding), at least one pair")
    _expect("motion", motion, tuple(audio.shape), audio.dtype)
    if not temperature > 0:
        raise MotionBeatError(f"temperature = {temperature}; expected a number above 0")


def _expect(name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tuple(tensor.shape) != shape or tensor.dtype != dtype:
        raise MotionBeatError(f"{name} is {tensor.dtype} {tuple(tensor.shape)}; expected {dtype} {shape}")
