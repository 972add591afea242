"""The folder of results as curves, read again when a file in it changes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from app.axes import METRICS
from app.curves import Curve, our_curves, published_curves
from mode_core.errors import ResultsError
from mode_core.results import PARTIAL_SUFFIX, TIMING_SUFFIX, Row, read_published, read_rows

RESULTS = Path(__file__).resolve().parent.parent / "results"
PUBLISHED = Path("published") / "points.csv"


class Library(NamedTuple):
    """All that was measured or published; `problems` are sentences about unreadable files."""

    rows: tuple[Row, ...]
    curves: tuple[Curve, ...]
    problems: tuple[str, ...]

    @property
    def datasets(self) -> list[str]:
        """Ours first, then those with most published points."""
        sizes: dict[str, tuple[bool, int]] = {}
        for curve in self.curves:
            mine, size = sizes.get(curve.dataset, (False, 0))
            sizes[curve.dataset] = (mine or curve.kind == "ours", size + len(curve.points))
        return sorted(sizes, key=lambda name: (not sizes[name][0], -sizes[name][1], name))

    def of(self, dataset: str) -> list[Curve]:
        """The curves over one dataset."""
        return [curve for curve in self.curves if curve.dataset == dataset]

    @property
    def published_names(self) -> list[str]:
        """Every published codec, sorted: a codec keeps its place, and so its style, everywhere."""
        return sorted({curve.label for curve in self.curves if curve.kind == "published"})


def load_library(folder: Path = RESULTS) -> Library:
    """The library of a folder; the same object until a file changes."""
    files = sorted(folder.glob("*/*.csv"))
    stamp = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
    return _load(folder, stamp)


@lru_cache(maxsize=4)
def _load(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Library:
    rows: list[Row] = []
    problems: list[str] = []
    published = folder / PUBLISHED
    for path in (Path(name) for name, _, _ in stamp):
        if path.parent == published.parent or path.name.endswith((TIMING_SUFFIX, PARTIAL_SUFFIX)):
            continue
        try:
            rows += read_rows(path)
        except ResultsError as error:
            problems.append(_without_paths(error, folder))
    curves = our_curves(rows)
    if published.is_file():
        try:
            curves += published_curves(read_published(published))
        except ResultsError as error:
            problems.append(_without_paths(error, folder))
    return Library(tuple(rows), tuple(curves), tuple(problems))


def _without_paths(error: ResultsError, folder: Path) -> str:
    """The message with paths as they are in the repository, not on this machine."""
    return str(error).replace(f"{folder}/", "results/")


def metrics_of(curves: list[Curve]) -> list[str]:
    """The metrics that at least one of the curves has, in the order of the table."""
    known = {key for curve in curves for point in curve.points for key in point.values}
    return [key for key in METRICS if key in known]
