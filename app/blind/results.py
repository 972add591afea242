"""What the votes of a test say, as its page shows it: the words of the command `votes`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.blind.opened import OpenTest
from app.server.demands import BadRequest
from app.server.reader import Unread
from mode_core.errors import ResultsError
from mode_core.metrics.table import joined
from mode_core.stream.cells import csv_line, disarmed
from mode_core.stream.sheets import Line, read_sheet
from mode_core.votes import words
from mode_core.votes.ranking import rank
from mode_core.votes.records import CHECK, ORIGINAL, Field
from mode_core.votes.sheet import MAX_VOTES, Sheet, pointed, read_votes

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
Sheets = Sequence[tuple[str, str]]


def ranked(sheets: Sheets) -> dict[str, Any]:
    """The ranking of files of votes; a function of its own, since a helper process computes it."""
    good, faults = _readable([Sheet(name, text) for name, text in sheets])
    if faults and not good:
        raise ResultsError(faults[0])
    votes, wrong = read_votes(good)
    if wrong:
        more = f" (and {len(wrong) - 1} more of that kind)" if wrong[1:] else ""
        raise ResultsError(f"nothing is ranked: {wrong[0]}{more}")
    ranking = rank(votes)
    nobody = [] if ranking.fields else ["No rater is left to rank by; all failed the checks."]
    return {
        "about": [*words.about_raters(ranking), *nobody],
        "head": list(words.HEAD),
        "fields": [_field(field) for field in ranking.fields],
        "faults": faults,
        "csv": together([sheet.text for sheet in good]),
    }


def gathered(sheets: Sheets) -> dict[str, Any]:
    """The votes to take away, without their ranking."""
    good, faults = _readable([Sheet(name, text) for name, text in sheets])
    return {"faults": faults, "csv": together([sheet.text for sheet in good])}


def _readable(sheets: Sequence[Sheet]) -> tuple[list[Sheet], list[str]]:
    """The files that are whole in themselves, and a sentence on each other one."""
    good, faults = [], []
    for sheet in sheets:
        _, wrong = read_votes([sheet])
        if wrong:
            faults.append(f"{sheet.name} is left out: {wrong[0]}")
        else:
            good.append(sheet)
    return good, faults


def _field(field: Field) -> dict[str, Any]:
    return {
        "rows": words.standing_rows(field),
        "about": [*words.about_field(field)],
        "metrics": words.metric_rows(field),
        "metric_head": list(words.METRIC_HEAD),
    }


def result(test: OpenTest, sheets: Sheets, compute: Callable[..., Any]) -> dict[str, Any]:
    """The ranking with what must be said beside it, and the votes to take away."""
    if not sheets:
        raise BadRequest("there are no answers yet")
    licences = test.prepared.licences if test.prepared else {}
    terms = [f"{name}: weights {licence}" for name, licence in licences.items() if licence]
    try:
        found: dict[str, Any] = compute(ranked, sheets)
    except Unread as error:
        # Sealed answers have their names nowhere else: they can be saved all the same.
        found = {"unranked": str(error)} | compute(gathered, sheets)
    return found | {"licences": terms}


def own_part(text: str) -> dict[str, Any]:
    """What one rater did: trial by trial, with the names, and how the checks went."""
    rows = [*csv.DictReader(io.StringIO(text))]
    checks = [row for row in rows if row["kind"] == CHECK]
    right = sum(row[row["answer"]] == ORIGINAL for row in checks if row["answer"] in row)
    keys = ("trial", "kind", "picture", "left", "right", "answer", "unequal_bytes")
    return {
        "checks": len(checks),
        "right": right,
        "own": [[row[key] for key in keys] for row in rows],
    }


def together(texts: Sequence[str]) -> str:
    """Files of one test as one, read as the votes are: nothing of a stranger runs as a formula."""
    tables = [[*_table(text)] for text in texts]
    header = list(dict.fromkeys(name for table in tables for line in table for name in line))
    lines = [csv_line(map(disarmed, header))]
    lines += [
        csv_line(_cell(line.get(name, "")) for name in header) for table in tables for line in table
    ]
    return "".join(lines)


def _table(text: str) -> Iterator[Line]:
    commas = "," in text.lstrip("\ufeff \r\n").partition("\n")[0]
    _, _, lines = read_sheet(text, joined, MAX_VOTES)
    for _, line in lines:
        yield line if commas else {name: pointed(name, cell) for name, cell in line.items()}


def _cell(text: str) -> str:
    """A number stays one, with its sign."""
    return text if _NUMBER.fullmatch(text) else disarmed(text)
