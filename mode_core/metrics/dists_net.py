"""https://arxiv.org/abs/2004.07728, DISTS: structure and texture similarity of VGG16 features.

Written from the paper's equations. Deviation from the authors' script: the picture is not scaled
down to 256 pixels first. The 1475 weights of means and of correlations (alpha, beta) are the
authors' file `weights.pt`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.errors import WeightsUnavailable
from mode_core.metrics.backbones import State, load_state, vgg16_state

# Convolutions of each stage, by their place in torchvision's `features`; pooling comes between.
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_CHANNELS = [3, 64, 128, 256, 512, 512]
_STABLE = 1e-6
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Dists:
    """The distance of two batches in [-1, 1], N x 3 x H x W."""

    def __init__(self, backbone: State, alpha: Tensor, beta: Tensor) -> None:
        total = alpha.sum() + beta.sum()
        self.backbone = backbone
        self.alpha = torch.split((alpha / total).flatten(), _CHANNELS)
        self.beta = torch.split((beta / total).flatten(), _CHANNELS)

    def __call__(self, reference: Tensor, decoded: Tensor) -> Tensor:
        similarity = torch.zeros(len(reference))
        pairs = zip(self._features(reference), self._features(decoded), strict=True)
        for stage, (x, y) in enumerate(pairs):
            mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
            var_x, var_y = x.var((2, 3), correction=0), y.var((2, 3), correction=0)
            covariance = (x * y).mean((2, 3)) - mean_x * mean_y
            texture = (2 * mean_x * mean_y + _STABLE) / (mean_x**2 + mean_y**2 + _STABLE)
            structure = (2 * covariance + _STABLE) / (var_x + var_y + _STABLE)
            similarity += texture @ self.alpha[stage] + structure @ self.beta[stage]
        return 1 - similarity

    def _features(self, picture: Tensor) -> list[Tensor]:
        x = picture / 2 + 0.5
        features = [x]
        x = (x - torch.tensor(_MEAN).view(3, 1, 1)) / torch.tensor(_STD).view(3, 1, 1)
        for stage in _STAGES:
            if len(features) > 1:
                x = _blurred_half(x)
            for layer in stage:
                weight = self.backbone[f"features.{layer}.weight"]
                x = F.conv2d(x, weight, self.backbone[f"features.{layer}.bias"], padding=1).relu()
            features.append(x)
        return features


@lru_cache(maxsize=1)
def load_dists(path: Path, backbone: Path) -> Dists:
    """DISTS from the authors' weights and VGG16's features; WeightsUnavailable if they are not."""
    state = load_state(path)
    for key in ("alpha", "beta"):
        if key not in state or state[key].numel() != sum(_CHANNELS):
            raise WeightsUnavailable(f"{path} lacks {key} with {sum(_CHANNELS)} numbers")
    return Dists(vgg16_state(backbone), state["alpha"], state["beta"])


def _blurred_half(x: Tensor) -> Tensor:
    """L2 pooling: the root of the Hann-weighted mean square, every second pixel."""
    hann = torch.tensor([0.25, 0.5, 0.25])
    window = (hann[:, None] * hann).expand(x.shape[1], 1, 3, 3)
    squares = F.conv2d(x * x, window, stride=2, padding=1, groups=x.shape[1])
    return (squares + 1e-12).sqrt()
