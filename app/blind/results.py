"""What the votes of a test say, as its page shows it: the words of the command `votes`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from app.blind.opened import OpenTest
from app.server.demands import BadRequest
from mode_core.errors import ResultsError
from mode_core.votes import words
from mode_core.votes.ranking import rank
from mode_core.votes.records import CHECK, ORIGINAL, Field
from mode_core.votes.sheet import Sheet, read_votes

Sheets = Sequence[tuple[str, str]]


def ranked(sheets: Sheets) -> dict[str, Any]:
    """The ranking of files of votes; a function of its own, since a helper process computes it."""
    votes, wrong = read_votes([Sheet(name, text) for name, text in sheets])
    if wrong:
        more = f" (and {len(wrong) - 1} more of that kind)" if wrong[1:] else ""
        raise ResultsError(f"nothing is ranked: {wrong[0]}{more}")
    ranking = rank(votes)
    nobody = [] if ranking.fields else ["No rater is left to rank by; all failed the checks."]
    return {
        "about": [*words.about_raters(ranking), *nobody],
        "head": list(words.HEAD),
        "fields": [_field(field) for field in ranking.fields],
    }


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
    found: dict[str, Any] = compute(ranked, sheets)
    return found | {"licences": terms, "csv": together([text for _, text in sheets])}


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
    """Files of one test as one: they have the same columns, unless metrics came in between."""
    tables = [[*csv.reader(io.StringIO(text, newline=""))] for text in texts]
    header = list(dict.fromkeys(name for table in tables for name in table[0]))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    for table in tables:
        writer.writerows(dict(zip(table[0], row, strict=False)) for row in table[1:])
    return out.getvalue()
