"""Likelihood of a dance's events given the accents of some music, by the rules of the generator.

For part p and 16th s with event strength e, where accent a is to be marked (a = 0: none):

    a > 0, event:     log RELIABILITY + log N(e; a, STRENGTH_SPREAD)
    a > 0, no event:  log (1 - RELIABILITY)
    a = 0, event:     log SPONTANEOUS + log U(e)
    a = 0, no event:  log (1 - SPONTANEOUS)

Which accent is marked depends on the choreography's habits and the position in the phrase; both are unknown here. Two
forms average over the habits (`context`) in different ways:

- *full*: the probability of the whole window, with constant habits: log of a mean over habits of a product.
- *additive*: the probability of each 16th separately: a sum over 16ths of the log of a mean over habits.

Without context both are the same sum. Accents before the window are unknown: a 16th that would mark one gets the
probability averaged over the frequency of accents in the given music. The result is never -inf, since dancers also move
spontaneously. Matrix products and exponentials are float32; the error is at most 1e-3 in a sum of some hundreds.
"""

from collections.abc import Callable

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from motionbeat.lab.synthetic.context import part_habits, passages, sources
from motionbeat.lab.synthetic.dance_events import RELIABILITY, SPONTANEOUS, STRENGTH_SPREAD
from motionbeat.lab.synthetic.truth_windows import Array, MusicWindows

Single = NDArray[np.float32]

_SPONTANEOUS_RANGE = 0.6  # width of the uniform strength of spontaneous events
_ACCENT_RANGE = 0.6  # and of responses to unknown accents
_AT_ONCE = 256  # dance windows


def full(events: Array, music: MusicWindows, context: float) -> Array:
    """(M, N) log-likelihood of dance windows `events` (M, 3, 16ths), NaN where unknown, in the full form."""
    return _by_meter(events, music, lambda dance, accents, bar, first: _full(dance, accents, bar, first, context))


def additive(events: Array, music: MusicWindows, context: float) -> Array:
    """As `full`, in the additive form."""
    return _by_meter(events, music, lambda dance, accents, bar, first: _additive(dance, accents, bar, first, context))


def _by_meter(events: Array, music: MusicWindows, of_one: Callable[[Array, Array, int, int], Array | Single]) -> Array:
    """Music windows that begin at the same position of bars of equal length share their sources."""
    values = np.empty((len(events), len(music.accents)))
    for bar, first in sorted(set(zip(music.bar.tolist(), music.first.tolist(), strict=True))):
        columns = np.flatnonzero((music.bar == bar) & (music.first == first))
        for begin in range(0, len(events), _AT_ONCE):
            rows = slice(begin, begin + _AT_ONCE)
            values[rows, columns] = of_one(events[rows], music.accents[columns], bar, first)
    return values


def _full(events: Array, accents: Array, bar: int, first: int, context: float) -> Single:
    slots, parts = events.shape[2], range(events.shape[1])
    of_dance = [_factors(events[:, part]) for part in parts]
    of_music = [_AccentFactors.of(accents[:, part]) for part in parts]
    habits = list(part_habits(context))
    weight = np.array([chance for chance, _ in habits])
    total = []
    for chance, passage in passages(context):
        whole = np.full((len(events), len(accents)), np.log(chance), np.float32)
        terms = np.empty((len(habits), len(events), len(accents)), np.float32)
        for part in parts:
            for term, (_, habit) in zip(terms, habits, strict=True):
                np.matmul(of_dance[part], of_music[part].at(sources(habit, passage, bar, first, slots)).T, out=term)
            whole += _log_mean(terms, weight)
        total.append(whole)
    return _log_mean(np.stack(total), np.ones(len(total)))


def _log_mean(terms: Single, weight: Array) -> Single:
    """log sum_i weight_i exp(terms_i), over the first axis; `terms` is overwritten."""
    weight = weight.astype(np.float32)
    if len(terms) == 1:
        return np.asarray(terms[0] + np.log(weight[0]))
    top = terms.max(axis=0)
    terms -= top
    np.exp(terms, out=terms)
    return np.asarray(top + np.log(np.tensordot(weight, terms, 1)))


