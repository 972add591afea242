"""Where everything is read that strangers send: a helper process of bounded time and memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from cachetools import TTLCache

from app.server.process import NotReady, Unwanted, Wanted, Worker, WorkerLost, always
from app.server.store import Photo
from app.server.turns import Turns
from app.settings import Settings
from mode_core.errors import ModeError
from mode_core.pictures.files import load_picture
from mode_core.pictures.parts import cut, scaled
from mode_core.types import Image

MEMORY_BYTES = 2 << 30
"""A picture of 25 megapixels with 16 bits in four channels takes 1.4 GB."""

_TOO_MANY = "too many of your files wait to be read; send this one in a moment"
_DISTRUST_S, _MOST_DISTRUSTED = 60.0, 1000
_GIVEN_UP = (
    "the file took {limits} to read and was given up; save it anew in another program, as a PNG "
    "or JPEG or with fewer pixels"
)
_NOBODY = "nobody waits for this any more; send it again"


class Unread(ModeError):
    """The file was given up before it was read."""


class Reader:
    """Reads one file after the other; it costs nothing but a sentence if one of them is a trap."""

    def __init__(self, settings: Settings) -> None:
        self._worker = Worker(settings.read_seconds, MEMORY_BYTES)
        self._turns = FileTurns(4 * settings.queue_length)

    def photo(self, data: bytes, visitor: str = "", wanted: Wanted = always) -> Photo:
        """The canonical picture of a file; its key is a hash of its pixels."""
        photo: Photo = self.call(read_photo, data, visitor=visitor, wanted=wanted)
        return photo

    def call(
        self,
        task: Callable[..., Any],
        *args: Any,
        visitor: str = "",
        wanted: Wanted = always,
        given_up: str = "",
    ) -> Any:
        """What the task makes of a visitor's bytes, when it is that visitor's turn.

        What is not the reading of a file says with `given_up` what was given up, and what would
        work; that it took long is then no fault of the visitor's.
        """
        try:
            with self._turns.turn(visitor, wanted):
                return self._worker.call(task, *args, wanted=wanted)
        except Unwanted as error:
            raise Unread(_NOBODY) from error
        except NotReady as error:
            raise Unread(str(error)) from error
        except (WorkerLost, MemoryError) as error:
            if not given_up:
                self._turns.distrust(visitor)
            limits = f"more than {self._worker.seconds:.0f} s or {MEMORY_BYTES >> 30} GB"
            raise Unread((given_up or _GIVEN_UP).format(limits=limits)) from error

    def warm(self) -> None:
        """Start the helper process ahead of the first file."""
        with suppress(WorkerLost):
            self._worker.call(read_part, np.zeros((8, 8, 3), np.uint8), None, 64)

    def close(self) -> None:
        """End the helper process."""
        self._worker.close()


class FileTurns(Turns):
    """Turns of those who send files, of which so many may wait, and half of them of one visitor.

    Whoever has sent a file that had to be given up may send one at a time for a while.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._most_each = most, max(1, most // 2)
        self._distrusted: TTLCache[str, bool] = TTLCache(_MOST_DISTRUSTED, _DISTRUST_S)

    def distrust(self, visitor: str) -> None:
        """A file of this visitor had to be given up."""
        with self._changed:
            self._distrusted[visitor] = True
            self._changed.notify_all()

    def _admit(self, visitor: str) -> None:
        most_each = 1 if visitor in self._distrusted else self._most_each
        if len(self._waiting.of(visitor)) >= most_each:
            raise Unread(_TOO_MANY)
        if len(self._waiting) >= self._most:
            raise Unread("too many other files wait to be read; send this one in a moment")

    def _check(self, visitor: str, me: object) -> None:
        with self._changed:
            if visitor in self._distrusted and self._waiting.of(visitor)[0] is not me:
                raise Unread(_TOO_MANY)


def read_photo(data: bytes) -> Photo:
    """What the helper process does: decode, and make the PNG that browsers get."""
    picture = load_picture(data)
    digest = hashlib.sha256(repr(picture.pixels.shape).encode() + picture.pixels.tobytes())
    return Photo.of(digest.hexdigest(), picture)


def read_part(pixels: Image, box: Sequence[int] | None, most: int) -> Photo:
    """What lies in the box, or all of the picture with at most so many pixels, and its PNG."""
    return Photo.of("", cut(pixels, box) if box else scaled(pixels, most))


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a picture that can be read to its end."""
    height, width, _ = load_picture(data).pixels.shape
    return width, height
