"""One file from one address: what an earlier try has left is gone on with, and nothing else.

A part lies under a name of its own for each address, beside a note of which file it began: bytes of
another file are never joined to it. No torch here.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mode_core.checkpoints.connection import Address, DownloadError, Pace, opened
from mode_core.stream.atomic import size_in_words

Progress = Callable[[int, int], None]
"""Is told how many bytes are here, of how many; 0 of those if nobody knows."""
_PIECE = 1 << 18
_HEAD = 512
"""Bytes at the start by which a web page is told from a file."""
_TRIES = 8
"""Connections for one file, as long as each of them brings some of it."""
_MOST = 4
"""Times the usual size that a file may have; what is larger still is not the file."""
_PAGE = b"<!doctype", b"<html", b"<?xml"
_CHECKPOINT = b"PK", b"\x80"


class Space(NamedTuple):
    """What half of the room on a disk is for, beside the file, and what names another folder."""

    use: str = "its conversion"
    variable: str = "MODE_WEIGHTS"


CONVERTED = Space()


class NoRoom(DownloadError):
    """The disk is too full for the file that a host speaks of; others may know of a smaller one."""

    def __init__(self, folder: Path, free: int, needed: int, space: Space) -> None:
        super().__init__(
            f"{folder} has {size_in_words(free)} free, {size_in_words(needed)} are needed for the "
            f"file and {space.use}; free some space or set {space.variable} to another folder"
        )
        self.needed = needed


class _NotTheFile(DownloadError):
    """What has come is of no use."""


class Identity(NamedTuple):
    """Which file an answer is of, in the words of its host."""

    tag: str
    total: int


class Part:
    """What is here of the file at an address."""

    def __init__(self, path: Path, url: str, space: Space = CONVERTED) -> None:
        self.space = space
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


def download(
    address: Address, path: Path, progress: Progress, usual: int, space: Space = CONVERTED
) -> None:
    """Fetch a file of about the usual size; DownloadError says what its address gives instead."""
    part, pace = Part(path, address.url, space), Pace()
    broken = ""
    for _ in range(_TRIES):
        before = part.size
        broken = _go_on(address, part, pace, progress, usual)
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


def _go_on(address: Address, part: Part, pace: Pace, progress: Progress, usual: int) -> str:
    """Fetch what is missing: "" if that is all of it, or what happened before the end."""
    began = part.began()
    have = part.size if began else 0
    if began and have == began.total:
        return ""
    try:
        answer = opened(address, have, pace)
    except DownloadError as error:
        if not (have and error.changed):
            raise
        part.remove()
        return "the file became another one"
    with answer:
        found = _identity(answer)
        if have and answer.status == 206 and (found != began or _start(answer) != have):
            part.remove()
            return "the file became another one"
        _refuse_giant(found.total, usual)
        # what is here of it is gone on with, or makes room
        _need_room(part, 2 * (found.total or usual) - part.size)
        if answer.status != 206:
            have = 0
            part.begin(found)
        return _save(answer, part, have, found.total, progress, usual)


def _identity(answer: HTTPResponse) -> Identity:
    headers = answer.headers
    tag = headers.get("ETag") or headers.get("Last-Modified") or ""
    total = (headers.get("Content-Range") or "").rpartition("/")[2]
    total = total if answer.status == 206 else headers.get("Content-Length") or ""
    return Identity(tag, _number(total))


def _start(answer: HTTPResponse) -> int:
    begins = str(answer.headers.get("Content-Range", "")).removeprefix("bytes ").partition("-")[0]
    return _number(begins, -1)


def _number(text: str, otherwise: int = 0) -> int:
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else otherwise


def _save(
    answer: HTTPResponse, part: Part, have: int, total: int, progress: Progress, usual: int
) -> str:
    try:
        with part.path.open("ab" if have else "wb") as file:
            done, ended = _copy(answer, file, have, total, progress, usual)
    except _NotTheFile:
        part.remove()
        raise
    # a file of unknown length ends where its connection does
    return "" if done == total or (not total and ended) else "the connection broke"


def _copy(
    answer: HTTPResponse, file: BinaryIO, done: int, total: int, progress: Progress, usual: int
) -> tuple[int, bool]:
    """How many bytes are here in the end, and whether there were no more."""
    piece: bytes | None = b""
    while not total or done < total:
        left = total - done if total else _PIECE
        piece = _piece(answer, min(_PIECE, left), 1 if done else min(_HEAD, left))
        if not piece:
            break
        if not done and _is_page(answer, piece):
            raise _NotTheFile(
                "it gives a web page instead of the file, perhaps since too many have fetched it "
                "today or it asks for a login"
            )
        file.write(piece)
        done += len(piece)
        _refuse_giant(done, usual)
        progress(done, total)
    return done, piece is not None


def _piece(answer: HTTPResponse, most: int, least: int) -> bytes | None:
    """The next bytes, none at the end, None if the connection broke."""
    try:
        # what has come is kept at once: a slow host may be left before more of it comes
        piece = answer.read1(most)
        while piece and len(piece) < least and (more := answer.read1(most - len(piece))):
            piece += more
    except (HTTPException, OSError):
        return None
    return piece


def file_sha256(path: Path) -> str:
    """The hash of a file, in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_web_page(head: bytes) -> bool:
    """Whether a file that begins so is a page of a website."""
    return head.lstrip().lower().startswith(_PAGE)


def _is_page(answer: HTTPResponse, head: bytes) -> bool:
    said = str(answer.headers.get("Content-Type", "")).startswith("text/html")
    return is_web_page(head) or (said and not head.startswith(_CHECKPOINT))


def _refuse_giant(size: int, usual: int) -> None:
    if size > _MOST * usual:
        raise _NotTheFile(
            f"it gives more than {size_in_words(_MOST * usual)}, and the file has about "
            f"{size_in_words(usual)}"
        )


def _need_room(part: Part, needed: int) -> None:
    folder = part.path.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(folder, free, needed, part.space)
