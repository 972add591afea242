"""The tests that are open on this server: so many, for so long, on the account of who made them."""

from __future__ import annotations

from collections import Counter
from contextvars import copy_context
from threading import Lock, Thread
from time import monotonic

from app.blind.opened import OpenTest
from app.blind.places import Places
from app.blind.wish import Wish
from app.server.demands import BadRequest, Expired
from app.server.memory import Memory
from app.server.service import Service

MOST_TESTS = 200
"""Of all visitors; whoever has most loses the one that was used least recently."""
MOST_PREPARING = 2
"""Tests of one visitor whose pictures are made at the same time."""
LIFE_S = 48 * 3600.0
GONE = (
    "this test is not on the server any more: the server was started again, two days have passed, "
    "or its memory was needed for other pictures"
)


class OpenTests:
    """What blind tests there are. Their pictures lie in the service's memory, beside all others."""

    def __init__(self, service: Service, most: int = MOST_TESTS) -> None:
        self.service = service
        self.places = Places(service.settings.votes)
        self._tests: Memory[OpenTest] = Memory(most)
        self._preparing: Counter[str] = Counter()
        self._lock = Lock()

    def make(self, wish: object, visitor: str = "") -> OpenTest:
        """A new test, whose pictures are being made from now on."""
        asked, kept = Wish.parse(wish, self.service), self.places.folder is not None
        unkept = self.places.refusal(visitor) if kept and not asked.alone else ""
        made = OpenTest(asked, visitor, kept and not unkept, unkept)
        with self._lock:
            if self._preparing[visitor] >= MOST_PREPARING:
                raise BadRequest(
                    f"{MOST_PREPARING} tests of your address are being prepared; wait for one"
                )
            self._preparing[visitor] += 1
        self._tests.put(made.id, made, visitor)
        # ZeroGPU knows whose quota to use from the context of the request
        context = copy_context()
        work = Thread(target=context.run, args=(self._prepare, made), name="blind", daemon=True)
        work.start()
        return made

    def _prepare(self, test: OpenTest) -> None:
        try:
            test.prepare(self.service)
        finally:
            with self._lock:
                self._preparing[test.visitor] -= 1
                self._preparing += Counter()  # forgets visitors who have none

    def get(self, id: object) -> OpenTest:
        """The test of this id, asked for just now."""
        found = self._tests.get(id) if isinstance(id, str) else None
        now = monotonic()
        if found is None or now - found.made > LIFE_S:
            raise Expired(GONE)
        found.asked = now
        return found

    def seen(self, id: object) -> OpenTest:
        """That test if its pictures are still there; answers are worth something without them."""
        found = self.get(id)
        if found.prepared is not None and self.service.store.get(found.id) is None:
            raise Expired(GONE)
        return found
