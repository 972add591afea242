"""Counting what networks compute, forward and backward, and how fast the device could go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

MEASURED_S = 0.5
_SIDE = {"cuda": 8192, "cpu": 1024}


class _Operations(TorchDispatchMode):
    """Adds up products and convolutions.

    torch's own counter also tracks modules, and stumbles over `autograd.grad` inside a loss.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0.0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        formula = flop_registry.get(func.overloadpacket)
        if formula is None:
            # without autograd, layers arrive undivided; only their parts can be counted
            with self:
                parts = func.decompose(*args, **(kwargs or {}))
            return func(*args, **(kwargs or {})) if parts is NotImplemented else parts
        out = func(*args, **(kwargs or {}))
        self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def counted(step: Callable[[], Any]) -> float:
    """The floating-point operations of one step, backward pass included; 2 make a MAC."""
    operations = _Operations()
    with operations:
        step()
    return operations.total


def best_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second that a large matrix product reaches here: what could be had."""
    side = _SIDE.get(device.type, 1024)
    a = torch.randn(side, side, device=device, dtype=dtype)
    end, fastest = time.perf_counter() + MEASURED_S, float("inf")
    while time.perf_counter() < end or fastest == float("inf"):
        start = time.perf_counter()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        fastest = min(fastest, time.perf_counter() - start)
    return 2.0 * side**3 / fastest
