"""Pictures between MoDE's anchors: fine detail changes over first, broad tones last.

An average of both pictures blurs wherever they made up different detail, and halfway was worse in
LPIPS than either end. Here their difference is cut into octaves, and from fidelity to perception
one octave after the other is taken over. We do not know how the paper makes pictures between its
anchors, or whether it does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.layers.blocks import finely

SIGMAS = (0.7, 1.4, 2.8)
"""Sigmas in pixels of the blurs that cut off one octave each; what is left is one octave more."""
_RADII = tuple(int(3 * sigma) for sigma in SIGMAS)
REACH = sum(_RADII)
"""A pixel depends on the pixels up to this far from it."""


def between(fidelity: Tensor, perception: Tensor, blend: float) -> Tensor:
    """The picture at `blend`: 0 is fidelity, 1 perception, and every step on the way is small."""
    with finely(fidelity):
        out, left = fidelity.float(), perception.float() - fidelity.float()
        progress = blend * (len(SIGMAS) + 1)
        for place, (sigma, radius) in enumerate(zip(SIGMAS, _RADII, strict=True)):
            broad = _blurred(left, sigma, radius)
            out = out + min(1.0, max(0.0, progress - place)) * (left - broad)
            left = broad
        return out + max(0.0, progress - len(SIGMAS)) * left


def _blurred(x_BCHW: Tensor, sigma: float, radius: int) -> Tensor:
    channels = x_BCHW.shape[1]
    away = torch.arange(-radius, radius + 1, dtype=x_BCHW.dtype, device=x_BCHW.device)
    kernel = (-away.square() / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum()).expand(channels, 1, 1, -1)
    x_BCHW = F.pad(x_BCHW, (radius,) * 4, mode="replicate")
    rows = F.conv2d(x_BCHW, kernel, groups=channels)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=channels)
