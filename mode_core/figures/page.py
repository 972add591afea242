"""A page in dots and what is put on it: pictures, boxes, lines of text, back to front."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from mode_core.figures.letters import ASCENT, LEADING, length
from mode_core.types import Image

RED, BLACK, GREY = "#e00000", "#111111", "#555555"
_INSET_PT = 1.5


class Picture(NamedTuple):
    """Pixels at a place; their size on the page is their own."""

    x: int
    y: int
    pixels: Image


class Frame(NamedTuple):
    """A red outline; the stroke lies inside."""

    x: float
    y: float
    width: float
    height: float
    stroke: float


class Patch(NamedTuple):
    """A white rectangle, for letters on pictures."""

    x: float
    y: float
    width: float
    height: float


class Words(NamedTuple):
    """A line of text; x is where it begins, or ends if it stands `right`, and y its base."""

    x: float
    y: float
    text: str
    points: float
    bold: bool = False
    colour: str = BLACK
    right: bool = False


@dataclass(slots=True)
class Page:
    """A page in dots and what is on it."""

    width: int
    height: int
    dpi: float
    title: str
    pictures: list[Picture] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


class Pen:
    """Puts things on a page; lengths are in dots, sizes of text in points."""

    def __init__(self, page: Page, points: float) -> None:
        self.page, self.points, self.dot = page, points, page.dpi / 72
        self.size = points * self.dot
        self.line = LEADING * self.size

    def write(self, x: float, top: float, text: str, **how: object) -> None:
        """A line whose upper edge is at `top`."""
        points = float(how.pop("points", self.points))  # type: ignore[arg-type]
        base = top + ASCENT * points * self.dot
        self.page.words.append(Words(x, base, text, points, **how))  # type: ignore[arg-type]

    def size_of(self, letter: str) -> tuple[float, float]:
        """How large a crop's letter is, with the white around it."""
        inset = _INSET_PT * self.dot
        return length(letter, self.size, bold=True) + 2 * inset, self.line + inset

    def letter(self, x: float, y: float, text: str) -> None:
        """A crop's letter in red on white, its upper left corner here."""
        inset = _INSET_PT * self.dot
        self.page.patches.append(Patch(x, y, *self.size_of(text)))
        self.write(x + inset, y + inset / 2, text, bold=True, colour=RED)
