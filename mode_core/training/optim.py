"""Muon for hidden layers, AdamW for everything else, both driven by one factor of the schedule.

A network marks a parameter with `parameter.lr_scale = 0.1` to keep it out of Muon and to slow it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
FEWEST_ROWS = 16
"""Layers narrower than this (first, last, depthwise) have no spectrum worth flattening."""

WARM_UP = 0.02
"""Share of the run in which rates climb to their peak."""
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
    """Matrices with the same singular vectors and singular values near 1 (M <= N).

    Newton-Schulz on the small Gram matrix: for wide matrices about a third of the work.
    """
    a, b, c = NEWTON_SCHULZ
    norm = torch.linalg.matrix_norm(x_KMN, keepdim=True)
    x_KMN = x_KMN / (norm * 1.01 + 1e-7)
    gram = x_KMN @ x_KMN.mT
    eye = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    total = eye.expand_as(gram)
    for step in range(steps):
        factor = torch.baddbmm(a * eye + b * gram, gram, gram, alpha=c)
        total = factor @ total
        if step < steps - 1:
            gram = factor @ gram @ factor
            gram = (gram + gram.mT) / 2
    return total @ x_KMN


class Muon(torch.optim.Optimizer):
    """Momentum whose matrices are made orthogonal before they are applied."""

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        settings = {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95, "steps": 4}
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Apply one update; parameters without a gradient stay."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rows = parameter.shape[0]
                    alike[rows, parameter.numel() // rows].append(parameter)
            for shape, parameters in alike.items():
                self._update(parameters, shape, group)

    def _update(
        self, parameters: list[Tensor], shape: tuple[int, int], group: dict[str, Any]
    ) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        buffers = []
        for parameter in parameters:
            state = self.state[parameter]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(parameter)
            buffers.append(state["momentum"])
        torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, buffers, group["momentum"])
        matrices = torch.stack([g.reshape(shape) for g in ahead])
        rows, columns = shape
        if rows > columns:
            matrices = orthogonal(matrices.mT, group["steps"]).mT
        else:
            matrices = orthogonal(matrices, group["steps"])
        size = group["lr"] * max(1.0, rows / columns) ** 0.5
        updates = [u.reshape(p.shape) for u, p in zip(matrices, parameters, strict=True)]
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(parameters, updates, alpha=-size)


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
    """Muon and AdamW as one; `step` takes the schedule's factor."""

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
        self.parts: list[torch.optim.Optimizer] = []
        if groups:
            fused = trainable[0].is_cuda
            self.parts.append(
                torch.optim.AdamW(groups, betas=rates.betas, weight_decay=0.0, fused=fused)
            )
        if chosen:
            self.parts.append(Muon(chosen, rates.muon, rates.weight_decay))
        self._peaks = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def step(self, factor: float) -> None:
        """One update at `factor` times the peak rates."""
        for part, peaks in zip(self.parts, self._peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            part.step()

    def state(self) -> list[dict[str, Any]]:
        """Everything needed to continue exactly."""
        return [part.state_dict() for part in self.parts]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Continue from `state`."""
        for part, saved in zip(self.parts, state, strict=True):
            part.load_state_dict(saved)
