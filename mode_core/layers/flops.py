"""Counting what networks compute: products and convolutions, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


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
