"""Where everything on a figure goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from mode_core.figures.grid import Grid
from mode_core.figures.letters import LEADING, length, wrapped
from mode_core.figures.numbers import DASH, Numbers, Shown
from mode_core.figures.page import BLACK, GREY, Frame, Page, Pen, Picture
from mode_core.figures.plan import PICTURE, TEXTS, Figure, FigureError, Pane, letters
from mode_core.figures.words import RATE_DIGITS, credits_of, footnotes, name_of
from mode_core.metrics import METRICS

MOST_HIGH_IN = 11.0
"""A page of paper."""
_LEAST_HOLE_IN = 0.9
"""Narrower text would be a word or two a line."""
_STROKE_PT = 1.0


class Line(NamedTuple):
    """One line under a cell: a name, and what stands at the right."""

    name: str = ""
    shown: Shown = Shown("")
    colour: str = GREY


Block = Sequence[Line]
"""The lines under a cell."""


def page_of(figure: Figure, grid: Grid, numbers: Numbers) -> Page:
    """The whole figure; FigureError where it would be higher than a page."""
    page = Page(grid.width, 0, grid.dpi, title_of(figure))
    pen = Pen(page, figure.options.text_pt)
    bottom = _cells(pen, figure, grid, numbers)
    if grid.whole:
        _whole(pen, figure, grid)
        bottom = max(bottom, grid.whole[1])
    page.height = round(_last_lines(pen, figure, grid, numbers, bottom))
    high = page.height / page.dpi
    if high > MOST_HIGH_IN:
        raise FigureError(
            f"the figure would be {high:.1f} inches high, and {MOST_HIGH_IN:g} is the most; choose "
            "fewer crops, one row, or a narrower figure"
        )
    return page


def title_of(figure: Figure) -> str:
    """What the file says it is."""
    return ", ".join(filter(None, (figure.title, *(pane.label for pane in figure.panes))))


def _cells(pen: Pen, figure: Figure, grid: Grid, numbers: Numbers) -> float:
    """All crops below each other, and below each cell its lines; returns where they end."""
    (wide, high), (left, top) = grid.cell, grid.place
    images = [figure.original, *(pane.image for pane in figure.panes)]
    for at, (cut, letter) in enumerate(zip(grid.cuts, letters(len(grid.cuts)), strict=True)):
        columns = _columns(figure, numbers, at, wide, pen)
        for first in range(0, len(columns), grid.columns):
            row = slice(first, first + grid.columns)
            blocks = _level(columns[row])
            for place, (image, block) in enumerate(zip(images[row], blocks, strict=True)):
                x = left + place * (wide + grid.gap)
                pen.page.pictures.append(Picture(x, top, cut.dots(image)))
                _under(pen, x, top + high + grid.gap / 3, wide, block)
            if letter and not first:
                pen.letter(left, top, letter)
            lines = pen.line * len(blocks[0])
            top = round(top + high + grid.gap / 3 + lines + grid.gap)
    return top - grid.gap


def _under(pen: Pen, x: float, top: float, wide: int, block: Block) -> None:
    for line in block:
        if line.name:
            pen.write(x, top, line.name, colour=line.colour)
        if line.shown.text:
            pen.write(x + wide, top, line.shown.text, bold=line.shown.best, right=True)
        top += pen.line


def _columns(figure: Figure, numbers: Numbers, at: int, wide: int, pen: Pen) -> list[list[Block]]:
    """What stands under the original, which is its name, and under each pane, part by part."""
    panes, last = figure.panes, at == len(figure.crops) - 1

    def texts(some: Sequence[str], colour: str) -> list[Block]:
        return [
            [Line(one, colour=colour) for one in wrapped(text, pen.size, wide)] for text in some
        ]

    heads = texts(["Original", *(name_of(figure, pane) for pane in panes)], BLACK)
    parts: list[list[Block]] = [heads]
    if last:
        whose = texts(["", *(pane.whose for pane in panes)], GREY)
        parts = [[[*head, *one] for head, one in zip(heads, whose, strict=True)]]
        rates = [Shown(_rate(figure, pane)) for pane in panes]
        parts.append([[], *_valued(["bpp"], rates, wide, pen)])
    if last or figure.options.of != PICTURE:
        for key in figure.options.metrics:
            metric = METRICS[key]
            names = [f"{metric.short} {metric.unit}".strip(), metric.short]
            values = [one[key] for one in numbers.shown[min(at, len(numbers.shown) - 1)]]
            parts.append([[], *_valued(names, values, wide, pen)])
    return [list(column) for column in zip(*parts, strict=True)]


def _level(columns: Sequence[Sequence[Block]]) -> list[Block]:
    """The lines of each column, every part as high as in the others of its row."""
    heights = [max(map(len, parts)) for parts in zip(*columns, strict=True)]
    return [
        [
            line
            for part, height in zip(column, heights, strict=True)
            for line in [*part, *[Line()] * (height - len(part))]
        ]
        for column in columns
    ]


def _valued(names: Sequence[str], values: Sequence[Shown], wide: int, pen: Pen) -> list[Block]:
    """A name and its values: side by side with the longest name that fits, or among each other."""
    size = pen.size
    longest = max(length(one.text, size, bold=True) for one in values)
    for name in names:
        if length(name, size) + size / 3 + longest <= wide:
            return [[Line(name, one)] for one in values]
    above = [Line(one) for one in wrapped(names[0], size, wide)]
    return [
        [*above, *(Line("", Shown(part, one.best)) for part in wrapped(one.text, size, wide, True))]
        for one in values
    ]


def _rate(figure: Figure, pane: Pane) -> str:
    rate = figure.rate(pane)
    return DASH if rate is None else f"{rate:.{RATE_DIGITS}f}"


def _whole(pen: Pen, figure: Figure, grid: Grid) -> None:
    """The whole original with a lettered red box around each crop."""
    assert grid.whole
    wide, high = grid.whole
    height, width, _ = figure.original.shape
    enlarges = wide > width
    filter_ = Pillow.Resampling.NEAREST if enlarges else Pillow.Resampling.LANCZOS
    small = Pillow.fromarray(figure.original).resize((wide, high), filter_)
    pen.page.pictures.append(Picture(0, 0, np.asarray(small)))
    stroke = _STROKE_PT * pen.dot
    least = min(4 * stroke, wide, high)
    for cut, letter in zip(grid.cuts, letters(len(grid.cuts)), strict=True):
        box = cut.box
        size = max(box.width * wide / width, least), max(box.height * high / height, least)
        x = min(box.x * wide / width, wide - size[0])
        y = min(box.y * high / height, high - size[1])
        pen.page.frames.append(Frame(x, y, *size, stroke))
        if letter:
            _beside(pen, (x, y, *size), (wide, high), letter)


def _beside(
    pen: Pen, box: tuple[float, float, float, float], room: tuple[int, int], letter: str
) -> None:
    """A box's letter: in its corner where that has room, else right or left of it."""
    x, y, width, height = box
    wide, tall = pen.size_of(letter)
    stroke = _STROKE_PT * pen.dot
    if width >= 2 * wide and height >= 1.5 * tall:
        return pen.letter(x + stroke, y + stroke, letter)
    beyond = x + width + stroke
    x = beyond if beyond + wide <= room[0] else max(0.0, x - stroke - wide)
    return pen.letter(x, max(0.0, min(y, room[1] - tall)), letter)


