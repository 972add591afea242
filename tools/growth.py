"""What measures of growth share: lists on the command line, and a CSV that only ever gains rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def numbers(text: str) -> list[int]:
    """With commas between them."""
    return [int(one) for one in text.split(",")]


def add_rows(path: Path, fields: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write each row as it comes: what was measured before an interruption stays."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in rows:
            writer.writerow(row)
            file.flush()
