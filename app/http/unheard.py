"""Answers that nobody comes for: Gradio would keep those of the last 2000 visits in memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from gradio.queueing import Queue

MOST = 250
"""Visits that have asked and do not listen yet; each may hold a megabyte. Clients need one
round trip from asking to listening, so only those who never listen come to be the oldest; whoever
has most of them loses one, so nobody's flood ends the calls of others."""


class Unheard:
    """Who has asked and who listens; lives in the event loop that serves."""

    def __init__(self, queue: Queue, most: int = MOST) -> None:
        self.queue, self.most = queue, most
        self._asked: OrderedDict[str, str] = OrderedDict()
        self._listening: Counter[str] = Counter()

    async def asked(self, session: str, visitor: str) -> None:
        """A call of this session; the oldest of a visitor who has most unheard ones are ended."""
        if self._listening[session]:
            return
        self._asked[session] = visitor
        self._asked.move_to_end(session)
        while len(self._asked) > self.most:
            ((most, _),) = Counter(self._asked.values()).most_common(1)
            oldest = next(one for one, whose in self._asked.items() if whose == most)
            del self._asked[oldest]
            await self.queue.clean_events(session_hash=oldest)
            self.queue.pending_messages_per_session.pop(oldest, None)
            self.queue.pending_event_ids_session.pop(oldest, None)

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """Somebody is there to take the answers."""
        self._asked.pop(session, None)
        self._listening[session] += 1
        try:
            yield
        finally:
            self._listening[session] -= 1
            self._listening += Counter()  # forgets sessions to which nobody listens

    def session_of(self, event: str) -> str:
        """The session that an event belongs to, also after the event has ended."""
        if event in self.queue.event_ids_to_events:
            return self.queue.event_ids_to_events[event].session_hash
        pending = self.queue.pending_event_ids_session.items()
        return next((session for session, events in pending if event in events), event)
