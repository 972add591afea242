"""Several hands at one list of tasks: all is there sooner than one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from app.server.process import Unwanted

T = TypeVar("T")
R = TypeVar("R")


def together(hands: Sequence[Callable[[T], Iterator[R]]], tasks: Sequence[T]) -> Iterator[R]:
    """What the hands give for the tasks, as it comes; a hand that is free takes the next task.

    A hand that says Unwanted takes no more. Whoever stops listening stops all: what is being done
    is still waited for, nothing new is begun.
    """
    waiting, news = deque(tasks), SimpleQueue[tuple[R] | Exception | None]()
    at_work = [Thread(target=_work, args=(hand, waiting, news), daemon=True) for hand in hands]
    for one in at_work:
        one.start()
    try:
        busy = len(at_work)
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
        for one in at_work:
            one.join()


def _work(
    hand: Callable[[T], Iterator[R]],
    waiting: deque[T],
    news: SimpleQueue[tuple[R] | Exception | None],
) -> None:
    try:
        while True:
            try:
                task = waiting.popleft()
            except IndexError:
                break
            for result in hand(task):
                news.put((result,))
    except Unwanted:
        pass
    except Exception as error:
        news.put(error)
    finally:
        news.put(None)
