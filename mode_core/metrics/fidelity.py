"""How near the pixels are: PSNR and MS-SSIM, both over 8-bit RGB."""

from __future__ import annotations

from statistics import fmean

import numpy as np

from mode_core.errors import UnsupportedImage
from mode_core.types import Image

MS_SSIM_MIN_SIDE = 161
"""Five scales halve a picture four times, and an 11-pixel window must still fit."""


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
    import pytorch_msssim
    import torch

    # float64, so that the number of threads changes no printed digit; a channel at a time, so that
    # 12 megapixels fit.
    with torch.inference_mode():
        return fmean(
            float(
                pytorch_msssim.ms_ssim(
                    torch.from_numpy(reference[None, None, :, :, channel].astype(np.float64)),
                    torch.from_numpy(decoded[None, None, :, :, channel].astype(np.float64)),
                    data_range=255,
                )
            )
            for channel in range(3)
        )


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