def _factors(events: Array) -> Single:
    """Events (M, S) of one part as the factors in which the likelihood is linear, (M, 4 S): event, strength, its
    square, none.
    """
    strength = np.nan_to_num(events)
    happened = (strength > 0).astype(float)
    rest = np.isfinite(events) - happened
    factors = np.stack([happened, strength, strength**2, rest], axis=2, dtype=np.float32)
    return factors.reshape(len(events), 4 * events.shape[1])


@frozen(eq=False)
class _AccentFactors:
    """The other factors of the likelihood: accents of one part of N music windows, by source."""

    factors: Single  # (N, S + 2, 4); the last two for NOTHING and BEFORE, as -1 and -2 index them from the end
    known: NDArray[np.bool_]  # (N, S) within the song

    @classmethod
    def of(cls, accents: Array) -> "_AccentFactors":
        known = np.isfinite(accents)
        strength = np.where(known, accents, 0.0)
        on, variance = strength > 0, STRENGTH_SPREAD**2
        density = np.log(RELIABILITY) - 0.5 * np.log(2 * np.pi * variance)
        factors = np.empty((*accents.shape, 4), np.float32)
        factors[..., 0] = np.where(on, density - 0.5 * strength**2 / variance, np.log(SPONTANEOUS / _SPONTANEOUS_RANGE))
        factors[..., 1] = strength / variance
        factors[..., 2] = np.where(on, -0.5 / variance, 0.0)
        factors[..., 3] = np.where(on, np.log(1 - RELIABILITY), np.log(1 - SPONTANEOUS))
        rate = on.sum() / max(1, known.sum())
        happens = rate * RELIABILITY / _ACCENT_RANGE + (1 - rate) * SPONTANEOUS / _SPONTANEOUS_RANGE
        rests = rate * (1 - RELIABILITY) + (1 - rate) * (1 - SPONTANEOUS)
        before = np.log([happens, 1.0, 1.0, rests])
        nothing = [np.log(SPONTANEOUS / _SPONTANEOUS_RANGE), 0.0, 0.0, np.log(1 - SPONTANEOUS)]
        beside = np.broadcast_to(np.array([before, nothing], np.float32), (len(accents), 2, 4))
        return cls(np.concatenate([factors, beside], axis=1), known)

    def at(self, source: NDArray[np.int64]) -> Single:
        """(N, 4 S): the factors of the accent marked at each 16th; 0 beyond the end of the song."""
        taken = self.factors[:, source]
        if not self.known.all():
            taken *= self.known[..., None]
        return taken.reshape(len(taken), -1)


def _additive(events: Array, accents: Array, bar: int, first: int, context: float) -> Array:
    slots, total = events.shape[2], np.zeros((len(events), len(accents)))
    mixed = _mixture(bar, first, slots, context)
    for part in range(events.shape[1]):
        of_music = _AccentFactors.of(accents[:, part])
        for slot, answers in enumerate(mixed):
            weight = np.array(list(answers.values()))
            strength = events[:, part, slot]
            distinct = np.unique(strength[np.isfinite(strength)], return_inverse=True)
            factors = _factors(distinct[0][:, None])  # (E, 4) of the distinct strengths; 0 is the commonest
            terms = np.stack([factors @ of_music.factors[:, source].T for source in answers])
            each = _log_mean(terms, weight) * of_music.known[:, slot]
            total[np.isfinite(strength)] += each[distinct[1]]
    return total


def _mixture(bar: int, first: int, slots: int, context: float) -> list[dict[int, float]]:
    """The possible sources of each 16th, and their probabilities for a single 16th."""
    mixed: list[dict[int, float]] = [{} for _ in range(slots)]
    for chance, passage in passages(context):
        for weight, habit in part_habits(context):
            for answers, source in zip(mixed, sources(habit, passage, bar, first, slots).tolist(), strict=True):
                answers[source] = answers.get(source, 0.0) + chance * weight
    return mixed
