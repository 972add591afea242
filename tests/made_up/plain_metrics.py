"""DISTS and SSIMULACRA2 a second time, straight from their definitions, to hold ours against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mode_core.metrics.ssimulacra import _WEIGHTS
from mode_core.types import Image

Map = npt.NDArray[np.float64]


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


def plain_ssimulacra2(reference: Image, decoded: Image) -> float:
    """SSIMULACRA 2.1 as the authors' tool goes about it, which stops early at small pictures."""
    x, y = to_light(reference), to_light(decoded)
    scales: list[Map] = []
    while len(scales) < 6 and min(x.shape[:2]) >= 8:
        if scales:
            x, y = halved(x), halved(y)
        scales.append(np.array([errors(*planes) for planes in zip(xyb(x), xyb(y), strict=True)]))
    # fewer scales take the first of the weights, whosever those are
    norms = np.stack(scales, 1).ravel()
    s = 0.9562382616834844 * float(norms @ _WEIGHTS.ravel()[: norms.size])
    s = 2.326765642916932 * s - 0.020884521182843837 * s**2 + 6.248496625763138e-05 * s**3
    return 100 - 10 * s**0.6276336467831387 if s > 0 else 100


def errors(a: Map, b: Map) -> Map:
    """Both norms of the three maps of one channel at one scale."""
    means, squares, product = (blur(a), blur(b)), (blur(a * a), blur(b * b)), blur(a * b)
    variances = [square - mean**2 for square, mean in zip(squares, means, strict=True)]
    covariance = product - means[0] * means[1]
    structure = (2 * covariance + 0.0009) / (sum(variances) + 0.0009)
    structure = np.maximum(0, 1 - (1 - (means[0] - means[1]) ** 2) * structure)
    edges = (1 + abs(b - means[1])) / (1 + abs(a - means[0])) - 1
    maps = structure, np.maximum(0, edges), np.maximum(0, -edges)
    return np.array([[m.mean() for m in maps], [(m**4).mean() ** 0.25 for m in maps]])


def blur(plane: Map, sigma: float = 1.5) -> Map:
    """The recursive Gaussian of Charalampidis (2016) down and across; outside is zero."""
    radius = round(3.2795 * sigma + 0.2546)
    omega = np.pi / (2 * radius) * np.array([1, 3, 5])
    p = np.array([1, -1, 1]) / np.tan(omega / 2)
    r = np.array([1, -1, 1]) * p**2 / np.sin(omega)
    zeta = np.cross(p, r) / np.cross(p, r)[2]
    rho = np.exp(-((sigma * omega) ** 2) / 2) / radius
    beta = np.linalg.solve(np.array([p, r, zeta]), [1, radius**2 - sigma**2, zeta @ rho])
    first, second = -beta * np.cos(omega * (radius + 1)), 2 * np.cos(omega)
    for _ in range(2):
        zeros = np.zeros((2 * radius, plane.shape[1]))
        padded, rows = np.concatenate([zeros, plane, zeros]), []
        before = last = np.zeros((3, plane.shape[1]))
        for n in range(1 - radius, len(plane)):
            both = padded[n + radius - 1] + padded[n + 3 * radius - 1]
            before, last = last, np.outer(first, both) + second[:, None] * last - before
            rows.append(last.sum(0))
        plane = np.array(rows[radius - 1 :]).T
    return plane


def to_light(image: Image) -> Map:
    """sRGB as amounts of light."""
    x = image / 255
    return np.asarray(np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4))


def halved(x: Map) -> Map:
    """Means of two by two; an odd side repeats its last row."""
    x = np.pad(x, (*((0, side % 2) for side in x.shape[:2]), (0, 0)), mode="edge")
    return np.asarray(x.reshape(len(x) // 2, 2, -1, 2, 3).mean((1, 3)))


def xyb(light: Map) -> list[Map]:
    """JPEG XL's colours, shifted and stretched to lie between 0 and 1."""
    red, green = 0.24342268924547819, 0.20476744424496821
    rows = [(0.3, 0.622, 0.078), (0.23, 0.692, 0.078), (red, green, 1 - red - green)]
    bias = 0.0037930732552754493
    long, middle, short = np.moveaxis(
        np.cbrt(light @ np.array(rows).T + bias) - np.cbrt(bias), 2, 0
    )
    mean = (long + middle) / 2
    return [(long - middle) / 2 * 14 + 0.42, mean + 0.01, short - mean + 0.55]
