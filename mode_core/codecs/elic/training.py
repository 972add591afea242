"""The fidelity expert: one model for all rates, from scratch."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.elic.net import TRAINED, Elic, ElicConfig, lagrange
from mode_core.layers.device import sent
from mode_core.training.losses import decibels
from mode_core.training.stage import Cost, Crops, Rig, Setup, Stage, width_of

WIDTHS = {
    "tiny": ElicConfig(),
    "compact": ElicConfig(stages=((4, 96, 2), (8, 192, 3), (16, 320, 4))),
}
DCT_RATE = 0.1
SETTLED = 0.8
"""Share of the run after which small scales are rounded for real in the rate term."""
MIDDLE_LAMBDA = 0.0096
"""Crops at this lambda have weight 1."""
CHECKED = tuple(range(0, TRAINED, 3))
SHOWN = 3


def assemble(setup: Setup) -> Rig:
    """A new network whose block DCT learns slowly: it starts near its optimum."""
    net = Elic(width_of(WIDTHS, setup.width))
    for kernel in (net.forward_dct, net.inverse_dct):
        kernel.lr_scale = DCT_RATE  # type: ignore[attr-defined]
    return Rig(net)


def prepare(rig: Rig, crops: Crops) -> None:
    """Fit the block DCT to photographs before the first step."""
    rig.net.fit_start(crops())


def spread_qualities(batch: int, generator: torch.Generator, trained: int = TRAINED) -> Tensor:
    """Qualities that cover the whole range evenly in every batch, in random order."""
    jitter = torch.rand(batch, generator=generator)
    places = (torch.randperm(batch, generator=generator) + jitter) / batch
    # A little beyond both ends, held at them, so that the ends are seen as often as the middle.
    return ((trained - 0.5) * places - 0.25).clamp(0, trained - 1)


def qualities_of(net: Any) -> int:
    """How many trained qualities a net has; a net of one rate has one."""
    return (len(net.qualities) - 1) // net.steps_between + 1


def weights(quality_B: Tensor) -> Tensor:
    """Balances rates: without it, low rates drown."""
    return (lagrange(quality_B) / MIDDLE_LAMBDA) ** -0.5


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Rate plus lambda times distortion, each crop at its own quality."""
    quality_B = sent(spread_qualities(len(x_BCHW), generator), x_BCHW.device)
    x_hat, bits_B = rig.net.training_step(x_BCHW, quality_B, progress > SETTLED)
    error_B = (x_hat.float() - x_BCHW).square().mean((1, 2, 3))
    bpp_B = bits_B / (x_BCHW.shape[2] * x_BCHW.shape[3])
    cost_B = weights(quality_B) * (bpp_B + lagrange(quality_B) * 255**2 * error_B)
    psnr = decibels(error_B.detach()).mean()
    return cost_B.mean(), {"bpp": bpp_B.mean(), "psnr": psnr}


def decoded(net: Any, y: Tensor, trained: int, x_1CHW: Tensor) -> tuple[Tensor, float, Tensor]:
    """Picture, bits per pixel and latent of a real stream, of ELIC or a net like it."""
    level = trained * net.steps_between
    payload, _ = net.write(y, level)
    y_hat, _ = net.read(payload, level, tuple(y.shape[2:]))
    at = torch.tensor([float(trained)], device=x_1CHW.device)
    x_hat = net.synthesise(y_hat.to(x_1CHW), at).float().clamp(0, 1)
    return x_hat, 8 * len(payload) / x_1CHW[0, 0].numel(), y_hat


def validate(rig: Rig, x_1CHW: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Real streams on the exact path at a few qualities: rate, PSNR and the training objective."""
    net: Any = rig.net
    y = net.analyse(x_1CHW).float().cpu()
    figures: dict[str, float] = {"cost": 0.0}
    pictures = []
    for trained in CHECKED:
        x_hat, bpp, _ = decoded(net, y, trained, x_1CHW)
        pictures.append(x_hat)
        error = F.mse_loss(x_hat, x_1CHW)
        figures |= {f"bpp_q{trained}": bpp, f"psnr_q{trained}": float(decibels(error))}
        at = torch.tensor(float(trained))
        cost = weights(at) * (bpp + lagrange(at) * 255**2 * error.cpu())
        figures["cost"] += float(cost) / len(CHECKED)
    return pictures[CHECKED.index(SHOWN)], figures


ELIC = Stage(
    "elic", "elic", assemble, loss, validate, prepare=prepare, gpu_batch=96, crop_mb=200,
)  # fmt: skip

STAGES = (ELIC,)
