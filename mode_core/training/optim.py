"""Muon for hidden layers, Adam for everything else, both driven by one factor of the schedule.

A network marks a parameter with `parameter.lr_scale = 0.1` to keep it out of Muon and to slow it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
FEWEST_ROWS = 16
"""Layers narrower than this (first, last, depthwise) have no spectrum worth flattening."""

WARM_UP = 0.02
"""Share of the run in which rates climb to their peak."""
_EARLIER = {"exp_avg": "first", "exp_avg_sq": "second", "step": "turns"}
"""What torch's own Adam, in states of earlier runs, calls what is kept here."""
FINAL = 0.01
"""Rates end at this share of their peak."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Peak learning rates and their helpers; Muon off when its rate is 0."""

    muon: float = 6e-3
    adam: float = 1.5e-3
    critic: float = 4e-4
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.99)


def orthogonal(x_KMN: Tensor, steps: int) -> Tensor:
    """Matrices with the same singular vectors and singular values near 1 (M <= N)."""
    return orthogonal_all([x_KMN], steps)[0]


def orthogonal_all(stacks: Sequence[Tensor], steps: int) -> list[Tensor]:
    """The same for stacks of several shapes.

    Newton-Schulz on the small Gram matrix: for wide matrices about a third of the work. Stacks
    that share M go through it as one, or a GPU would mostly wait for its host.
    """
    by_side: dict[int, list[int]] = defaultdict(list)
    for place, x_KMN in enumerate(stacks):
        by_side[x_KMN.shape[1]].append(place)
    done: dict[int, Tensor] = {}
    for places in by_side.values():
        grams = torch.cat([stacks[place] @ stacks[place].mT for place in places])
        counts = [len(stacks[place]) for place in places]
        for place, factor in zip(places, _polar(grams, steps).split(counts), strict=True):
            done[place] = factor @ stacks[place]
    return [done[place] for place in range(len(stacks))]


def _polar(gram: Tensor, steps: int) -> Tensor:
    """What makes matrices with these Gram matrices nearly orthogonal, multiplied from the left."""
    a, b, c = NEWTON_SCHULZ
    square = gram.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
    size = (1.02 * square + 1e-14).rsqrt()
    gram = gram * size.square()
    total = None
    for step in range(steps):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        total = factor if total is None else factor @ total
        if step < steps - 1:
            gram = factor @ gram @ factor
            gram = torch.lerp(gram, gram.mT, 0.5)
    return size if total is None else total * size


