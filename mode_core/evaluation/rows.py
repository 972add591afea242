"""Results as typed CSV: one row per picture, codec, anchor and target.

A file is a list of one NamedTuple: its fields are the columns, its types cast the cells. The field
`values` stands for columns of the table of metrics: those that at least one row has a value of, and
`rate_name` is a column only where a row has one. A file that is read may lack any of them. An empty
cell means "not measured"; NaN is never written and never read.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple, TypeVar, get_type_hints

from mode_core.errors import ResultsError
from mode_core.metrics.table import BENCH_METRICS, COLUMNS, METRICS, Metric, metric_of
from mode_core.stream.atomic import write_atomic
from mode_core.stream.cells import as_written, csv_line, disarmed
from mode_core.types import number_in

TIMING_SUFFIX, PARTIAL_SUFFIX = ".timing.csv", ".partial.csv"
WHOLE_SET = "whole-set.csv"  # figures of all pictures together
THEIRS = "theirs"
"""The profile of rows whose pictures somebody else decoded: whatever their codec is called, it is
none of ours. Nothing was aimed at (`target_bpp` is 0), and their size is all payload."""
KEPT = "pictures"
"""The folder beside results where the pictures of others are kept."""
_SHOWN = 1000  # letters of a wrong header that an error repeats
_LONGEST_HEAD = 10_000
_BPP_TOLERANCE = 1e-3  # files that others made may be rounded; ours are exact


class Row(NamedTuple):
    """One decoded picture, measured. `bpp` counts every byte of the file, header included."""

    dataset: str
    image: str
    width: int
    height: int
    codec: str
    profile: str
    anchor: str
    target_bpp: float
    quality: int
    weights: str
    bytes_file: int
    bytes_payload: int
    bpp: float
    values: Mapping[str, float] = {}
    """Values of the metrics that were measured, by key."""
    rate_name: str = ""
    """What somebody else calls the rate of a picture, such as q3."""


class Timing(NamedTuple):
    """How long one row took; kept apart, because it differs from run to run."""

    image: str
    target_bpp: float
    anchor: str
    device: str
    threads: int
    encode_s: float
    decode_s: float


class PublishedPoint(NamedTuple):
    """An operating point that others published; group by (codec, dataset, source_ref)."""

    codec: str
    dataset: str
    metric_source: str
    source_ref: str
    quality: str
    bpp: float
    lpips_net: str
    notes: str
    values: Mapping[str, float] = {}
    """Values by metric; LPIPS of each network is a metric of its own."""


class WholeSet(NamedTuple):
    """FID and KID of all pictures of a set that one codec made at one rate; `bpp` is their mean."""

    dataset: str
    codec: str
    profile: str
    weights: str
    anchor: str
    target_bpp: float
    bpp: float
    pictures: int
    patches: int
    backbone: str
    backbone_tag: str
    features: int  # of each patch
    fid: float | None
    kid: float | None
    kid_std: float | None
    rate_name: str = ""


Measurement = tuple[Row, Timing | None]  # what somebody else decoded took no time here
Record = TypeVar("Record", Row, Timing, PublishedPoint, WholeSet)

# bpp is written in full: it must equal 8 * bytes_file / (width * height) to the last bit.
_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "target_bpp": "{:g}".format,
    "bpp": repr,
    "encode_s": "{:.4f}".format,
    "decode_s": "{:.4f}".format,
    **dict.fromkeys(("fid", "kid", "kid_std"), "{:.6g}".format),
    **{key: f"{{:.{METRICS[key].digits + 2}f}}".format for key in BENCH_METRICS},
}
_METRIC_COLUMNS: Mapping[type, tuple[str, ...]] = {Row: BENCH_METRICS, PublishedPoint: COLUMNS}
_SPARSE = "rate_name"
_MEND: Mapping[type, str] = {
    **dict.fromkeys((Row, Timing), "measure it anew with `bench --replace`, or delete it"),
    WholeSet: "delete it, and `bench --set-metrics` makes it anew",
    PublishedPoint: "restore it",
}
"""What can be done about a file that is empty or cut off."""


def row_key(row: Row) -> tuple[str, str, str, str, float, str, str]:
    """What makes a row unique, in the order of the file."""
    step = row.target_bpp, row.anchor, row.rate_name
    return row.dataset, row.codec, row.profile, row.image, *step


def timing_key(timing: Timing) -> tuple[str, float, str]:
    """What makes a timing unique, in the order of the file."""
    return timing.image, timing.target_bpp, timing.anchor


def whole_set_key(one: WholeSet) -> tuple[str | float, ...]:
    """What makes a figure of a whole set unique, in the order of the file."""
    return *one[:6], one.rate_name, one.backbone, one.backbone_tag


def kept_picture(folder: Path, row: Row) -> Path | None:
    """Where the picture behind a row of theirs is kept; None for names that lead elsewhere."""
    parts = row.codec, row.rate_name, f"{PurePath(row.image).stem}.png"
    if any(part in ("", ".", "..") or PurePath(part).name != part for part in parts):
        return None
    return folder.joinpath(KEPT, *parts)


def read_rows(path: Path) -> list[Row]:
    """The rows of one results file; ResultsError if any column or cell is not what it must be."""
    rows = []
    for line, row in enumerate(_records(path, Row), 2):
        expected = 8 * row.bytes_file / (row.width * row.height) if row.width * row.height else 0
        if not math.isclose(row.bpp, expected, rel_tol=_BPP_TOLERANCE):
            raise ResultsError(
                f"{path}, line {line}: bpp is {row.bpp:g}, but {row.bytes_file} bytes for "
                f"{row.width}x{row.height} pixels are {expected:g}"
            )
        rows.append(row)
    return rows


def read_timings(path: Path) -> list[Timing]:
    """The timings that belong to one results file."""
    return list(_records(path, Timing))


def read_published(path: Path) -> list[PublishedPoint]:
    """The operating points that others published (results/published/points.csv)."""
    return list(_records(path, PublishedPoint))


def read_whole_sets(folder: Path) -> list[WholeSet]:
    """The figures of whole sets of a folder of results; none if it has no such file."""
    return list(_records(path, WholeSet)) if (path := folder / WHOLE_SET).exists() else []


def write_whole_sets(folder: Path, sets: Iterable[WholeSet]) -> None:
    """The file, sorted."""
    path, ordered = folder / WHOLE_SET, sorted(sets, key=whole_set_key)
    write_atomic(path, _as_file(path, WholeSet, ordered))


def measured_metrics(rows: Sequence[Row]) -> list[Metric]:
    """The metrics that at least one row has, in the order of the table."""
    return [METRICS[key] for key in BENCH_METRICS if any(key in row.values for row in rows)]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """The file, sorted, so that equal rows are equal bytes."""
    write_atomic(path, as_file(rows, path))


def as_file(rows: Iterable[Row], path: Path = Path()) -> bytes:
    """What a file of these rows holds; an error names the path."""
    return _as_file(path, Row, sorted(rows, key=row_key))


def write_timings(path: Path, timings: Iterable[Timing]) -> None:
    """The file, sorted."""
    write_atomic(path, _as_file(path, Timing, sorted(timings, key=timing_key)))


def _as_file(path: Path, kind: type[Record], records: Iterable[Record]) -> bytes:
    all_cells = [record._asdict() for record in records]
    values: list[Mapping[str, float]] = [cells.pop("values", {}) for cells in all_cells]
    measured = {column for found in values for column in found}
    metrics: list[str] = [column for column in _METRIC_COLUMNS.get(kind, ()) if column in measured]
    named = any(cells.get(_SPARSE) for cells in all_cells)
    fixed: list[str] = [name for name in _fixed(kind) if named or name != _SPARSE]
    lines = [csv_line([*fixed, *metrics])]
    for cells, found in zip(all_cells, values, strict=True):
        line = [(column, cells[column]) for column in fixed]
        line += [(column, found.get(column)) for column in metrics]
        lines.append(csv_line(_cell(path, column, cell) for column, cell in line))
    return "".join(lines).encode(errors="backslashreplace")


def _cell(path: Path, column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return disarmed(value)
    if value != value:
        raise ValueError(f"{path}: {column} is NaN; leave a missing number empty")
    return _FORMATS.get(column, str)(value)


def has_columns_of_rows(path: Path) -> bool:
    """Whether the columns of a CSV are those of a results file."""
    with path.open("rb") as file:
        found = next(csv.reader([file.readline(_LONGEST_HEAD).decode(errors="replace")]), [])
    return _fixed(Row).keys() - {_SPARSE} <= {*found}


def _fixed(kind: type[Record]) -> dict[str, Any]:
    """The columns without the metrics', with their types."""
    return {name: hint for name, hint in get_type_hints(kind).items() if name != "values"}


