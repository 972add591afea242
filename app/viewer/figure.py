"""A comparison as a figure for a paper: context with red boxes, crops by codec, captions.

The layout is worked out once as boxes in pixels; Pillow paints it as PNG, matplotlib as PDF with
real text and embedded fonts. Crops are enlarged by whole factors, so every decoder pixel stays a
square of itself in both.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from mode_core.errors import ModeError
from mode_core.metrics.table import MEASURABLE
from mode_core.types import Image

RED, BLACK, GREY, WHITE = "#e00000", "#111111", "#555555", "#ffffff"
CELL, GAP, MARGIN, LINE = 240, 12, 24, 19
MAX_CROPS, MAX_PANES = 4, 12
_DASH = "\u2013"
_OF_WHAT = "of the whole picture"
"""Under the names of the numbers: a reader would take them for those of the crops."""
_NUMBERS = (("bpp", "bpp", 4), *((one.heading, one.key, one.digits) for one in MEASURABLE.values()))


class FigureError(ModeError):
    """The figure that was asked for cannot be drawn."""


class FigurePane(NamedTuple):
    """One column: a decoded picture and the numbers of its caption, over the whole picture."""

    label: str
    image: Image
    values: Mapping[str, float] = {}
    """The rate and the metrics, by key."""
    weights: str = ""
    """Whose weights, and their licence; it stands under the numbers."""


class Crop(NamedTuple):
    """A region in picture pixels."""

    x: int
    y: int
    width: int
    height: int


class Picture(NamedTuple):
    """Pixels at a place; their size on the page is their own."""

    x: int
    y: int
    pixels: Image


class Frame(NamedTuple):
    """An outline, `stroke` pixels wide, around a rectangle."""

    x: float
    y: float
    width: float
    height: float
    stroke: int = 3


class Words(NamedTuple):
    """A line of text; x and y are its top left corner."""

    x: float
    y: float
    text: str
    size: int = 15
    bold: bool = False
    colour: str = BLACK
    halo: int = 0
    """Width of a white edge, for letters on pictures."""


class Layout(NamedTuple):
    """A page in pixels and what is on it, back to front."""

    width: int
    height: int
    pictures: list[Picture]
    frames: list[Frame]
    words: list[Words]


def paper_layout(original: Image, panes: Sequence[FigurePane], crops: Sequence[Crop]) -> Layout:
    """Where everything goes: the original with boxes, then a row per crop, a column per codec."""
    _check(original, panes, crops)
    scales = [max(1, round(CELL / max(crop.width, crop.height))) for crop in crops]
    rows = [crop.height * scale for crop, scale in zip(crops, scales, strict=True)]
    column = max(crop.width * scale for crop, scale in zip(crops, scales, strict=True))
    labels = (math.ceil(_font(15, bold=True).getlength(pane.label)) for pane in panes)
    column = max(column, 170, *labels)
    top = MARGIN + LINE + 6
    body = sum(rows) + GAP * (len(rows) - 1)
    page = Layout(0, 0, [], [], [])
    letters = [f"({letter})" for letter in "abcd"[: len(crops)]] if len(crops) > 1 else [""]
    left = _context(page, original, crops, letters, top, max(body, CELL)) + GAP
    columns = [FigurePane("Original", original), *panes]
    captions = caption_columns(panes, column)
    captions[0].append(_OF_WHAT)
    for index, (pane, caption) in enumerate(zip(columns, captions, strict=True)):
        x = left + index * (column + GAP)
        page.words.append(Words(x, MARGIN, pane.label, bold=True))
        y = top
        for crop, scale, letter in zip(crops, scales, letters, strict=True):
            if letter and not index:
                page.words.append(Words(left - 2 * GAP - 4, y, letter, bold=True, colour=RED))
            page.pictures.append(Picture(x, y, enlarge(cut(pane.image, crop), scale)))
            y += crop.height * scale + GAP
        page.words.extend(
            Words(x, y + row * LINE, line, colour=BLACK if index else GREY)
            for row, line in enumerate(caption)
            if line
        )
    width = left + len(columns) * (column + GAP) - GAP + MARGIN
    text = GAP + len(captions[0]) * LINE
    height = top + max(body + text, page.pictures[0].pixels.shape[0]) + MARGIN
    return page._replace(width=width, height=height)


def caption_columns(panes: Sequence[FigurePane], width: int = CELL) -> list[list[str]]:
    """What stands under the original, which is names, and under each pane: its numbers.

    A dash says that a number is not known; a line of nothing but dashes is left out. Licences
    come last and whole, on as many lines as `width` pixels ask for.
    """
    rows = [
        [name, *(_digits(pane.values.get(key), digits) for pane in panes)]
        for name, key, digits in _NUMBERS
    ]
    known = [row for row in rows if set(row[1:]) != {_DASH}]
    weights = [wrapped(pane.weights, width) for pane in panes]
    if any(weights):
        known += [list(row) for row in zip_longest(["weights"], *weights, fillvalue="")]
    return [[row[index] for row in known] for index in range(len(panes) + 1)]


def wrapped(text: str, width: int) -> list[str]:
    """The text as lines of at most `width` pixels; a word too long for one goes on in the next."""
    length = _font(15, bold=False).getlength
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if length(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def to_png(layout: Layout) -> bytes:
    """The page as PNG."""
    page = PIL.Image.new("RGB", (layout.width, layout.height), WHITE)
    draw = PIL.ImageDraw.Draw(page)
    for picture in layout.pictures:
        page.paste(PIL.Image.fromarray(picture.pixels), (picture.x, picture.y))
    for frame in layout.frames:
        corner = (frame.x + frame.width - 1, frame.y + frame.height - 1)
        draw.rectangle((frame.x, frame.y, *corner), outline=RED, width=frame.stroke)
    for words in layout.words:
        font, place = _font(words.size, words.bold), (words.x, words.y)
        draw.text(place, words.text, words.colour, font, stroke_width=words.halo, stroke_fill=WHITE)
    target = io.BytesIO()
    page.save(target, "PNG", dpi=(300, 300))
    return target.getvalue()


def to_pdf(layout: Layout) -> bytes:
    """The page as PDF: lossless pictures, vector boxes, embedded fonts."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    figure = Figure(figsize=(layout.width / 100, layout.height / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for x, y, pixels in layout.pictures:
        height, width, _ = pixels.shape
        extent = (x, x + width, y + height, y)
        axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto")
    for frame in layout.frames:
        half = frame.stroke / 2
        corner = (frame.x + half, frame.y + half)
        size = (frame.width - frame.stroke, frame.height - frame.stroke)
        stroke = frame.stroke * 0.72
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=RED, linewidth=stroke))
    for words in layout.words:
        style = {"size": words.size * 0.72, "weight": "bold" if words.bold else "normal"}
        place = (words.x, words.y)
        text = axes.text(*place, words.text, color=words.colour, va="top", family="DejaVu Sans")
        text.set(parse_math=False, **style)
        if words.halo:
            text.set_path_effects([withStroke(linewidth=2 * words.halo, foreground=WHITE)])
    axes.set(xlim=(0, layout.width), ylim=(layout.height, 0))
    target = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(target, format="pdf", metadata={"CreationDate": None})
    return target.getvalue()


