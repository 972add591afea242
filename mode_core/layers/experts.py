"""Networks that stand on others, whose weights are frozen and live in files of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn


class OnExperts(nn.Module):
    """A network whose experts go with it to any device, and are no parameters of it."""

    def __init__(self, *experts: nn.Module) -> None:
        super().__init__()
        # in a tuple, where modules do not look for parts of theirs
        self._experts: tuple[Any, ...] = tuple(
            expert.requires_grad_(False).eval() for expert in experts
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        for expert in self._experts:
            expert._apply(fn, recurse)
        return super()._apply(fn, recurse)
