"""The table of results as Markdown, LaTeX and CSV; the best of a column is bold.

A column that no row knows is left out.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple


class ResultRow(NamedTuple):
    """One line: a codec's file and how near its picture is to the original."""

    label: str
    bytes_file: int | None = None
    bpp: float | None = None
    psnr: float | None = None
    ms_ssim: float | None = None
    lpips: float | None = None
    dists: float | None = None
    encode_ms: float | None = None
    decode_ms: float | None = None
    lpips_student: float | None = None
    deviation: float | None = None
    """From the rate that was asked for, as a fraction."""


class Column(NamedTuple):
    """How a field is shown, and which way it is better."""

    field: str
    label: str
    digits: int
    better: int
    """+1 higher, -1 lower, 0 neither."""
    percent: bool = False


class Cell(NamedTuple):
    """A cell's text, and whether nothing in its column is better."""

    text: str
    best: bool = False


COLUMNS = (
    Column("bytes_file", "Bytes", 0, 0),
    Column("bpp", "bpp", 4, 0),
    Column("deviation", "Δ target [%]", 1, 0, percent=True),
    Column("psnr", "PSNR [dB]", 2, 1),
    Column("ms_ssim", "MS-SSIM", 4, 1),
    Column("lpips", "LPIPS", 4, -1),
    Column("lpips_student", "LPIPS (student)", 4, -1),
    Column("dists", "DISTS", 4, -1),
    Column("encode_ms", "Encode [ms]", 0, -1),
    Column("decode_ms", "Decode [ms]", 0, -1),
)
UNKNOWN = "n/a"
NOT_EQUAL = 0.1
"""A file further from its target than this is no equal: a short file is not a good one."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Δ": r"$\Delta$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def columns_of(rows: Sequence[ResultRow]) -> list[Column]:
    """The columns that at least one row has a value for."""
    return [one for one in COLUMNS if any(getattr(row, one.field) is not None for row in rows)]


def cells(rows: Sequence[ResultRow]) -> list[list[Cell]]:
    """The texts by row and column (without the label); ties at the shown digits are all best."""
    columns = columns_of(rows)
    best = [_best(rows, column) for column in columns]
    return [
        [
            Cell(text := _text(getattr(row, column.field), column), _competes(row) and text == top)
            for column, top in zip(columns, best, strict=True)
        ]
        for row in rows
    ]


def as_markdown(rows: Sequence[ResultRow]) -> str:
    """A GitHub table; the best of a column is bold."""
    heads = [column.label for column in columns_of(rows)]
    lines = ["| Codec | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for row, line in zip(rows, cells(rows), strict=True):
        texts = [f"**{cell.text}**" if cell.best else cell.text for cell in line]
        lines.append(f"| {escape_markdown(row.label)} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def as_latex(rows: Sequence[ResultRow]) -> str:
    """A booktabs table; the best of a column is bold."""
    heads = [_latex(column.label) for column in columns_of(rows)]
    lines = [
        r"\begin{tabular}{l" + "r" * len(heads) + "}",
        r"\toprule",
        "Codec & " + " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for row, line in zip(rows, cells(rows), strict=True):
        texts = [rf"\textbf{{{cell.text}}}" if cell.best else cell.text for cell in line]
        lines.append(f"{_latex(row.label)} & " + " & ".join(texts) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_csv(rows: Sequence[ResultRow]) -> str:
    """Full numbers under the columns' field names; an unknown one is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    fields = [column.field for column in columns_of(rows)]
    writer.writerow(["codec", *fields])
    for row in rows:
        values = [getattr(row, field) for field in fields]
        writer.writerow([_disarmed(row.label), *("" if v is None else v for v in values)])
    return text.getvalue()


def _best(rows: Sequence[ResultRow], column: Column) -> str:
    """The text of a column's best value among equals; with a single value nothing is best."""
    values = [getattr(row, column.field) for row in rows if _competes(row)]
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(known) < 2 or not column.better:
        return ""
    return _text(max(known, key=lambda value: column.better * value), column)


def _competes(row: ResultRow) -> bool:
    return row.deviation is None or abs(row.deviation) <= NOT_EQUAL


def _text(value: float | None, column: Column) -> str:
    if value is None or math.isnan(value):
        return UNKNOWN
    if column.percent:
        return f"{100 * value:+.{column.digits}f}"
    return "inf" if math.isinf(value) else f"{value:.{column.digits}f}"


def escape_markdown(text: str) -> str:
    """No pipe, markup or line break of a label may become part of the table."""
    plain = " ".join(text.split())
    for mark in "\\|<>*_`[]":
        plain = plain.replace(mark, f"\\{mark}")
    return plain


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _disarmed(text: str) -> str:
    """A spreadsheet must not run a label as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
