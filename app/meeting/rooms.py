"""Meetings in memory: who leads, what is shown, and how many follow.

They live in the event loop that serves. Nothing of a meeting is stored, and everything of it has
a limit and an end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_hex
from time import monotonic
from typing import Any

from app.meeting.shown import Shown
from mode_core.errors import ModeError

ENDED = "This meeting has ended, or the server was started again; ask who leads it for a new link."
_OVER = "Who led the meeting has ended it."
_NO_LEADER = (
    "This meeting is over: it was ended, or the server was started again; start another one."
)


class Refused(ModeError):
    """A meeting that there is not, or not for this visitor."""


class Over(Refused):
    """There is no such meeting, or somebody else leads it: its page need not ask again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much strangers may fill."""

    rooms: int = 50
    of_visitor: int = 10
    followers: int = 100
    """In one room."""
    all_followers: int = 200
    """They take open connections, of which the server has a few hundred."""
    of_address: int = 60
    """Followers of one address that keep their places while others find none."""
    life_s: float = 12 * 3600.0
    unseen_s: float = 20 * 60.0
    """A meeting whose leader gives no sign for so long is over."""
    alone_s: float = 2 * 60.0
    """The same, where nobody follows."""
    away_s: float = 75.0
    """Browsers let a hidden page act once a minute."""
    pause_s: float = 0.08
    """Between two things that a follower is told; what came meanwhile is told once."""
    beat_s: float = 4.0
    """A follower hears something at least so often, and is looked after."""


@dataclass(eq=False, slots=True)
class Follower:
    """A page that follows; it is told what is new since it was last told something."""

    visitor: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False
    answered: int = -1
    """The number of the answer that it has."""


@dataclass(eq=False, slots=True)
class Room:
    """A meeting."""

    id: str
    secret: str
    visitor: str
    opened: float
    signed: float
    """When its leader last gave a sign."""
    gone: bool = False
    """Whether the leader's page has said that it goes."""
    over: str = ""
    shown: Shown | None = None
    answer: dict[str, Any] | None = None
    """What the server has of the panes that are shown."""
    ahead: tuple[str, ...] = ()
    """Addresses of the pictures that come next."""
    answers: int = 0
    followers: dict[str, Follower] = field(default_factory=dict)

    def tell(self) -> None:
        """Something has changed for those who follow."""
        for one in self.followers.values():
            one.wake.set()


