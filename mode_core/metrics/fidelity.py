"""How near the pixels are: PSNR and MS-SSIM, both over 8-bit RGB."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import numpy.typing as npt

from mode_core.errors import UnsupportedImage
from mode_core.types import Image

Map = npt.NDArray[np.float64]

MS_SSIM_MIN_SIDE = 161
"""Five scales halve a picture four times, and an 11-pixel window must still fit."""
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_HALF = 5
"""Pixels of the window on either side of its middle."""
_TAPS = (0.0010283803567290306, 0.0075987582094967365, 0.036000773310661316,
         0.10936068743467331, 0.21300552785396576, 0.26601171493530273)  # fmt: skip
_WINDOW = np.array([*_TAPS, *_TAPS[-2::-1]])
"""A Gaussian of 1.5 pixels, rounded as pytorch-msssim rounds it: the same digits."""
_BAND = 128


def psnr(reference: Image, decoded: Image) -> float:
    """Peak signal-to-noise ratio in dB over all three channels; inf when identical."""
    check_pair(reference, decoded, "PSNR", 1)
    # Integers first: exact, and half the memory of float64 at 25 megapixels.
    error = reference.astype(np.int32) - decoded
    mse = float(np.square(error).mean(dtype=np.float64))
    return float("inf") if mse == 0 else float(10 * np.log10(255**2 / mse))


def ms_ssim(reference: Image, decoded: Image) -> float:
    """Multi-scale SSIM (Wang 2003, five scales, 11-pixel Gaussian), the mean over the channels.

    A picture with a side below 161 pixels is refused: fewer scales would be another metric.
    """
    check_pair(reference, decoded, "MS-SSIM", MS_SSIM_MIN_SIDE)
    return fmean(_ms_ssim(reference[..., one], decoded[..., one]) for one in range(3))


def _ms_ssim(reference: Image, decoded: Image) -> float:
    """Of one channel: contrast and structure at all scales, luminance at the coarsest alone."""
    x, y = reference.astype(np.float64), decoded.astype(np.float64)
    value = 1.0
    for weight in _SCALES[:-1]:
        value *= max(0.0, _likeness(x, y)[1]) ** weight
        x, y = _halved(x), _halved(y)
    return float(value * max(0.0, _likeness(x, y)[0]) ** _SCALES[-1])


def _likeness(x: Map, y: Map) -> tuple[float, float]:
    """Means of SSIM, and of contrast and structure alone; in bands, so that any picture fits."""
    inside = x.shape[0] - 2 * _HALF
    both = structure = 0.0
    for top in range(0, inside, _BAND):
        a, b = x[top : top + _BAND + 2 * _HALF], y[top : top + _BAND + 2 * _HALF]
        mean_a, mean_b = _blurred(a), _blurred(b)
        mean_aa, mean_ab, mean_bb = mean_a * mean_a, mean_a * mean_b, mean_b * mean_b
        variances = _blurred(a * a) - mean_aa + _blurred(b * b) - mean_bb
        kept = (2 * (_blurred(a * b) - mean_ab) + _C2) / (variances + _C2)
        both += ((2 * mean_ab + _C1) / (mean_aa + mean_bb + _C1) * kept).sum()
        structure += kept.sum()
    places = inside * (x.shape[1] - 2 * _HALF)
    return both / places, structure / places


def _blurred(x: Map) -> Map:
    """The Gaussian mean around each place that has a whole window."""
    from scipy.ndimage import correlate1d

    down = correlate1d(x, _WINDOW, 0, mode="constant")[_HALF:-_HALF]
    return np.asarray(correlate1d(down, _WINDOW, 1, mode="constant")[:, _HALF:-_HALF])


def _halved(x: Map) -> Map:
    """Means of two by two; as everywhere, an odd side gets a row of zeros before the first."""
    x = np.pad(x, [(side % 2, 0) for side in x.shape])
    mean: Map = (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4
    return mean


def check_pair(reference: Image, decoded: Image, label: str, least: int) -> None:
    """ValueError unless the pictures have one size; UnsupportedImage if a side is too short."""
    if reference.shape != decoded.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {decoded.shape}")
    height, width, _ = reference.shape
    if min(height, width) < least:
        raise UnsupportedImage(
            f"{label} needs at least {least} pixels on either side; "
            f"this picture is {width}x{height}"
        )
