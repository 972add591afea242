"""The helper process itself: it answers calls, and ends with its parent (see `process`)."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from time import sleep
from types import FrameType
from typing import Any

from app.server.process import INTERRUPT, send

_SPARED_S = 1.0
"""Seconds between two times that a helper gives unused memory back."""


class _Interrupted(BaseException):
    """Raised by the signal, and only in the middle of a task."""


def _limit_memory(limit: int) -> None:
    """Let allocations beyond the limit fail, where the platform can do that."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # Unix alone has it

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _serve() -> None:
    """Answer calls until the parent goes away; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Thread(target=_keep_small, args=(os.getppid(),), daemon=True).start()
    try:
        while True:
            send(answers, _answer(*pickle.load(sys.stdin.buffer)))
            _return_memory()
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone; at a usual exit what it did not read would be tried again


def _keep_small(parent: int) -> None:
    """Unused memory goes back in mid-task too: of a large picture that is a quarter of the peak.

    And what nobody will read is not computed to its end: the pipe tells of that only afterwards.
    """
    while True:
        sleep(_SPARED_S)
        if os.getppid() != parent:
            os._exit(0)
        _return_memory()


def _answer(task: Callable[..., Any], args: tuple[Any, ...]) -> tuple[bool, Any]:
    """Whether the task failed, and its result or its error."""
    try:
        return False, _interruptible(task, args)
    except _Interrupted:
        return False, None
    except Exception as error:  # handed to the caller, who raises it
        return True, error


def _return_memory() -> None:
    """What a large picture took goes back to the system; the C library would keep half of it."""
    with suppress(OSError, AttributeError):  # glibc alone has this
        ctypes.CDLL(None).malloc_trim(0)


def _interruptible(task: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    def interrupt(_signal: int, frame: FrameType | None) -> None:
        if not _halves_something(frame):
            raise _Interrupted

    if INTERRUPT is None:
        return task(*args)
    signal.signal(INTERRUPT, interrupt)
    try:
        return task(*args)
    finally:
        signal.signal(INTERRUPT, signal.SIG_IGN)


def _halves_something(frame: FrameType | None) -> bool:
    """Whether stopping here would leave a module half imported, or a block half entered or left.

    The process would go on like that for all who come after: it has to be killed instead.
    """
    while frame is not None:
        code, frame = frame.f_code, frame.f_back
        if code.co_filename.startswith("<frozen importlib"):
            return True
        if code.co_name in ("__enter__", "__exit__"):
            return True
    return False


if __name__ == "__main__":
    if INTERRUPT is not None:
        signal.signal(INTERRUPT, signal.SIG_IGN)
    if memory := int(sys.argv[1]):
        _limit_memory(memory)
    _serve()
