"""Several hands at one list of jobs: pictures are there sooner than one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

from app.server.jobs import Begun, Job, Outcome

Hand = Callable[[Job], Outcome | None]
"""Does a job and gives its outcome, or nothing if nobody wants the rest."""
_News = Begun | Outcome | Exception | None


def together(hands: Sequence[Hand], jobs: Sequence[Job]) -> Iterator[Begun | Outcome]:
    """That a job has begun and its outcome, as they come; a hand that is free takes the next job.

    Whoever stops listening stops it: what is being done is still waited for, nothing new is begun.
    """
    waiting, news = deque(jobs), SimpleQueue[_News]()
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
                case value:
                    yield value
    finally:
        waiting.clear()
        for one in at_work:
            one.join()


def _work(hand: Hand, waiting: deque[Job], news: SimpleQueue[_News]) -> None:
    try:
        while (job := _next(waiting)) is not None:
            news.put(Begun.of(job))
            outcome = hand(job)
            if outcome is None:
                break
            news.put(outcome)
    except Exception as error:
        news.put(error)
    finally:
        news.put(None)


def _next(waiting: deque[Job]) -> Job | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None
