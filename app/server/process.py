"""A helper process for heavy work: if it hangs or dies, the page lives on and says so.

The page's own process never loads torch. Parent and child exchange pickles over pipes that no one
else can reach; uploaded bytes travel inside them as plain bytes.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Timer
from typing import Any, BinaryIO

from mode_core.errors import ModeError

_SLEEPING_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Waiting threads must sleep: spinning ones take the cores from the other helper process."""


class WorkerLost(ModeError):
    """The helper process was stopped, or stopped itself, in the middle of a task."""


class Worker:
    """One helper process, started on first use and again after it was lost; one call at a time."""

    def __init__(self, seconds: float, memory_bytes: int = 0) -> None:
        self.seconds, self.memory_bytes = seconds, memory_bytes
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, task: Callable[..., Any], *args: Any, patience_s: float = -1) -> Any:
        """The task's result, computed in the other process; WorkerLost if others keep it busy."""
        if not self._lock.acquire(timeout=patience_s):
            raise WorkerLost("busy with other pictures; try again in a moment")
        try:
            return self._call(task, args)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the helper process."""
        with self._lock:
            self._end()

    def _call(self, task: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        process = self._running()
        late: list[bool] = []

        def stop() -> None:
            late.append(True)
            process.kill()

        timer = Timer(self.seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            _send(process.stdin, (task, args))
            failed, result = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._end()
            raise WorkerLost(_lost(bool(late), self.seconds)) from error
        finally:
            timer.cancel()
        if failed:
            raise result
        return result

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            path = os.pathsep.join(filter(None, sys.path))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.server.process", str(self.memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**_SLEEPING_THREADS, **os.environ, "PYTHONPATH": path},
            )
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


def _lost(late: bool, seconds: float) -> str:
    if late:
        return f"this took longer than {seconds:.0f} s and was stopped; try a smaller picture"
    return "the worker process stopped in the middle of this; try again, it has been restarted"


def _send(pipe: BinaryIO | Any, message: Any) -> None:
    pickle.dump(message, pipe, protocol=5)
    pipe.flush()


def _limit_memory(limit: int) -> None:
    """Let allocations beyond the limit fail, where the platform can do that."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # Unix alone has it

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _serve() -> None:
    """Answer calls until the parent goes away; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            task, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = (False, task(*args))
        except Exception as error:  # handed to the caller, who raises it
            answer = (True, error)
        _send(answers, answer)


if __name__ == "__main__":
    if memory := int(sys.argv[1]):
        _limit_memory(memory)
    _serve()
