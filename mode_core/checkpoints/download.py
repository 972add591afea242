"""One file from one address: what an earlier try has left is gone on with, and nothing else.

A part lies under a name of its own for each address, beside a note of which file it began: bytes of
another file are never joined to it. No torch here.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mode_core.errors import ModeError
from mode_core.stream.atomic import size_in_words

Progress = Callable[[int, int], None]
"""Is told how many bytes are here, of how many; 0 of those if nobody knows."""
_PIECE = 1 << 20
_WAIT_S = 30
_TRIES = 8
"""Connections for one file, as long as each of them brings some of it."""
_PAGE = b"<!doctype", b"<html", b"<?xml"
_CHECKPOINT = b"PK", b"\x80"
_NETWORK = URLError, HTTPException, OSError, ValueError
"""What a host, or a strange address, may make the library raise."""


class DownloadError(ModeError):
    """What an address gives instead of the file, without the address itself."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file is, and what its host knows of it."""

    url: str
    sha256: str = ""
    token: str = ""
    """What opens a private place; its host alone is told."""


class Identity(NamedTuple):
    """Which file an answer is of, in the words of its host."""

    tag: str
    total: int


class Part:
    """What is here of the file at an address."""

    def __init__(self, path: Path, url: str) -> None:
        mark = hashlib.sha256(url.encode()).hexdigest()[:8]
        self.path = path.with_name(f"{path.name}.{mark}.part")
        self._note = path.with_name(f"{path.name}.{mark}.json")

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def began(self) -> Identity | None:
        """Which file the bytes are of; None if nobody can tell, and then they are worth nothing."""
        with suppress(OSError, ValueError, TypeError):
            noted = Identity(*json.loads(self._note.read_text(encoding="utf-8")))
            return noted if noted.tag and self.path.exists() else None
        return None

    def begin(self, identity: Identity) -> None:
        """Start with no bytes."""
        self.remove()
        self._note.write_text(json.dumps(identity), encoding="utf-8")

    def remove(self) -> None:
        """Leave nothing."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """The whole file gets its name."""
        self.path.replace(path)
        self._note.unlink(missing_ok=True)


def download(address: Address, path: Path, progress: Progress) -> None:
    """Fetch a file; DownloadError says in a few words what its address gives instead."""
    part = Part(path, address.url)
    broken = ""
    for _ in range(_TRIES):
        before = part.size
        broken = _go_on(address, part, progress)
        if not broken:
            part.finish(path)
            return
        if part.size == before:
            break
    raise DownloadError(f"{broken} after {part.size} bytes; run it again to continue")


def remove_parts(path: Path) -> None:
    """Delete what tries at other addresses have left of a file that is whole by now."""
    for left in path.parent.glob(f"{escape(path.name)}.*"):
        if left.suffix in (".part", ".json"):
            left.unlink(missing_ok=True)


def _go_on(address: Address, part: Part, progress: Progress) -> str:
    """Fetch what is missing: "" if that is all of it, or what happened before the end."""
    began = part.began()
    have = part.size if began else 0
    if began and have == began.total:
        return ""
    try:
        answer = urlopen(_request(address, have), timeout=_WAIT_S)
    except HTTPError as error:
        if have and error.code == 416:
            part.remove()
            return "the file became another one"
        refused = error.code in (401, 403)
        raise DownloadError(f"it answers {error.code} {error.reason}", refused) from error
    except _NETWORK as error:
        reason = getattr(error, "reason", error)
        told = getattr(reason, "strerror", None) or str(reason)
        raise DownloadError("it is no address" if _is_malformed(reason) else told) from error
    with answer:
        found = _identity(answer)
        if have and answer.status == 206 and (found != began or _start(answer) != have):
            part.remove()
            return "the file became another one"
        if answer.status != 206:
            have = 0
            part.begin(found)
        need_room(part.path.parent, 2 * found.total - have)
        return _save(answer, part, have, found.total, progress)


def _is_malformed(reason: object) -> bool:
    """Whether the address itself is at fault; what is said of that holds parts of it."""
    return isinstance(reason, ValueError | InvalidURL)


def _request(address: Address, have: int) -> Request:
    headers = {"User-Agent": "mode-explorer"} | ({"Range": f"bytes={have}-"} if have else {})
    request = Request(address.url, headers=headers)
    if address.token:
        # not an ordinary header: those go on to the hosts that an answer redirects to
        request.add_unredirected_header("Authorization", f"Bearer {address.token}")
    return request


def _identity(answer: HTTPResponse) -> Identity:
    headers = answer.headers
    tag = headers.get("ETag") or headers.get("Last-Modified") or ""
    total = (headers.get("Content-Range") or "").rpartition("/")[2]
    total = total if answer.status == 206 else headers.get("Content-Length") or ""
    return Identity(tag, int(total) if total.isdecimal() else 0)


def _start(answer: HTTPResponse) -> int:
    begins = str(answer.headers.get("Content-Range", "")).removeprefix("bytes ").partition("-")[0]
    return int(begins) if begins.isdecimal() else -1


def _save(answer: HTTPResponse, part: Part, have: int, total: int, progress: Progress) -> str:
    try:
        with part.path.open("ab" if have else "wb") as file:
            done, ended = _copy(answer, file, have, total, progress)
    except OSError as error:  # of the disk: those of the network are caught where they come from
        raise ModeError(
            f"{part.path.parent} takes no more ({error.strerror}); free some space, or set "
            "MODE_WEIGHTS to another folder, and run it again to continue"
        ) from error
    except DownloadError:
        part.remove()
        raise
    # a file of unknown length ends where its connection does
    return "" if done == total or (not total and ended) else "the connection broke"


def _copy(
    answer: HTTPResponse, file: BinaryIO, done: int, total: int, progress: Progress
) -> tuple[int, bool]:
    """How many bytes are here in the end, and whether there were no more."""
    while piece := _piece(answer):
        if not done and _is_page(answer, piece):
            raise DownloadError(
                "it gives a web page instead of the file, perhaps since too many have fetched it "
                "today or it asks for a login"
            )
        file.write(piece)
        done += len(piece)
        progress(done, total)
    return done, piece is not None


def _piece(answer: HTTPResponse) -> bytes | None:
    """The next bytes, none at the end, None if the connection broke."""
    try:
        return answer.read(_PIECE)
    except (HTTPException, OSError):
        return None


def is_web_page(head: bytes) -> bool:
    """Whether a file that begins so is a page of a website."""
    return head.lstrip().lower().startswith(_PAGE)


def _is_page(answer: HTTPResponse, head: bytes) -> bool:
    said = str(answer.headers.get("Content-Type", "")).startswith("text/html")
    return is_web_page(head) or (said and not head.startswith(_CHECKPOINT))


def need_room(folder: Path, needed: int) -> None:
    """ModeError if a disk is too full for a file and for what it is converted to."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModeError(
            f"{folder} has {size_in_words(free)} free, {size_in_words(needed)} are needed for the "
            "file and its conversion; free some space or set MODE_WEIGHTS to another folder"
        )
