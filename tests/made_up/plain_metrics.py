"""DISTS a second time, straight from the paper, to hold ours against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mode_core.types import Image


def plain_dists(
    features: nn.Module, alpha: Tensor, beta: Tensor, reference: Image, decoded: Image
) -> float:
    """DISTS channel by channel, on torchvision's layers."""
    x, y = stages(features, to_unit(reference)), stages(features, to_unit(decoded))
    flat = [
        (a.double().numpy(), b.double().numpy())
        for s, t in zip(x, y, strict=True)
        for a, b in zip(s[0], t[0], strict=True)
    ]
    total = float((alpha.sum() + beta.sum()).double())
    score = 0.0
    for (a, b), texture, structure in zip(flat, alpha.tolist(), beta.tolist(), strict=True):
        score += texture * (2 * a.mean() * b.mean() + 1e-6) / (a.mean() ** 2 + b.mean() ** 2 + 1e-6)
        covariance = ((a - a.mean()) * (b - b.mean())).mean()
        score += structure * (2 * covariance + 1e-6) / (a.var() + b.var() + 1e-6)
    return 1 - score / total


def stages(features: nn.Module, picture: Tensor) -> list[Tensor]:
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    x = (picture - mean) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    hann = torch.tensor([1.0, 2.0, 1.0]) / 4
    kept = [picture]
    with torch.inference_mode():
        for layer in features:
            if isinstance(layer, nn.MaxPool2d):
                kept.append(x)
                square = torch.nn.functional.pad(x * x, (1, 1, 1, 1))
                for axis in (2, 3):
                    size = square.shape[axis] - 2
                    square = sum(w * square.narrow(axis, k, size) for k, w in enumerate(hann))
                x = square[..., ::2, ::2].clamp_min(0).sqrt()
            else:
                x = layer(x)
    return kept


def to_unit(image: Image) -> Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
