"""Gradients in one buffer, and whether to trust them: decided on the device, no host waits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from mode_core.training.together import world_size

SPIKE = 20.0
"""A step whose gradient has this many times the usual norm is skipped."""
SETTLED = 50
"""Steps before a usual norm is known."""


class Gradients:
    """The gradients of parameters side by side, each in its parameter's memory layout.

    One buffer is shared between processes, measured, clipped and emptied by one kernel each.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = parameters
        total = sum(parameter.numel() for parameter in parameters)
        self.flat = torch.zeros(total, device=parameters[0].device)
        self.views, start = [], 0
        for parameter in parameters:
            strides = torch.empty_like(parameter).stride()
            self.views.append(self.flat.as_strided(parameter.shape, strides, start))
            start += parameter.numel()

    def forget(self) -> None:
        """No parameter has a gradient now."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def gather(self) -> None:
        """Take over what a backward pass has left, as a mean over all processes."""
        self.flat.zero_()
        pairs = zip(self.parameters, self.views, strict=True)
        held = [(p, view) for p, view in pairs if p.grad is not None]
        found = [p.grad for p, _ in held if p.grad is not None]
        if found:
            torch._foreach_copy_([view for _, view in held], found)
        for parameter, view in held:
            parameter.grad = view
        if world_size() > 1:
            dist.all_reduce(self.flat)
            self.flat /= world_size()

    def clip(self, limit: float) -> Tensor:
        """Scale down what is longer than the limit; the norm it had."""
        norm = self.flat.norm()
        self.flat.mul_((limit / (norm + 1e-6)).clamp(max=1.0))
        return norm

    def keep_if(self, usable: Tensor) -> None:
        """Zeros, unless usable: what is not finite must reach no optimiser."""
        self.flat.masked_fill_(usable == 0, 0)


class Guard:
    """Which gradients can be trusted: finite ones, not far longer than usual."""

    def __init__(self, device: torch.device) -> None:
        self.usual = torch.zeros((), device=device)
        self.counts = torch.zeros(2, device=device)
        """Steps skipped: in all, and in a row."""
        self.heard = torch.zeros(2, pin_memory=device.type == "cuda")
        """The counts as the host last heard of them: on a GPU a few steps late."""

    @torch.no_grad()
    def judge(self, norm: Tensor, steps: int) -> Tensor:
        """1 for a gradient of this norm that can be trusted, else 0."""
        usable = norm.isfinite()
        follow = torch.lerp(self.usual, norm, 0.2)
        if steps >= SETTLED:
            # 0 says that nothing is usual yet, as after a fall: then it is learned anew
            known = self.usual > 0
            usable = usable & ((norm <= SPIKE * self.usual) | ~known)
            follow = torch.where(known, torch.lerp(self.usual, norm, 0.02), follow)
        self.usual = torch.where(usable, follow, self.usual)
        skipped = (~usable).float()
        self.counts = torch.stack([self.counts[0] + skipped, (self.counts[1] + 1) * skipped])
        self.heard.copy_(self.counts, non_blocking=True)
        return usable.float()

    @torch.no_grad()
    def set(self, skipped: int, in_row: int, usual: float) -> None:
        """Continue from these numbers."""
        if self.counts.is_cuda:
            torch.cuda.synchronize(self.counts.device)  # or an older count would arrive after this
        self.counts = torch.tensor([float(skipped), float(in_row)], device=self.counts.device)
        self.usual = torch.tensor(float(usual), device=self.usual.device)
        self.heard.copy_(self.counts)
