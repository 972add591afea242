"""A page's public API over plain HTTP, as gradio_client and curl use it; its lines can be cut.

Nothing is followed elsewhere: no redirect, no proxy, no address that an answer names.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mode_core.errors import ModeError

SILENCE_S = 60.0
"""Seconds without a byte after which an answer is lost; the page sends a sign of life in 15."""
_MOST = 64 << 20
"""Bytes of one answer or picture; a server that sends more is left."""
_WORDS = 500
"""Characters of a server's sentence that are kept."""
_API = "gradio_api/"
_BODY_END = b"\r\n--mode-load--\r\n"
_BODY = (
    b'--mode-load\r\nContent-Disposition: form-data; name="files"; filename="picture.png"\r\n\r\n'
)
_FORM = "multipart/form-data; boundary=mode-load"


class Lost(ModeError):
    """No answer came, and no sentence that stands for one."""


class Refused(ModeError):
    """The server's own sentence in place of an answer."""


class Left(Exception):
    """The user hung up before the answer came."""


class Wish(NamedTuple):
    """What every user asks for."""

    bpp: float
    codecs: tuple[str, ...] = ()
    """Names of panes; none stands for those that open first."""


class Page:
    """One server's API; `hang_up` cuts all lines to it, from any thread."""

    def __init__(self, url: str, server_of: str = "") -> None:
        parts = urlsplit(url)
        self.url = url
        self._secure, self._host = parts.scheme == "https", parts.hostname or ""
        self.port = parts.port or (443 if self._secure else 80)
        self._base = f"{parts.path.rstrip('/')}/"
        owner = f" (at a server of {server_of})" if server_of else ""
        self._agent = f"mode-explorer load test{owner}"
        self._lines: set[socket.socket] = set()
        self._lock = Lock()
        self._cut = False

    @property
    def is_here(self) -> bool:
        """Whether the address is of this machine itself, whatever names it has elsewhere."""
        if self._host == "localhost":
            return True
        with suppress(ValueError):
            address = ip_address(self._host)
            return address.is_loopback or address.is_unspecified
        return False

    def check(self) -> None:
        """ModeError if no page of ours answers there."""
        try:
            info = self._json("GET", f"{_API}info")
            named = info.get("named_endpoints") if isinstance(info, dict) else None
        except ModeError as error:
            raise ModeError(f"{self.url} is no page that can be asked: {error}") from error
        if not isinstance(named, dict) or "/compare" not in named:
            raise ModeError(
                f"{self.url} is a page without /compare; give the address of a MoDE Explorer"
            )

    def ask(self, png: bytes, wish: Wish, whose: str = "") -> str:
        """Send a picture and ask for its comparison: the address of its answer."""
        kind = {"Content-Type": _FORM}
        sent = self._json("POST", f"{_API}upload", whose, _BODY + png + _BODY_END, kind)
        file = {"path": _only_name(sent), "meta": {"_type": "gradio.FileData"}}
        body = json.dumps({"data": [file, wish.bpp, list(wish.codecs)]}).encode()
        kind = {"Content-Type": "application/json"}
        call = self._json("POST", f"{_API}call/compare", whose, body, kind)
        event = call.get("event_id") if isinstance(call, dict) else None
        if not isinstance(event, str) or not event.isalnum():
            raise Lost("the call was answered with no event")
        return f"{_API}call/compare/{event}"

    def answer(self, address: str, whose: str = "", leave_s: float | None = None) -> dict[str, Any]:
        """The answer; Refused with the server's sentence, or Left after so many seconds."""
        until = None if leave_s is None else monotonic() + leave_s
        last = b""
        with self._request("GET", address, whose) as (answer, line):
            _refuse(answer)
            while text := _line(answer, line, until):
                last = text if text.startswith(b"data:") and text.strip() != b"data: null" else last
        found = _parsed(last.removeprefix(b"data:"))
        match found:
            case [dict() as whole]:
                return whole
            case {"error": str(words)}:
                raise Refused(words[:_WORDS])
        raise Lost("the answer ended early")

    def picture(self, address: object, whose: str = "") -> bytes:
        """A picture that an answer names, which is one of this server's."""
        if not isinstance(address, str) or not address.startswith("mode/media/"):
            raise Lost("the answer names no picture")
        with self._request("GET", address, whose) as (answer, _):
            _refuse(answer)
            return _whole(answer)

    def hang_up(self) -> None:
        """Cut every line, and let none begin."""
        with self._lock:
            self._cut = True
            for line in self._lines:
                _shut(line)

    def _json(
        self,
        method: str,
        path: str,
        whose: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        with self._request(method, path, whose, body, headers) as (answer, _):
            _refuse(answer)
            return _parsed(_whole(answer))

    @contextmanager
    def _request(
        self,
        method: str,
        path: str,
        whose: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[HTTPResponse, socket.socket]]:
        make = HTTPSConnection if self._secure else HTTPConnection
        connection = make(self._host, self.port, timeout=SILENCE_S)
        # who it is that a proxy in front would speak of; only this machine's word is believed
        says = {"X-Forwarded-For": whose} if whose else {}
        head = {"User-Agent": self._agent, "Connection": "close"} | says | dict(headers or {})
        try:
            connection.connect()
            with self._held(connection.sock) as line:
                connection.request(method, self._base + path, body, head)
                with connection.getresponse() as answer:
                    yield answer, line
        except (OSError, HTTPException) as error:
            raise Lost(_reason(error)) from error
        finally:
            connection.close()

    @contextmanager
    def _held(self, line: socket.socket) -> Iterator[socket.socket]:
        with self._lock:
            if self._cut:
                raise Lost("it was hung up")
            self._lines.add(line)
        try:
            yield line
        finally:
            with self._lock:
                self._lines.discard(line)
            _shut(line)


def _shut(line: socket.socket) -> None:
    # closing alone would not wake who reads from it
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _line(answer: HTTPResponse, line: socket.socket, until: float | None) -> bytes:
    """The next line of a stream, nothing at its end, Left if it does not come in time."""
    if until is not None:
        if monotonic() >= until:
            raise Left
        line.settimeout(max(0.01, until - monotonic()))
    try:
        text = answer.readline(_MOST)
    except TimeoutError as error:
        if until is None:
            raise
        raise Left from error
    if len(text) == _MOST:
        raise Lost("the answer has no end")
    return text


def _whole(answer: HTTPResponse) -> bytes:
    data = answer.read(_MOST + 1)
    if len(data) > _MOST:
        raise Lost("the answer has no end")
    return data


def _refuse(answer: HTTPResponse) -> None:
    """Refused, with the sentence of whoever refuses, or Lost if there is none."""
    if answer.status == 200:
        return
    found: Any = None
    with suppress(Lost):
        found = _parsed(answer.read(1 << 16))
    words = found.get("error") or found.get("detail") if isinstance(found, dict) else None
    if isinstance(words, str):
        raise Refused(words[:_WORDS])
    raise Lost(f"it answers {answer.status}")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Lost("the answer ended early or is no JSON") from error


def _only_name(sent: object) -> str:
    match sent:
        case [str(name)]:
            return name
    raise Lost("the upload was answered with no name")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came in {SILENCE_S:.0f} seconds"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"the connection broke ({type(error).__name__})"
