"""The waiting line: places, positions, who may still get an answer."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from app.server.process import Wanted
from app.server.queue import Busy, Line, Newest, Question


class Held:
    """Work for the line that says when it has begun and ends when it may."""

    def __init__(self) -> None:
        self.started, self.gate = Event(), Event()

    def __call__(self, wanted: Wanted) -> Iterator[int]:
        self.started.set()
        self.gate.wait(10)
        yield 1


def test_the_page_s_order_counts_whatever_order_threads_have() -> None:
    newest, line = Newest(pages=2), Line(length=5)
    older, newer = line.join(lambda _: iter([])), line.join(lambda _: iter([]))
    assert newest.take(Question("p", 1))
    assert newest.take(Question("p", 2))
    assert newest.take(Question("p", 2), newer)
    assert not newest.take(Question("p", 1), older)
    assert (older.cancelled, newer.cancelled) == (True, False)
    assert not newest.is_wanted(Question("p", 1))
    assert newest.is_wanted(Question("p", 2))
    assert newest.take(Question("q", 1))
    assert newest.take(Question())
    assert not newer.cancelled


def test_the_line_tells_positions_and_refuses_when_full() -> None:
    work, line = Held(), Line(length=2)
    line.join(work)
    assert work.started.wait(5)
    second, third = line.join(work), line.join(work)
    assert [line.ahead_of(one).tickets for one in (second, third)] == [1, 2]
    with pytest.raises(Busy, match="busy, position 3"):
        line.join(work)
    news = iter(third)
    assert next(news)[1].tickets == 2
    work.gate.set()
    assert [value for kind, value in news if kind == "result"] == [1]


def test_what_is_being_stopped_is_still_ahead_and_what_left_the_line_is_not() -> None:
    work, line = Held(), Line(length=2)
    served = line.join(work)
    assert work.started.wait(5)
    gone = line.join(work)
    served.cancel()
    gone.cancel()
    assert list(gone) == []
    mine = line.join(work)
    assert line.ahead_of(mine).tickets == 1
    assert line.ahead_of(line.join(work)).tickets == 2
    work.gate.set()
    assert [one for one in mine if one[0] == "result"] == [("result", 1)]


def test_those_who_wait_are_told_how_long_the_others_will_take() -> None:
    work, line = Held(), Line(length=3)
    line.join(work, seconds=40)
    assert work.started.wait(5)
    line.join(work, seconds=7)
    mine = line.join(work)
    assert 45 < line.ahead_of(mine).seconds <= 47
    work.gate.set()


def test_work_that_nobody_listens_to_is_told_so_and_the_next_is_served() -> None:
    line, told = Line(length=3), Event()

    def until_told(wanted: Wanted) -> Iterator[int]:
        while wanted():
            told.wait(0.01)
        yield from ()

    there = [True, True]
    served = line.join(until_told, lambda: there[0])
    waiting = line.join(lambda _: iter([1]), lambda: there[1])
    last = line.join(lambda _: iter([2]))
    there[:] = [False, False]
    assert list(served) == list(waiting) == []
    assert [one for one in last if one[0] == "result"] == [("result", 2)]


def test_a_page_takes_up_one_place_however_often_it_asks() -> None:
    work, line, newest = Held(), Line(length=2), Newest(pages=2)
    newest.take(Question("p", 0), line.join(work))
    assert work.started.wait(5)
    tickets = [line.join(work)]
    for number in range(1, 6):
        newest.take(Question("p", number), tickets[-1])
        tickets.append(line.join(work))
    assert line.ahead_of(tickets[-1]).tickets == 2  # the one being stopped, and the one before
    work.gate.set()
    assert [len(list(ticket)) for ticket in tickets] == [0, 0, 0, 0, 1, 1]


def test_an_error_in_the_line_reaches_its_owner_and_no_one_else() -> None:
    line = Line(length=5)

    def fails(wanted: Wanted) -> Iterator[int]:
        raise ValueError("mine")
        yield 0

    bad, good = line.join(fails), line.join(lambda _: iter([1, 2]))
    with pytest.raises(ValueError, match="mine"):
        list(bad)
    assert list(good) == [("result", 1), ("result", 2)]
