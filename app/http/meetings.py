"""Meetings over Gradio's queue and plain HTTP: leaders send what they show, followers listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.explorer.curves import number
from app.http.brought import parsed
from app.http.intake import SHORT, Intake, joined, visitor_of
from app.http.listeners import asker
from app.meeting.rooms import Over, Room, Rooms
from app.meeting.shown import Shown, Wanted
from app.panes.weights import sentence
from app.server.demands import BadRequest
from app.server.queue import Question
from app.server.service import Service
from app.server.snapshot import Comparison, Slot
from mode_core.errors import ModeError

_FAILED = "it failed for who leads the meeting"
_OBJECT: Any = {"type": "object"}
_TOKEN = 64


def meeting_route(rooms: Rooms, service: Service, intake: Intake) -> Route:
    """What a leader's page sends: at most a few short posts a second, each answered at once."""

    async def meeting(request: Request) -> Response:
        try:
            async with intake.body(request, SHORT) as chunks:
                sent = parsed(await joined(chunks))
                return JSONResponse(await _Led(rooms, service, intake, request).answer(sent))
        except ModeError as error:
            over = {"over": True} if isinstance(error, Over) else {}
            return JSONResponse({"error": sentence(error)} | over)

    return Route("/mode/meeting", meeting, methods=["POST"])


class _Led:
    """One post of a leader."""

    def __init__(self, rooms: Rooms, service: Service, intake: Intake, request: Request) -> None:
        self._rooms, self._service, self._intake = rooms, service, intake
        self._visitor = visitor_of(request.scope)

    async def answer(self, sent: object) -> dict[str, Any]:
        """Do what it asks for; every answer says how many follow."""
        match sent:
            case {"do": "open"}:
                room = self._rooms.open(self._visitor)
                return {"meeting": room.id, "secret": room.secret, "here": 0}
            case {"do": str(do), "meeting": str(id), "secret": str(secret), **more}:
                room = self._rooms.led(id, secret)
                await self._do(do, room, more)
                return {"here": len(room.followers)}
        raise BadRequest("expected what to do, and the meeting with its secret")

    async def _do(self, do: str, room: Room, more: Mapping[Any, Any]) -> None:
        match do:
            case "sign":
                pass
            case "show":
                shown = Shown.of_page(more.get("shown"))
                if more.get("fresh") is True:
                    known = await self._intake.worked(self._visitor, known_of, self._service, shown)
                    self._rooms.answer(room, *known)
                self._rooms.show(room, shown)
            case "leave":
                self._rooms.leave(room)
            case "end":
                self._rooms.end(room)
            case _:
                raise BadRequest(f"a meeting cannot {do!r:.20}; it can show, sign, leave and end")


def known_of(service: Service, shown: Shown) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """What the server has of a view's panes, and the pictures of the next one. Nothing is coded."""
    answer = _in_memory(service, shown.wanted)
    if answer is None:
        return None, ()
    lost = [_lost(slot, shown) for slot in answer.slots]
    answer = replace(answer, slots=lost, done=all(slot.state != "waiting" for slot in lost))
    ahead = _in_memory(service, shown.ahead) if shown.ahead else None
    urls = [str(slot.facts.get("url", "")) for slot in ahead.slots] if ahead else []
    return answer.as_json(), tuple(url for url in urls if url)


def _lost(slot: Slot, shown: Shown) -> Slot:
    """A pane that nobody needs to wait for says so."""
    is_lost = slot.state == "waiting" and slot.id in shown.failed
    return replace(slot, error=_FAILED) if is_lost else slot


def _in_memory(service: Service, wanted: Wanted) -> Comparison | None:
    try:
        return service.known(wanted.picture, wanted.panes, wanted.bpp)
    except ModeError:
        return None  # the leader's own page says why


def add_meetings(demo: gr.Blocks, rooms: Rooms, service: Service) -> None:
    """What the page calls as gradio_client would: an event, whose stream it listens to."""

    async def follow(wish: object, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        who = asker(demo, request)
        match wish:
            case {"meeting": str(id), "page": str(page)}:
                async for told in rooms.follow(id, page[:_TOKEN], who.visitor, who.listening):
                    yield told

    def prepare(wish: object, request: gr.Request) -> Iterator[dict[str, Any]]:
        try:
            yield from _prepared(service, wish, asker(demo, request))
        except ModeError as error:
            yield {"error": sentence(error)}

    with gr.Row(visible=False):
        wish, told = Api(None, _OBJECT, "wish"), Api(None, _OBJECT, "told")
        go = gr.Button()
    how: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    # A follower holds no thread; how many there may be is for the rooms to say, in words.
    go.click(follow, wish, told, api_name="follow", concurrency_limit=None, **how)
    go.click(prepare, wish, told, api_name="prepare", concurrency_limit=4, **how)


def _prepared(service: Service, wish: object, who: Question) -> Iterator[dict[str, Any]]:
    """A comparison before it is asked for, as long as nobody waits for another one."""
    match wish:
        case {"page": str(page), "seq": seq, "wanted": wanted}:
            asked = Wanted.of(wanted)
            # Whoever comes meanwhile has it stopped, and waits no longer than for that.
            listening = who.listening
            question = who._replace(
                page=page[:_TOKEN],
                number=number(seq) or 0.0,
                listening=lambda: listening() and not service.line.has_waiting,
            )
        case _:
            raise BadRequest("expected a page, its number, and what is wanted")
    known = service.known(asked.picture, asked.panes, asked.bpp)
    if service.line.is_busy or known.done:
        yield known.as_json()
        return
    for shown in service.compare(asked.picture, asked.panes, asked.bpp, question, agreed=False):
        yield shown.as_json()
        if all(slot.state != "waiting" for slot in shown.slots):
            return
