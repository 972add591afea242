"""Whose tests may have a place in the operator's folder of votes: so many of each visitor."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from time import monotonic
from typing import NamedTuple

from mode_core.errors import ModeError

MOST_TESTS, MOST_EACH = 2000, 40
"""Tests in the folder, and those that one visitor has made: nobody fills it for all others."""
COUNTED_S = 30 * 24 * 3600.0
"""For so long a test counts for who has made it; what it left stays the operator's."""
_SHORT = 8
"""Letters of a test's id in names of its raters and of its folder."""


class _Taken(NamedTuple):
    visitor: str
    since: float


def short_id(test: str) -> str:
    """What names in votes have of a test's id."""
    return test[:_SHORT]


class Places:
    """The folder's places. Who made a test is in memory alone, so a restart forgets it.

    A place is taken by the first answers that are handed in: tests that nobody finishes hold none,
    and answers that a rater was told are stored are never removed for those of others.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._taken: dict[str, _Taken] = {}
        self._lock = Lock()

    def refusal(self, visitor: str) -> str:
        """Why a new test of this visitor would get no place; empty if it would."""
        with self._lock:
            return self._refusal(visitor)

    def take(self, test: str, visitor: str) -> Path:
        """The folder of a test; ModeError says why there is none."""
        if self.folder is None:
            raise ModeError("this server keeps no answers")
        place = self.folder / f"blind-{short_id(test)}"
        with self._lock:
            if not place.is_dir():
                if said := self._refusal(visitor):
                    raise ModeError(said)
                place.mkdir()
                self._taken[test] = _Taken(visitor, monotonic())
        return place

    def _refusal(self, visitor: str) -> str:
        now = monotonic()
        self._taken = {
            test: one for test, one in self._taken.items() if now - one.since < COUNTED_S
        }
        own = sum(one.visitor == visitor for one in self._taken.values())
        if own >= MOST_EACH:
            return (
                f"this server keeps the answers of {MOST_EACH} tests from one address in 30 days, "
                "and the address that made this one has as many"
            )
        if self._count() >= MOST_TESTS:
            return "the server's folder of votes is full"
        return ""

    def _count(self) -> int:
        try:
            return sum(1 for _ in self.folder.iterdir()) if self.folder else 0
        except OSError:
            return 0  # whoever writes there is told what is wrong
