"""Where a file may be: addresses that are tried in turn, and told without what is secret in them.

Also who else is at it, and what a disk does not do. For checkpoints and for pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from time import sleep
from typing import TypeVar
from urllib.parse import urlsplit

from mode_core.checkpoints.connection import DownloadError
from mode_core.checkpoints.download import NoRoom
from mode_core.checkpoints.hub import SCHEME, is_on_hub
from mode_core.errors import ModeError

_SCHEMES = "http://", "https://", SCHEME
_LOOK_S = 0.5
"""Seconds between two looks at whether another process has finished."""
Say = Callable[[str], None]
T = TypeVar("T")


def from_anywhere(
    urls: Iterable[str],
    attempt: Callable[[str], T],
    none: Callable[[dict[str, DownloadError]], ModeError],
) -> T:
    """What the first address gives that gives it; else what `none` makes of all the reasons."""
    failed: dict[str, DownloadError] = {}
    for url in urls:
        try:
            return attempt(url)
        except DownloadError as error:
            failed[url] = error
    rooms = [error for error in failed.values() if isinstance(error, NoRoom)]
    if rooms and len(rooms) == len(failed):
        raise min(rooms, key=lambda error: error.needed)
    raise none(failed)


def checked_address(name: str, text: str) -> str:
    """An address that somebody gave, or nothing; ModeError if it cannot be one."""
    if text and not text.startswith(_SCHEMES):
        raise ModeError(f"{name} is {shown(text)!r}; it must begin with https://, http:// or hf://")
    if text and not _is_plain(text):
        raise ModeError(
            f"{name} is no address that can be used: it must name a host, without a password, and "
            "be of ASCII letters without blanks"
        )
    return text


def _is_plain(text: str) -> bool:
    """Whether a host is named and nothing secret or unprintable: addresses stand in messages."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where that is no number
    except ValueError:
        return False
    return (
        bool(parts.hostname)
        and "@" not in parts.netloc
        and re.fullmatch("[!-~]+", text) is not None
    )


def shown(url: str) -> str:
    """An address that somebody gave, without what may be a password or a key."""
    return re.sub(r"\?.*", "?…", re.sub(r"//[^/]*@", "//", url), flags=re.S)


def host_of(url: str) -> str:
    """Whose an address is, in a word; without one, it is what lies here."""
    if is_on_hub(url):
        return "the Hugging Face hub"
    return (urlsplit(url).hostname or "") if url else "this machine"


def waiting(name: str, say: Say) -> Callable[[], None]:
    """What to do while somebody else fetches the same: say so once, and wait a little."""
    told: list[str] = []

    def busy() -> None:
        if not told:
            told.append(f"{name} is being fetched by somebody else here; waiting for that")
            say(told[0])
        sleep(_LOOK_S)

    return busy


@contextmanager
def written_in(home: Path, variable: str) -> Iterator[None]:
    """What a disk does not do is a sentence; what a host does not do is none of these errors."""
    try:
        yield
    except OSError as error:
        room = "free some space, or " if error.errno in (ENOSPC, EDQUOT) else ""
        raise ModeError(
            f"{error.filename or home} cannot be written to ({error.strerror or error}); {room}let "
            f"{variable} name another folder, and run it again to continue"
        ) from error
