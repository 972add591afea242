"""Equal cells: how large they are, and how much of each crop they hold.

All lengths are whole dots. A pixel of a crop is a square of so many dots, or so many pixels make a
dot; to that end a crop loses a few pixels at its edges, and the dots are made a little finer or
coarser. What is measured is what is left, so it is what is seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from mode_core.figures.letters import LEADING
from mode_core.figures.plan import Crop, Figure, FigureError
from mode_core.types import Image

GAP_IN, BESIDE_IN = 0.06, 0.1
"""Between cells, and between them and the whole picture."""
NARROW_IN, LEAST_IN = 0.8, 0.45
"""Cells below the first go into a second row; below the second no number fits."""
_ASPECTS = (0.5, 2.5)
_SHARES = (0.16, 0.36)
"""What the whole picture may have of the width."""
_LEAST_WHOLE_IN = 1.0
"""Of a whole picture that makes room for cells."""
_MOST_HIGH_IN = 2.5
"""Of a whole picture above the cells."""
_LARGE_IN = 4.0
_DPI = {True: (240.0, 480.0), False: (300.0, 600.0)}
"""The coarsest and finest dots of wide figures and of others; between them lies an octave."""


class Cut(NamedTuple):
    """What is left of a crop, and how its pixels become dots."""

    box: Crop
    enlarged: int = 1
    reduced: int = 1

    def dots(self, image: Image) -> Image:
        """The pixels at the size of a cell."""
        part = self.box.of(image)
        if self.reduced > 1:
            return np.asarray(Pillow.fromarray(np.ascontiguousarray(part)).reduce(self.reduced))
        return np.repeat(np.repeat(part, self.enlarged, axis=0), self.enlarged, axis=1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes of a page, in dots."""

    columns: int
    rows: int
    """Of cells, for each crop."""
    cell: tuple[int, int]
    gap: int
    whole: tuple[int, int] | None
    """Size of the whole picture, where that is shown."""
    place: tuple[int, int]
    """Where the cells begin, from the left and from above."""
    width: int
    dpi: float
    cuts: tuple[Cut, ...]

    @property
    def cell_in(self) -> float:
        """How wide a cell is in print."""
        return self.cell[0] / self.dpi


class _Draft(NamedTuple):
    """Lengths in inches, before there are dots."""

    columns: int
    rows: int
    cell: float
    whole: float = 0.0
    above: bool = False
    """Whether the whole picture stands above the cells instead of left of them."""


def grid_of(figure: Figure) -> Grid:
    """The sizes that a figure has; FigureError where its cells would be too narrow."""
    aspect = common_aspect(figure.crops)
    drafts = _drafts(figure, aspect)
    enough = (one for one in drafts if one.cell >= NARROW_IN)
    draft = next(enough, max(drafts, key=lambda one: one.cell))
    if draft.cell < LEAST_IN:
        raise FigureError(
            f"cells would be {max(draft.cell, 0):.2f} inches wide; choose fewer panes, two rows, "
            "or a wider figure"
        )
    inches = figure.options.width_in
    wide, high, cuts = _fitted(figure.crops, draft.cell, aspect, inches > _LARGE_IN)
    dots = wide / draft.cell
    gap, beside = round(GAP_IN * dots), round(BESIDE_IN * dots)
    left, top, whole = 0, 0, None
    if draft.whole:
        height, width, _ = figure.original.shape
        size = max(1, round(draft.whole * dots))
        whole = size, max(1, round(size * height / width))
        left, top = (0, whole[1] + beside) if draft.above else (size + beside, 0)
    width = left + draft.columns * (wide + gap) - gap
    place = left, top
    sizes = (wide, high), gap, whole, place, width, width / inches
    return Grid(draft.columns, draft.rows, *sizes, cuts)


def common_aspect(crops: Sequence[Crop]) -> float:
    """One shape for all cells: of the widest and the tallest crop, each loses as much."""
    shapes = [crop.width / crop.height for crop in crops]
    least, most = _ASPECTS
    return min(max(math.sqrt(min(shapes) * max(shapes)), least), most)


