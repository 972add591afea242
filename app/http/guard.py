"""What stands between the network and Gradio: which addresses there are, limits, and headers."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.exception_handlers import http_exception_handler
from gradio.route_utils import CustomCORSMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.arrivals import Arrivals
from app.http.calls import Calls
from app.http.intake import Intake, Refused, joined, visitor_of
from app.http.page import with_quiet_clock
from app.http.policy import headers, page_policy
from app.http.unheard import Unheard

_LOG = logging.getLogger("mode.http")
API = "/gradio_api/"
_ALLOWED = {
    # the page, what it is made of, and what a browser asks for by itself
    "GET": r"/|/config/?|/theme\.css|/manifest\.json|/robots\.txt|/favicon\.ico"
    r"|/(assets|static|mode)/.+"
    # events and the API, for the page, gradio_client and curl; launch() asks for startup-events
    r"|/gradio_api/(info/?|startup-events|theme\.css|heartbeat/[\w-]{1,64}|queue/data"
    r"|call/(v2/)?\w+/\w+)",
    "POST": r"/mode/(blind/)?\w+|/gradio_api/(upload|cancel|reset/?|queue/join|component_server/?"
    r"|call/(v2/)?\w+/?)",
}
_ALLOWED["HEAD"] = _ALLOWED["GET"]
_OF_THE_WEIGHTS = r"/|/config/?|/gradio_api/info/?"
"""Addresses whose answers say which weights are here."""
_HEADERS = 32 << 10
_WITHIN = "mode.within"
"""Where a scope tells its path below the page: what is mounted moves `root_path` on."""
_NOTHING_HERE = "there is nothing at this address"


class Guard:
    """ASGI middleware: all that reaches Gradio and our own routes comes through here."""

    def __init__(
        self,
        app: ASGIApp,
        calls: Calls,
        intake: Intake,
        unheard: Unheard,
        arrivals: Arrivals,
        frames: str,
    ) -> None:
        self.app, self.calls, self.intake, self.unheard = app, calls, intake, unheard
        self.arrivals, self.frames = arrivals, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, self.frames)
        try:
            with self.intake.request(visitor_of(scope), scope["method"] == "POST"):
                await self._let_in(Request(scope, receive), answer.send)
        except Refused as no:
            await answer.instead(scope, no.status, str(no))
        except Exception as error:
            _note(scope, error)
            await answer.instead(scope, 500, "something broke on the server; its log says what")

    async def _let_in(self, request: Request, send: Send) -> None:
        scope, method = request.scope, request.method
        path = scope["path"].removeprefix(root := scope.get("root_path", ""))
        scope[_WITHIN] = path
        if root.startswith("/"):
            # A proxy may cut this part off; what is mounted finds its files only with it.
            scope["path"] = root + path
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _HEADERS:
            raise Refused(431, f"the headers have more than {_HEADERS >> 10} kB")
        if method not in _ALLOWED:
            raise Refused(405, "only GET, HEAD and POST are answered here")
        if not re.fullmatch(_ALLOWED[method], path):
            raise Refused(404, _NOTHING_HERE)
        if method == "POST" and request.headers.get("sec-fetch-site") == "cross-site":
            raise Refused(403, "another site's page may not send anything here")
        if re.fullmatch(_OF_THE_WEIGHTS, path):
            await run_in_threadpool(self.arrivals.refresh, scope["app"])
        if method == "POST" and path.startswith(API) and path != f"{API}upload":
            await self._call(request, path.removeprefix(API), send)
        elif session := self._listener(request, path):
            with self.unheard.listening(session):
                await self.app(scope, request.receive, send)
        else:
            await self.app(scope, request.receive, send)

    async def _call(self, request: Request, path: str, send: Send) -> None:
        """A call is read whole and checked; values by name reach Gradio in their order."""
        visitor = visitor_of(request.scope)
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "a call is JSON, with the header Content-Type: application/json")
        async with self.intake.body(request, self.calls.limit(path)) as chunks:
            sent = self.calls.checked(path, await joined(chunks))
            if path.startswith(("call/", "queue/join")):
                await self.unheard.asked(sent["session_hash"], visitor)
            scope = {**request.scope, "path": request.scope["path"].replace("/call/v2/", "/call/")}
            async with self.intake.at_work(visitor):
                # what is on its way in counts until it is answered
                await self.app(scope, _replay(json.dumps(sent).encode(), request.receive), send)

    def _listener(self, request: Request, path: str) -> str:
        """The session whose answers this request is to get, if it asks for any."""
        if path == f"{API}queue/data":
            return request.query_params.get("session_hash", "")
        called = path.startswith(f"{API}call/")
        return self.unheard.session_of(path.rpartition("/")[2]) if called else ""


class _Answer:
    """The answer with our headers; of a page, held back until its scripts are known."""

    def __init__(self, send: Send, frames: str) -> None:
        self._send, self._frames = send, frames
        self._page: MutableMapping[str, Any] | None = None
        self._html: list[bytes] = []
        self.started = self._events = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            found.update(headers())
            if found.get("content-type", "").startswith("text/html"):
                self._page = message
                return
            self.started = True
            self._events = found.get("content-type", "").startswith("text/event-stream")
        elif self._page is not None:
            self._html.append(message.get("body", b""))
            if message.get("more_body"):
                return
            await self._send_page(self._page, b"".join(self._html))
            return
        await self._send(message)

    async def _send_page(self, start: MutableMapping[str, Any], html: bytes) -> None:
        found = MutableHeaders(scope=start)
        if html:  # none, where only the headers were asked for
            html = with_quiet_clock(html)
            found["content-length"] = str(len(html))
        found.update(headers(page_policy(html, self._frames)))
        self.started = True
        await self._send(start)
        await self._send({"type": "http.response.body", "body": html})

    async def instead(self, scope: Scope, status: int, words: str) -> None:
        """One sentence, unless an answer is on its way; events, which have no length, just end."""
        if self._events:
            await self._send({"type": "http.response.body", "body": b""})
        elif not self.started:
            response = JSONResponse({"error": words}, status, {"Connection": "close"})
            await response(scope, _nothing, self.send)


async def in_our_words(request: Request, error: Exception) -> Response:
    """What routes under /mode do not know, as all our errors; Gradio's own clients read its own."""
    assert isinstance(error, StarletteHTTPException)
    if not request.scope.get(_WITHIN, "").startswith("/mode/"):
        return await http_exception_handler(request, error)
    words, allowed = _NOTHING_HERE, (error.headers or {}).get("Allow")
    if error.status_code == 405 and allowed:
        methods = " and ".join(sorted(allowed.split(", ")))
        words = f"this address takes {methods} alone"
    elif error.status_code != 404:
        words = error.detail
    return JSONResponse({"error": words}, error.status_code, error.headers)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then whatever comes after it: the visitor leaves."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _note(scope: Scope, error: BaseException) -> None:
    """One line for what visitors do; only what may be our mistake is told with its traceback."""
    reason = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    where = f"{scope['method']} {scope['path']!r:.80}"
    if isinstance(reason, ClientDisconnect | HTTPException | OSError):
        _LOG.info("%s was not finished: %s", where, type(reason).__name__)
    else:
        _LOG.error("%s broke", where, exc_info=error)


@asynccontextmanager
async def without_cors(app: FastAPI) -> AsyncIterator[None]:
    """Before the first request: Gradio would let the pages of every origin read its answers."""
    cors: Any = CustomCORSMiddleware
    kept = [one for one in app.user_middleware if one.cls is not cors]
    app.user_middleware, app.middleware_stack = kept, None
    app.middleware_stack = app.build_middleware_stack()
    yield
