"""Activations2Path: the Viterbi algorithm for madmom's models of beats and bars, in little memory.

madmom keeps the predecessor of every state in every frame, 0.3 to 0.5 GB a minute of music. Nearly all states of a bar
pointer model (Krebs, Boeck & Widmer, ISMIR 2015) have one predecessor only: the position just before in the same tempo.
Here the choice is kept where there is one, at the beats: 1.4 MB a minute, and the path is the same to the last state.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class LeanViterbi:
    """Takes the place of a `madmom.ml.hmm.HiddenMarkovModel` in madmom's decoders."""

    def __init__(self, model: Any) -> None:
        self.transition_model, self.observation_model = model.transition_model, model.observation_model
        transitions = model.transition_model
        starts = transitions.pointers[:-1].astype(np.intp)
        counts = np.diff(transitions.pointers.astype(np.intp))  # predecessors of each state
        states, weights = transitions.states.astype(np.intp), transitions.log_probabilities
        self._initial = np.log(model.initial_distribution)
        self._before, self._weight = states[starts], weights[starts]  # the first or only predecessor
        self._choosing = np.flatnonzero(counts > 1)
        place = np.arange(counts.max(initial=1))
        rows = starts[self._choosing, None] + np.minimum(place, counts[self._choosing, None] - 1)
        missing = place >= counts[self._choosing, None]
        self._choices = states[rows]  # (choosing states, most predecessors)
        self._choice_weights = np.where(missing, -np.inf, weights[rows])

    def viterbi(self, observations: NDArray[np.floating]) -> tuple[NDArray[np.uint32], float]:
        """The most probable path (T,) of states and its log probability; an empty path if none is possible.

        observations: (T, ...) as the observation model takes them.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            densities = self.observation_model.log_densities(observations)
        densities = np.where(np.isnan(densities), -np.inf, densities)  # of activations whose sum is rounded above 1
        of_state = self.observation_model.pointers.astype(np.intp)
        of_choosing, rows = of_state[self._choosing, None], np.arange(len(self._choosing))
        chosen = np.empty((len(densities), len(rows)), np.min_scalar_type(self._choices.shape[1]))
        now, before = np.empty_like(self._initial), self._initial
        for frame, density in enumerate(densities):
            # added in madmom's order, so that rounding is the same
            candidates = before[self._choices] + self._choice_weights + density[of_choosing]
            best = candidates.argmax(axis=1)
            np.add(before[self._before], self._weight, out=now)
            now += density[of_state]
            now[self._choosing] = candidates[rows, best]
            chosen[frame] = best
            now, before = (np.empty_like(now) if before is self._initial else before), now
        state = int(before.argmax())
        log_probability = float(before[state])
        if not len(densities) or np.isinf(log_probability):
            return np.empty(0, np.uint32), log_probability
        return self._path(state, chosen), log_probability

    def _path(self, state: int, chosen: NDArray[np.integer]) -> NDArray[np.uint32]:
        """The path that ends in `state`; chosen: (T, choosing states) the best predecessor of each in each frame."""
        number = np.full(len(self._before), -1)
        number[self._choosing] = np.arange(len(self._choosing))
        path = np.empty(len(chosen), np.uint32)
        for frame in range(len(chosen) - 1, -1, -1):
            path[frame] = state
            row = number[state]
            state = self._before[state] if row < 0 else self._choices[row, chosen[frame, row]]
        return path
