"""Values in memory, bounded by their size, and shared out fairly among those who bring them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST_HEIRS = 8
"""Visitors who have sent what another one holds, and are remembered for it."""


class Memory(Generic[T]):
    """The values used last, as many as fit; thread-safe. A value over the limit stays alone.

    Where there is no room, whoever holds most loses what they have not used for longest: nobody
    can push out what others look at. What several have sent is on the account of the first of
    them and costs the others nothing. When that one loses it, it goes on to the next one's
    account, as the first thing to be lost there.
    """

    def __init__(self, limit: int, size: Callable[[T], int] = lambda _: 1) -> None:
        self._limit = limit
        self._size: Callable[[T], int] = lambda value: min(size(value), limit)
        self._shares: dict[str, OrderedDict[str, T]] = {}
        self._sizes: Counter[str] = Counter()
        self._holders: dict[str, str] = {}
        self._heirs: dict[str, list[str]] = {}
        self._pinned: dict[str, T] = {}
        self._lock = Lock()

    def put(self, key: str, value: T, holder: str = "") -> None:
        """Keep the value on the account of its holder; if there is no room, others go.

        What is on another's account stays there as it is: a key names one content.
        """
        with self._lock:
            if self._holders.get(key, holder) != holder:
                self._inherit(key, holder)
                return
            if key in self._holders:
                self._drop(key)
            self._make_room(self._size(value), holder)
            self._take(key, value, holder)

    def pin(self, key: str, value: T) -> None:
        """Keep the value for good, outside the limit: for the few that every visitor gets."""
        with self._lock:
            self._pinned[key] = value

    def get(self, key: str) -> T | None:
        """The value, now the most recently used."""
        with self._lock:
            if key in self._pinned:
                return self._pinned[key]
            return self._use(key) if key in self._holders else None

    @property
    def size(self) -> int:
        """Size of all values that are kept, without the pinned ones."""
        with self._lock:
            return self._sizes.total()

    def _use(self, key: str) -> T:
        share = self._shares[self._holders[key]]
        share.move_to_end(key)
        return share[key]

    def _inherit(self, key: str, heir: str) -> None:
        """Somebody else has sent it too: that is a use, and theirs when its holder loses it."""
        self._use(key)
        heirs = self._heirs.setdefault(key, [])
        if heir not in heirs and len(heirs) < _MOST_HEIRS:
            heirs.append(heir)

    def _make_room(self, size: int, holder: str) -> None:
        def weight(one: str) -> int:
            return self._sizes[one] + (size if one == holder else 0)

        while self._sizes.total() + size > self._limit:
            most = max(self._shares, key=weight)
            key = next(iter(self._shares[most]))
            value = self._drop(key)
            if heirs := self._heirs.pop(key, []):
                self._take(key, value, heirs[0])
                self._shares[heirs[0]].move_to_end(key, last=False)
            if heirs[1:]:
                self._heirs[key] = heirs[1:]

    def _take(self, key: str, value: T, holder: str) -> None:
        self._shares.setdefault(holder, OrderedDict())[key] = value
        self._sizes[holder] += self._size(value)
        self._holders[key] = holder

    def _drop(self, key: str) -> T:
        """Whoever holds nothing more is forgotten."""
        holder = self._holders.pop(key)
        value = self._shares[holder].pop(key)
        self._sizes[holder] -= self._size(value)
        if not self._shares[holder]:
            del self._shares[holder], self._sizes[holder]
        return value
