"""The numbers under the cells: of exactly what is seen, or of the whole picture; which are best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mode_core.figures.grid import Grid
from mode_core.figures.plan import CROPS, Crop, Figure
from mode_core.metrics import METRICS, Measured

DASH = "\u2013"
Ask = Callable[[int, Crop, Sequence[str]], Measured]
"""(pane, region, keys) -> values: of the pane of this number, in this part of the picture."""


class Shown(NamedTuple):
    """A number as it is printed."""

    text: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of each crop, or once of the whole picture, for each pane: the printed values by metric."""

    of: tuple[Crop, ...]
    shown: tuple[tuple[Mapping[str, Shown], ...], ...]
    small: Mapping[str, int]
    """Metrics that need a longer side than something here has, and how long."""
    missing: Mapping[str, str]
    """Metrics that were not to be had for another reason."""

    def texts(self) -> list[list[dict[str, str]]]:
        """What is printed, for the record."""
        return [[{k: one.text for k, one in pane.items()} for pane in part] for part in self.shown]


def numbers_of(figure: Figure, grid: Grid, ask: Ask) -> Numbers:
    """All that is printed of a figure; a metric is asked for only where it can be measured."""
    height, width, _ = figure.original.shape
    by_crop = figure.options.of == CROPS
    parts = tuple(cut.box for cut in grid.cuts) if by_crop else (Crop(0, 0, width, height),)
    small: dict[str, int] = {}
    missing: dict[str, str] = {}
    shown = []
    for part in parts:
        fit = [key for key in figure.options.metrics if min(part[2:]) >= METRICS[key].min_side]
        small |= {key: METRICS[key].min_side for key in figure.options.metrics if key not in fit}
        found = [ask(at, part, fit) for at in range(len(figure.panes))] if fit else []
        for one in found:
            missing |= one.missing
        values = [one.values for one in found] or [{} for _ in figure.panes]
        shown.append(_printed(figure, values))
    return Numbers(parts, tuple(shown), small, missing)


def _printed(
    figure: Figure, values: Sequence[Mapping[str, float]]
) -> tuple[Mapping[str, Shown], ...]:
    competing = [figure.competes(pane) for pane in figure.panes]
    printed: list[dict[str, Shown]] = [{} for _ in figure.panes]
    for key in figure.options.metrics:
        metric = METRICS[key]
        column = [one.get(key) for one in values]
        top = best_of(column, competing, metric.better)
        best = None if top is None else text_of(top, metric.digits)
        for pane, value, competes in zip(printed, column, competing, strict=True):
            text = text_of(value, metric.digits)
            pane[key] = Shown(text, competes and text == best)
    return tuple(printed)


def best_of(column: Sequence[float | None], competing: Sequence[bool], better: str) -> float | None:
    """The best of the values that compete; None where fewer than two do, or nothing is better."""
    some = [value for value, competes in zip(column, competing, strict=True) if competes]
    known = [value for value in some if value is not None and not math.isnan(value)]
    if len(known) < 2 or not better:
        return None
    return max(known) if better == "higher" else min(known)


def text_of(value: float | None, digits: int) -> str:
    """A number as it is printed; a dash where there is none."""
    if value is None or math.isnan(value):
        return DASH
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
