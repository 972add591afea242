"""One request to a host that may do anything: slow ones are left, redirects looked at, errors told.

Nothing secret is told: an address, a token or a proxy may hold a password. No torch here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    InvalidURL,
)
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
    getproxies,
    proxy_bypass,
)

from mode_core.errors import ModeError
from mode_core.stream.atomic import size_in_words

FLOOR, SPAN_S = 1_000_000, 120
"""A host that sends fewer bytes than this in so many seconds of waiting for it is left."""
_WAIT_S = 30
"""Seconds without a byte after which a connection counts as broken."""
_NETWORK = URLError, HTTPException, OSError, ValueError
"""What a host, or a strange address, may make the library raise."""
_clock = time.monotonic


class DownloadError(ModeError):
    """What an address gives instead of the file, without the address itself."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.refused = status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        self.changed = status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file is, and what its host knows of it."""

    url: str
    sha256: str = ""
    token: str = ""
    """What opens a private place; its host alone is told."""


class Pace:
    """How fast the bytes of one address come, over all its connections."""

    def __init__(self) -> None:
        self._bytes, self._waited = 0, 0.0

    def add(self, count: int, seconds: float) -> None:
        """So many bytes have come after waiting for so long."""
        self._bytes += count
        self._waited += seconds

    def check(self) -> None:
        """DownloadError if too few came in the last span; called before waiting for more."""
        if self._waited < SPAN_S:
            return
        if self._bytes < FLOOR:
            raise DownloadError(
                f"it sends less than {size_in_words(FLOOR)} in {SPAN_S} seconds; run it again to "
                "continue"
            )
        self._bytes, self._waited = 0, 0.0


def opened(address: Address, start: int, pace: Pace) -> HTTPResponse:
    """A host's answer that has the bytes from `start` on, or all of them; or DownloadError."""
    redirects = _Redirects()
    opener = build_opener(redirects, _Web(pace), _Secure(pace))
    try:
        answer: HTTPResponse = opener.open(_request(address, start), timeout=_WAIT_S)
    except HTTPError as error:
        error.close()
        told = f"{redirects.subject} {_words_of(error.code)}"
        raise DownloadError(told, error.code) from error
    except _NETWORK as error:
        told = _reason_of(error, proxy_of(redirects.url or address.url))
        raise DownloadError(f"{redirects.beside}{told}") from error
    return answer


class _Timed(HTTPResponse):
    """An answer of which every byte counts, those of its headers too."""

    fp: BufferedReader

    def __init__(self, pace: Pace, *how: Any, **more: Any) -> None:
        super().__init__(*how, **more)
        self.fp = BufferedReader(_Counted(self.fp.detach(), pace))


class _Counted(RawIOBase):
    def __init__(self, raw: RawIOBase, pace: Pace) -> None:
        self._raw, self._pace = raw, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._pace.check()
        before = _clock()
        count: int | None = self._raw.readinto(buffer)
        self._pace.add(count or 0, _clock() - before)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _connection(kind: Any, pace: Pace, *how: Any, **more: Any) -> HTTPConnection:
    made: HTTPConnection = kind(*how, **more)
    made.response_class = partial(_Timed, pace)  # type: ignore[assignment]
    return made


class _Web(HTTPHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._made = partial(_connection, HTTPConnection, pace)

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._made, req)


class _Secure(HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._made = partial(_connection, HTTPSConnection, pace)

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._made, req)


class _Redirects(HTTPRedirectHandler):
    """Follows to other hosts, since those of large files do that, but never to a weaker scheme."""

    url = ""
    """Where the last redirect led to, which may hold a key in its query."""

    @property
    def subject(self) -> str:
        """Who answers."""
        return f"{_host(self.url)}, which it leads to," if self.url else "it"

    @property
    def beside(self) -> str:
        """What stands before somebody else's words."""
        return f"it leads to {_host(self.url)}: " if self.url else ""

    def redirect_request(self, req: Request, *how: Any) -> Request | None:
        url = how[-1]
        if not url.startswith(("http://", "https://")):
            raise DownloadError("it leads to what is no https:// or http:// address")
        if req.type == "https" and url.startswith("http://"):
            raise DownloadError(
                f"it leads from https:// to http:// at {_host(url)}, where others could change the "
                "file on its way"
            )
        self.url = url
        return super().redirect_request(req, *how)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no address"


def _request(address: Address, start: int) -> Request:
    headers = {"User-Agent": "mode-explorer"} | ({"Range": f"bytes={start}-"} if start else {})
    request = Request(address.url, headers=headers)
    if address.token:
        # not an ordinary header: those go on to the hosts that an answer redirects to
        request.add_unredirected_header("Authorization", f"Bearer {address.token}")
    return request


def _words_of(status: int) -> str:
    """A status in words of ours: a host may write anything beside its number."""
    if 300 <= status < 400:
        return "leads in a circle, or to what is no web address"
    try:
        return f"answers {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"answers {status}"


def _reason_of(error: Exception, proxy: str) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    # certificates that are refused are a ValueError too
    if isinstance(reason, OSError):
        told = reason.strerror or str(reason)
    elif isinstance(reason, str | ValueError | InvalidURL):
        # what the library says of that holds parts of it, as do the next words those of the host
        return f"{proxy or 'it'} is no address"
    else:
        told = "what answers is no web server"
    return f"{told} (by way of {proxy})" if proxy else told


def proxy_of(url: str) -> str:
    """The proxy that requests to an address go through, by the variable that names it."""
    parts = urlsplit(url)
    if parts.scheme in getproxies() and not proxy_bypass(parts.netloc):
        return f"the proxy in {parts.scheme}_proxy"
    return ""
