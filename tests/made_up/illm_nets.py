"""Small MS-ILLM networks for tests."""

from __future__ import annotations

import torch
from torch import Tensor

from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm

NARROW = IllmConfig(latent=20, hyper=32, widths=(6, 12, 24, 48, 96), residuals=3)
SMALL = IllmConfig(widths=(4, 6, 8, 8, 8), latent=12, hyper=8, residuals=1)


def small() -> MsIllm:
    """The smallest net in the public layout, as it starts."""
    torch.manual_seed(3)
    return MsIllm(SMALL).eval().requires_grad_(False)


def compact() -> MsIllm:
    """A compact net whose probability path is not at its start any more."""
    net = MsIllm(IllmConfig())
    with torch.no_grad():
        net.latents.out.weight.normal_(std=0.02)
        net.latents.hyper.middle.second.weight.normal_(std=0.05)
    net.freeze()
    return net.eval().requires_grad_(False)


def likely(net: MsIllm) -> MsIllm:
    """Weights at which latents, means and scales have ordinary sizes."""
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith("hyper_") and name.endswith("weight"):
                parameter.mul_(2.0)
        net.hyper_synthesis_scale[-1].bias.fill_(2.0)
        net.encoder.blocks[-1].weight.mul_(4.0)
        net.hyper_bottleneck.quantiles[:, 0, 1].uniform_(-1, 1)
        for factor in net.hyper_bottleneck.factors:
            factor.normal_(std=0.3)
    net.freeze()
    return net.eval().requires_grad_(False)


def published(net: MsIllm) -> dict[str, Tensor]:
    """The state dict as the authors publish it: without coder tables of ours."""
    return {k: v for k, v in net.state_dict().items() if not k.startswith("prior_tables.")}


def old_names(net: MsIllm) -> dict[str, Tensor]:
    """The same as checkpoints of CompressAI before 1.2.5 name it."""
    out = {}
    for name, value in published(net).items():
        for new, old in (("matrices.", "_matrix"), ("biases.", "_bias"), ("factors.", "_factor")):
            name = name.replace(f"hyper_bottleneck.{new}", f"hyper_bottleneck.{old}")
        out[name] = value
    return out
