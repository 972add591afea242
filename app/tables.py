"""The table of results as Markdown, LaTeX and CSV; the best of a column is bold."""

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


class Column(NamedTuple):
    """How a field is shown, and which way it is better."""

    field: str
    label: str
    digits: int
    better: int
    """+1 higher, -1 lower."""


class Cell(NamedTuple):
    """A cell's text, and whether nothing in its column is better."""

    text: str
    best: bool = False


COLUMNS = (
    Column("bytes_file", "Bytes", 0, -1),
    Column("bpp", "bpp", 4, -1),
    Column("psnr", "PSNR [dB]", 2, 1),
    Column("ms_ssim", "MS-SSIM", 4, 1),
    Column("lpips", "LPIPS", 4, -1),
    Column("dists", "DISTS", 4, -1),
    Column("encode_ms", "Encode [ms]", 0, -1),
    Column("decode_ms", "Decode [ms]", 0, -1),
)
UNKNOWN = "n/a"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def cells(rows: Sequence[ResultRow]) -> list[list[Cell]]:
    """The texts by row and column (without the label); ties at the shown digits are all best."""
    best = [_best(rows, column) for column in COLUMNS]
    return [
        [
            Cell(text := _text(getattr(row, column.field), column), text != UNKNOWN and text == top)
            for column, top in zip(COLUMNS, best, strict=True)
        ]
        for row in rows
    ]


def as_markdown(rows: Sequence[ResultRow]) -> str:
    """A GitHub table; the best of a column is bold."""
    lines = [
        "| Codec | " + " | ".join(column.label for column in COLUMNS) + " |",
        "|---|" + "---:|" * len(COLUMNS),
    ]
    for row, line in zip(rows, cells(rows), strict=True):
        texts = [f"**{cell.text}**" if cell.best else cell.text for cell in line]
        lines.append(f"| {escape_markdown(row.label)} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def as_latex(rows: Sequence[ResultRow]) -> str:
    """A booktabs table; the best of a column is bold."""
    lines = [
        r"\begin{tabular}{l" + "r" * len(COLUMNS) + "}",
        r"\toprule",
        "Codec & " + " & ".join(column.label for column in COLUMNS) + r" \\",
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
    writer.writerow(["codec", *(column.field for column in COLUMNS)])
    for row in rows:
        values = [getattr(row, column.field) for column in COLUMNS]
        writer.writerow([_disarmed(row.label), *("" if v is None else v for v in values)])
    return text.getvalue()


def _best(rows: Sequence[ResultRow], column: Column) -> str:
    """The text of a column's best value; with a single value nothing is best."""
    values = [getattr(row, column.field) for row in rows]
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(known) < 2:
        return ""
    return _text(max(known, key=lambda value: column.better * value), column)


def _text(value: float | None, column: Column) -> str:
    if value is None or math.isnan(value):
        return UNKNOWN
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