def cut(image: Image, crop: Crop) -> Image:
    """The pixels of a region."""
    return image[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]


def enlarge(image: Image, scale: int) -> Image:
    """Every pixel as a square of scale x scale."""
    return np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)


def _check(original: Image, panes: Sequence[FigurePane], crops: Sequence[Crop]) -> None:
    height, width, _ = original.shape
    if not 1 <= len(panes) <= MAX_PANES:
        raise FigureError(f"a figure takes 1 to {MAX_PANES} panes, not {len(panes)}")
    if not 1 <= len(crops) <= MAX_CROPS:
        raise FigureError(f"a figure takes 1 to {MAX_CROPS} crops, not {len(crops)}")
    for pane in panes:
        if pane.image.shape != original.shape:
            raise FigureError(f"{pane.label} has another size than the original")
    for crop in crops:
        inside = crop.x >= 0 and crop.y >= 0 and min(crop.width, crop.height) > 0
        if not inside or crop.x + crop.width > width or crop.y + crop.height > height:
            raise FigureError(
                f"the crop {crop.width}x{crop.height} at {crop.x},{crop.y} is not inside the "
                f"picture of {width}x{height} pixels"
            )


def _context(
    page: Layout,
    original: Image,
    crops: Sequence[Crop],
    letters: Sequence[str],
    top: int,
    room: int,
) -> int:
    """The whole original, reduced, with a lettered red box per crop; returns where it ends."""
    height, width, _ = original.shape
    scale = min(2 * CELL / width, room / height, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = PIL.Image.fromarray(original).resize(size, PIL.Image.Resampling.LANCZOS)
    page.pictures.append(Picture(MARGIN, top, np.asarray(small)))
    for crop, letter in zip(crops, letters, strict=True):
        x, y = MARGIN + math.floor(crop.x * scale), top + math.floor(crop.y * scale)
        page.frames.append(Frame(x, y, max(6, crop.width * scale), max(6, crop.height * scale)))
        page.words.append(Words(x + 5, y + 4, letter, 13, bold=True, colour=RED, halo=1))
    return MARGIN + size[0] + (2 * GAP if letters[0] else 0)


def _digits(value: float | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return _DASH
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"


def _font(size: int, bold: bool) -> PIL.ImageFont.FreeTypeFont:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return PIL.ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)
