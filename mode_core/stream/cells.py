"""Lines of CSV files whose names may be anybody's: no spreadsheet runs them as formulas.

A text that begins like a formula gets an apostrophe in front, as people type it to say "this is
text". One that begins with apostrophes before such a sign gets one more, so that reading takes away
exactly what writing added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What begins a formula, also in the wide forms of these signs."""
_TO_QUOTE = re.compile('[",;\t\r\n]')
"""What separates cells anywhere: some spreadsheets cut at semicolons and tabs as well."""


def csv_line(cells: Iterable[object]) -> str:
    """One line, quoted where a cell could be taken for several."""
    return ",".join(_quoted(str(cell)) for cell in cells) + "\n"


def disarmed(text: str) -> str:
    """The cell for a text that anybody may have chosen."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(cell: str) -> str:
    """The text that a disarmed cell stands for."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if _TO_QUOTE.search(text) else text
