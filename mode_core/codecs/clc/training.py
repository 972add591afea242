"""CLC: references for the contexts of a frozen ELIC. No picture is drawn in a step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mode_core.codecs.clc.building import fill
from mode_core.codecs.clc.net import Clc, ClcConfig
from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.elic.net import lagrange
from mode_core.codecs.identity import joined_tags
from mode_core.codecs.networks import partner, partner_set
from mode_core.layers.device import sent
from mode_core.training.optim import Rates
from mode_core.training.stage import Cost, Crops, Rig, Setup, Stage, width_of

WIDTHS = {"tiny": ClcConfig(), "compact": ClcConfig(channels=36, match=48, wide=128)}
ABLATIONS: dict[str, dict[str, Any]] = {
    **{f"m{count}": {"references": count} for count in (1, 2, 4)},
    **{f"k{count}": {"entries": count} for count in (250, 3000)},
    "no-clm": {"clm": False},
    "no-cls": {"cls": False},
    "no-sending": {"sent": False},
    "no-refinement": {"refines": False},
    "no-references": {"empty": True, "sent": False},
}
"""What widths such as `tiny-no-clm` change. Without references the same network is given entries of
zeros: what is then gained over ELIC is only that its contexts were trained for longer."""
SENT_SHARE = 0.25
"""Of all regions in training, those whose entry is the most alike, as if it had been sent."""
PASSED_OVER = 3
"""Up to so many of the nearest entries are passed over in a step: entries come from the photographs
that are trained on, and the network must not learn that the nearest is a piece of the same one."""


def config_of(width: str) -> ClcConfig:
    """The configuration of a width, or of a width and what an ablation changes."""
    base, _, changed = width.partition("-")
    config = width_of(WIDTHS, base)
    return replace(config, **width_of(ABLATIONS, changed)) if changed else config


def assemble(setup: Setup) -> Rig:
    """New references over an ELIC, the bundled one unless --start names another."""
    base = Setup(setup.width.partition("-")[0], setup.lpips_backbone, setup.starts)
    net = Clc(partner(base, "elic"), config_of(setup.width))
    net.start_from_expert()
    rig = Rig(net, elic=net.elic)
    if "elic" not in setup.starts:
        rig.facts["experts"] = joined_tags([partner_set(base, "elic")])
    return rig


def prepare(rig: Rig, crops: Crops) -> None:
    """Fill the dictionary."""
    fill(rig.net, crops)


def loss(rig: Rig, x_BCHW: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """The same of crops."""
    with torch.no_grad():
        y = rig.net.analyse(x_BCHW).float()
    return latent_loss(rig, y, progress, generator)


def latent_loss(rig: Rig, y: Tensor, progress: float, generator: torch.Generator) -> Cost:
    """Rate plus lambda times the latent's squared error, in units of squared pixels."""
    net = rig.net
    quality_B = sent(stages_elic.spread_qualities(len(y), generator), y.device)
    passed = int(torch.randint(PASSED_OVER + 1, (), generator=generator))
    y_hat, bits_B = net.quantise(
        y, quality_B, progress > stages_elic.SETTLED, _sent(net, y, generator), passed
    )
    pixels = y.shape[2] * y.shape[3] * net.cell**2
    error_B = ((y_hat - y) * pixel_units(net)).square().sum((1, 2, 3)) / (3 * pixels)
    bpp_B = bits_B / pixels
    cost_B = stages_elic.weights(quality_B) * (bpp_B + lagrange(quality_B) * 255**2 * error_B)
    return cost_B.mean(), {"bpp": bpp_B.mean(), "mse": error_B.mean()}


def _sent(net: Clc, y: Tensor, generator: torch.Generator) -> Tensor | None:
    if not net.config.sent:
        return None
    alike = net.dictionary.most_alike(y)
    drawn = torch.rand(alike.shape, generator=generator) < SENT_SHARE
    return torch.where(sent(drawn, y.device), alike, -1)


def pixel_units(net: Clc) -> Tensor:
    """How much each channel of the latent changes pixels, as far as the linear part goes."""
    return (net.elic.std.flatten() * net.elic.inverse_dct.flatten(1).norm(dim=1))[:, None, None]


CLC = Stage(
    "clc", "clc", assemble, loss, stages_elic.validate, prepare=prepare, crop=256,
    rates=Rates(muon=3e-3, adam=1e-3), gpu_batch=96, crop_mb=150,
)  # fmt: skip

STAGES = (CLC,)