def _drafts(figure: Figure, aspect: float) -> list[_Draft]:
    """What can be done about a width, the best first."""
    count = len(figure.panes) + 1
    least = [figure.options.rows] if figure.options.rows else [1, 2] if count > 2 else [1]
    rows = [min(one, count) for one in least]
    if not figure.options.whole:
        return [_Draft(-(-count // one), one, _cell(figure, one)) for one in rows]
    return [_left(figure, aspect, one) for one in rows] + [_above(figure, one) for one in rows]


def _cell(figure: Figure, rows: int, beside: float = 0.0) -> float:
    """How wide a cell becomes where something else takes so much of the width."""
    columns = -(-(len(figure.panes) + 1) // rows)
    return (figure.options.width_in - beside - (columns - 1) * GAP_IN) / columns


def _above(figure: Figure, rows: int) -> _Draft:
    height, width, _ = figure.original.shape
    whole = min(figure.options.width_in / 2, _MOST_HIGH_IN * width / height)
    return _Draft(-(-(len(figure.panes) + 1) // rows), rows, _cell(figure, rows), whole, True)


def _left(figure: Figure, aspect: float, rows: int) -> _Draft:
    """Cells and the whole picture side by side, ending at about one height where that can be."""
    options, (height, width, _) = figure.options, figure.original.shape
    words = (2 + len(options.metrics)) * LEADING * options.text_pt / 72 + GAP_IN

    def is_flat(whole: float) -> bool:
        cell = _cell(figure, rows, whole + BESIDE_IN)
        return whole * height / width < len(figure.crops) * rows * (cell / aspect + words)

    low, high = (share * options.width_in for share in _SHARES)
    # rather a smaller whole picture than cells that are too narrow
    columns = -(-(len(figure.panes) + 1) // rows)
    spare = (_cell(figure, rows, BESIDE_IN) - NARROW_IN) * columns
    if spare >= _LEAST_WHOLE_IN:
        high = max(low, min(high, spare - 1e-9))
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if is_flat(middle) else (low, middle)
    cell = _cell(figure, rows, low + BESIDE_IN)
    return _Draft(-(-(len(figure.panes) + 1) // rows), rows, cell, low)


def _fitted(
    crops: Sequence[Crop], cell_in: float, aspect: float, is_large: bool
) -> tuple[int, int, tuple[Cut, ...]]:
    """Dots of a cell, and the cuts that fill them, at the least loss of pixels."""
    coarse, fine = _DPI[is_large]
    usual = (coarse + fine) / 2
    best: tuple[float, int, int, tuple[Cut, ...]] | None = None
    for wide in range(math.ceil(coarse * cell_in), math.floor(fine * cell_in) + 1):
        for high, cuts in _cuts(crops, wide, aspect):
            areas = zip(crops, cuts, strict=True)
            kept = [_area(cut.box) / _area(crop) for crop, cut in areas]
            cost = sum(1 - share for share in kept) + 0.02 * abs(wide / cell_in / usual - 1)
            if best is None or cost < best[0]:
                best = cost, wide, high, cuts
    if best is None:
        raise FigureError("these crops are too unlike in size for equal cells; choose others")
    return best[1:]


def _cuts(crops: Sequence[Crop], wide: int, aspect: float) -> Iterator[tuple[int, tuple[Cut, ...]]]:
    """The cuts that make cells so many dots wide; none where a crop would lose most of itself."""
    times = [_times(crop.width, wide) for crop in crops]
    if 0 in times:
        return
    shrinks = [max(1, crop.width // wide) for crop in crops]
    step = math.lcm(*times)
    most = min(crop.height * k // j for crop, k, j in zip(crops, times, shrinks, strict=True))
    high = min(max(step, round(wide / aspect / step) * step), most // step * step)
    if high <= 0:
        return
    scales = zip(crops, times, shrinks, strict=True)
    yield high, tuple(Cut(_middle(one, wide * j // k, high * j // k), k, j) for one, k, j in scales)


def _times(width: int, wide: int) -> int:
    """The least whole enlargement with which a crop fills its cell to the dot; 0 if none will."""
    least = -(-wide // width)
    return next((k for k in range(least, min(2 * least, wide) + 1) if wide % k == 0), 0)


def _middle(crop: Crop, width: int, height: int) -> Crop:
    x, y = crop.x + (crop.width - width) // 2, crop.y + (crop.height - height) // 2
    return Crop(x, y, width, height)


def _area(crop: Crop) -> int:
    return crop.width * crop.height