class Rooms:
    """All meetings of this server."""

    def __init__(self, limits: Limits = Limits(), clock: Callable[[], float] = monotonic) -> None:
        self.limits, self._clock = limits, clock
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        self._sweep()
        return len(self._rooms)

    # Leading

    def open(self, visitor: str = "") -> Room:
        """A new meeting: its id is for all who follow, its secret for who leads; or Refused."""
        self._sweep()
        own = sum(room.visitor == visitor for room in self._rooms.values())
        if len(self._rooms) >= self.limits.rooms or own >= self.limits.of_visitor:
            whose = "from your address " if own >= self.limits.of_visitor else ""
            raise Refused(f"too many meetings {whose}are open on this server; end one of them")
        now = self._clock()
        room = Room(token_hex(16), token_hex(16), visitor, now, now)
        self._rooms[room.id] = room
        return room

    def led(self, id: str, secret: str) -> Room:
        """The meeting of who knows its secret, from whom this is a sign; or Refused."""
        self._sweep()
        room = self._rooms.get(id)
        if room is None or not compare_digest(room.secret, ascii(secret)[1:-1]):
            raise Over(_NO_LEADER)
        back = self._is_away(room)
        room.signed, room.gone = self._clock(), False
        if back:
            room.tell()
        return room

    def show(self, room: Room, shown: Shown) -> None:
        """The view from now on; nobody asks for an older one any more."""
        if room.shown != shown:
            room.shown = shown
            room.tell()

    def answer(self, room: Room, answer: dict[str, Any] | None, ahead: tuple[str, ...]) -> None:
        """What there is of the panes of that view, and which pictures come next."""
        if (room.answer, room.ahead) != (answer, ahead):
            room.answer, room.ahead = answer, ahead
            room.answers += 1
            room.tell()

    def leave(self, room: Room) -> None:
        """The leader's page goes; it may come back."""
        room.gone = True
        room.tell()

    def end(self, room: Room, words: str = _OVER) -> None:
        """The meeting is over, and everybody who follows is told."""
        room.over = words
        room.tell()
        self._rooms.pop(room.id, None)

    # Following

    async def follow(
        self,
        id: str,
        page: str,
        visitor: str = "",
        listening: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[dict[str, Any]]:
        """What a follower is told, until the meeting is over or the page listens no more.

        Between two of these no thread waits: a room full of followers is a few hundred objects.
        """
        self._sweep()
        room = self._rooms.get(id)
        refused = ENDED if room is None else self._why_full(room, page, visitor)
        if room is None or refused:
            yield {"over": refused, "full": room is not None}
            return
        beat = 0
        with self._following(room, page, visitor) as me:
            while not me.left:
                me.wake.clear()
                told = self._told(room, me) | {"beat": beat}
                yield told
                beat += 1
                if told["over"]:  # and not what has ended while it was being told
                    return
                await asyncio.sleep(self.limits.pause_s)
                with suppress(TimeoutError):
                    await asyncio.wait_for(me.wake.wait(), self.limits.beat_s)
                if not listening():
                    return
                self._sweep()

    @contextmanager
    def _following(self, room: Room, page: str, visitor: str) -> Iterator[Follower]:
        """One page follows once: its connection may have been cut, and be a new one now."""
        if before := room.followers.get(page):
            before.left = True
            before.wake.set()
        me = room.followers[page] = Follower(visitor)
        room.tell()
        try:
            yield me
        finally:
            if room.followers.get(page) is me:
                del room.followers[page]
                room.tell()

    def _told(self, room: Room, me: Follower) -> dict[str, Any]:
        told = {
            "over": room.over,
            "here": len(room.followers),
            "away": self._is_away(room),
            "shown": room.shown.as_json() if room.shown else None,
        }
        if me.answered != room.answers:
            me.answered = room.answers
            told |= {"answer": room.answer, "ahead": list(room.ahead)}
        return told

    def _why_full(self, room: Room, page: str, visitor: str) -> str:
        if page in room.followers:  # its line was cut, and it has a place
            return ""
        rooms, limits = [*self._rooms.values()], self.limits
        for within, most in (([room], limits.followers), (rooms, limits.all_followers)):
            is_full = sum(len(one.followers) for one in within) >= most
            if is_full and not self._makes_place(within, visitor):
                return "So many follow already that this server takes no more; try again later."
        return ""

    def _makes_place(self, rooms: list[Room], visitor: str) -> bool:
        """Whether the address with most followers has given one place up to one with fewer."""
        held = Counter(one.visitor for room in rooms for one in room.followers.values())
        [(most, count)] = held.most_common(1)
        if count <= max(self.limits.of_address, held[visitor] + 1):
            return False
        places = [(room, page) for room in rooms for page in room.followers]
        room, page = next(
            (room, page) for room, page in reversed(places) if room.followers[page].visitor == most
        )
        one = room.followers.pop(page)
        one.left = True
        one.wake.set()
        room.tell()
        return True

    def _is_away(self, room: Room) -> bool:
        return room.gone or self._clock() - room.signed > self.limits.away_s

    def _sweep(self) -> None:
        """End what is too old, or has been left."""
        now = self._clock()
        for room in list(self._rooms.values()):
            most = self.limits.unseen_s if room.followers else self.limits.alone_s
            if now - room.signed > most or now - room.opened > self.limits.life_s:
                self.end(room, ENDED)
