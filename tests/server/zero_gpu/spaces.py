"""Stands in for Hugging Face's `spaces` where it is not installed.

As version 0.51 does on ZeroGPU: a generator function is called in a fork of the page's process, its
arguments and results go through pickles, and whatever it raises is raised again here.
"""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

request: ContextVar[str] = ContextVar("request", default="none")
decorated: list[Callable[..., Any]] = []
calls: list[dict[str, Any]] = []
refuse: Exception | None = None


def GPU(duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: N802
    def decorate(task: Callable[..., Any]) -> Callable[..., Any]:
        assert inspect.isgeneratorfunction(task)
        decorated.append(task)

        def call(*args: Any) -> Iterator[Any]:
            calls.append(
                {
                    "seconds": duration(*args),
                    "codecs": [job.codec for job in args[0]],
                    "thread": threading.current_thread().name,
                    "request": request.get(),
                }
            )
            if refuse is not None:
                raise refuse
            yield from _forked(task, pickle.dumps(args))

        return call

    return decorate


def _forked(task: Callable[..., Any], packed: bytes) -> Iterator[Any]:
    context = multiprocessing.get_context("fork")
    results: Any = context.SimpleQueue()

    def work() -> None:
        for result in task(*pickle.loads(packed)):
            results.put((os.getpid(), result))
        results.put(None)

    process = context.Process(target=work, daemon=True)
    process.start()
    while (answer := results.get()) is not None:
        pid, result = answer
        calls[-1]["pid"] = pid
        yield result
    process.join()
