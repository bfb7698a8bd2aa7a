"""A loss or a gradient that is NaN or infinite stops training; the message names the term and the clips."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from motionbeat.errors import MotionBeatError

Terms = Mapping[str, Tensor]
"""Terms of a loss, each a scalar; `loss` is their weighted sum."""
_MOST_CLIPS = 8


def check_finite(
    model: nn.Module,
    terms: Terms,
    norm: Tensor,
    again: Callable[[], Terms],
    place: str,
    clips: Sequence[str],
    fix: str,
) -> None:
    """Raise `MotionBeatError` if the loss, or the norm of its gradient, is not finite.

    again: computes the same terms once more (`repeatable`), since a backward pass frees the graph. place: the step, for
    the message. clips: of the batch. fix: a sentence.
    """
    if torch.isfinite(norm + terms["loss"]):
        return
    names = [name for name in terms if name != "loss"]
    wrong = [name for name in names if not torch.isfinite(terms[name])]
    if not wrong:
        terms = again()
        wrong = [f"the gradient of {name}" for name in names if not _gradient_is_finite(model, terms[name])]
    raise _stopped(place, wrong, clips, fix)


class Unread:
    """Steps whose losses are still on the device: reading each one would wait for all previous work.

    `check` names the first step that is not finite and its terms, or only its gradient: since later steps have changed
    the weights, the term behind a gradient is unknown.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[dict[str, Tensor], Tensor, str, Sequence[str]]] = []

    def add(self, terms: Terms, norm: Tensor, place: str, clips: Sequence[str]) -> None:
        """Arguments as for `check_finite`."""
        self._steps.append(({name: term.detach() for name, term in terms.items()}, norm, place, clips))

    def check(self, fix: str) -> None:
        """Raise `MotionBeatError` for the first step since the last check that is not finite."""
        if not self._steps:
            return
        finite = torch.stack([torch.isfinite(norm + terms["loss"]) for terms, norm, _, _ in self._steps]).tolist()
        if not all(finite):
            terms, _, place, clips = self._steps[finite.index(False)]
            wrong = [name for name, term in terms.items() if name != "loss" and not torch.isfinite(term)]
            raise _stopped(place, wrong, clips, fix)
        self._steps.clear()


def _stopped(place: str, wrong: Sequence[str], clips: Sequence[str], fix: str) -> MotionBeatError:
    shown = ", ".join(clips[:_MOST_CLIPS]) + (f" and {len(clips) - _MOST_CLIPS} more" if clips[_MOST_CLIPS:] else "")
    named = f"{', '.join(wrong) or 'the gradient'} {'are' if wrong[1:] else 'is'} not finite"
    return MotionBeatError(f"training stopped in {place}: {named}; nothing was written. The batch: {shown}. {fix}")


def repeatable(compute: Callable[[], Terms], device: torch.device) -> Callable[[], Terms]:
    """A function that calls `compute` later with the present random state, for the same dropout."""
    of_cpu = torch.get_rng_state()
    of_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None  # the generator of dropout

    def again() -> Terms:
        torch.set_rng_state(of_cpu)
        if of_gpu is not None:
            torch.cuda.set_rng_state(of_gpu, device)
        return compute()

    return again


def _gradient_is_finite(model: nn.Module, term: Tensor) -> bool:
    if not term.requires_grad:  # a constant, such as SRAL of detected curves
        return True
    by_weight = torch.autograd.grad(term, list(model.parameters()), retain_graph=True, allow_unused=True)
    return all(grad is None or bool(torch.isfinite(grad).all()) for grad in by_weight)
