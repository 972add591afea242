"""One training step and everything that it changes: gradients, guards, averages, random state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mode_core.training.checkpoint import half_names
from mode_core.training.gradients import Gradients, Guard
from mode_core.training.optim import Optimiser, rate_factor
from mode_core.training.stage import Rig, Stage, TrainingError
from mode_core.training.together import anybody, go_on, world_size

MOST_SKIPS = 10


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
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.seed = seed * 1000 + self.rank
        self.generator = torch.Generator().manual_seed(self.seed)
        torch.manual_seed(self.seed)
        self.gradients = [Gradients(part) for part in (self.params, self.critic) if part]
        self.guard = Guard(self.device)
        self.steps = self.crops = self.falls = 0
        self.rate_scale = 1.0
        self.applying = False
        """Whether a step is past the point up to which all processes can leave it out."""
        self.rig.train()

    @property
    def skipped(self) -> int:
        """Steps whose gradient could not be trusted."""
        return int(self.guard.counts[0])

    @property
    def skipped_in_row(self) -> int:
        """The last of them in a row."""
        return int(self.guard.counts[1])

    def step(self, x_BCHW: Tensor, progress: float) -> dict[str, Tensor]:
        """Learn from one batch, or skip it when its gradient cannot be trusted.

        Nothing in here may make the host wait for the device: it has to be some steps ahead.
        """
        x_BCHW = x_BCHW.contiguous(memory_format=torch.channels_last)
        for part in self.gradients:
            part.forget()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            lesson = self.lesson(progress)
            loss, stats = self.stage.loss(self.rig, x_BCHW, lesson, self.generator)
        loss.backward()
        go_on()
        self.applying = True
        for part in self.gradients:
            part.gather()
        self._share_buffers()
        norm, *others = [part.clip(self.stage.clip) for part in self.gradients]
        doubt = sum(others, loss.detach() if world_size() == 1 else torch.zeros_like(norm))
        usable = self.guard.judge(norm + 0 * doubt, self.steps)
        for part in self.gradients:
            part.keep_if(usable)
        going_on = self.stage.going_on if self.rig.schooled else 1.0
        self.optimiser.step(rate_factor(progress) * self.rate_scale * going_on, usable)
        self._follow()
        self.steps += 1
        self.crops += len(x_BCHW) * world_size()
        self.applying = False
        # each process hears of its device in its own time, but all fall back at once
        if anybody(bool(self.guard.heard[1] >= MOST_SKIPS)):
            self._fall_back()
        return {"loss": loss.detach(), **stats, "gradient": norm}

    def lesson(self, progress: float) -> float:
        """How far the losses are: they do not begin anew for a network that has learnt."""
        school = self.stage.schooling if self.rig.schooled else 0.0
        return school + (1 - school) * progress

    def _share_buffers(self) -> None:
        if world_size() > 1:
            for buffer in self.rig.net.buffers():
                dist.broadcast(buffer, 0)

    def _fall_back(self) -> None:
        if self.falls:
            raise TrainingError(
                f"{self.stage.name} diverged twice: {MOST_SKIPS} steps in a row gave no usable "
                f"gradient at step {self.steps}; the last checkpoint is kept, use lower rates"
            )
        self.falls, self.rate_scale = 1, 0.5
        self.guard.set(self.skipped, 0, 0.0)
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
            "schooled": self.rig.schooled,
            "average": self.average,
            "optimiser": self.optimiser.state(),
            "generator": self.generator.get_state(),
            "cpu": torch.get_rng_state(),
            "cuda": cuda,
            "scales": (self.rate_scale, float(self.guard.usual)),
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
        self.rig.schooled = state.get("schooled", False)  # states of before do not say
        self.optimiser.restore(state["optimiser"])
        self.rate_scale, usual = state["scales"]
        counters = state["counters"]
        self.steps, self.crops, self.falls = (counters[n] for n in ("steps", "crops", "falls"))
        self._restore_chance(state)
        self.guard.set(counters["skipped"], counters["skipped_in_row"], usual)

    def _restore_chance(self, state: dict[str, Any]) -> None:
        """The first process goes on as it was; others, who would draw its crops, begin anew."""
        if self.rank:
            anew = self.seed + 1_000_003 * self.steps
            self.generator.manual_seed(anew)
            torch.manual_seed(anew)
            return
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["cpu"])
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], self.device)
