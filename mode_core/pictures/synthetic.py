"""The picture on which imported weights are measured: made here, so it is the same everywhere."""

from __future__ import annotations

import numpy as np

from mode_core.types import Image

SIDE = 256


def built_in_picture() -> Image:
    """Sky, hills, a disc and fine texture: smooth parts, edges and noise as in a photograph."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    sky = np.stack([0.45 + 0.3 * rows, 0.6 + 0.2 * rows, 0.9 - 0.1 * rows], -1)
    noise = np.random.Generator(np.random.PCG64(5)).standard_normal((SIDE, SIDE))
    grass = np.stack([0.25 + 0.06 * noise, 0.4 + 0.08 * noise, 0.15 + 0.04 * noise], -1)
    hill = rows > 0.6 + 0.08 * np.sin(9 * columns) + 0.03 * np.sin(31 * columns + 1)
    picture = np.where(hill[..., None], grass * (1.2 - 0.5 * rows[..., None]), sky)
    sun = (rows - 0.25) ** 2 + (columns - 0.7) ** 2 < 0.01
    picture[sun] = (1.0, 0.92, 0.6)
    fence = hill & (np.abs(np.sin(40 * columns)) > 0.97)
    picture[fence] = (0.3, 0.2, 0.15)
    clipped: Image = np.clip(np.round(255 * picture), 0, 255).astype(np.uint8)
    return clipped
