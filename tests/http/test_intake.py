"""How much may be on its way in: for one visitor, for all, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, ExitStack
from threading import Event
from typing import Any

import pytest
from starlette.requests import Request

from app.http.intake import SHORT, Intake, Limits, Refused, joined, visitor_of

SIZE = 2 * SHORT
Receive = Callable[[], Awaitable[dict[str, Any]]]


def post(receive: Receive, visitor: str = "192.0.2.1", length: int | None = SIZE) -> Request:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "client": (visitor, 1)}
    return Request(scope, receive)  # type: ignore[arg-type]


def half_sent(size: int = SIZE // 2) -> Receive:
    """A sender who stops in the middle, and stays."""
    left = [{"type": "http.request", "body": bytes(size), "more_body": True}]

    async def receive() -> dict[str, Any]:
        return left.pop() if left else await asyncio.Future()

    return receive


def whole(parts: Iterable[bytes]) -> Receive:
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive


async def take(intake: Intake, request: Request, limit: int = 8 * SIZE) -> bytes:
    async with intake.body(request, limit) as chunks:
        return await joined(chunks)


def refused(work: Coroutine[Any, Any, Any]) -> Refused:
    with pytest.raises(Refused) as no:
        asyncio.run(work)
    return no.value


def test_half_sent_bodies_hold_memory_for_a_few_of_each_visitor() -> None:
    async def forty() -> tuple[int, int]:
        intake = Intake(Limits(bytes=100 * SIZE))
        senders = [asyncio.create_task(take(intake, post(half_sent()))) for _ in range(40)]
        await asyncio.sleep(0.05)
        held = intake.bytes
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        return held, intake.bytes

    assert asyncio.run(forty()) == (4 * SIZE // 2, 0)


def test_all_visitors_together_have_so_many_bytes_and_the_next_is_told() -> None:
    async def many() -> Refused:
        intake = Intake(Limits(bytes=3 * SIZE // 2))
        visitors = [f"192.0.2.{at}" for at in range(3)]
        held = [asyncio.create_task(take(intake, post(half_sent(), one))) for one in visitors]
        await asyncio.sleep(0.05)
        with pytest.raises(Refused) as no:
            await take(intake, post(half_sent(), "192.0.2.99"))
        assert intake.bytes == 3 * SIZE // 2
        for one in held:
            one.cancel()
        return no.value

    assert asyncio.run(many()).status == 503


def test_those_who_wait_for_their_turn_get_it_and_short_calls_need_none() -> None:
    async def turns() -> list[bytes]:
        intake = Intake(Limits(bytes=100 * SIZE))
        async with AsyncExitStack() as stack:
            for _ in range(4):
                await stack.enter_async_context(intake.body(post(half_sent()), SIZE))
            waits = asyncio.create_task(take(intake, post(whole([b"later"]))))
            short = await take(intake, post(whole([b"now"]), length=3))
            await asyncio.sleep(0.05)
            assert not waits.done()
        return [short, await waits]

    assert asyncio.run(turns()) == [b"now", b"later"]


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"silence_s": 0.01}, 408), ({"whole_s": 0.01}, 408), ({"turn_s": 0.01, "bodies": 0}, 429)],
)
def test_who_stops_or_never_gets_a_turn_is_told(limits: dict[str, Any], status: int) -> None:
    intake = Intake(Limits(bytes=100 * SIZE, **limits))
    assert refused(take(intake, post(half_sent()))).status == status


@pytest.mark.parametrize("length", [9 * SIZE, None])
def test_a_body_over_the_limit_is_refused_before_it_is_read_if_it_says_so(
    length: int | None,
) -> None:
    read: list[int] = []
    receive = whole([bytes(SIZE)] * 20)

    async def counted() -> dict[str, Any]:
        read.append(1)
        return await receive()

    no = refused(take(Intake(Limits(bytes=100 * SIZE)), post(counted, length=length)))
    assert (no.status, len(read)) == (413, 0 if length else 9)
    assert str(no) == "the file has more than 1 MB, which is the limit here"


def test_open_requests_are_counted_for_each_visitor_and_for_all() -> None:
    intake = Intake(Limits(bytes=1, requests=2, all_requests=3))
    with ExitStack() as stack:
        for visitor in ("a", "a", "b"):
            stack.enter_context(intake.request(visitor))
        for visitor, status in (("a", 429), ("b", 503)):
            with pytest.raises(Refused) as no, intake.request(visitor):
                pass
            assert no.value.status == status
    assert not intake.requests


def test_what_a_visitor_sends_is_counted_apart_and_others_do_not_feel_it() -> None:
    intake = Intake(Limits(bytes=1, posts=2))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(intake.request("a", sends=True))
        with pytest.raises(Refused, match="from your address are being answered") as no:
            stack.enter_context(intake.request("a", sends=True))
        assert no.value.status == 429
        for visitor, sends in (("a", False), ("b", True)):
            stack.enter_context(intake.request(visitor, sends))
    with intake.request("a", sends=True):
        pass
    assert not intake.requests


def test_twenty_browsers_behind_one_address_never_meet_the_limit() -> None:
    """A browser has six connections to a host, whatever its page asks for."""
    intake = Intake(Limits(bytes=1))
    with ExitStack() as stack:
        for _ in range(20 * 6):
            stack.enter_context(intake.request("meeting", sends=True))


def test_a_few_requests_of_each_visitor_are_worked_on_at_once() -> None:
    """Of one who sends many the rest wait, and another's first is worked on meanwhile."""

    async def flooded() -> tuple[int, str, list[str]]:
        intake = Intake(Limits(bytes=1, at_work=3))
        done, begun = Event(), []

        def work() -> str:
            begun.append(1)
            assert done.wait(60)
            return "late"

        flood = [asyncio.create_task(intake.worked("a", work)) for _ in range(50)]
        while len(begun) < 3:
            await asyncio.sleep(0.01)
        other = await intake.worked("b", lambda: "at once")
        at_work = len(begun)
        done.set()
        return at_work, other, await asyncio.gather(*flood)

    assert asyncio.run(flooded()) == (3, "at once", ["late"] * 50)


def test_who_waits_for_work_too_long_is_told() -> None:
    async def two() -> None:
        intake = Intake(Limits(bytes=1, at_work=1, turn_s=0.01))
        async with intake.at_work("a"), intake.at_work("a"):
            pass

    assert refused(two()).status == 429


@pytest.mark.parametrize(
    ("host", "visitor"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_visitor_is_an_address_or_a_household(host: str, visitor: str) -> None:
    assert visitor_of({"client": (host, 5)}) == visitor
