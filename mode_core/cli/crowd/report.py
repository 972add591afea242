"""What a crowd has met, in numbers: for a table, or as JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Any

from mode_core.cli.crowd.user import Kind, Outcome

_WITH_ANSWER = (Kind.ANSWERED, Kind.IN_PART)


def facts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many questions ended how, how long answers took, and what was said instead."""
    counts = Counter(one.kind for one in outcomes)
    waits = sorted(one.seconds for one in outcomes if one.kind in _WITH_ANSWER)
    return {
        "questions": {"asked": len(outcomes)} | {str(kind): counts[kind] for kind in Kind},
        "seconds": {
            "median": round(median(waits), 2),
            "95th percentile": round(percentile(waits, 0.95), 2),
            "worst": round(waits[-1], 2),
        }
        if waits
        else None,
        "words": _words(outcomes),
    }


def percentile(rising: Sequence[float], share: float) -> float:
    """The least value that so large a share of all values does not exceed."""
    return rising[max(0, ceil(share * len(rising)) - 1)]


def _words(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Sentences that differ in their numbers only are one, shown as it came first."""
    first: dict[tuple[Kind, str], str] = {}
    counts: Counter[tuple[Kind, str]] = Counter()
    for one in outcomes:
        if one.words:
            key = one.kind, re.sub(r"\d+", "#", one.words)
            first.setdefault(key, one.words)
            counts[key] += 1
    return [
        {"count": count, "kind": str(key[0]), "words": first[key]}
        for key, count in counts.most_common()
    ]
