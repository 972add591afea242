"""The waiting line: a comparison at each place, visitors in turn, and not endlessly many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from heapq import heapify, heapreplace
from itertools import takewhile
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Any, NamedTuple
from weakref import ref

from cachetools import LRUCache

from app.server.process import Turn, Wanted, always
from app.server.turns import Places, Rounds
from mode_core.errors import ModeError

_POLL_S = 0.4
"""Seconds between two looks at the position of a ticket, and at whether somebody still listens."""
_NEWS_S = 5.0
"""Whoever waits is told again when what comes first takes so much less than they were told."""
Work = Callable[[Turn], Iterator[Any]]
"""Gives results one after the other, and stops early when it is told that nobody wants the rest."""


class Busy(ModeError):
    """Too many comparisons are waiting."""


class Ahead(NamedTuple):
    """What comes before a ticket that waits."""

    tickets: int
    seconds: float
    """When this ticket's turn will come, by the estimates of those who joined."""
    others: bool = False
    """Whether any of it is somebody's: not the server's own, and not being stopped already."""

    def is_news_after(self, told: Ahead) -> bool:
        """Whether somebody who was told that should be told this."""
        longer = abs(self.seconds - told.seconds) >= _NEWS_S
        return longer or (self.tickets, self.others) != (told.tickets, told.others)


class Question(NamedTuple):
    """Who asks: the page and the number of its question, where from, and whether it listens.

    Without a page, no later question ends this one early.
    """

    page: str = ""
    number: float = 0
    visitor: str = ""
    """The address that it came from: each has a fair share of the memory, and turns in the line."""
    listening: Wanted = always


ANYONE = Question()
ITSELF = Question(visitor="the server")
"""Nobody asks: the server does it for those who will come."""


class Ticket:
    """One piece of work in the line; iterate it for what waits before it, then for results."""

    def __init__(
        self, line: Line, work: Work, asker: Question, seconds: float, picture: str
    ) -> None:
        self._line, self._work, self._listening = line, work, asker.listening
        self.visitor = asker.visitor
        self._results: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        # ZeroGPU knows whose quota to use from the context in which the request came in.
        self._context = copy_context()
        self.seconds, self.picture = seconds, picture
        self.began = 0.0
        self.cancelled = False

    def cancel(self) -> None:
        """Leave the line, or stop what is running; nobody wants the rest."""
        self.cancelled = True
        self._line.leave(self)

    def is_wanted(self) -> bool:
        """Whether the asker still listens and has not asked for something else."""
        if not self.cancelled and not self._listening():
            self.cancel()
        return not self.cancelled

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """("waiting", what is ahead) any number of times, then ("result", …)."""
        try:
            yield from self._news()
        except GeneratorExit:  # the caller has gone
            self.cancel()
            raise

    def _news(self) -> Iterator[tuple[str, Any]]:
        told = Ahead(0, 0)
        while True:
            try:
                kind, value = self._results.get(timeout=_POLL_S)
            except Empty:
                ahead = self._line.ahead_of(self)
                if self.is_wanted() and ahead.tickets and ahead.is_news_after(told):
                    told = ahead
                    yield "waiting", ahead
                continue
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield kind, value

    @property
    def rest_s(self) -> float:
        """What is left of work that has begun; nothing if it is being stopped, or takes longer."""
        rest = self.seconds - (monotonic() - self.began)
        return 0.0 if self.cancelled or rest < 0 else rest

    @property
    def is_anothers(self) -> bool:
        """Whether this is for a visitor who still wants it."""
        return not self.cancelled and self.visitor != ITSELF.visitor

    def run(self, place: int) -> None:
        """Do the work in this thread, at this place, handing each result over as it comes."""
        self._context.run(self._run, place)

    def end(self) -> None:
        """End the iteration over this ticket."""
        self._results.put(("end", None))

    def fail(self, error: Exception) -> None:
        """Raise the error where this ticket is iterated."""
        self._results.put(("error", error))

    def _run(self, place: int) -> None:
        try:
            if self.is_wanted():
                for result in self._work(Turn(place, self.is_wanted)):
                    self._results.put(("result", result))
                    if self.cancelled:
                        break
            self.end()
        except Exception as error:
            self.fail(error)


