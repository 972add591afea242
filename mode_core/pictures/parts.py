"""Smaller pictures out of large ones: a part as it is, or the whole scaled down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow

from mode_core.pictures.files import Picture
from mode_core.types import Image


def crop(pixels: Image, box: Sequence[int]) -> Image:
    """The part of the picture inside the box (x, y, width, height), never empty."""
    height, width, _ = pixels.shape
    x, y = min(max(box[0], 0), width - 1), min(max(box[1], 0), height - 1)
    right, bottom = box[0] + box[2], box[1] + box[3]
    return pixels[y : max(bottom, y + 1), x : max(right, x + 1)]


def cut(pixels: Image, box: Sequence[int]) -> Picture:
    """The part inside the box as a picture of its own, and a note that says where it was."""
    part = np.ascontiguousarray(crop(pixels, box))
    (height, width, _), (rows, columns, _) = pixels.shape, part.shape
    return Picture(part, (f"{columns}x{rows} pixels cut out of {width}x{height}",))


def scaled(pixels: Image, most: int) -> Picture:
    """The whole picture with about `most` pixels, by Lanczos's filter, and a note that says so."""
    height, width, _ = pixels.shape
    shrink = min(1.0, (most / (width * height)) ** 0.5)
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = Pillow.fromarray(pixels).resize(size, Pillow.Resampling.LANCZOS)
    return Picture(np.asarray(small), (f"scaled down from {width}x{height}",))
