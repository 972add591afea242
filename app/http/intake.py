"""What comes in: so many bytes for all visitors together, a few bodies at once for each of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from mode_core.errors import ModeError

SHORT = 64 << 10
"""Bytes of a body that is read at once, out of turn: every call of the page and of the API."""

_THREADS = 40
T = TypeVar("T")
Chunks = AsyncGenerator[bytes, None]


class Refused(ModeError):
    """A request that is not answered: too large, too many, too slow, or of nothing we have."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be on its way in."""

    bytes: int
    """Of all visitors together, in memory."""
    bodies: int = 4
    """Long bodies of one visitor at once; further ones wait for their turn, unread."""
    requests: int = 400
    """Open requests of one visitor; a page holds two, gradio_client up to three."""
    posts: int = 120
    """Those among them that send something: twenty browsers with six connections each."""
    at_work: int = 10
    """Of these, how many are worked on at once; further ones wait for their turn."""
    all_requests: int = 800
    """Stays below the 1024 files that a process may usually have open."""
    turn_s: float = 60.0
    silence_s: float = 20.0
    whole_s: float = 300.0


def visitor_of(scope: Mapping[str, Any]) -> str:
    """Whose request this is: an IPv4 address, or the /64 network that one household has."""
    host = str((scope.get("client") or ("",))[0])
    with suppress(ValueError):
        if ip_address(host).version == 6:
            return str(ip_network(f"{host.partition('%')[0]}/64", strict=False))
    return host


class Intake:
    """Counts what is on its way in; lives in the event loop that serves."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes = 0
        self.requests: Counter[str] = Counter()
        # Uploads wait for their turn at the reader in threads: others must not wait for those.
        self._threads = CapacityLimiter(_THREADS)
        self._bodies = _Turns(limits.bodies, limits.turn_s, "uploads")
        self._at_work = _Turns(limits.at_work, limits.turn_s, "requests")
        self._posts: Counter[str] = Counter()

    async def worked(self, visitor: str, work: Callable[..., T], *args: Any) -> T:
        """What this gives in a thread, of which uploads have their own."""
        async with self.at_work(visitor):
            return await to_thread.run_sync(work, *args, limiter=self._threads)

    def at_work(self, visitor: str) -> AbstractAsyncContextManager[None]:
        """The visitor's turn to have something done, for as long as the block lasts."""
        return self._at_work.turn(visitor)

    @contextmanager
    def request(self, visitor: str, sends: bool = False) -> Iterator[None]:
        """A place among the open requests, and among those that send something, or Refused."""
        if self.requests[visitor] >= self.limits.requests:
            raise Refused(429, "too many requests from your address are open; close some first")
        if sends and self._posts[visitor] >= self.limits.posts:
            words = "too many requests from your address are being answered; wait for some of them"
            raise Refused(429, words)
        if self.requests.total() >= self.limits.all_requests:
            raise Refused(503, "too many requests are open on this server; try again in a minute")
        with _counted(self.requests, visitor, 1), _counted(self._posts, visitor, int(sends)):
            yield

    @asynccontextmanager
    async def body(self, request: Request, limit: int) -> AsyncIterator[Chunks]:
        """The chunks of a body, in the visitor's turn; they count until the block ends."""
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdecimal() else limit
        check_size(announced, limit)
        body = _Body(self, limit)
        short = announced <= SHORT
        async with nullcontext() if short else self._bodies.turn(visitor_of(request.scope)):
            try:
                yield body.chunks(request)
            finally:
                self.bytes -= body.size


class _Turns:
    """So many things of each visitor at once, whatever others have."""

    def __init__(self, most: int, wait_s: float, things: str) -> None:
        self._most, self._wait_s, self._things = most, wait_s, things
        # A semaphore lives as long as somebody holds it or waits for it.
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, visitor: str) -> AsyncIterator[None]:
        """One of them, or Refused after a long wait."""
        turns = self._of.setdefault(visitor, asyncio.Semaphore(self._most))
        try:
            await asyncio.wait_for(turns.acquire(), self._wait_s)
        except TimeoutError as error:
            words = f"too many {self._things} from your address are on their way; try again later"
            raise Refused(429, words) from error
        try:
            yield
        finally:
            turns.release()


@contextmanager
def _counted(counter: Counter[str], visitor: str, count: int) -> Iterator[None]:
    counter[visitor] += count
    try:
        yield
    finally:
        counter[visitor] -= count
        if not counter[visitor]:
            del counter[visitor]  # forgets visitors who have none


class _Body:
    """One body, and how much of it is in memory."""

    def __init__(self, intake: Intake, limit: int) -> None:
        self.intake, self.limit, self.size = intake, limit, 0

    async def chunks(self, request: Request) -> Chunks:
        """The body as it arrives; Refused when it is too large, or takes too long."""
        limits, clock = self.intake.limits, asyncio.get_running_loop().time
        until = clock() + limits.whole_s
        stream = request.stream()
        while True:
            try:
                wait = min(limits.silence_s, until - clock())
                chunk = await asyncio.wait_for(anext(stream), wait)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise Refused(408, "the upload stopped, or took too long; send it again") from error
            check_size(self.size + len(chunk), self.limit)
            if self.intake.bytes + len(chunk) > limits.bytes:
                raise Refused(503, "too many uploads are on their way; try again in a minute")
            self.size += len(chunk)
            self.intake.bytes += len(chunk)
            yield chunk


async def joined(chunks: Chunks) -> bytes:
    """The whole body."""
    return b"".join([chunk async for chunk in chunks])


def check_size(size: int, limit: int) -> None:
    """Refused for a body or a file of more bytes than are taken."""
    if size > limit:
        unit = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} kB"
        raise Refused(413, f"the file has more than {unit}, which is the limit here")
