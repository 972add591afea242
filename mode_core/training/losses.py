"""Perceptual losses: LPIPS in its training form, and texture terms that need no weights.

LPIPS: Zhang et al., CVPR 2018, https://arxiv.org/abs/1801.03924. Deviation: the epsilon stands
inside the root of the feature norm, or the gradient of dark crops would not be finite.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.metrics.backbones import alexnet_path, alexnet_state, load_state
from mode_core.training.stage import TrainingError

ALEX_WIDTHS = (64, 192, 384, 256, 256)
ALEX_PLACES = (0, 3, 6, 8, 10)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
EPSILON = 1e-8
GRID, IN_PHASE = 16, 0.15
LUMA = (0.299, 0.587, 0.114)


class Lpips(nn.Module):
    """LPIPS-Alex of pictures in [0, 1], fit to be a loss; its weights never train."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        kernels, strides, pads = (11, 5, 3, 3, 3), (4, 1, 1, 1, 1), (2, 2, 1, 1, 1)
        inputs = (3, *ALEX_WIDTHS[:-1])
        self.features = nn.ModuleList(
            nn.Conv2d(i, o, k, s, p)
            for i, o, k, s, p in zip(inputs, ALEX_WIDTHS, kernels, strides, pads, strict=True)
        )
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in ALEX_WIDTHS)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None])

    def maps(self, x_BCHW: Tensor) -> list[Tensor]:
        """The five feature maps, normalised over channels."""
        x_BCHW = (x_BCHW * 2 - 1 - self.shift) / self.scale
        maps = []
        for place, layer in enumerate(self.features):
            x_BCHW = F.max_pool2d(x_BCHW, 3, 2) if place in (1, 2) else x_BCHW
            x_BCHW = F.relu(layer(x_BCHW))
            maps.append(x_BCHW / (x_BCHW.square().sum(1, keepdim=True) + EPSILON).sqrt())
        return maps

    def forward(self, x_BCHW: Tensor, wanted: list[Tensor]) -> Tensor:
        """The distance of each picture to the one whose maps are `wanted`."""
        parts = self.differences(x_BCHW, wanted)
        return torch.stack([part.mean((1, 2, 3)) for part in parts]).sum(0)

    def differences(self, x_BCHW: Tensor, wanted: list[Tensor]) -> list[Tensor]:
        """Where and how much pictures differ, one map per layer."""
        pairs = zip(self.maps(x_BCHW), wanted, self.heads, strict=True)
        return [F.conv2d((mine - his).square(), head) for mine, his, head in pairs]

    @torch.no_grad()
    def reference(self, x_BCHW: Tensor) -> list[Tensor]:
        """The maps of a reference picture, to compare several others with."""
        return self.maps(x_BCHW)


def off_grid(generator: torch.Generator, *pictures: Tensor) -> list[Tensor]:
    """Pictures from the same random row and column on, all of them a little smaller.

    AlexNet samples every fourth pixel and deeper layers every sixteenth. Always seeing blocks of
    16 pixels in the same phase, it hardly minds a lattice in step with them, and decoders draw one.
    A share of the time it sees them in phase, as benchmarks do; at half, the lattice came back.
    """
    top, left = torch.randint(GRID, (2,), generator=generator).tolist()
    if torch.rand((), generator=generator) < IN_PHASE:
        top = left = 0
    # always of one size: for every new one cuDNN would look for the fastest kernels again
    high, wide = (side - GRID + 1 for side in pictures[0].shape[-2:])
    return [picture[..., top : top + high, left : left + wide] for picture in pictures]


def decibels(squared_error: Tensor) -> Tensor:
    """PSNR of pictures in [0, 1], at most 90."""
    return -10 * squared_error.clamp_min(1e-9).log10()


def load_lpips(backbone: Path | None) -> Lpips:
    """LPIPS with AlexNet's features from a file, else those that the metric uses."""
    features = alexnet_state(backbone or alexnet_path())
    spec = find_spec("lpips")
    if spec is None or not spec.submodule_search_locations:
        raise TrainingError("this stage needs the package lpips: pip install lpips")
    heads = load_state(Path(spec.submodule_search_locations[0], "weights", "v0.1", "alex.pth"))
    net = Lpips()
    with torch.no_grad():
        for layer, place in zip(net.features, ALEX_PLACES, strict=True):
            for name, parameter in layer.named_parameters():
                parameter.copy_(features[f"features.{place}.{name}"])
        for number, head in enumerate(net.heads):
            head.copy_(heads[f"lin{number}.model.1.weight"])
    net.requires_grad_(False)
    return net.eval()


TEXTURE_WINDOW = 16


def _local_std(x: Tensor) -> Tensor:
    mean, square = (F.avg_pool2d(m, TEXTURE_WINDOW, TEXTURE_WINDOW // 2) for m in (x, x * x))
    return ((square - mean * mean).clamp_min(0) + 1e-6).sqrt()


def _luma(x_BCHW: Tensor) -> Tensor:
    red, green, blue = x_BCHW.split(1, 1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def haar_details(x_B1HW: Tensor, levels: int) -> list[Tensor]:
    """Undecimated Haar details (three orientations) of a picture, finest first."""
    details, step = [], 1
    for _ in range(levels):
        padded = F.pad(x_B1HW, (0, step, 0, step), mode="replicate")
        a, b = padded[..., :-step, :-step], padded[..., :-step, step:]
        c, d = padded[..., step:, :-step], padded[..., step:, step:]
        details.append(torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 4)
        x_B1HW = (a + b + c + d) / 4
        step *= 2
    return details


def texture_distance(x_BCHW: Tensor, y_BCHW: Tensor, levels: int = 4) -> Tensor:
    """Difference of texture energy in overlapping windows, without alignment; needs no weights."""
    energy = x_BCHW.new_zeros(())
    mine, his = (haar_details(_luma(picture), levels) for picture in (x_BCHW, y_BCHW))
    for level, (a, b) in enumerate(zip(mine, his, strict=True)):
        s, t = _local_std(a), _local_std(b)
        energy = energy + (1 - 0.2 * level) * ((s + 0.01).log() - (t + 0.01).log()).abs().mean()
    return energy
