"""CLC: references for the contexts of a frozen ELIC. Mostly no picture is drawn in a step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mode_core.codecs.clc.building import fill
from mode_core.codecs.clc.config import ClcConfig
from mode_core.codecs.clc.dictionary import into_regions
from mode_core.codecs.clc.net import Clc, Twins
from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.elic.net import lagrange
from mode_core.codecs.identity import joined_tags
from mode_core.codecs.networks import partner, partner_set
from mode_core.layers.device import sent
from mode_core.training.losses import decibels
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Crops, Rig, Setup, Stage, TrainingError, varied

WIDTHS = {
    "tiny": ClcConfig(told=True),
    "compact": ClcConfig(channels=36, match=48, wide=128, told=True),
}
ABLATIONS: dict[str, dict[str, Any]] = {
    **{f"m{count}": {"references": count} for count in (1, 2, 4)},
    **{f"k{count}": {"entries": count} for count in (250, 3000)},
    "no-clm": {"clm": False},
    "no-cls": {"cls": False},
    "no-sending": {"sent": False},
    "untold": {"told": False},
    "refined": {"refines": True},
    "no-references": {"empty": True, "sent": False},
}
"""What widths such as `tiny-no-clm` change. Without references the same network is given entries of
zeros: what is then gained over ELIC is only that its contexts were trained for longer."""
CONTEXTS_RATE = 0.2
"""Contexts start where ELIC's training left them, and learn this much slower than references."""
SENT_SHARE = 0.25
"""Of all regions in training, those whose entry is the most alike, as if it had been sent."""
TWINS, BLURRED = 0.25, 0.5
"""Where the network is told what was sent: the share of regions that are sent their own latent,
disturbed by noise of up to so many deviations. Photographs that are trained on hold hardly any
near-duplicates, so that a network would never learn what one is good for."""
PASSED_OVER = 3
"""Up to so many of the nearest entries are passed over in a step: entries come from the photographs
that are trained on, and the network must not learn that the nearest is a piece of the same one."""


def config_of(width: str) -> ClcConfig:
    """The configuration of a width, or of a width and what an ablation changes."""
    return varied(WIDTHS, ABLATIONS, width)


def assemble(setup: Setup) -> Rig:
    """New references over an ELIC, the bundled one unless --start names another."""
    base = Setup(setup.width.partition("-")[0], setup.lpips_backbone, setup.starts)
    try:
        net = Clc(partner(base, "elic"), config_of(setup.width))
    except ValueError as error:
        raise TrainingError(
            f"clc cannot stand on this elic ({error}); give --start elic=FOLDER with another one"
        ) from error
    net.start_from_expert()
    for parameter in net.contexts.parameters():
        parameter.lr_scale = CONTEXTS_RATE  # type: ignore[attr-defined]
    rig = Rig(net, elic=net.elic)
    if "elic" not in setup.starts:
        rig.facts["experts"] = joined_tags([partner_set(base, "elic")])
    return rig


def prepare(rig: Rig, crops: Crops) -> None:
    """Fill the dictionary."""
    fill(rig.net, crops)


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """The rate; where decoded latents are refined, lambda times the picture's distortion too."""
    net = rig.net
    with torch.no_grad():
        y = net.analyse(x_BCHW).float()
    cost_B, y_hat, quality_B, stats = coded(net, y, generator)
    if net.config.refines:
        x_hat = net.synthesise(y_hat, quality_B).float()
        error_B = (x_hat - x_BCHW).square().mean((1, 2, 3))
        cost_B = cost_B + _weighed(quality_B, lagrange(quality_B) * 255**2 * error_B)
        stats |= {"psnr": decibels(error_B.detach()).mean()}
    return cost_B.mean(), stats


def latent_loss(rig: Rig, y: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """The rate alone, of latents that were analysed before: all that a run without refinement
    needs."""
    cost_B, _, _, stats = coded(rig.net, y, generator)
    return cost_B.mean(), stats


def coded(
    net: Clc, y: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """The cost of the bits, the decoded latent, qualities and figures.

    Small scales are rounded for real from the first step on: no encoder has to be taught here.
    """
    quality_B = sent(stages_elic.spread_qualities(len(y), generator), y.device)
    passed = int(torch.randint(PASSED_OVER + 1, (), generator=generator))
    sent_BR, twins = _sent(net, y, generator), None
    if net.config.told and sent_BR is not None:
        twins = _twins(net, y, generator)
        sent_BR = torch.where(twins.at, sent_BR.clamp_min(0), sent_BR)
    y_hat, bits_B = net.quantise(y, quality_B, True, sent_BR, passed, twins)
    bpp_B = bits_B / (y.shape[2] * y.shape[3] * net.cell**2)
    return _weighed(quality_B, bpp_B), y_hat, quality_B, {"bpp": bpp_B.mean()}


def _weighed(quality_B: Tensor, cost_B: Tensor) -> Tensor:
    return stages_elic.weights(quality_B) * cost_B


def _sent(net: Clc, y: Tensor, generator: torch.Generator) -> Tensor | None:
    if not net.config.sent:
        return None
    alike = net.dictionary.most_alike(y)
    drawn = torch.rand(alike.shape, generator=generator) < SENT_SHARE
    return torch.where(sent(drawn, y.device), alike, -1)


def _twins(net: Clc, y: Tensor, generator: torch.Generator) -> Twins:
    """Regions as their own entries, each disturbed by another strength."""
    own = into_regions(net.dictionary.projected(y))
    strength = BLURRED * torch.rand(*own.shape[:2], 1, 1, 1, generator=generator)
    noise = strength * torch.randn(own.shape, generator=generator)
    at = torch.rand(own.shape[:2], generator=generator) < TWINS
    return Twins(sent(at, y.device), own + sent(noise, y.device))


CLC = Stage(
    "clc", "clc", assemble, loss, stages_elic.validate, prepare=prepare, crop=256,
    rates=Rates(muon=3e-3, adam=1e-3), gpu_batch=96, crop_mb=150,
)  # fmt: skip

STAGES = (CLC,)
