"""Figures for tests: a photo, panes that are shades of it, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image as Pillow

from mode_core.figures.making import Laid, lay
from mode_core.figures.numbers import Ask
from mode_core.figures.plan import Crop, Figure, Options, Pane
from mode_core.metrics import measure
from mode_core.types import Image
from tests.conftest import make_photo

PHOTO = make_photo(240, 360)
BPP = 0.1
SIZE = round(BPP * PHOTO.size / 3 / 8)
EVIL = '\\input{/etc/passwd} 50%_#$&{~^}<b>`|"\u202e\n\t日本 €'


def darker(levels: int) -> Image:
    """The photo with some levels less, and more towards the right: crops differ in PSNR."""
    less = (levels + np.arange(PHOTO.shape[1]) // 60).astype(np.uint8)[:, None]
    return np.maximum(PHOTO, less) - less


def panes(count: int = 3) -> tuple[Pane, ...]:
    names = ("MoDE-F", "MoDE-P", "ELIC", "MS-ILLM public", "JPEG", "DLF", "VQ", "AVIF", "WebP")
    return tuple(
        Pane(name, darker(3 * at + 1), SIZE + at, BPP, "ours, small")
        for at, name in enumerate(names[:count])
    )


def figure(
    crops: Sequence[Sequence[int]] = ((100, 60, 120, 90),),
    shown: tuple[Pane, ...] = panes(),
    **options: Any,
) -> Figure:
    chosen = Options.parse({"metrics": ["psnr"]} | options)
    boxes = tuple(Crop(*crop) for crop in crops)
    return Figure(PHOTO, shown, boxes, chosen, BPP, "Cat", "A. Person, CC0")


def asking(one: Figure) -> Ask:
    return lambda at, part, keys: measure(part.of(one.original), part.of(one.panes[at].image), keys)


def laid(crops: Sequence[Sequence[int]] = ((100, 60, 120, 90),), **more: Any) -> Laid:
    one = figure(crops, **more)
    return lay(one, asking(one))


def opened(png: bytes) -> Image:
    from io import BytesIO

    return np.asarray(Pillow.open(BytesIO(png)).convert("RGB"))