def _records(path: Path, kind: type[Record]) -> Iterator[Record]:
    fixed: Mapping[str, Any] = _fixed(kind)
    more: Sequence[str] = _METRIC_COLUMNS.get(kind, ())
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            found: list[str] = next(lines, [])
            if not found:
                raise ResultsError(f"{path} is empty; {_MEND[kind]}")
            lacking = fixed.keys() - {*found, _SPARSE}
            if lacking or set(found) - fixed.keys() - set(more) or len(set(found)) < len(found):
                raise ResultsError(
                    f"{path}: the columns are {','.join(found)[:_SHOWN]}; "
                    f"expected {','.join([*fixed, *more])}"
                )
            hints = {name: fixed.get(name, float | None) for name in found}
            for cells in lines:
                yield _record(kind, hints, cells, f"{path}, line {lines.line_num}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"{path} is not a CSV file in UTF-8: {error}") from error


def _record(kind: type[Record], hints: dict[str, Any], cells: list[str], where: str) -> Record:
    if len(cells) != len(hints):
        raise ResultsError(
            f"{where}: {len(cells)} cells where {len(hints)} are expected; {_MEND[kind]}"
        )
    read: dict[str, Any] = {
        column: _parsed(text, hint, f"{where}, column {column}")
        for text, (column, hint) in zip(cells, hints.items(), strict=True)
    }
    if columns := _METRIC_COLUMNS.get(kind):
        net = read.get("lpips_net", "alex")
        found = {column: read.pop(column, None) for column in columns}
        known = {column: value for column, value in found.items() if value is not None}
        read["values"] = {metric_of(column, net).key: value for column, value in known.items()}
    return kind(**read)


def _parsed(text: str, hint: Any, where: str) -> str | int | float | None:
    if hint is str:
        return as_written(text)
    if hint == (float | None):
        if not text:
            return None
        hint = float
    try:
        value = number_in(text)
        value = int(text) if hint is int else value
    except ValueError:
        word = "a whole number" if hint is int else "a number"
        raise ResultsError(f"{where}: {text!r} is not {word}") from None
    if value != value:
        raise ResultsError(f"{where}: NaN is not a result; leave a missing number empty")
    return value
