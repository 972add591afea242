"""One visitor who sends very many short requests: told so, and nobody else feels it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.http.guard import Guard
from app.http.intake import Intake, Limits
from app.http.unheard import Unheard

PATHS = ("/gradio_api/cancel", "/gradio_api/component_server", "/gradio_api/call/rd", "/mode/part")


class Held:
    """Stands for all behind the guard: what is sent waits here until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            self.inside += 1
            await self.go.wait()
        await PlainTextResponse("done")(scope, receive, send)


def client(behind: Held) -> Callable[..., Any]:
    """Requests from an address, with few allowed: five posts, two at work."""
    calls: Any = SimpleNamespace(
        limit=lambda _: 1 << 10, checked=lambda path, body: {"session_hash": "a"}
    )
    heard: Any = Unheard(queue())
    intake = Intake(Limits(bytes=1 << 20, posts=5, at_work=2))
    guard = Guard(behind, calls, intake, heard, None, "'self'")  # type: ignore[arg-type]

    async def ask(host: str, method: str, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(guard, client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as asks:
            return await asks.request(method, path, json={} if method == "POST" else None)

    return ask


def queue() -> Any:
    """What is used of Gradio's; it remembers whose calls were ended."""
    ended: list[str] = []

    async def clean_events(session_hash: str) -> None:
        ended.append(session_hash)

    return SimpleNamespace(
        clean_events=clean_events, ended=ended, pending_messages_per_session={},
        pending_event_ids_session={}, event_ids_to_events={},
    )  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_of_many_posts_some_are_worked_on_some_wait_and_the_rest_is_told(path: str) -> None:
    async def flood() -> None:
        behind = Held()
        ask = client(behind)
        posts = [asyncio.create_task(ask("192.0.2.1", "POST", path)) for _ in range(8)]
        refused = [await one for one in asyncio.as_completed(posts[5:])]
        for answer in refused:
            assert answer.status_code == 429
            told = "too many requests from your address are being answered; wait for some of them"
            assert answer.json() == {"error": told}
        assert (await ask("192.0.2.1", "GET", "/theme.css")).status_code == 200
        other = asyncio.create_task(ask("192.0.2.2", "POST", path))
        calls = path.startswith("/gradio_api/")
        for _ in range(200):
            await asyncio.sleep(0)
        assert behind.inside == (3 if calls else 6)  # our own routes wait where they work
        behind.go.set()
        assert {(await one).status_code for one in (*posts[:5], other)} == {200}

    asyncio.run(flood())


def test_whoever_asks_and_never_listens_ends_their_own_calls_alone() -> None:
    async def flood() -> list[str]:
        heard = Unheard(pending := queue(), most=10)
        await heard.asked("mine", "me")
        for at in range(50):
            await heard.asked(f"theirs {at}", "somebody")
        await heard.asked("mine too", "me")
        return pending.ended  # type: ignore[no-any-return]

    assert asyncio.run(flood()) == [f"theirs {at}" for at in range(42)]
