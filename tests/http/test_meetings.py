"""Meetings before the real page: what leaders send, and what followers hear through the queue."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import gradio as gr
import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.settings import MEBIBYTE, Settings
from app.ui import build_demo, front, threads
from tests.made_up.fake_runner import FakeRunner
from tests.meeting.test_rooms import VIEW

SHOWN = {
    "picture": "coffee",
    "panes": ["original", "jpeg"],
    "bpp": 0.5,
    "hash": "#image=coffee",
    "reach": [9, 9],
}


class Home:
    """The page on a port of its own, in a thread."""

    def __init__(self) -> None:
        self.demo: Any = build_demo(Settings(upload_bytes=MEBIBYTE), FakeRunner())
        self.demo.max_threads = self.demo._queue.max_thread_count = threads(self.demo)
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None), self.demo, path="/", app_kwargs=front(self.demo)
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        self.url = f"http://127.0.0.1:{port}/"
        self.client = httpx.Client(timeout=30)

    def post(self, **sent: Any) -> dict[str, Any]:
        answer = self.client.post(f"{self.url}mode/meeting", content=json.dumps(sent))
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def call(self, name: str, *data: Any) -> AbstractContextManager[httpx.Response]:
        """The stream of an event."""
        url = f"{self.url}gradio_api/call/{name}"
        id = self.client.post(url, json={"data": data}).json()["event_id"]
        return self.client.stream("GET", f"{url}/{id}")


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    made = Home()
    thread = threading.Thread(target=made.server.run, daemon=True)
    thread.start()
    while not made.server.started:
        time.sleep(0.05)
    yield made
    made.server.should_exit = True
    thread.join(20)


def told_by(stream: Iterator[str]) -> Iterator[dict[str, Any]]:
    """What an event's stream says, one thing after the other."""
    for line in stream:
        data = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else None
        if data and data[0]:
            yield data[0]


def test_a_follower_hears_what_the_leader_shows_with_what_the_server_has(home: Home) -> None:
    led = home.post(do="open")
    assert set(led) == {"meeting", "secret", "here"}
    own = {name: led[name] for name in ("meeting", "secret")}
    with home.call("follow", {"meeting": led["meeting"], "page": "p"}) as answer:
        told = told_by(answer.iter_lines())
        assert next(told)["shown"] is None
        assert home.post(do="sign", **own) == {"here": 1}
        shown = SHOWN | {"title": "Cup", "failed": ["jpeg"], "ahead": SHOWN}
        assert home.post(do="show", shown=shown, fresh=True, **own) == {"here": 1}
        news = next(one for one in told if one["shown"])
        assert (news["shown"]["title"], news["away"]) == ("Cup", False)
        panes = {pane["id"]: pane for pane in news["answer"]["panes"]}
        assert panes["original"]["url"].endswith(".png")
        assert home.client.get(home.url + panes["original"]["url"]).status_code == 200
        assert (panes["jpeg"]["state"], news["answer"]["done"]) == ("failed", True)
        assert news["ahead"] == [panes["original"]["url"]]
        assert led["secret"] not in json.dumps(news)
        home.post(do="leave", **own)
        assert next(one for one in told if one["away"])
        home.post(do="end", **own)
        assert "ended it" in next(one for one in told if one["over"])["over"]
        assert all(one["over"] for one in told)  # the end says the last thing again
    over = home.post(do="sign", **own)
    assert "meeting is over" in over["error"]
    assert over["over"] is True


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "what to do"),
        ({"do": 5}, "what to do"),
        ({"do": "open", "meeting": 1}, None),
        ({"do": "show", "meeting": "x", "secret": "y"}, "meeting is over"),
        ({"do": "show", "meeting": "x", "secret": ["y"]}, "what to do"),
        ({"do": "dance"}, "cannot 'dance'"),
        ({"do": "show"}, "a view is an object"),
        ({"do": "show", "shown": VIEW | {"bpp": "x"}}, "rate"),
    ],
)
def test_a_wrong_post_is_told_what_is_wrong(
    home: Home, sent: dict[str, Any], words: str | None
) -> None:
    led = home.post(do="open")
    own = {name: led[name] for name in ("meeting", "secret")}
    answer = home.post(**(sent if "meeting" in sent or not sent.get("do") else sent | own))
    assert "error" not in answer if words is None else words in answer["error"]
    assert answer.get("over", False) is (words == "meeting is over")
    home.post(do="end", **own)
    if "secret" in answer:
        home.post(do="end", meeting=answer["meeting"], secret=answer["secret"])


def test_a_meeting_that_there_is_not_says_so(home: Home) -> None:
    for wish in ({"meeting": "nope", "page": "p"}, {"meeting": "", "page": ""}):
        with home.call("follow", wish) as answer:
            told = list(told_by(answer.iter_lines()))
        assert "has ended" in told[0]["over"]
    with home.call("follow", {"meeting": 5}) as answer:
        assert list(told_by(answer.iter_lines())) == []


async def _followed(home: Home, meeting: str, page: int, client: httpx.AsyncClient) -> str:
    """What one of many is shown in the end."""
    url = f"{home.url}gradio_api/call/follow"
    asked = await client.post(url, json={"data": [{"meeting": meeting, "page": str(page)}]})
    async with client.stream("GET", f"{url}/{asked.json()['event_id']}") as answer:
        async for line in answer.aiter_lines():
            for told in told_by(iter([line])):
                if told["shown"] and told["shown"]["title"] == "now":
                    return str(told["shown"]["hash"])
    return "the stream has ended"


def test_seventy_followers_all_hear_it_and_hold_up_no_comparison(home: Home) -> None:
    led = home.post(do="open")
    own = {name: led[name] for name in ("meeting", "secret")}
    many = 70  # more than there were threads

    async def work() -> list[str]:
        places = httpx.Limits(max_connections=2 * many)
        async with httpx.AsyncClient(timeout=60, limits=places) as client:
            each = (_followed(home, led["meeting"], page, client) for page in range(many))
            everybody = asyncio.gather(*each)
            while (await asyncio.to_thread(home.post, do="sign", **own))["here"] < many:
                await asyncio.sleep(0.1)
            with await asyncio.to_thread(home.call, "rd", "kodak", "psnr") as answer:
                assert "event: complete" in await asyncio.to_thread(lambda: answer.read().decode())
            await asyncio.to_thread(home.post, do="show", shown=SHOWN | {"title": "now"}, **own)
            return await everybody

    assert asyncio.run(work()) == [SHOWN["hash"]] * many
    home.post(do="end", **own)


def test_what_comes_next_is_coded_while_nobody_waits(home: Home) -> None:
    wanted = {"picture": "rocket", "panes": ["original", "jpeg"], "bpp": 0.4}
    wish = {"page": "p-ahead", "seq": 1, "wanted": wanted}
    with home.call("prepare", wish) as answer:
        told = list(told_by(answer.iter_lines()))
    assert [pane["state"] for pane in told[-1]["panes"]] == ["ready", "ready"]
    known = home.demo.service.known("rocket", ["original", "jpeg"], 0.4)
    assert known.done
    for wrong in ({}, wish | {"wanted": {}}, wish | {"wanted": wanted | {"bpp": 99}}):
        with home.call("prepare", wrong) as answer:
            (told,) = {json.dumps(one) for one in told_by(answer.iter_lines())}
        assert "error" in json.loads(told)
