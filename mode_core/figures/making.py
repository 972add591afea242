"""From what a figure shows to its files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from mode_core.figures.draw import to_pdf, to_png
from mode_core.figures.grid import Grid, grid_of
from mode_core.figures.layout import page_of
from mode_core.figures.numbers import Ask, Numbers, numbers_of
from mode_core.figures.page import Page
from mode_core.figures.plan import Figure
from mode_core.figures.record import NAME
from mode_core.figures.tex import to_tex
from mode_core.figures.words import hints

_NO_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Laid:
    """A figure that is laid out and not drawn yet."""

    figure: Figure
    grid: Grid
    numbers: Numbers
    page: Page = field(repr=False)

    @property
    def hints(self) -> list[str]:
        """What whoever makes it may want to change."""
        return hints(self.figure, self.grid, self.numbers)

    @property
    def inches(self) -> tuple[float, float]:
        """Its size in print."""
        return self.page.width / self.page.dpi, self.page.height / self.page.dpi

    def preview(self, dots: int) -> bytes:
        """The same layout as a small PNG, at most so many dots wide."""
        return to_png(self.page, dots)

    def drawn(self, ending: str) -> bytes:
        """One of its files: pdf, png or tex."""
        match ending:
            case "pdf":
                return to_pdf(self.page)
            case "png":
                return to_png(self.page)
            case "tex":
                return to_tex(self.figure, self.grid, self.numbers, f"{NAME}.pdf").encode()
        raise ValueError(f"a figure is no {ending}")


@dataclass(frozen=True, slots=True)
class Made:
    """A figure with all its files, by their endings."""

    laid: Laid
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def numbers(self) -> Numbers:
        """What is printed under its cells."""
        return self.laid.numbers


ENDINGS = ("pdf", "png", "tex")


def lay(figure: Figure, ask: Ask) -> Laid:
    """Measure what is shown, and find everything its place."""
    grid = grid_of(figure)
    numbers = numbers_of(figure, grid, ask)
    return Laid(figure, grid, numbers, page_of(figure, grid, numbers))


def make(figure: Figure, ask: Ask) -> Made:
    """The figure with all its files."""
    laid = lay(figure, ask)
    return Made(laid, {ending: laid.drawn(ending) for ending in ENDINGS})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files by their names as a zip in one folder, the same bytes every time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{NAME}/{name}", _NO_DATE)
            stores = name.endswith((".png", ".mode"))
            entry.compress_type = zipfile.ZIP_STORED if stores else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return target.getvalue()
