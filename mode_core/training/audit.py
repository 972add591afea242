"""What a training step asks of a device, counted without one: products, launches, bytes, waits.

Networks and crops lie on torch's meta device, which has shapes and no numbers. What would make the
host wait for a GPU (reading a number, a mask as an index, a copy that is not pinned) is then an
operation that can be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from mode_core.training.data import Photos
from mode_core.training.stage import Setup, Stage
from mode_core.training.trainer import Trainer

META = torch.device("meta")
_FREE = {"empty", "empty_like", "empty_strided", "new_empty", "_unsafe_view"}
"""Operations that start nothing on a device."""
_WAITS = {"_local_scalar_dense", "nonzero", "bincount", "masked_select", "_unique2", "equal"}
"""Operations whose result's value or shape the host must know before it can go on."""
_BY_INDEX = {"index", "index_put", "index_put_", "_index_put_impl_"}
_MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)
"""They copy what Python holds, and wait until it has arrived."""


class Waits(AssertionError):
    """A step cannot be followed further: the host would have to know a number of the device."""


@dataclass
class Cost:
    """What was asked for."""

    operations: float = 0.0
    """Of products and convolutions; two make a MAC."""
    launches: int = 0
    moved: float = 0.0
    """Bytes that operations read and write, in float32."""
    waits: Counter[str] = field(default_factory=Counter)
    """What made the host wait, and how often."""
    kinds: Counter[str] = field(default_factory=Counter)
    saved: float = 0.0
    """Bytes that the backward pass needs from the forward pass."""


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
        kwargs, name = kwargs or {}, func.overloadpacket.__name__
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [tensor for tensor in given if tensor.device == META]
        if waited := _wait(name, given, args, kwargs):
            self.cost.waits[waited] += 1
            if name in _WAITS or name in _BY_INDEX:
                raise Waits(f"the host waits for the device: {waited}")
        if name == "copy_" and there and args[0].device != META:
            self.cost.launches += 1
            return args[0]  # there are no numbers to copy
        out = func(*args, **kwargs)
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor) and t.device == META]
        if (there or made) and name not in _FREE and not func.is_view:
            self.cost.launches += 1
            self.cost.kinds[name] += 1
            self.cost.moved += sum(t.numel() * t.element_size() for t in [*there, *made])
            formula = flop_registry.get(func.overloadpacket)
            if formula is not None:
                self.cost.operations += formula(*args, **kwargs, out_val=out)
        return out


class _Makers(TorchFunctionMode):
    """Sees tensors that are made of Python's numbers on a device."""

    def __init__(self, cost: Cost) -> None:
        super().__init__()
        self.cost = cost

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _MAKERS and out.device == META:
            self.cost.waits[f"{func.__name__} of Python's numbers"] += 1
        return out


def _wait(name: str, given: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What an operation would make the host wait for; "" for nothing."""
    there = any(tensor.device == META for tensor in given)
    if name in _WAITS and there:
        return name
    if name in _BY_INDEX and any(
        leaf.device == META and leaf.dtype in (torch.bool, torch.uint8)
        for leaf in tree_leaves(args[1])
        if isinstance(leaf, Tensor)
    ):
        return f"{name} by a mask"
    if name == "_to_copy" and given:
        ends = {torch.device(kwargs.get("device") or given[0].device).type, given[0].device.type}
    elif name == "copy_":
        ends = {tensor.device.type for tensor in given}
    else:
        return ""
    flag = kwargs.get("non_blocking") or (name == "copy_" and args[2:] == (True,))
    return "" if flag or len(ends) == 1 else "a copy between host and device"


@contextmanager
def _audited() -> Iterator[Cost]:
    """Count what is done inside."""
    whole, audit = torch.autocast, Audit()
    seen: dict[int, Any] = {}

    def autocast(kind: str, *args: Any, **kwargs: Any) -> Any:
        return nullcontext() if kind == "meta" else whole(kind, *args, **kwargs)

    def keep(tensor: Tensor) -> Tensor:
        held = tensor.untyped_storage()
        if tensor.device == META and held._cdata not in seen:
            seen[held._cdata] = held
            audit.cost.saved += held.nbytes()
        return tensor

    torch.autocast = autocast  # type: ignore[assignment,misc]
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    try:
        with hooks, _Makers(audit.cost), audit:
            yield audit.cost
    finally:
        torch.autocast = whole  # type: ignore[misc]


def cost_of_step(stage: Stage, setup: Setup, batch: int, progress: float = 0.7) -> Cost:
    """What one step costs, crops included; Waits where a number would have to be read in it."""
    rig = stage.assemble(setup).to(META)
    rig.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(stage, rig, seed=0)
    photos = Photos([torch.zeros(3, 512, 512, dtype=torch.uint8)] * 4, META)

    def step() -> None:
        x_BCHW = photos.crops(batch, stage.crop, trainer.generator)
        trainer.step(x_BCHW, progress)

    return _second(step)


def _second(step: Callable[[], None]) -> Cost:
    """The cost of a step that is not the first, in which optimisers make their memory."""
    with _audited():
        step()
    with _audited() as cost:
        step()
    return cost