class Line:
    """A bounded queue in rounds of all visitors, served by a daemon thread for each place."""

    def __init__(self, length: int, places: int = 1) -> None:
        self.length = length
        self._waiting: Rounds[Ticket] = Rounds()
        self._places: Places[Ticket] = Places(places)
        self._changed = Condition()
        for _ in range(places):
            Thread(target=self._serve, name="line", daemon=True).start()

    def join(
        self, work: Work, asker: Question = ANYONE, seconds: float = 0, picture: str = ""
    ) -> Ticket:
        """Somewhere in the line, or Busy. `seconds` is what the work will probably take.

        Of the places that are free it gets the one that has had this picture.
        """
        ticket = Ticket(self, work, asker, seconds, picture)
        with self._changed:
            self._waiting.add(ticket.visitor, ticket)
            # There is no fixed share: twenty people in one room are one address, and may have all
            # places while nobody else wants them. In a full line whoever has most gives one up.
            # Those for whom a place is free wait only until its thread has noticed.
            if len(self._waiting) > self.length + self._places.free:
                late = self._waiting.surplus(ticket.visitor)
                busy = self._busy(late)
                self._waiting.remove(late.visitor, late)
                if late is ticket:
                    raise busy
                late.fail(busy)
            self._changed.notify()
        return ticket

    @property
    def is_busy(self) -> bool:
        """Whether anything is worked on or waits."""
        with self._changed:
            return bool(self._places.busy) or len(self._waiting) > 0

    @property
    def has_waiting(self) -> bool:
        """Whether anybody waits for what is worked on."""
        with self._changed:
            return len(self._waiting) > 0

    def leave(self, ticket: Ticket) -> None:
        """Take a ticket that still waits out of the line, so that its place is free at once."""
        with self._changed:
            if ticket not in self._waiting.of(ticket.visitor):
                return
            self._waiting.remove(ticket.visitor, ticket)
        ticket.end()

    def ahead_of(self, ticket: Ticket) -> Ahead:
        """What comes first if nobody else joins; nothing when this is served or done."""
        with self._changed:
            if self._places.free or ticket not in self._waiting.of(ticket.visitor):
                return Ahead(0, 0)
            before, busy = self._before(ticket), self._places.busy
        ends = [one.rest_s for one in busy]
        heapify(ends)
        for one in before:  # each begins where work ends first
            heapreplace(ends, ends[0] + one.seconds)
        others = any(one.is_anothers for one in (*busy, *before))
        return Ahead(len(busy) + len(before), ends[0], others)

    def _before(self, ticket: Ticket) -> list[Ticket]:
        return list(takewhile(lambda one: one is not ticket, self._waiting))

    def _busy(self, late: Ticket) -> Busy:
        position, own = len(self._before(late)) + 1, len(self._waiting.of(late.visitor)) - 1
        whose = f", {own} of them from your address" if own else ""
        return Busy(
            f"busy, position {position}: {self.length} comparisons are waiting already{whose}; "
            "try again in a minute"
        )

    def _serve(self) -> None:
        done: tuple[int, str] | None = None
        while True:
            with self._changed:
                if done is not None:
                    self._places.leave(done[0])
                    self._waiting.ended(done[1])
                while not self._waiting:
                    self._changed.wait()
                ticket = self._waiting.serve()
                ticket.began = monotonic()
                done = self._places.take(ticket, ticket.picture), ticket.visitor
            ticket.run(done[0])
            del ticket  # it holds a photo and its results


class Newest:
    """The newest question of each page: no work is done for older ones.

    The page numbers its questions: the server's threads may get to them in another order. A ticket
    holds a photo and its results, so it is remembered only as long as somebody else does.
    """

    def __init__(self, pages: int) -> None:
        self._asked: LRUCache[str, tuple[float, ref[Ticket] | None]] = LRUCache(pages)
        self._lock = Lock()

    def take(self, question: Question, ticket: Ticket | None = None) -> bool:
        """Whether this question is the newest of its page; the older one's ticket is cancelled."""
        page, number = question.page, question.number
        with self._lock:
            newest, before = self._asked.get(page, (number, None))
            old = before() if before else None
            if number < newest:
                old = ticket
            elif page:
                self._asked[page] = number, ref(ticket) if ticket else None
            if old is not None:
                old.cancel()
        return number >= newest

    def is_wanted(self, question: Question) -> bool:
        """Whether nothing newer has come from its page."""
        with self._lock:
            newest, _ = self._asked.get(question.page, (question.number, None))
        return question.number >= newest