def _last_lines(pen: Pen, figure: Figure, grid: Grid, numbers: Numbers, bottom: float) -> float:
    """Footnotes and credits, where there is room, else below all; returns where the page ends."""
    notes, thanks = footnotes(figure, numbers), credits_of(figure)
    hole = _hole(grid, bottom)
    below = _Room(0.0, bottom + LEADING * pen.size / 2, grid.width, float("inf"))
    for count in (2, 1, 0):  # parts that stand in the hole; nothing fits everywhere
        parts = notes, thanks
        if _paragraph(pen, [one for part in parts[:count] for one in part], hole) is not None:
            break
    left = [one for part in parts[count:] for one in part]
    return max(bottom, _paragraph(pen, left, below) or 0.0)


class _Room(NamedTuple):
    """Where text may go."""

    x: float
    top: float
    width: float
    height: float


def _paragraph(pen: Pen, sentences: Sequence[str], room: _Room) -> float | None:
    """Small lines in a room; returns where they end, None where there is no room for them."""
    points = TEXTS[0]
    line = LEADING * points * pen.dot
    if sentences and room.width < _LEAST_HOLE_IN * pen.page.dpi:
        return None
    lines = wrapped(" ".join(sentences), points * pen.dot, room.width)
    if line * len(lines) > room.height:
        return None
    for at, text in enumerate(lines):
        pen.write(room.x, room.top + at * line, text, points=points, colour=GREY)
    return room.top + line * len(lines) if lines else 0.0


def _hole(grid: Grid, bottom: float) -> _Room:
    """What the whole picture leaves free beside it, above cells, or below it, left of them."""
    if not grid.whole:
        return _Room(0.0, 0.0, 0.0, 0.0)
    wide, high = grid.whole
    if grid.place[1]:
        x = wide + 2 * grid.gap
        return _Room(x, 0.0, grid.width - x, high)
    top = high + grid.gap
    return _Room(0.0, top, wide, bottom - top)
