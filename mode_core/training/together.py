"""What several processes decide together: whether one of them has no memory, is lost, or must end.

A decision that each took alone would leave the others waiting in a collective for ever. Flags live
on the host, so no process waits for its device because of them.
"""

from __future__ import annotations

import torch
import torch.distributed as dist

HOST_TOO = "cpu:gloo,cuda:nccl"
"""A group for tensors of GPUs that takes those of the host as well."""


class ShortElsewhere(MemoryError):
    """Another process has no memory for this step, so none takes it."""


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def largest(*numbers: float) -> list[float]:
    """The largest of each number over all processes."""
    if world_size() == 1:
        return [*numbers]
    shared = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return shared.tolist()


def anybody(flag: bool) -> bool:
    """Whether any process says so; all have to ask."""
    return largest(float(flag))[0] > 0


def go_on() -> None:
    """Go on with a step if all have come so far; ShortElsewhere where one of them says `stop`."""
    if world_size() > 1 and anybody(False):
        raise ShortElsewhere("another process has no memory for this step")


def stop(error: BaseException) -> None:
    """Tell the others, who come to `go_on`, that this process cannot; unless it was told so."""
    if world_size() > 1 and not isinstance(error, ShortElsewhere):
        anybody(True)
