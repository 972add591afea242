"""One training step and everything that it changes: gradients, guards, averages, random state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mode_core.training.checkpoint import half_names
from mode_core.training.optim import Optimiser, rate_factor
from mode_core.training.stage import Rig, Stage, TrainingError

MOST_SKIPS = 10
SPIKE = 20.0
"""A step whose gradient has this many times the usual norm is skipped."""
SETTLED = 50
"""Steps before a usual norm is known."""


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


class Trainer:
    """A rig that learns; holds everything that exact continuation needs."""

    def __init__(self, stage: Stage, rig: Rig, seed: int, bf16: bool = False) -> None:
        self.stage, self.rig, self.bf16 = stage, rig, bf16
        self.params: list[Tensor] = [*stage.trainable(rig)]
        self.rig.requires_grad_(False)
        self.critic: list[Tensor] = [] if rig.critic is None else [*rig.critic.parameters()]
        for parameter in [*self.params, *self.critic]:
            parameter.requires_grad_(True)
        self.device = self.params[0].device
        self.average = [parameter.detach().clone() for parameter in self.params]
        self.optimiser = Optimiser(rig.net, self.params, rig.critic, stage.rates)
        rank = dist.get_rank() if dist.is_initialized() else 0
        self.generator = torch.Generator().manual_seed(seed * 1000 + rank)
        torch.manual_seed(seed * 1000 + rank)
        self.steps = self.crops = self.skipped = self.skipped_in_row = self.falls = 0
        self.rate_scale, self.usual_norm = 1.0, 0.0
        self.rig.train()

    def step(self, x_BCHW: Tensor, progress: float) -> dict[str, Tensor]:
        """Learn from one batch, or skip it when its gradient cannot be trusted."""
        x_BCHW = x_BCHW.contiguous(memory_format=torch.channels_last)
        for parameter in [*self.params, *self.critic]:
            parameter.grad = None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            loss, stats = self.stage.loss(self.rig, x_BCHW, progress, self.generator)
        loss.backward()
        self._share_gradients()
        norm = self._clip(loss)
        if self._trusted(norm):
            self.optimiser.step(rate_factor(progress) * self.rate_scale)
            self._follow()
        self.steps += 1
        self.crops += len(x_BCHW) * world_size()
        return {"loss": loss.detach(), **stats, "gradient": torch.tensor(norm)}

    def _share_gradients(self) -> None:
        if world_size() == 1:
            return
        held = [p for p in [*self.params, *self.critic] if p.grad is not None]
        flat = torch.cat([p.grad.flatten() for p in held if p.grad is not None])
        dist.all_reduce(flat)
        flat /= world_size()
        for parameter, part in zip(held, torch.split(flat, [p.numel() for p in held]), strict=True):
            parameter.grad = part.view_as(parameter)
        for buffer in self.rig.net.buffers():
            dist.broadcast(buffer, 0)

    def _clip(self, loss: Tensor) -> float:
        norm = torch.nn.utils.clip_grad_norm_(self.params, self.stage.clip)
        if self.critic:
            norm = norm + 0 * torch.nn.utils.clip_grad_norm_(self.critic, self.stage.clip)
        return float(norm if world_size() > 1 else norm + 0 * loss.detach())

    def _trusted(self, norm: float) -> bool:
        settled = self.steps >= SETTLED and self.usual_norm > 0
        if math.isfinite(norm) and not (settled and norm > SPIKE * self.usual_norm):
            self.skipped_in_row = 0
            weight = 0.02 if settled else 0.2
            self.usual_norm += weight * (norm - self.usual_norm)
            return True
        self.skipped += 1
        self.skipped_in_row += 1
        if self.skipped_in_row >= MOST_SKIPS:
            self._fall_back()
        return False

    def _fall_back(self) -> None:
        if self.falls:
            raise TrainingError(
                f"{self.stage.name} diverged twice: {MOST_SKIPS} steps in a row gave no usable "
                f"gradient at step {self.steps}; the last checkpoint is kept, use lower rates"
            )
        self.falls, self.skipped_in_row, self.usual_norm = 1, 0, 0.0
        self.rate_scale = 0.5
        with torch.no_grad():
            torch._foreach_copy_(self.params, self.average)
        self.optimiser = Optimiser(self.rig.net, self.params, self.rig.critic, self.stage.rates)

    @torch.no_grad()
    def _follow(self) -> None:
        # A young average follows quickly, or it would remember the initial weights.
        decay = min(self.stage.ema, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.average, self.params, 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[Rig]:
        """The rig as its weights file will be: averaged, rounded to fp16, evaluating."""
        live = [parameter.detach().clone() for parameter in self.params]
        frozen = {id(p): p.detach().clone() for p in self.rig.net.parameters()}
        devices = [self.device] if self.device.type == "cuda" else []
        half = half_names(self.rig.net)
        with torch.random.fork_rng(devices), torch.no_grad():
            torch._foreach_copy_(self.params, self.average)
            for name, parameter in self.rig.net.named_parameters():
                if name in half:
                    parameter.copy_(parameter.half())
            self.rig.eval()
            try:
                yield self.rig
            finally:
                for parameter in self.rig.net.parameters():
                    parameter.copy_(frozen[id(parameter)])
                torch._foreach_copy_(self.params, live)
                self.rig.train()

    def _tensors(self) -> dict[str, Tensor]:
        # Unlike a state dict this includes buffers that weights files leave out.
        named = [*self.rig.named_parameters(), *self.rig.named_buffers()]
        return {name: tensor for name, tensor in named if not name.startswith("frozen.")}

    def state(self) -> dict[str, Any]:
        """Everything needed to continue exactly."""
        cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        counters = ("steps", "crops", "skipped", "skipped_in_row", "falls")
        return {
            "rig": {name: tensor.detach() for name, tensor in self._tensors().items()},
            "average": self.average,
            "optimiser": self.optimiser.state(),
            "generator": self.generator.get_state(),
            "cpu": torch.get_rng_state(),
            "cuda": cuda,
            "scales": (self.rate_scale, self.usual_norm),
            "counters": {name: getattr(self, name) for name in counters},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`, as if nothing had happened."""
        own, saved = self._tensors(), state["rig"]
        if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in saved.items()}:
            raise TrainingError("the saved state belongs to another network; give the same --width")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(saved[name])
            torch._foreach_copy_(self.average, [v.to(self.device) for v in state["average"]])
        self.optimiser.restore(state["optimiser"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["cpu"])
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self.device)
        self.rate_scale, self.usual_norm = state["scales"]
        for name, value in state["counters"].items():
            setattr(self, name, value)
