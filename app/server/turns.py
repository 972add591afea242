"""Whose turn it is, and where: visitors one after the other, however much each of them wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from threading import Condition
from typing import Generic, TypeVar

from cachetools import LRUCache

from app.server.process import Unwanted, Wanted, always

_POLL_S = 0.3
"""Seconds between two looks at whether somebody who waits is still there."""
_REMEMBERED = 256
"""Pictures of which it is known where they were worked on last."""
T = TypeVar("T")


class Rounds(Generic[T]):
    """What waits, in rounds: one of each visitor, then the next of each.

    Rounds need no memory of who had how much before, so everybody can count what comes first.
    Not thread-safe: who uses it holds a lock.
    """

    def __init__(self) -> None:
        self._of: dict[str, list[T]] = {}
        """Visitors in the order of their turns, each with what they wait for."""
        self._at_work: list[str] = []
        """Whose turns have not ended, and"""
        self._last = ""
        """whose came last."""

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __iter__(self) -> Iterator[T]:
        """All that waits, as it will be served if nothing else comes."""
        for each in zip_longest(*self._of.values()):
            yield from (one for one in each if one is not None)

    def of(self, visitor: str) -> Sequence[T]:
        """What this visitor waits for."""
        return self._of.get(visitor, ())

    def add(self, visitor: str, one: T) -> None:
        """The last of this visitor; those who are served just now come after every newcomer."""
        self._of.setdefault(visitor, []).append(one)
        self._to_the_end(*self._at_work, self._last)

    def remove(self, visitor: str, one: T) -> None:
        """It waits no longer, which costs its visitor no turn."""
        self._of[visitor].remove(one)
        if not self._of[visitor]:
            del self._of[visitor]

    def serve(self) -> T:
        """What is first, which waits no longer; all others come before its visitor's next."""
        visitor, (first, *_) = next(iter(self._of.items()))
        self.remove(visitor, first)
        self._at_work.append(visitor)
        self._last = visitor
        self._to_the_end(visitor)
        return first

    def ended(self, visitor: str) -> None:
        """One of this visitor's turns is over."""
        self._at_work.remove(visitor)

    def surplus(self, visitor: str) -> T:
        """The newest of whoever has most: this visitor, if nobody has more, or who comes last."""
        most = max(reversed(self._of), key=lambda one: (len(self._of[one]), one == visitor))
        return self._of[most][-1]

    def _to_the_end(self, *visitors: str) -> None:
        for visitor in visitors:
            if visitor in self._of:
                self._of[visitor] = self._of.pop(visitor)


class Places(Generic[T]):
    """Who is at work where, and which pictures each place has had. Not thread-safe, as Rounds.

    A picture goes where it was before if that place is free: what its process has loaded or kept
    of it is there. It never waits for that, since another free place is sooner done with it.
    """

    def __init__(self, count: int = 1) -> None:
        self._at: list[T | None] = [None] * count
        self._had: LRUCache[str, int] = LRUCache(_REMEMBERED)

    @property
    def busy(self) -> list[T]:
        """All who are at work."""
        return [one for one in self._at if one is not None]

    @property
    def free(self) -> int:
        """How many places there are for more."""
        return self._at.count(None)

    def take(self, one: T, picture: str = "") -> int:
        """A free place from now on, the one that has had this picture if that is free."""
        place = self._had.get(picture, 0)
        if self._at[place] is not None:
            place = self._at.index(None)
        self._at[place] = one
        if picture:
            self._had[picture] = place
        return place

    def leave(self, place: int) -> None:
        """It is free again."""
        self._at[place] = None


class Turns:
    """As many threads at a time as there are places, in rounds of all visitors."""

    def __init__(self, places: int = 1) -> None:
        self._waiting: Rounds[object] = Rounds()
        self._places: Places[object] = Places(places)
        self._changed = Condition()

    @contextmanager
    def turn(self, visitor: str, wanted: Wanted = always, picture: str = "") -> Iterator[int]:
        """Wait for this visitor's turn and hold it, at the place that this gives.

        Unwanted if nobody waits for it any more.
        """
        me = object()
        with self._changed:
            self._admit(visitor)
            self._waiting.add(visitor, me)
        try:
            while (place := self._taken(me, picture)) is None:
                if not wanted():
                    raise Unwanted("nobody waits for this turn any more")
                self._check(visitor, me)
        except BaseException:
            with self._changed:
                self._waiting.remove(visitor, me)
                self._changed.notify_all()
            raise
        try:
            yield place
        finally:
            with self._changed:
                self._places.leave(place)
                self._waiting.ended(visitor)
                self._changed.notify_all()

    def _admit(self, visitor: str) -> None:
        """Raise an error if this visitor may not wait as well; the lock is held."""

    def _check(self, visitor: str, me: object) -> None:
        """Raise an error if this may not go on waiting."""

    def _taken(self, me: object, picture: str) -> int | None:
        """The place if it is our turn now; None, after a moment's wait, if it is not."""
        with self._changed:
            if not self._places.free or next(iter(self._waiting)) is not me:
                self._changed.wait(_POLL_S)
                return None
            self._waiting.serve()
            place = self._places.take(me, picture)
            if self._places.free:
                self._changed.notify_all()
            return place
