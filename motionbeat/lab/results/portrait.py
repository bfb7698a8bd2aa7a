"""Model2Portrait: a trained model's results on the test split, as arrays for the pictures of `model_pictures`.

One clip is shown in detail: the windows that begin at each of its beats, and, in its first window, SRAL's alignment of
curves, the transport of accents to energy, and attention. Axes: n windows, k beats, s sub-beats, e embedding.
"""

from typing import Any

import numpy as np
import torch
from attrs import frozen
from numpy.typing import NDArray
from torch import Tensor

from motionbeat.errors import MotionBeatError
from motionbeat.lab.params import Loss
from motionbeat.lab.tasks.window_embeddings import Spans, embed_motion, embed_music
from motionbeat.lab.token_tables.token_windows import Tokens
from motionbeat.losses.soft_dtw import soft_alignment
from motionbeat.losses.sral import complete_bars, contact_curve, detected_mass, onset_curve
from motionbeat.model.attention import PhaseAttention
from motionbeat.model.dual_encoder import DualEncoder

Array = NDArray[np.floating]


@frozen(eq=False)
class Circle:
    """Embeddings (n, e) of the music windows at each beat of a clip, and the position of each in its bar, 0 to
    below 1.
    """

    embeddings: Array
    phase: Array


@frozen(eq=False)
class Places:
    """Mean embeddings (c, e) of the music and of the dance of each test clip, and its genre."""

    music: Array
    motion: Array
    genre: NDArray[Any]


@frozen(eq=False)
class Rhythms:
    """A window. onset, contact: (k,), predicted from the music, detected in the dance. alignment: (k, k), expected.

    accent, energy: (B * s,) masses of a bar, predicted and detected. plan: (B * s, B * s), the transport from one to
    the other around the circle.
    """

    onset: Array
    contact: Array
    alignment: Array
    accent: Array
    energy: Array
    plan: Array
    beats_per_bar: int


@frozen(eq=False)
class Attention:
    """A window of dance: attention (layers, k, k), mean over heads, and r_t of eqs. 8-9, (k,): the mean of a beat."""

    weights: Array
    contact: Array


@frozen(eq=False)
class Portrait:
    """All arrays, and the name of the clip."""

    clip: str
    circle: Circle
    places: Places
    rhythms: Rhythms | None
    """None if the clip's first window has no complete bar."""
    attention: Attention


def portrait(model: DualEncoder, tokens: Tokens, clip: str, genre: dict[str, str], loss: Loss) -> Portrait:
    """genre: of each song. clip: in any split. Raises `MotionBeatError` if the clip has no window."""
    beats = tokens.layout.window_beats
    every = [tokens.windows(split, beats) for split in ("train", "val", "test")]
    shown = next((windows.take(windows.clip == clip) for windows in every if clip in set(windows.clip)), None)
    if shown is None:
        raise MotionBeatError(f"clip {clip} has no window of {beats} beats: name a longer one in report.clip")
    music, _ = embed_music(model, tokens, Spans.of(shown))
    position, meter = (tokens.audio[name][shown.audio_row] for name in ("bar_position", "beats_per_bar"))
    window = Spans.of(shown).take(slice(0, 1))
    return Portrait(
        clip,
        Circle(music, position / meter),
        _places(model, tokens, genre),
        _rhythms(model, tokens, window, loss),
        _attention(model, tokens, window),
    )


def _places(model: DualEncoder, tokens: Tokens, genre: dict[str, str]) -> Places:
    windows = tokens.windows("test", tokens.layout.window_beats, every="bar")
    names, first, clip = np.unique(windows.clip, return_index=True, return_inverse=True)
    _, unique, row = np.unique(windows.audio_row, return_index=True, return_inverse=True)
    music = embed_music(model, tokens, Spans.of(windows.take(unique)))[0][row]
    motion = embed_motion(model, tokens, Spans.of(windows))
    of_music, of_motion = (
        np.stack([part[clip == c].mean(axis=0) for c in range(len(names))]) for part in (music, motion)
    )
    return Places(of_music, of_motion, np.array([genre[str(song)] for song in windows.song[first]], object))


@torch.no_grad()
def _rhythms(model: DualEncoder, tokens: Tokens, window: Spans, loss: Loss) -> Rhythms | None:
    bars, rows, moved = window.bars(tokens), window.rows(window.audio_row)[0], window.rows(window.motion_row)[0]
    encoded = model.audio(torch.as_tensor(tokens.audio["mel"][rows][None]), *bars)
    contact, energy = (torch.as_tensor(tokens.motion[name][moved][None]).float() for name in ("contact", "energy"))
    onset, stands = onset_curve(encoded.onset_logits.sigmoid()), contact_curve(contact)
    band = loss.band if loss.band >= 0 else None
    alignment = soft_alignment(onset[..., None], stands[..., None], loss.gamma, band=band)[0]
    whole = next(complete_bars((encoded.accent_logits, energy), *bars), None)
    if whole is None:
        return None
    accent, mass = whole[0][0].softmax(-1).double().numpy(), detected_mass(whole[1][0]).double().numpy()
    plan = circular_plan(accent, mass)
    beats = int(bars.beats_per_bar[0])
    return Rhythms(onset[0].numpy(), stands[0].numpy(), alignment.numpy(), accent, mass, plan, beats)


def circular_plan(p: Array, q: Array) -> Array:
    """The cheapest transport (n, n) of mass p to mass q around a circle of n bins, in closed form.

    Both (n,), each summing to 1. The flow between two bins is the difference of the cumulated masses minus its median.
    Where it is 0, the circle is cut; on the resulting line masses are moved in their order (Rabin, Delon & Gousseau,
    2011).
    """
    flow = np.cumsum(p - q)
    cut = int(np.argsort(flow, kind="stable")[(len(p) - 1) // 2]) + 1
    order = (np.arange(len(p)) + cut) % len(p)
    ends = [np.cumsum(mass[order]) for mass in (p, q)]
    begins = [np.concatenate([[0], end[:-1]]) for end in ends]
    overlap = np.minimum(ends[0][:, None], ends[1]) - np.maximum(begins[0][:, None], begins[1])
    plan = np.zeros((len(p), len(p)))
    plan[np.ix_(order, order)] = overlap.clip(0)
    return plan


@torch.no_grad()
def _attention(model: DualEncoder, tokens: Tokens, window: Spans) -> Attention:
    features = torch.as_tensor(tokens.motion["features"][window.rows(window.motion_row)])
    weights: list[Tensor] = []
    modules = [module for module in model.motion_encoder.modules() if isinstance(module, PhaseAttention)]
    hooks = [
        module.register_forward_hook(lambda module, given, _: weights.append(attention_weights(module, *given)))
        for module in modules
    ]
    try:
        encoded = model.motion(features, *window.bars(tokens))
    finally:
        for hook in hooks:
            hook.remove()
    by_layer = torch.stack([each[0].mean(0) for each in weights])  # (layers, k, k)
    return Attention(by_layer.numpy(), encoded.contact_probability[0].mean(-1).numpy())


def attention_weights(
    module: PhaseAttention, x: Tensor, angles: Tensor | None, mask: Tensor, contact: Tensor | None = None
) -> Tensor:
    """(b, h, k, k): the weight of each other beat for each beat (row), from the arguments of the module."""
    q, key, _ = module.queries_keys_values(x, angles)
    logits = q @ key.transpose(-1, -2) / q.shape[-1] ** 0.5 + module.bias(mask, contact, q.dtype)
    return logits.softmax(-1)
