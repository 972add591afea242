"""The fidelity expert: one model for all rates, from scratch.

A width whose name ends in `-eight` has 8-bit arithmetic: it starts as a trained one without
(`narrow`), keeps its transforms, and learns rate alone.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.elic.narrow import narrowed
from mode_core.codecs.elic.net import TRAINED, Elic, ElicConfig, lagrange
from mode_core.codecs.networks import partner
from mode_core.layers.device import sent
from mode_core.training.losses import decibels
from mode_core.training.stage import (
    Cost,
    Crops,
    Rig,
    Setup,
    Stage,
    TrainingError,
    everything,
    width_of,
)

WIDTHS = {
    "tiny": ElicConfig(),
    "compact": ElicConfig(stages=((4, 96, 2), (8, 192, 3), (16, 320, 4))),
}
EIGHT = "-eight"
WIDTHS |= {
    f"{name}{EIGHT}": replace(config, bits=8, hyper=128, side=96, context=64, parameters=96)
    for name, config in WIDTHS.items()
}
FITTED = 8
"""Crops at a time on which a narrower network is fitted."""
EIGHT_RATE = 0.33
"""Of the usual rates: an 8-bit set starts near its optimum."""
DCT_RATE = 0.1
SETTLED = 0.8
"""Share of the run after which small scales are rounded for real in the rate term."""
MIDDLE_LAMBDA = 0.0096
"""Crops at this lambda have weight 1."""
CHECKED = tuple(range(0, TRAINED, 3))
SHOWN = 3


def assemble(setup: Setup) -> Rig:
    """A new network whose block DCT learns slowly: it starts near its optimum.

    One of 8 bits has what it starts from beside it: --start elic=FOLDER, else the bundled weights.
    """
    net = Elic(width_of(WIDTHS, setup.width))
    for kernel in (net.forward_dct, net.inverse_dct):
        kernel.lr_scale = DCT_RATE  # type: ignore[attr-defined]
    if net.config.bits != 8:
        return Rig(net)
    for parameter in path_of(net):
        parameter.lr_scale = EIGHT_RATE  # type: ignore[attr-defined]
    before = partner(setup, "elic")
    if same_transforms(before.config) != same_transforms(net.config) or before.config.bits == 8:
        wanted = setup.width.removesuffix(EIGHT)
        raise TrainingError(
            f"{setup.width} starts from weights of elic of width {wanted}, and these are others; "
            f"give --start elic=FOLDER with a run of width {wanted}"
        )
    return Rig(net, before=before)


def same_transforms(config: ElicConfig) -> tuple[Any, ...]:
    """What two configurations share whose transforms and hyper-latents are alike."""
    return config.stages, config.groups, config.hyper_latent


def path_of(net: Elic) -> list[torch.nn.Parameter]:
    """All that decides a probability, but for the gains of the latent."""
    return [*net.hyper.parameters(), *net.contexts.parameters()]


def trainable(rig: Rig) -> list[torch.nn.Parameter]:
    """Everything; of an 8-bit set what decides a probability."""
    return path_of(rig.net) if rig.net.config.bits == 8 else everything(rig)


def prepare(rig: Rig, crops: Crops) -> None:
    """Fit the block DCT to photographs before the first step, or narrow what there is."""
    net: Elic = rig.net
    if "before" not in rig.frozen:
        net.fit_start(crops())
        return
    with torch.no_grad():
        before = rig.partner("before")
        latents = [before.analyse(x).float().cpu() for x in crops().split(FITTED)]
        start = narrowed(deepcopy(before).cpu(), net.config, latents)
    net.load_state_dict(start.state_dict())


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
    """Rate plus lambda times distortion, each crop at its own quality; of 8 bits rate alone."""
    quality_B = sent(spread_qualities(len(x_BCHW), generator), x_BCHW.device)
    if rig.net.config.bits == 8:
        with torch.no_grad():
            y = rig.net.analyse(x_BCHW).float()
        bits_B = rig.net.quantise(y, quality_B, settled=True)[1]
        bpp_B = bits_B / (x_BCHW.shape[2] * x_BCHW.shape[3])
        return (weights(quality_B) * bpp_B).mean(), {"bpp": bpp_B.mean()}
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
    "elic", "elic", assemble, loss, validate, trainable, prepare, gpu_batch=96, crop_mb=200,
)  # fmt: skip

STAGES = (ELIC,)
