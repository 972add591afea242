"""Folders of results files, as `bench` makes them: which they are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mode_core.errors import ResultsError
from mode_core.evaluation.rows import (
    PARTIAL_SUFFIX,
    TIMING_SUFFIX,
    WHOLE_SET,
    Row,
    has_columns_of_rows,
    read_rows,
)

_SHOWN = 5


def read_folder(folder: Path) -> list[Row]:
    """The rows of every results file of a folder such as results/kodak."""
    return [row for path in results_files(folder) for row in read_rows(path)]


def results_files(folder: Path) -> list[Path]:
    """Its results files by name; ResultsError if there are none."""
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder of results; {_others(folder)}")
    paths = _by_name(folder)
    if not paths:
        raise ResultsError(f"{folder} holds no results (*.csv); {_others(folder)}")
    # one that is empty may have been cut off, and its reader says what to do
    if not any(has_columns_of_rows(path) or not path.stat().st_size for path in paths):
        raise ResultsError(
            f"{folder} is no folder of bench results: {paths[0].name} has other columns; "
            f"{_others(folder)}"
        )
    return paths


def holds_rows(path: Path) -> bool:
    """Whether a CSV beside results is a results file, by its name."""
    return path.name != WHOLE_SET and not path.name.endswith((TIMING_SUFFIX, PARTIAL_SUFFIX))


def _by_name(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.csv")) if holds_rows(path)]


def _others(folder: Path) -> str:
    """Where there are results instead: in the folder, or beside it."""
    for place in (folder, folder.parent):
        if names := [str(one) for one in _folders_of_results(place)]:
            more = ", …" * (len(names) > _SHOWN)
            return f"choose {'one of ' * (len(names) > 1)}{', '.join(names[:_SHOWN])}{more}"
    return "`bench` makes one"


def _folders_of_results(place: Path) -> Iterator[Path]:
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        with suppress(OSError):  # what may not be looked into is not named
            if folder.is_dir() and any(map(has_columns_of_rows, _by_name(folder))):
                yield folder
