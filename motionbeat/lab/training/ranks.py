"""One training run in several processes, on several GPUs or machines, started by torchrun.

All processes draw the same joint batch. Each encodes some rows of it. The embeddings are gathered, so that every
process has the joint loss, with the in-batch negatives of all, and the gradients of the processes are summed. Loss and
gradients are those of one process with the joint batch. This requires that all have the same data, weights and epoch; a
step cannot detect differences, so `check_same` compares them before the first one.
"""

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from attrs import frozen
from torch import Tensor, nn
from torch.autograd import Function

from motionbeat.errors import MotionBeatError
from motionbeat.model.device import best_device


@frozen
class Ranks:
    """The rank of this process and the number of processes; by default one."""

    rank: int = 0
    count: int = 1

    @classmethod
    def init(cls) -> "Ranks":
        """Connect to the other processes of torchrun (NCCL with GPUs, otherwise gloo); without torchrun there is one
        process.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return cls()
        # the GPU of this process is selected first: NCCL uses the current one
        dist.init_process_group("nccl" if best_device().type == "cuda" else "gloo")
        return cls(dist.get_rank(), dist.get_world_size())

    def leave(self) -> None:
        """Disconnect from the other processes, when the work is done."""
        if self.count > 1:
            dist.destroy_process_group()

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def check_same(self, value: object, name: str, fix: str) -> None:
        """Raise `MotionBeatError` in every process if `value` is not the same in all; all must call it. name: name of
        the value. fix: a sentence for the message.
        """
        if self.count == 1:
            return
        values: list[object] = [None] * self.count
        dist.all_gather_object(values, value)
        if any(other != values[0] for other in values):
            holders = {other: [str(r) for r, given in enumerate(values) if given == other] for other in values}
            listed = "; ".join(f"{other} in process {', '.join(ranks)}" for other, ranks in holders.items())
            raise MotionBeatError(f"the {self.count} processes differ in {name}: {listed}. {fix}")

    def broadcast_from_main(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Send the figures measured by the main process to all processes, which wait for them.

        If each process measured them, they could differ in the last digit, and one could stop before the others.
        """
        if self.count == 1:
            return measure()
        figures = [measure() if self.is_main else None]
        dist.broadcast_object_list(figures, src=0)
        if figures[0] is None:
            raise RuntimeError("the main process sent no figures")
        return figures[0]

    def rows(self, total: int) -> slice:
        """This process's rows of a joint batch; sizes differ by one at most, and may be 0."""
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def gather(self, part: Tensor, total: int) -> Tensor:
        """(rows, ...) of each process -> (total, ...) of all in order; gradients flow to this process's rows.

        Further rows of a process are left out.
        """
        if self.count == 1:
            return part
        rows = self.rows(total)
        gathered: Tensor = _Gather.apply(part[: rows.stop - rows.start], self, total)
        return gathered

    def sum_gradients(self, model: nn.Module) -> None:
        """Give every process the sum of all processes' gradients, in place."""
        if self.count == 1:
            return
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        flat = torch.cat([(torch.zeros_like(w) if w.grad is None else w.grad).flatten() for w in weights])
        dist.all_reduce(flat)
        for weight, gradient in zip(weights, flat.split([w.numel() for w in weights]), strict=True):
            weight.grad = gradient.view_as(weight)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, ranks: Ranks, total: int) -> Tensor:
        ctx.rows = ranks.rows(total)
        every = [Ranks(rank, ranks.count).rows(total) for rank in range(ranks.count)]
        longest = max(rows.stop - rows.start for rows in every)
        padded = part.new_zeros((longest, *part.shape[1:]))  # all_gather needs equal shapes
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in every]
        dist.all_gather(parts, padded)
        return torch.cat([part[: rows.stop - rows.start] for part, rows in zip(parts, every, strict=True)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        # Every process has the whole loss, hence the whole derivative by its rows.
        return grad[ctx.rows].contiguous(), None, None