class Updates(ABC):
    """Parameters in groups, each with settings of its own, and what is kept of every parameter.

    torch's base class imports its compiler with the first group: eight seconds of a processor, in
    every process that trains.
    """

    def __init__(self, groups: list[dict[str, Any]], settings: dict[str, Any]) -> None:
        self.param_groups = [{**settings, **group} for group in groups]
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)

    @torch.no_grad()
    def step(self, usable: Tensor | float = 1.0) -> None:
        """Apply one update, or with 0 none; parameters without a gradient stay."""
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            if held:
                self._update(held, group, usable)

    @abstractmethod
    def _update(self, held: list[Tensor], group: dict[str, Any], usable: Tensor | float) -> None:
        """Move those parameters of a group that have a gradient."""

    def state_dict(self) -> dict[str, Any]:
        """What is kept, by the number of the parameter; settings are not in it."""
        every = [p for group in self.param_groups for p in group["params"]]
        return {"state": {n: dict(self.state[p]) for n, p in enumerate(every) if p in self.state}}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from it."""
        every = [p for group in self.param_groups for p in group["params"]]
        self.state.clear()
        for number, kept in saved["state"].items():
            parameter = every[number]
            named = {_EARLIER.get(name, name): value for name, value in kept.items()}
            self.state[parameter] = {
                name: int(value) if name == "turns" else torch.empty_like(parameter).copy_(value)
                for name, value in named.items()
            }


class Muon(Updates):
    """Momentum whose matrices are made orthogonal before they are applied."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        settings = {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95, "steps": 4}
        super().__init__([{"params": list(params)}], settings)

    def _update(self, held: list[Tensor], group: dict[str, Any], usable: Tensor | float) -> None:
        gradients = [p.grad for p in held if p.grad is not None]
        buffers = [_kept(self.state[p], "momentum", p) for p in held]
        _approach(buffers, gradients, (1 - group["momentum"]) * usable)
        ahead = torch._foreach_lerp(gradients, buffers, group["momentum"])
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, p in enumerate(held):
            alike[p.shape[0], p.numel() // p.shape[0]].append(place)
        stacks = []
        for (rows, columns), places in alike.items():
            stack = torch.stack([ahead[place].reshape(rows, columns) for place in places])
            stacks.append(stack.mT if rows > columns else stack)
        torch._foreach_mul_(held, 1 - group["lr"] * group["weight_decay"] * usable)
        for (shape, places), stack in zip(
            alike.items(), orthogonal_all(stacks, group["steps"]), strict=True
        ):
            rows, columns = shape
            whole = (stack.mT if rows > columns else stack) * (
                -group["lr"] * max(1.0, rows / columns) ** 0.5 * usable
            )
            moved = [held[place] for place in places]
            updates = [u.reshape(p.shape) for u, p in zip(whole, moved, strict=True)]
            torch._foreach_add_(moved, updates)


class Adam(Updates):
    """Adam in kernels for many tensors at once.

    torch's own fused one refuses gradients whose strides differ from their parameter's, as those
    of 1x1 kernels may where channels come last.
    """

    def __init__(self, groups: list[dict[str, Any]], betas: tuple[float, float]) -> None:
        super().__init__(groups, {"betas": betas, "eps": 1e-8})

    def _update(self, held: list[Tensor], group: dict[str, Any], usable: Tensor | float) -> None:
        gradients = [p.grad for p in held if p.grad is not None]
        first = [_kept(self.state[p], "first", p) for p in held]
        second = [_kept(self.state[p], "second", p) for p in held]
        turns = [self.state[p].get("turns", 0) + 1 for p in held]
        for p, turn in zip(held, turns, strict=True):
            self.state[p]["turns"] = turn
        slow, slower = group["betas"]
        _approach(first, gradients, (1 - slow) * usable)
        _approach(second, torch._foreach_mul(gradients, gradients), (1 - slower) * usable)
        size = torch._foreach_sqrt(second)
        torch._foreach_div_(size, [(1 - slower**turn) ** 0.5 for turn in turns])
        torch._foreach_add_(size, group["eps"])
        updates = torch._foreach_div(first, size)
        torch._foreach_mul_(updates, [-group["lr"] / (1 - slow**turn) for turn in turns])
        torch._foreach_mul_(updates, usable)
        torch._foreach_add_(held, updates)


def _approach(kept: list[Tensor], found: Sequence[Tensor], share: Tensor | float) -> None:
    """Move by a share of the way; where a step is not usable that is none."""
    way = torch._foreach_sub(list(found), kept)
    torch._foreach_mul_(way, share)
    torch._foreach_add_(kept, way)


def _kept(state: dict[str, Any], name: str, like: Tensor) -> Tensor:
    """A tensor of a parameter's state, 0 at first."""
    if name not in state:
        state[name] = torch.zeros_like(like)
    kept: Tensor = state[name]
    return kept


def layer_weights(module: nn.Module) -> dict[str, nn.Parameter]:
    """Weights of all convolutions (nn's or like them) and linear layers, by name."""
    found: dict[str, nn.Parameter] = {}
    for name, layer in module.named_modules():
        weight = getattr(layer, "weight", None)
        if isinstance(weight, nn.Parameter) and (weight.ndim == 4 or isinstance(layer, nn.Linear)):
            found[f"{name}.weight".removeprefix(".")] = weight
    return found


def hidden_weights(module: nn.Module) -> set[nn.Parameter]:
    """The layer weights that are wide enough for Muon and not marked otherwise."""
    return {
        weight
        for weight in layer_weights(module).values()
        if min(weight.shape[:2]) >= FEWEST_ROWS and not hasattr(weight, "lr_scale")
    }


def rate_factor(progress: float) -> float:
    """What peak learning rates are multiplied by, for progress 0..1: any run ends annealed."""
    progress = min(max(progress, 0.0), 1.0)
    if progress < WARM_UP:
        return 0.05 + 0.95 * progress / WARM_UP
    fall = (progress - WARM_UP) / (1 - WARM_UP)
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * fall))


class Optimiser:
    """Muon and Adam as one; `step` takes the schedule's factor."""

    def __init__(
        self, net: nn.Module, trainable: list[Tensor], critic: nn.Module | None, rates: Rates
    ) -> None:
        hidden = hidden_weights(net) if rates.muon > 0 else set()
        by_scale: dict[float, list[Tensor]] = defaultdict(list)
        for parameter in trainable:
            if parameter not in hidden:
                by_scale[float(getattr(parameter, "lr_scale", 1.0))].append(parameter)
        groups = [{"params": ps, "lr": rates.adam * scale} for scale, ps in by_scale.items()]
        if critic is not None:
            gan = {"betas": (0.5, 0.9), "lr": rates.critic}
            groups.append({"params": list(critic.parameters())} | gan)
        chosen = [parameter for parameter in trainable if parameter in hidden]
        self.parts: list[Adam | Muon] = []
        if groups:
            self.parts.append(Adam(groups, rates.betas))
        if chosen:
            self.parts.append(Muon(chosen, rates.muon, rates.weight_decay))
        self._peaks = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def step(self, factor: float, usable: Tensor | float = 1.0) -> None:
        """One update at `factor` times the peak rates; 0 for `usable` makes it none."""
        for part, peaks in zip(self.parts, self._peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            part.step(usable)

    def state(self) -> list[dict[str, Any]]:
        """Everything needed to continue exactly."""
        return [part.state_dict() for part in self.parts]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Continue from `state`."""
        for part, saved in zip(self.parts, state, strict=True):
            part.load_state_dict(saved)
