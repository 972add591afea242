"""A page as PNG and as PDF: the same bytes every time, pictures without loss, text as text."""

from __future__ import annotations

import io
from threading import Lock
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw

from mode_core.figures.letters import FAMILY, font_of
from mode_core.figures.page import RED, Frame, Page, Picture
from mode_core.types import Image

_WHITE = "#ffffff"
_STYLE: Any = {
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "pdf.use14corefonts": False,
    "font.family": FAMILY,
    "text.usetex": False,
    "text.hinting": "none",
    "path.simplify": False,
}
_ONE_AT_A_TIME = Lock()
"""matplotlib's settings are of the whole process."""


def to_png(page: Page, most_wide: int = 0) -> bytes:
    """The page as PNG, one pixel a dot, or reduced to so many pixels in width."""
    scale = min(1.0, most_wide / page.width) if most_wide else 1.0
    size = round(page.width * scale), max(1, round(page.height * scale))
    canvas = PIL.Image.new("RGB", size, _WHITE)
    draw = PIL.ImageDraw.Draw(canvas)
    for picture in page.pictures:
        place = round(picture.x * scale), round(picture.y * scale)
        canvas.paste(PIL.Image.fromarray(_scaled(picture, scale)), place)
    for frame in page.frames:
        _outline(draw, frame, scale)
    for x, y, wide, high in page.patches:
        far = (scale * (x + wide), scale * (y + high))
        draw.rectangle((scale * x, scale * y, *far), fill=_WHITE)
    for one in page.words:
        font = font_of(one.points / 72 * page.dpi * scale, one.bold)
        anchor = "rs" if one.right else "ls"
        draw.text((one.x * scale, one.y * scale), one.text, one.colour, font, anchor)
    target = io.BytesIO()
    dpi = page.dpi * scale
    canvas.save(target, "PNG", dpi=(dpi, dpi), compress_level=4 if most_wide else 6)
    return target.getvalue()


def to_pdf(page: Page) -> bytes:
    """The page as PDF at its size in print: lossless pictures, vector boxes, embedded fonts."""
    import matplotlib

    with _ONE_AT_A_TIME, matplotlib.rc_context(_STYLE):
        return _pdf(page)


def _pdf(page: Page) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(page.width / page.dpi, page.height / page.dpi), dpi=72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for left, top, pixels in page.pictures:
        height, width, _ = pixels.shape
        extent = (left, left + width, top + height, top)
        axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto")
    for frame in page.frames:
        half = frame.stroke / 2
        corner = frame.x + half, frame.y + half
        size = frame.width - frame.stroke, frame.height - frame.stroke
        stroke = 72 * frame.stroke / page.dpi
        box = Rectangle(corner, *size, fill=False, edgecolor=RED, linewidth=stroke)
        axes.add_patch(box)
    for x, y, wide, high in page.patches:
        axes.add_patch(Rectangle((x, y), wide, high, facecolor=_WHITE, edgecolor="none"))
    for one in page.words:
        side = "right" if one.right else "left"
        text = axes.text(one.x, one.y, one.text, color=one.colour, ha=side, va="baseline")
        weight = "bold" if one.bold else "normal"
        text.set(parse_math=False, size=one.points, weight=weight, family=FAMILY, zorder=5)
    axes.set(xlim=(0, page.width), ylim=(page.height, 0))
    target = io.BytesIO()
    facts = {"CreationDate": None, "Creator": "MoDE Explorer", "Title": page.title}
    figure.savefig(target, format="pdf", metadata=facts)
    return target.getvalue()


def _outline(draw: PIL.ImageDraw.ImageDraw, frame: Frame, scale: float) -> None:
    x, y = round(frame.x * scale), round(frame.y * scale)
    far = round((frame.x + frame.width) * scale) - 1, round((frame.y + frame.height) * scale) - 1
    width = max(1, round(frame.stroke * scale))
    draw.rectangle((x, y, max(far[0], x + 1), max(far[1], y + 1)), outline=RED, width=width)


def _scaled(picture: Picture, scale: float) -> Image:
    if scale == 1.0:
        return picture.pixels
    height, width, _ = picture.pixels.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = PIL.Image.fromarray(picture.pixels).resize(size, PIL.Image.Resampling.BOX)
    return np.asarray(small)
