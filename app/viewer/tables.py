"""The table of results as Markdown, LaTeX and CSV; the best of a column is bold.

A column that no row knows is left out. What the numbers are of, the whole picture or a part of it,
stands with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mode_core.figures.numbers import best_of
from mode_core.figures.plan import NOT_EQUAL
from mode_core.figures.tex import escaped
from mode_core.metrics.table import MEASURABLE
from mode_core.stream.cells import csv_line, disarmed


class ResultRow(NamedTuple):
    """One line: a codec's file and how near its picture is to the original, by column."""

    label: str
    values: Mapping[str, float | None]
    comparable: bool = True
    """Whether its file is known to have the size of the others; if not it is never the best."""


class Column(NamedTuple):
    """How a value is shown, and which way it is better."""

    key: str
    label: str
    digits: int
    better: str = ""
    """higher, lower, or neither."""
    percent: bool = False


class Cell(NamedTuple):
    """A cell's text, and whether nothing in its column is better."""

    text: str
    best: bool = False


COLUMNS = (
    Column("bytes_file", "Bytes", 0),
    Column("bpp", "bpp", 4),
    Column("deviation", "Δ target [%]", 1, percent=True),  # kept as a fraction
    *(Column(one.key, one.heading, one.digits, one.better) for one in MEASURABLE.values()),
    Column("encode_ms", "Encode [ms]", 0, "lower"),
    Column("decode_ms", "Decode [ms]", 0, "lower"),
)
UNKNOWN = "n/a"


def columns_of(rows: Sequence[ResultRow]) -> list[Column]:
    """The columns that at least one row has a value for."""
    return [one for one in COLUMNS if any(row.values.get(one.key) is not None for row in rows)]


def cells(rows: Sequence[ResultRow]) -> list[list[Cell]]:
    """The texts by row and column (without the label); ties at the shown digits are all best."""
    columns = columns_of(rows)
    best = [_best(rows, column) for column in columns]
    return [
        [
            Cell(text := _text(row.values.get(column.key), column), _competes(row) and text == top)
            for column, top in zip(columns, best, strict=True)
        ]
        for row in rows
    ]


def as_markdown(rows: Sequence[ResultRow], of: str = "") -> str:
    """A GitHub table; the best of a column is bold. A line below says what the numbers are `of`."""
    heads = [column.label for column in columns_of(rows)]
    lines = ["| Codec | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for row, line in zip(rows, cells(rows), strict=True):
        texts = [f"**{cell.text}**" if cell.best else cell.text for cell in line]
        lines.append(f"| {escape_markdown(row.label)} | " + " | ".join(texts) + " |")
    return "\n".join([*lines, *_below(of, "\nNumbers of {}.")]) + "\n"


def as_latex(rows: Sequence[ResultRow], of: str = "") -> str:
    """A booktabs table; the best of a column is bold. A comment says what the numbers are `of`."""
    heads = [escaped(column.label) for column in columns_of(rows)]
    lines = [
        r"\begin{tabular}{l" + "r" * len(heads) + "}",
        r"\toprule",
        "Codec & " + " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for row, line in zip(rows, cells(rows), strict=True):
        texts = [rf"\textbf{{{cell.text}}}" if cell.best else cell.text for cell in line]
        lines.append(f"{escaped(row.label)} & " + " & ".join(texts) + r" \\")
    end = [r"\bottomrule", r"\end{tabular}", *_below(of, "% Numbers of {}.")]
    return "\n".join([*lines, *end]) + "\n"


def as_csv(rows: Sequence[ResultRow], of: str = "") -> str:
    """Full numbers under the columns' keys, none an empty cell; and what they are `of`."""
    keys = [column.key for column in columns_of(rows)]
    lines = [csv_line(["codec", *keys, *_below(of, "numbers_of")])]
    for row in rows:
        values = [row.values.get(key) for key in keys]
        cells = ["" if v is None else v for v in values]
        lines.append(csv_line([disarmed(row.label), *cells, *_below(of, "{}")]))
    return "".join(lines)


def _below(of: str, words: str) -> list[str]:
    """The words around what the numbers are of; nothing where nobody said."""
    return [words.format(of)] if of else []


def _best(rows: Sequence[ResultRow], column: Column) -> str:
    """The text of a column's best value among files near their target; empty for one value."""
    values = [row.values.get(column.key) for row in rows]
    best = best_of(values, [_competes(row) for row in rows], column.better)
    return "" if best is None else _text(best, column)


def _competes(row: ResultRow) -> bool:
    return row.comparable and abs(row.values.get("deviation") or 0) <= NOT_EQUAL


def _text(value: float | None, column: Column) -> str:
    if value is None or math.isnan(value):
        return UNKNOWN
    if column.percent:
        return f"{100 * value:+.{column.digits}f}"
    return "inf" if math.isinf(value) else f"{value:.{column.digits}f}"


def escape_markdown(text: str) -> str:
    """The label with its markup escaped and without line breaks, so that the table stays whole."""
    plain = " ".join(text.split())
    for mark in "\\|<>*_`[]":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
