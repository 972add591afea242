"""Tables that people save from spreadsheets: any usual separator, a byte order mark, gaps."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

from mode_core.errors import ResultsError
from mode_core.stream.cells import as_written

SIZES = "sizes.csv"
"""The table beside decoded pictures that says how many bytes each was decoded from."""
MAX_COLUMNS = 200
_MOST_BYTES_DIGITS = 12
_NUMBER = re.compile(r"\d{1,15}(\.\d{0,15})?|\.\d{1,15}", re.ASCII)
Line = Mapping[str, str]
Name = TypeVar("Name", bound=Hashable)


def refused(sentence: str) -> None:
    """What a wrong row is answered with unless a reader would rather know all of them."""
    raise ResultsError(sentence)


def read_sheet(
    text: str,
    column: Callable[[str], str],
    max_rows: int,
    refuse: Callable[[str], None] = refused,
) -> tuple[list[str], list[str], Iterator[tuple[int, Line]]]:
    """The names of the columns, what the file calls them, and each row with its line number."""
    text = text.removeprefix("\ufeff").lstrip()
    if "\0" in text:
        raise ResultsError("the file is not text; save it as CSV (UTF-8)")
    rows = rows_of(text, max_rows)
    if len(rows) > max_rows + 1:
        raise ResultsError(f"the file has more than {max_rows} rows, which is the most")
    cells = rows[0] if rows else []
    header = _header(cells, column)
    return header, cells, _numbered(header, rows[1:], refuse)


def rows_of(text: str, max_rows: int) -> list[list[str]]:
    """The header and the rows of a table, one more of them than there may be if there are more."""
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return list(islice(reader, max_rows + 2))
    except csv.Error as error:
        raise ResultsError(f"line {reader.line_num}: {error}") from error


def bytes_in(text: str) -> int | None:
    """The size of a file as a table states it; None for what is no whole number above 0."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_BYTES_DIGITS
    return int(text) or None if plain else None


def alike(name: str) -> str:
    """What names that people take for one have in common: ELIC and elic, 0.1 and 0.10."""
    return str(float(name)) if _NUMBER.fullmatch(name) else name.casefold()


class Known(Generic[Name]):
    """Names to be found as others write them, where only one can be meant."""

    def __init__(self, names: Iterable[Name], like: Callable[[Name], Hashable]) -> None:
        self._names, self._like = frozenset(names), like
        self._alike: dict[Hashable, list[Name]] = defaultdict(list)
        for name in self._names:
            self._alike[like(name)].append(name)

    def find(self, wanted: Name) -> Name | None:
        """This very name, or else the only one that is like it."""
        found = [wanted] if wanted in self._names else self._alike.get(self._like(wanted), [])
        return found[0] if len(found) == 1 else None


def _header(cells: Sequence[str], column: Callable[[str], str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise ResultsError(f"the header has {len(cells)} columns; at most {MAX_COLUMNS} are read")
    header = [column(cell) for cell in cells]
    twice = sorted(name for name, count in Counter(header).items() if count > 1 and name)
    if twice:
        raise ResultsError(f"the header names {twice[0][:40]!r} twice")
    return header


def need_columns(
    needed: Sequence[str], header: Sequence[str], cells: Sequence[str], wanted: str
) -> None:
    """ResultsError if a column is lacking; it shows the columns under the user's own names."""
    missing = [name for name in needed if name not in header]
    if missing:
        raise ResultsError(
            f"the header has no {' and no '.join(map(repr, missing))}; "
            f"it needs {wanted}, and has {shown(cells)}"
        )


def shown(cells: Sequence[str]) -> str:
    """The cells of a header for a sentence."""
    return ", ".join(repr(cell.strip()[:40]) for cell in cells[:20]) or "nothing"


def _numbered(
    header: Sequence[str], rows: Sequence[Sequence[str]], refuse: Callable[[str], None]
) -> Iterator[tuple[int, Line]]:
    for line_number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            refuse(f"line {line_number} has {len(row)} cells, the header has {len(header)}")
            continue
        texts = (as_written(cell.strip()) for cell in row)
        yield line_number, dict(zip(header, texts, strict=True))
