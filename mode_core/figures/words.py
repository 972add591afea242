"""What a figure says beside its numbers: for its last lines and, in TeX, for its caption."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mode_core.figures.grid import NARROW_IN, Grid
from mode_core.figures.numbers import DASH, Numbers
from mode_core.figures.plan import NOT_EQUAL, PICTURE, Apart, Figure, Pane, letters
from mode_core.metrics import METRICS

MARK = "*"
"""Behind the name of a pane whose file has another size than was asked for, or an unknown one."""
RATE_DIGITS = 4
TIMES = " \u00d7 "


def name_of(figure: Figure, pane: Pane) -> str:
    """A pane's name, marked where it is not compared."""
    return pane.label if figure.competes(pane) else f"{pane.label}{MARK}"


def footnotes(figure: Figure, numbers: Numbers) -> list[str]:
    """What readers must know: what the numbers are of, what is missing, what is not compared."""
    return [*_scope(figure, numbers), *_gaps(numbers), *_unequal(figure)]


def credits_of(figure: Figure) -> list[str]:
    """Whose photograph it is, and whose weights made the pictures, on what terms."""
    said = []
    if photo := ", ".join(filter(None, (figure.title, figure.credit))):
        said.append(f"Photograph: {photo}.")
    terms: dict[str, list[str]] = {}
    for pane in figure.panes:
        if about := ": ".join(filter(None, (pane.whose, pane.licence))):
            terms.setdefault(about, []).append(pane.label)
    whose = [f"{listed(names)} ({about})" for about, names in terms.items()]
    return [*said, *([f"Weights: {'; '.join(whose)}."] if whose else [])]


def hints(figure: Figure, grid: Grid, numbers: Numbers) -> list[str]:
    """What whoever makes the figure may want to change."""
    said = []
    if round(grid.cell_in, 2) < NARROW_IN:  # whole dots make it a hair more or less
        said.append(f"Cells are {grid.cell_in:.2f} in wide: choose fewer panes or a wider figure.")
    for letter, crop, cut in zip(letters(len(grid.cuts)), figure.crops, grid.cuts, strict=True):
        name = f"Crop {letter}".strip()
        if cut.box[2:] != crop[2:]:
            size, whole = (
                f"{cut.box.width}{TIMES}{cut.box.height}",
                f"{crop.width}{TIMES}{crop.height}",
            )
            said.append(f"{name} shows {size} of {whole} pixels, for equal cells.")
        if cut.reduced > 1:
            said.append(
                f"{name} is reduced {cut.reduced} times, finer pixels than print shows: zoom in."
            )
    said += [f"No {METRICS[key].short}: {why}." for key, why in numbers.missing.items()]
    return said


def listed(names: Iterable[str]) -> str:
    """The names as a sentence has them, each once."""
    return ", ".join(dict.fromkeys(names))


def _scope(figure: Figure, numbers: Numbers) -> list[str]:
    labels = listed(METRICS[key].short for key in figure.options.metrics)
    if not labels:
        return []
    height, width, _ = figure.original.shape
    of = "each crop" if len(figure.crops) > 1 else "the crop"
    if figure.options.of == PICTURE:
        of = f"the whole picture, {width}{TIMES}{height} pixels"
    best = any(one.best for part in numbers.shown for pane in part for one in pane.values())
    return [f"{labels} of {of}, bpp of the whole file{'; best in bold' if best else ''}."]


def _gaps(numbers: Numbers) -> list[str]:
    if not numbers.small:
        return []
    needs: Sequence[str] = [
        f"{METRICS[key].short} needs sides of {side} pixels" for key, side in numbers.small.items()
    ]
    return [f"{DASH}: not measured at this size ({'; '.join(needs)})."]


def _unequal(figure: Figure) -> list[str]:
    """Each reason once, in one sentence that is true of every marked pane."""
    apart: dict[Apart, list[Pane]] = {}
    for pane in figure.panes:
        if (why := figure.apart(pane)) is not None:
            apart.setdefault(why, []).append(pane)
    if not apart:
        return []
    off = f"more than {NOT_EQUAL:.0%} off the size"
    words = {
        Apart.COMMON: f"{off} of {figure.bpp:.6g} bpp",
        Apart.OWN: f"{off} that was asked for",
        Apart.OTHERS: f"{off} of {figure.measure.label} ({_how_far(figure, apart)})",
        Apart.UNKNOWN: "of unknown size",
    }
    return [f"{MARK} Not compared: {' or '.join(words[why] for why in Apart if why in apart)}."]


def _how_far(figure: Figure, apart: Mapping[Apart, Sequence[Pane]]) -> str:
    """By how much the size of each differs from the one that most have."""
    common = figure.rate(figure.measure)
    return ", ".join(
        f"{pane.label} {rate / common - 1:+.0%}".replace("-", "\u2212")
        for pane in apart.get(Apart.OTHERS, ())
        if common and (rate := figure.rate(pane)) is not None
    )
