"""A lock that processes and threads share as a file, and that one which was killed leaves free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two programs at one thing are nobody's business but the user's there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def held(lock: Path, busy: Callable[[], None]) -> Iterator[None]:
    """Nobody else holds this file meanwhile; while one does, `busy` raises, or waits a little."""
    descriptor = _take(lock, busy)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _take(lock: Path, busy: Callable[[], None]) -> int:
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            busy()
            continue
        # Whoever held it before may have removed the very file that was just opened.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        os.close(descriptor)
