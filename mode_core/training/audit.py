"""What a training step asks of a device, counted without one: products, launches, bytes, waits.

Networks and crops are put on torch's meta device, which has shapes and no numbers. What would make
a host wait for a GPU (reading a number, a mask as an index, a copy that is not pinned) is then an
operation that can be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

META = torch.device("meta")
_FREE = {"detach", "lift_fresh", "empty", "empty_like", "empty_strided", "new_empty", "resize_"}
"""Operations that start nothing on a device."""
_WAITS = {"_local_scalar_dense", "nonzero", "bincount", "masked_select", "unique", "_unique2"}
"""Operations whose result's value or shape the host must know before it can go on."""


@dataclass
class Cost:
    """What was asked for."""

    operations: float = 0.0
    """Of products and convolutions; two make a MAC."""
    launches: int = 0
    moved: float = 0.0
    """Bytes that operations read and write."""
    waits: Counter[str] = field(default_factory=Counter)
    """What made the host wait, and how often."""
    kinds: Counter[str] = field(default_factory=Counter)


class Audit(TorchDispatchMode):
    """Counts what happens on the meta device while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = Cost()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        name = func.overloadpacket.__name__
        there = [t for t in given if t.device == META]
        if waited := _wait(name, given, kwargs, args):
            self.cost.waits[waited] += 1
            if there:
                return _made_up(func, name, args, kwargs)
        with _quiet(func):
            out = func(*args, **kwargs)
        if there or any(_is_there(t) for t in tree_leaves(out)):
            self._count(func, name, args, kwargs, out, there)
        return out

    def _count(
        self, func: Any, name: str, args: Any, kwargs: Any, out: Any, given: list[Tensor]
    ) -> None:
        if name in _FREE or func.is_view:
            return
        cost = self.cost
        made = [t for t in tree_leaves(out) if _is_there(t)]
        cost.launches += 1
        cost.kinds[name] += 1
        cost.moved += sum(t.numel() * t.element_size() for t in [*given, *made])
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            cost.operations += formula(*args, **kwargs, out_val=out)


def _is_there(value: Any) -> bool:
    return isinstance(value, Tensor) and value.device == META


def _quiet(func: Any) -> Any:
    return nullcontext()


def _wait(name: str, given: list[Tensor], kwargs: dict[str, Any], args: Any) -> str:
    """What an operation would make the host wait for; "" for nothing."""
    there = [t for t in given if t.device == META]
    if name in _WAITS and there:
        return name
    if name in ("index", "index_put", "index_put_", "_index_put_impl_") and any(
        t.dtype in (torch.bool, torch.uint8) for t in tree_leaves(args[1]) if _is_there(t)
    ):
        return f"{name} by a mask"
    if name == "_to_copy" and given:
        target = kwargs.get("device") or given[0].device
        if torch.device(target).type != given[0].device.type and not kwargs.get("non_blocking"):
            way = "to" if torch.device(target).type == "meta" else "from"
            return f"copy {way} the device"
    if name == "copy_" and len({t.device.type for t in given}) > 1:
        if not (kwargs.get("non_blocking") or (len(args) > 2 and args[2])):
            return "copy between host and device"
    return ""


def _made_up(func: Any, name: str, args: Any, kwargs: Any) -> Any:
    if name == "_local_scalar_dense":
        return 1 if not args[0].dtype.is_floating_point else 1.0
    raise RuntimeError(name)
