"""MS-SSIM, LPIPS and DISTS a second time, straight from the papers, to hold ours against."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from scipy.ndimage import correlate1d
from torch import Tensor, nn

from mode_core.types import Image


def plain_lpips(features: nn.Module, reference: Image, decoded: Image) -> float:
    """LPIPS from its definition, with only the linear heads of the package."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        heads = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).lins
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    total = 0.0
    x, y = (
        (to_unit(p) * 2 - 1 - shift[:, None, None]) / scale[:, None, None]
        for p in (reference, decoded)
    )
    with torch.inference_mode():
        for place, layer in enumerate(features):
            x, y = layer(x), layer(y)
            if place in (1, 4, 7, 9, 11):
                a, b = x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)
                weight = heads[(1, 4, 7, 9, 11).index(place)].model[-1].weight
                total += float(((a - b).nan_to_num() ** 2 * weight.view(1, -1, 1, 1)).sum(1).mean())
    return total


def plain_ms_ssim(x: Image, y: Image) -> float:
    window = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def blur(picture: np.ndarray) -> np.ndarray:
        for axis in (0, 1):
            picture = correlate1d(picture, window, axis=axis)
        return picture[5:-5, 5:-5]

    a, b, result = x.astype(float), y.astype(float), 1.0
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    for scale, weight in enumerate(weights):
        mean_a, mean_b = blur(a), blur(b)
        var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
        contrast = (2 * (blur(a * b) - mean_a * mean_b) + 58.5225) / (var_a + var_b + 58.5225)
        light = (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025)
        last = scale == len(weights) - 1
        result *= float((contrast * light if last else contrast).mean()) ** weight
        a, b = halved(a), halved(b)
    return result


def halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2x2; an odd side gets a zero on both ends first, as the common packages do it."""
    padded = np.pad(picture, [(side % 2, side % 2) for side in picture.shape])
    height, width = (side // 2 for side in padded.shape)
    return padded[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean((1, 3))


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
