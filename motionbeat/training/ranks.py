"""One training run in several processes, on several GPUs or machines, started by torchrun.

All processes draw the same joint batch. Each encodes its own rows of it; what is encoded is gathered, so that every
process has the joint loss, with the in-batch negatives of all, and the gradients of the processes are summed. Loss
and gradients are those of one process with the joint batch.
"""

import os
from typing import Any

import torch
import torch.distributed as dist
from attrs import frozen
from torch import Tensor, nn
from torch.autograd import Function


@frozen
class Ranks:
    """Which of how many processes this is; by default the only one."""

    rank: int = 0
    count: int = 1

    @classmethod
    def join(cls) -> "Ranks":
        """Meet the other processes that torchrun started (NCCL with GPUs, else gloo); alone without torchrun."""
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return cls()
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(dist.get_rank(), dist.get_world_size())

    def leave(self) -> None:
        """Part from the other processes, when the work is done."""
        if self.count > 1:
            dist.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def rows(self, total: int) -> slice:
        """This process's rows of a joint batch; sizes differ by one at most, and may be 0."""
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def gather(self, own: Tensor, total: int) -> Tensor:
        """(rows, ...) of each process -> (total, ...) of all in order; gradients flow to the own rows.

        What a process has beyond its rows is left out.
        """
        if self.count == 1:
            return own
        rows = self.rows(total)
        gathered: Tensor = _Gather.apply(own[: rows.stop - rows.start], self, total)
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
    def forward(ctx: Any, own: Tensor, ranks: Ranks, total: int) -> Tensor:
        ctx.rows = ranks.rows(total)
        every = [Ranks(rank, ranks.count).rows(total) for rank in range(ranks.count)]
        longest = max(rows.stop - rows.start for rows in every)
        padded = own.new_zeros((longest, *own.shape[1:]))  # all_gather wants equal shapes
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in every]
        dist.all_gather(parts, padded)
        return torch.cat([part[: rows.stop - rows.start] for part, rows in zip(parts, every, strict=True)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        # Every process has the whole loss, hence the whole derivative by its own rows.
        return grad[ctx.rows].contiguous(), None, None
