"""Batch2Step: a whole training step as a CUDA graph, for `benchmarks.gpu`: forward, backward, clipping and AdamW.

Training does not use it. A graph replays one shape, and of the default's batches four in ten have another: the last
one of an epoch, and those that `train.beat_mask` cuts. Nobody has measured what is left of its gain then.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from motionbeat.lab.training.batches import Batch, Motion

Terms = dict[str, Tensor]
Capture = Callable[[Callable[[], Terms]], tuple[Callable[[], Any], Terms]]
"""Records the work of a function without doing it; what replays it, and the tensors that a replay writes."""
WARM = 3
"""Steps before the capture, in which AdamW makes its state and libraries choose their kernels."""


def cuda_capture(compute: Callable[[], Terms]) -> tuple[Callable[[], Any], Terms]:
    """By `torch.cuda.graph`."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        written = compute()
    return graph.replay, written


class GraphedStep:
    """Steps of training, replayed once `warm` batches of the first one's shape have been launched as usual.

    objective: (batch, rotations) -> the terms of the loss, nothing of which is read by the host. Those returned by a
    call are its own: the next replay leaves them alone. A batch of another shape is launched as usual.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: list[dict[str, Any]],
        objective: Callable[[Batch, Tensor], Terms],
        clip_norm: float,
        capture: Capture = cuda_capture,
        warm: int = WARM,
    ) -> None:
        self._model, self._objective, self._clip_norm = model, objective, clip_norm
        self._capture, self._warm = capture, warm
        device = next(model.parameters()).device
        rate = torch.zeros((), device=device)  # a number would be baked into the graph
        on_gpu = device.type == "cuda"
        self._optimiser = torch.optim.AdamW(groups, lr=rate, fused=True, capturable=on_gpu)
        self._rates = [group.get("rate", 1.0) for group in groups]
        for group in self._optimiser.param_groups:
            group["lr"] = rate.clone()
        self._stream = torch.cuda.Stream(device) if on_gpu else None
        self._inputs: tuple[Batch, Tensor] | None = None
        self._done = 0
        self._replay: Callable[[], Any] | None = None
        self._written: Terms = {}

    def __call__(self, batch: Batch, rotations: Tensor, learning_rate: float) -> Terms:
        """One update of the weights; the terms of the loss before it."""
        if self._inputs is None:
            self._inputs = _mapped(torch.clone, batch), rotations.clone()
        given, kept = (*_tensors(batch), rotations), (*_tensors(self._inputs[0]), self._inputs[1])
        if [tensor.shape for tensor in given] != [tensor.shape for tensor in kept]:
            return self.launched(batch, rotations, learning_rate)
        self._set(learning_rate)
        for into, tensor in zip(kept, given, strict=True):
            into.copy_(tensor)
        if self._replay is None and self._done < self._warm:
            self._done += 1
            return self._aside()
        if self._replay is None:
            self._optimiser.zero_grad(set_to_none=True)  # gradients then lie in the graph's memory
            self._replay, self._written = self._capture(self._step)
        self._replay()
        return {name: term.clone() for name, term in self._written.items()}

    def launched(self, batch: Batch, rotations: Tensor, learning_rate: float) -> Terms:
        """The same without a graph."""
        self._set(learning_rate)
        return self._compute(batch, rotations)

    def _set(self, learning_rate: float) -> None:
        for group, times in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"].fill_(learning_rate * times)

    def _step(self) -> Terms:
        assert self._inputs is not None
        return self._compute(*self._inputs)

    def _aside(self) -> Terms:
        """On a stream of its own, as a capture needs it of the steps before it."""
        if self._stream is None:
            return self._step()
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            terms = self._step()
        torch.cuda.current_stream().wait_stream(self._stream)
        return terms

    def _compute(self, batch: Batch, rotations: Tensor) -> Terms:
        terms = self._objective(batch, rotations)
        self._optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._clip_norm)
        self._optimiser.step()
        return {name: term.detach() for name, term in terms.items()}


def _tensors(batch: Batch) -> list[Tensor]:
    found: list[Tensor] = []
    _mapped(lambda tensor: found.append(tensor) or tensor, batch)  # type: ignore[func-returns-value]
    return found


def _mapped(change: Callable[[Tensor], Tensor], values: Any) -> Any:
    """The batch with each of its tensors changed."""
    if isinstance(values, Tensor):
        return change(values)
    return type(values)(*(_mapped(change, each) for each in values)) if isinstance(values, Batch | Motion) else values
