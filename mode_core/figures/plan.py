"""What a figure shows, and how: checked here, because anybody may have written it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

from mode_core.errors import ModeError
from mode_core.metrics.table import MEASURABLE
from mode_core.types import Image

MAX_CROPS, MAX_PANES = 4, 12
WIDTHS = (2.0, 10.0)
"""Inches: from half a column to the width of a large page."""
TEXTS = (7.0, 7.5, 8.0)
"""Points: what is smaller is hard to read in print, what is larger exceeds captions."""
CROPS, PICTURE = "crops", "picture"
NOT_EQUAL = 0.1
"""A file further from its target than this fraction is never best: being small is no merit."""


class FigureError(ModeError):
    """The figure that was asked for cannot be drawn."""


class Crop(NamedTuple):
    """A region in picture pixels."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: Image) -> Image:
        """Its pixels."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, slots=True)
class Options:
    """How a figure is laid out."""

    width_in: float = 3.25
    text_pt: float = 7.0
    rows: int = 0
    """Rows of cells for each crop; 0 takes two where one would make them too narrow."""
    metrics: tuple[str, ...] = ("psnr", "lpips")
    of: str = CROPS
    """What is measured: each crop by itself, or the whole picture."""
    whole: bool = True
    """Whether the whole picture stands beside, with a red box around each crop."""

    @classmethod
    def parse(cls, data: object) -> Options:
        """FigureError unless all of it makes sense; what is not named is as usual."""
        if not isinstance(data, dict) or not set(data) <= {*cls.__slots__}:
            raise FigureError(f"options of a figure are {', '.join(cls.__slots__)}")
        usual = cls()
        wish = asdict(usual) | data
        width, text = _number(wish["width_in"]), _number(wish["text_pt"])
        if not WIDTHS[0] <= width <= WIDTHS[1]:
            raise FigureError(f"a figure is {WIDTHS[0]:g} to {WIDTHS[1]:g} inches wide")
        if text not in TEXTS:
            raise FigureError(f"text of a figure has {', '.join(f'{pt:g}' for pt in TEXTS)} points")
        if type(wish["rows"]) is not int or not 0 <= wish["rows"] <= 2:
            raise FigureError("a crop has 1 or 2 rows of cells; 0 takes what fits")
        if wish["of"] not in (CROPS, PICTURE):
            raise FigureError(f"numbers of a figure are of {CROPS} or of the {PICTURE}")
        if type(wish["whole"]) is not bool:
            raise FigureError("whether the whole picture is shown is true or false")
        return cls(width, text, wish["rows"], _metrics(wish["metrics"]), wish["of"], wish["whole"])

    def as_json(self) -> dict[str, Any]:
        """What `parse` reads."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Pane:
    """One decoded picture, and what is known of its file."""

    label: str
    image: Image = field(repr=False)
    bytes_file: int | None = None
    """None where nobody has said how large it is."""
    target_bpp: float | None = None
    """The rate that its codec was asked for."""
    whose: str = ""
    """Who trained the weights that drew it; empty where there are none."""
    licence: str = ""
    """The licence of those weights, where they are others'."""


class Apart(Enum):
    """Why a pane is not compared."""

    COMMON = auto()
    """Its size is not the common one."""
    OWN = auto()
    """It is not the one that was asked for of this pane."""
    OTHERS = auto()
    """There is no common one, and it is not that of the others."""
    UNKNOWN = auto()
    """Nobody has said what it is."""


@dataclass(frozen=True, slots=True)
class Figure:
    """All that is drawn, but for the numbers."""

    original: Image = field(repr=False)
    panes: tuple[Pane, ...]
    crops: tuple[Crop, ...]
    options: Options = Options()
    bpp: float = 0.0
    """The rate that codecs were asked for; 0 where there is none."""
    title: str = ""
    credit: str = ""

    def __post_init__(self) -> None:
        check(self.original, [(one.label, one.image.shape) for one in self.panes], self.crops)

    def rate(self, pane: Pane) -> float | None:
        """Bits per pixel of a pane's file, if its size is known."""
        height, width, _ = self.original.shape
        return None if pane.bytes_file is None else 8 * pane.bytes_file / (width * height)

    def competes(self, pane: Pane) -> bool:
        """Whether a pane's file is known to have the size that was asked for, and of the others."""
        return self.apart(pane) is None

    def apart(self, pane: Pane) -> Apart | None:
        """Why a pane is not compared with the others; None where it is."""
        rate = self.rate(pane)
        if rate is None:
            return Apart.UNKNOWN
        if self.bpp and _differ(rate, self.bpp):
            return Apart.COMMON
        if pane.target_bpp and _differ(rate, pane.target_bpp):
            return Apart.OWN
        if not self.bpp and _differ(rate, self.rate(self.measure) or rate):
            return Apart.OTHERS
        return None

    @property
    def measure(self) -> Pane:
        """Without a common rate: the pane whose size most others have, the first of several."""
        rates = [rate for pane in self.panes if (rate := self.rate(pane)) is not None]
        return max(
            self.panes,
            key=lambda pane: sum(
                not _differ(one, own) for one in rates if (own := self.rate(pane)) is not None
            ),
        )


def _differ(rate: float, wish: float) -> bool:
    return abs(rate / wish - 1) > NOT_EQUAL


def check(
    original: Image, panes: Sequence[tuple[str, tuple[int, ...]]], crops: Sequence[Crop]
) -> None:
    """FigureError unless there are as many panes and crops as can be drawn, of one picture."""
    height, width, _ = original.shape
    if not 1 <= len(panes) <= MAX_PANES:
        raise FigureError(f"a figure takes 1 to {MAX_PANES} panes, not {len(panes)}")
    if not 1 <= len(crops) <= MAX_CROPS:
        raise FigureError(f"a figure takes 1 to {MAX_CROPS} crops, not {len(crops)}")
    for label, shape in panes:
        if shape != original.shape:
            raise FigureError(f"{label} has another size than the original")
    for crop in crops:
        inside = crop.x >= 0 and crop.y >= 0 and min(crop.width, crop.height) > 0
        if not inside or crop.x + crop.width > width or crop.y + crop.height > height:
            raise FigureError(
                f"the crop {crop.width}x{crop.height} at {crop.x},{crop.y} is not inside the "
                f"picture of {width}x{height} pixels"
            )


def crop_of(value: object) -> Crop:
    """A crop as JSON has it."""
    match value:
        case [int(x), int(y), int(width), int(height)] if bool not in map(type, value):
            return Crop(x, y, width, height)
    raise FigureError("a crop is [x, y, width, height] in whole pixels")


def letters(count: int) -> list[str]:
    """What crops are called where there are several: (a), (b), …"""
    return [f"({letter})" for letter in "abcd"[:count]] if count > 1 else [""] * count


def _metrics(value: object) -> tuple[str, ...]:
    keys = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(key, str) and key in MEASURABLE for key in keys):
        raise FigureError(f"metrics of a figure are some of {', '.join(MEASURABLE)}")
    return tuple(key for key in MEASURABLE if key in keys)


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e6 else math.nan  # type: ignore[arg-type]
