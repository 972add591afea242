"""Ways in which codecs and cameras spoil pictures: what the LPIPS student learns from."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from torch import Tensor

Draw = Callable[[], float]
"""A fresh random number in 0..1."""


def _through_file(x_CHW: Tensor, kind: str, quality: int) -> Tensor:
    pixels = (x_CHW.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, kind, quality=quality)
    decoded = np.asarray(PillowImage.open(file).convert("RGB"))
    return torch.from_numpy(decoded.copy()).permute(2, 0, 1).to(x_CHW) / 255


def jpeg(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Blocks and ringing."""
    return _through_file(x_CHW, "JPEG", int(3 + 90 * draw() ** 2))


def webp(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Smoothed blocks."""
    return _through_file(x_CHW, "WEBP", int(90 * draw() ** 2))


def avif(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Plain areas and sharp lines."""
    return _through_file(x_CHW, "AVIF", int(5 + 80 * draw() ** 1.5))


def shrink(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Lost detail."""
    side = max(8, int(x_CHW.shape[1] / (1.1 + 6 * draw() ** 2)))
    small = F.interpolate(x_CHW[None], size=(side, side), mode="bilinear", antialias=True)
    return F.interpolate(small, size=tuple(x_CHW.shape[1:]), mode="bicubic")[0]


def noise(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Grain, fine or coarse."""
    generator = torch.Generator().manual_seed(int(draw() * 2**31))
    coarse = 1 if draw() < 0.6 else 2
    sides = tuple(side // coarse for side in x_CHW.shape[1:])
    grain = torch.randn(1, 3, *sides, generator=generator).to(x_CHW.device)
    grain = F.interpolate(grain, size=tuple(x_CHW.shape[1:]), mode="bilinear")[0]
    return x_CHW + 0.2 * draw() ** 2 * grain


def tone(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Other contrast and another tint."""
    gain = 1 + 0.3 * (draw() - 0.5)
    tint = torch.tensor([draw(), draw(), draw()], device=x_CHW.device)[:, None, None] - 0.5
    return (x_CHW - 0.5) * gain + 0.5 + 0.12 * tint


def posterise(x_CHW: Tensor, draw: Draw) -> Tensor:
    """Few levels, as from a coarse quantiser."""
    levels = 3 + 30 * draw()
    return (x_CHW * levels).round() / levels


KINDS = (jpeg, webp, avif, shrink, noise, tone, posterise)
SHARES = (0.24, 0.16, 0.16, 0.16, 0.14, 0.07, 0.07)
SECOND = 0.2
"""Chance of a second distortion on top."""


def spoil(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Every picture distorted in a random way, in 8-bit steps like anything that is displayed."""

    def draw() -> float:
        return float(torch.rand((), generator=generator))

    def once(x_CHW: Tensor) -> Tensor:
        kind = int(torch.multinomial(torch.tensor(SHARES), 1, generator=generator))
        return KINDS[kind](x_CHW, draw).clamp(0, 1)

    spoilt = []
    for x_CHW in x_BCHW:
        y_CHW = once(x_CHW)
        spoilt.append(once(y_CHW) if draw() < SECOND else y_CHW)
    return (torch.stack(spoilt) * 255).round() / 255
