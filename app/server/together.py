"""Several hands at one list of tasks: all is there sooner than one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from time import sleep
from typing import Generic, TypeVar

from app.server.process import Unwanted, always

T = TypeVar("T")
R = TypeVar("R")
_LOOK_S = 0.05
"""Seconds between two looks at whether a hand that has other work has come to its end."""


@dataclass(frozen=True, slots=True)
class Hand(Generic[T, R]):
    """Gives results for a task; one that is not ready takes none, and leaves them to others."""

    work: Callable[[T], Iterator[R]]
    is_ready: Callable[[], bool] = always


def together(hands: Sequence[Hand[T, R]], tasks: Sequence[T]) -> Iterator[R]:
    """What the hands give for the tasks, as it comes; a hand that is free takes the next task.

    A hand whose work is Unwanted takes no more. Whoever stops listening is not held up: nothing new
    is begun, and what is being done has to hear by itself that nobody wants it.
    """
    waiting, news = deque(tasks), SimpleQueue[tuple[R] | Exception | None]()
    for hand in hands:
        Thread(target=_work, args=(hand, waiting, news), name="hand", daemon=True).start()
    try:
        busy = len(hands)
        while busy:
            match news.get():
                case None:
                    busy -= 1
                case Exception() as error:
                    raise error
                case (result,):
                    yield result
    finally:
        waiting.clear()


def _work(
    hand: Hand[T, R], waiting: deque[T], news: SimpleQueue[tuple[R] | Exception | None]
) -> None:
    try:
        while waiting:
            if not hand.is_ready():
                sleep(_LOOK_S)
                continue
            try:
                task = waiting.popleft()
            except IndexError:
                break
            for result in hand.work(task):
                news.put((result,))
    except Unwanted:
        pass
    except Exception as error:
        news.put(error)
    finally:
        news.put(None)
