"""A helper process for heavy work: if it hangs or dies, the page lives on and says so.

The page's own process never loads torch. Parent and child exchange pickles over pipes that no one
else can reach; uploaded bytes travel inside them as plain bytes. Work that nobody wants any more is
interrupted, which keeps the process and the weights it has loaded; only if it does not stop by
itself (a long step inside a library), the process is killed.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from threading import Lock
from time import monotonic
from typing import Any, BinaryIO

from mode_core.errors import ModeError

_SLEEPING_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Waiting threads must sleep: spinning ones take the cores from the other helper process."""
_LOOK_S = 0.2
"""Seconds between two looks at whether a result is still wanted, and at the clock."""
_START_S = 180.0
"""Seconds that a helper has to start, which no visitor's file is to blame for: on a busy machine
its imports alone took longer than a file may."""
_GRACE_S = 1.0
"""Seconds that interrupted work has to stop by itself."""
INTERRUPT = getattr(signal, "SIGUSR1", None)
"""What stops a task without ending its process, where the platform has such a thing."""


class WorkerLost(ModeError):
    """The helper process was stopped, or stopped itself, in the middle of a task."""


class NotReady(WorkerLost):
    """The helper process did not come to its work at all."""


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
        self._is_starting = False

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
        process = self._started(task, wanted)
        try:
            send(process.stdin, (task, args))
            self._await_answer(process, seconds, wanted)
            failed, result = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._end()
            raise WorkerLost(_STOPPED) from error
        if failed:
            raise result
        return result

    def _started(self, task: object, wanted: Wanted) -> subprocess.Popen[bytes]:
        """The process, with the task's module imported: a start is no part of a task's time.

        If nobody waits for it any more, it goes on starting for whoever comes next.
        """
        try:
            process = self._running(task)
            late = monotonic() + _START_S
            while self._is_starting:
                if _has_news(process, _LOOK_S):
                    pickle.load(process.stdout)  # type: ignore[arg-type]
                    self._is_starting = False
                elif not wanted():
                    raise Unwanted(_UNWANTED)
                elif monotonic() > late:
                    raise TimeoutError
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._end()
            raise NotReady(_NOT_READY) from error
        return process

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
        if INTERRUPT is not None:
            process.send_signal(INTERRUPT)
            if _has_news(process, _GRACE_S):
                with suppress(OSError, EOFError, pickle.UnpicklingError):
                    pickle.load(process.stdout)  # type: ignore[arg-type]
                    return
        self._end()

    def _running(self, task: object) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            memory = str(self.memory_bytes)
            self._process = start_child("app.server.child", memory, **self._told)
            self._is_starting = True
            send(self._process.stdin, (_hold, (task,)))
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
_NOT_READY = "the server could not start what this needs; try again in a moment"


def _hold(task: object) -> None:
    """Nothing: who unpickles a task has imported its module."""


def _has_news(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether there is an answer, or the end of the process, within so many seconds."""
    assert process.stdout is not None
    # select() takes no number above 1023, and a server with many visitors has those.
    return bool(wait([process.stdout.fileno()], seconds))


def send(pipe: BinaryIO | Any, message: Any) -> None:
    """Write a message into a pipe, whole."""
    pickle.dump(message, pipe, protocol=5)
    pipe.flush()
