"""A helper process for heavy work: if it hangs or dies, the page lives on and says so.

The page's own process never loads torch. Parent and child exchange pickles over pipes that no one
else can reach; uploaded bytes travel inside them as plain bytes. Work that nobody wants any more is
interrupted, which keeps the process and the weights it has loaded; only if it does not stop by
itself (a long step inside a library), the process is killed.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from threading import Lock, Thread
from time import monotonic, sleep
from types import FrameType
from typing import Any, BinaryIO

from mode_core.errors import ModeError

_SLEEPING_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Waiting threads must sleep: spinning ones take the cores from the other helper process."""


_LOOK_S = 0.2
"""Seconds between two looks at whether a result is still wanted, and at the clock."""
_GRACE_S = 1.0
"""Seconds that interrupted work has to stop by itself."""
_SPARED_S = 1.0
"""Seconds between two times that a helper gives unused memory back."""
_INTERRUPT = getattr(signal, "SIGUSR1", None)


class WorkerLost(ModeError):
    """The helper process was stopped, or stopped itself, in the middle of a task."""


class Unwanted(ModeError):
    """Nobody waited for the result any more, so the work was stopped."""


Wanted = Callable[[], bool]


def always() -> bool:
    """Somebody waits for the result, as far as anyone knows."""
    return True


@dataclass(frozen=True, slots=True)
class Turn:
    """What work is given: its place, and, when it is called, whether anybody still wants it."""

    place: int = 0
    wanted: Wanted = always

    def __call__(self) -> bool:
        """Whether somebody still waits for the result."""
        return self.wanted()


class Worker:
    """One helper process, started on first use and again after it was lost; one call at a time."""

    def __init__(
        self, seconds: float, memory_bytes: int = 0, told: Mapping[str, str] | None = None
    ) -> None:
        """`told` is what its environment has beside that of this process."""
        self.seconds, self.memory_bytes, self._told = seconds, memory_bytes, told or {}
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(
        self,
        task: Callable[..., Any],
        *args: Any,
        patience_s: float = -1,
        seconds: float = 0,
        wanted: Wanted = always,
    ) -> Any:
        """The task's result, computed in the other process.

        WorkerLost if that takes longer than `seconds` (usually those of the settings), or if other
        calls keep the process busy for `patience_s`; Unwanted as soon as `wanted` says no.
        """
        self._take_turn(patience_s, wanted)
        try:
            return self._call(task, args, seconds or self.seconds, wanted)
        finally:
            self._lock.release()

    @property
    def is_busy(self) -> bool:
        """Whether another call would have to wait."""
        return self._lock.locked()

    def close(self) -> None:
        """End the helper process."""
        with self._lock:
            self._end()

    def _take_turn(self, patience_s: float, wanted: Wanted) -> None:
        since = monotonic()
        while not self._lock.acquire(timeout=_LOOK_S):
            if not wanted():
                raise Unwanted(_UNWANTED)
            if 0 <= patience_s < monotonic() - since:
                raise WorkerLost("busy with other pictures; try again in a moment")

    def _call(
        self, task: Callable[..., Any], args: tuple[Any, ...], seconds: float, wanted: Wanted
    ) -> Any:
        try:
            process = self._running()
            _send(process.stdin, (task, args))
            self._await_answer(process, seconds, wanted)
            failed, result = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._end()
            raise WorkerLost(_STOPPED) from error
        if failed:
            raise result
        return result

    def _await_answer(
        self, process: subprocess.Popen[bytes], seconds: float, wanted: Wanted
    ) -> None:
        late = monotonic() + seconds
        while not _has_news(process, _LOOK_S):
            if monotonic() > late:
                self._end()
                raise WorkerLost(
                    f"this took longer than {seconds:.0f} s and was stopped; try a smaller picture"
                )
            if not wanted():
                self._interrupt(process)
                raise Unwanted(_UNWANTED)

    def _interrupt(self, process: subprocess.Popen[bytes]) -> None:
        """Stop what is running: by a signal if that helps, which keeps the process."""
        if _INTERRUPT is not None:
            process.send_signal(_INTERRUPT)
            if _has_news(process, _GRACE_S):
                with suppress(OSError, EOFError, pickle.UnpicklingError):
                    pickle.load(process.stdout)  # type: ignore[arg-type]
                    return
        self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            memory = str(self.memory_bytes)
            self._process = start_child("app.server.process", memory, **self._told)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    # Half a message may still wait to be written to a process that is gone.
                    with suppress(BrokenPipeError):
                        pipe.close()
            self._process = None


def start_child(module: str, *words: str, **told: str) -> subprocess.Popen[bytes]:
    """A process that runs a module of ours, with pipes to and from it."""
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**_SLEEPING_THREADS, **os.environ, "PYTHONPATH": path, **told},
    )


_UNWANTED = "stopped: nobody waits for this any more"
_STOPPED = "the worker process stopped in the middle of this; try again, it has been restarted"


def _has_news(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether there is an answer, or the end of the process, within so many seconds."""
    assert process.stdout is not None
    # select() takes no number above 1023, and a server with many visitors has those.
    return bool(wait([process.stdout.fileno()], seconds))


def _send(pipe: BinaryIO | Any, message: Any) -> None:
    pickle.dump(message, pipe, protocol=5)
    pipe.flush()


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
    Thread(target=_keep_small, daemon=True).start()
    try:
        while True:
            _send(answers, _answer(*pickle.load(sys.stdin.buffer)))
            _return_memory()
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone; at a usual exit what it did not read would be tried again


def _keep_small() -> None:
    """Unused memory goes back in mid-task too: of a large picture that is a quarter of the peak."""
    while True:
        sleep(_SPARED_S)
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

    if _INTERRUPT is None:
        return task(*args)
    signal.signal(_INTERRUPT, interrupt)
    try:
        return task(*args)
    finally:
        signal.signal(_INTERRUPT, signal.SIG_IGN)


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
    if _INTERRUPT is not None:
        signal.signal(_INTERRUPT, signal.SIG_IGN)
    if memory := int(sys.argv[1]):
        _limit_memory(memory)
    _serve()
