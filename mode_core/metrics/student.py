"""A small network that estimates LPIPS (https://arxiv.org/abs/1801.03924), so that no ImageNet
weights need to be shipped or fetched. It learns from LPIPS-Alex on our own photos; it is not LPIPS.

Same shape of computation as the original: features of both pictures, normalised over channels,
squared differences, one non-negative weight per channel, mean over places, sum over layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.weights.sets import find_weights
from mode_core.weights.tensors import filled

EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class StudentConfig:
    """Channels of the five layers."""

    widths: tuple[int, ...] = (48, 96, 160, 128, 128)


class LpipsStudent(nn.Module):
    """The estimate for pairs of pictures in [-1, 1]."""

    codec = "lpips-student"

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        kernels, inputs = (11, 5, 3, 3, 3), (3, *config.widths[:-1])
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, k, stride=4 if i == 3 else 1, padding=2 if k > 3 else 1)
            for i, o, k in zip(inputs, config.widths, kernels, strict=True)
        )
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in config.widths)

    def features(self, x_BCHW: Tensor) -> list[Tensor]:
        """The five maps, normalised over channels."""
        maps = []
        for number, layer in enumerate(self.layers):
            x_BCHW = F.max_pool2d(x_BCHW, 3, 2) if number in (1, 2) else x_BCHW
            x_BCHW = F.leaky_relu(layer(x_BCHW), 0.1)
            maps.append(x_BCHW / (x_BCHW.square().sum(1, keepdim=True) + EPSILON).sqrt())
        return maps

    def maps(self, x_BCHW: Tensor, y_BCHW: Tensor) -> list[Tensor]:
        """Where and how much the pictures differ, one map per layer."""
        pairs = zip(self.features(x_BCHW), self.features(y_BCHW), self.heads, strict=True)
        return [F.conv2d((a - b).square(), F.softplus(head)) for a, b, head in pairs]

    def forward(self, x_BCHW: Tensor, y_BCHW: Tensor) -> Tensor:
        """The distance of each pair."""
        return torch.stack([part.mean((1, 2, 3)) for part in self.maps(x_BCHW, y_BCHW)]).sum(0)


def load() -> nn.Module:
    """The bundled student; WeightsUnavailable if there is none."""
    return filled(LpipsStudent, StudentConfig, find_weights(LpipsStudent.codec))
