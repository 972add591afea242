"""Whose turn it is: visitors one after the other, however much each of them wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from threading import Condition
from typing import Generic, TypeVar

from app.server.process import Unwanted, Wanted, always

_POLL_S = 0.3
"""Seconds between two looks at whether somebody who waits is still there."""
T = TypeVar("T")


class Rounds(Generic[T]):
    """What waits, in rounds: one of each visitor, then the next of each.

    Rounds need no memory of who had how much before, so everybody can count what comes first.
    Not thread-safe: who uses it holds a lock.
    """

    def __init__(self) -> None:
        self._of: dict[str, list[T]] = {}
        """Visitors in the order of their turns, each with what they wait for."""
        self._served: str | None = None

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
        """The last of this visitor; whoever is served just now comes after every newcomer."""
        self._of.setdefault(visitor, []).append(one)
        self._pass_on()

    def remove(self, visitor: str, one: T) -> None:
        """It waits no longer, which costs its visitor no turn."""
        self._of[visitor].remove(one)
        if not self._of[visitor]:
            del self._of[visitor]

    def serve(self) -> T:
        """What is first, which waits no longer; all others come before its visitor's next."""
        visitor, (first, *_) = next(iter(self._of.items()))
        self.remove(visitor, first)
        self._served = visitor
        self._pass_on()
        return first

    def surplus(self, visitor: str) -> T:
        """The newest of whoever has most: this visitor, if nobody has more, or who comes last."""
        most = max(reversed(self._of), key=lambda one: (len(self._of[one]), one == visitor))
        return self._of[most][-1]

    def _pass_on(self) -> None:
        if self._served in self._of:
            self._of[self._served] = self._of.pop(self._served)


class Turns:
    """One thread at a time, in rounds of all visitors."""

    def __init__(self) -> None:
        self._waiting: Rounds[object] = Rounds()
        self._busy = False
        self._changed = Condition()

    @contextmanager
    def turn(self, visitor: str, wanted: Wanted = always) -> Iterator[None]:
        """Wait for this visitor's turn and hold it; Unwanted if nobody waits for it any more."""
        me = object()
        with self._changed:
            self._admit(visitor)
            self._waiting.add(visitor, me)
        try:
            while not self._taken(me):
                if not wanted():
                    raise Unwanted("nobody waits for this turn any more")
                self._check(visitor, me)
        except BaseException:
            with self._changed:
                self._waiting.remove(visitor, me)
                self._changed.notify_all()
            raise
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _admit(self, visitor: str) -> None:
        """Raise an error if this visitor may not wait as well; the lock is held."""

    def _check(self, visitor: str, me: object) -> None:
        """Raise an error if this may not go on waiting."""

    def _taken(self, me: object) -> bool:
        """Whether it is our turn now, after a moment's wait if it is not."""
        with self._changed:
            if self._busy or next(iter(self._waiting)) is not me:
                self._changed.wait(_POLL_S)
                return False
            self._busy = True
            self._waiting.serve()
            return True
